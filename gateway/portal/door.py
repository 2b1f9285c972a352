"""Who may come in: the PIN of the box or a one-time link, then a session. Nothing is kept on disk.

Wrong PINs are counted for each caller and in all: eight digits outlast any guessing. A session is a
cookie of this browser; it ends after half an hour without a page, or with the box.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

PIN_DIGITS: Final = 8
IDLE: Final = timedelta(minutes=30)
LINK_FOR: Final = timedelta(minutes=15)
COUNTED_FOR: Final = timedelta(minutes=15)
TRIES: Final = 5  # wrong PINs of one caller
TRIES_IN_ALL: Final = 30  # of all callers: one machine may have many addresses
MOST_SESSIONS: Final = 8
MOST_LINKS: Final = 8
MOST_CALLERS: Final = 64


class TooManyTries(Exception):
    """Too many wrong PINs; a one-time link still opens the door."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One browser. `csrf` stands in its forms."""

    csrf: str
    last: datetime


@dataclass(slots=True, kw_only=True)
class Door:
    """Sessions, links and wrong tries of one box."""

    pin: str
    _sessions: OrderedDict[str, Session] = field(default_factory=OrderedDict)
    _links: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _wrong: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)
    _wrong_in_all: deque[datetime] = field(default_factory=deque)

    def by_pin(self, typed: str, caller: str, now: datetime) -> str | None:
        """The key of a new session; None: that was not the PIN.

        Raises:
            TooManyTries: this caller, or all of them, guessed too often.
        """
        wrong = self._wrong.get(caller, deque())
        for tries in (wrong, self._wrong_in_all):
            while tries and now - tries[0] >= COUNTED_FOR:
                tries.popleft()
        if len(wrong) >= TRIES or len(self._wrong_in_all) >= TRIES_IN_ALL:
            raise TooManyTries
        digits = "".join(c for c in typed if c.isdigit())
        if hmac.compare_digest(digits.encode(), self.pin.encode()):
            self._wrong.pop(caller, None)
            return self._new_session(now)
        wrong.append(now)
        self._wrong_in_all.append(now)
        self._wrong[caller] = wrong
        self._wrong.move_to_end(caller)
        _at_most(self._wrong, MOST_CALLERS)
        return None

    def new_link(self, now: datetime) -> str:
        """A token that opens the door once, within a quarter of an hour."""
        token = secrets.token_urlsafe(24)
        self._links[token] = now + LINK_FOR
        _at_most(self._links, MOST_LINKS)
        return token

    def by_link(self, token: str, now: datetime) -> str | None:
        """The key of a new session; None: the link was used, is too old, or never was."""
        until = self._links.pop(token, None)
        return self._new_session(now) if until is not None and now < until else None

    def session(self, key: str | None, now: datetime, *, renew: bool = True) -> Session | None:
        """The session with that key; None: there is none, or it slept too long.

        `renew`: somebody did something, so it lives on.
        """
        found = self._sessions.get(key or "")
        if found is None:
            return None
        if now - found.last >= IDLE:
            del self._sessions[key or ""]
            return None
        if renew:
            found.last = now
        return found

    def _new_session(self, now: datetime) -> str:
        key = secrets.token_urlsafe(32)
        self._sessions[key] = Session(csrf=secrets.token_urlsafe(24), last=now)
        _at_most(self._sessions, MOST_SESSIONS)
        return key


def _at_most(kept: OrderedDict[str, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)


def kept_pin(path: Path) -> str:
    """The PIN of this box, made at its first start; only its owner may read the file.

    Raises:
        ValueError: the file holds no PIN.
    """
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pin = path.read_text().strip()
    else:
        pin = "".join(secrets.choice("0123456789") for _ in range(PIN_DIGITS))
        with os.fdopen(made, "w") as file:
            file.write(pin + "\n")
    if len(pin) < PIN_DIGITS or not pin.isascii() or not pin.isdigit():
        raise ValueError(f"{path} holds no PIN of {PIN_DIGITS} digits or more; delete it")
    return pin
