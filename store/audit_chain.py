"""The audit trail's chain (I10), without I/O: what a link is, and whether links hold together.

A link's `mac` is HMAC-SHA256, with a key that the database never sees, over the canonical form of
its event, its own place and the `mac` before it. The canonical form is one JSON object in UTF-8,
keys sorted, no spaces:

    action, actor, subject   as stored
    at, sealed_at            microseconds since 1970 in UTC, as decimal text
    clinic, seq              the event's key
    detail                   the text that PostgreSQL prints for the jsonb: keys in its fixed order
    key, position            which key, and the place in the clinic's chain from 1
    previous                 the mac before in hex; "" at position 1
    v                        1: this form
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

START = b""  # what stands before position 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An audit event as the chain sees it: texts as the database prints them."""

    clinic: str
    seq: int
    at_us: str
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a clinic's chain, once exported: nothing up to here can vanish unseen."""

    clinic: str
    position: int
    key: str
    mac: str  # hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A stored link; `event` is None where the event it seals is not there."""

    clinic: str
    position: int
    key: str
    mac: bytes
    sealed_at_us: str
    event: Event | None


class Fault(StrEnum):
    """What is wrong at a place of the chain."""

    MISSING_LINK = "a link is missing before this one"
    MISSING_EVENT = "its event was deleted"
    ALTERED = "the event, the link or their order was altered"
    UNKNOWN_KEY = "sealed with a key that is not in the key file"
    HEAD_MISSING = "the exported head says the chain went on to here: its tail was deleted"
    HEAD_DIFFERS = "not the link that the exported head names: the chain was rewritten"
    NEVER_QUEUED = "an event that was put there past the queue: no link holds it"
    LOST_UNSEALED = "an event was deleted before it was sealed"
    BACKLOG = "an event waits for its seal longer than allowed: is the sealer running?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first place of a clinic's chain that does not hold. No value of an event is in it."""

    clinic: str
    fault: Fault
    position: int | None = None  # in the chain
    seq: int | None = None  # of an event outside the chain

    def __str__(self) -> str:
        where = f"position {self.position}" if self.position is not None else f"event {self.seq}"
        return f"{self.clinic}: {where}: {self.fault}"


def seal(
    event: Event, *, position: int, previous: bytes, sealed_at_us: str, key: tuple[str, bytes]
) -> bytes:
    """The mac of a link; `key`: its id and the secret."""
    name, secret = key
    form = {
        "action": event.action,
        "actor": event.actor,
        "at": event.at_us,
        "clinic": event.clinic,
        "detail": event.detail,
        "key": name,
        "position": position,
        "previous": previous.hex(),
        "sealed_at": sealed_at_us,
        "seq": event.seq,
        "subject": event.subject,
        "v": 1,
    }
    text = json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.digest(secret, text.encode(), "sha256")


class Verifier:
    """Holds one clinic's links, given in the order of their positions, against keys and heads."""

    def __init__(self, clinic: str, keys: Mapping[str, bytes], heads: Mapping[int, str]) -> None:
        self._clinic, self._keys = clinic, keys
        self._heads = dict(heads)  # exported: position -> mac in hex
        self._previous = START
        self.head: Head | None = None
        self.broken: Broken | None = None

    def take(self, link: Link) -> None:
        if self.broken is None and (fault := self._fault(link)):
            self.broken = Broken(clinic=self._clinic, position=link.position, fault=fault)
        self._heads.pop(link.position, None)
        self._previous = link.mac
        self.head = Head(
            clinic=self._clinic, position=link.position, key=link.key, mac=link.mac.hex()
        )

    def finish(self) -> Broken | None:
        """What is broken first, the tail included."""
        if self.broken is None and self._heads:
            first = min(self._heads)
            self.broken = Broken(clinic=self._clinic, position=first, fault=Fault.HEAD_MISSING)
        return self.broken

    def _fault(self, link: Link) -> Fault | None:
        if link.position != (self.head.position if self.head else 0) + 1:
            return Fault.MISSING_LINK
        if link.event is None:
            return Fault.MISSING_EVENT
        if link.key not in self._keys:
            return Fault.UNKNOWN_KEY
        expected = seal(
            link.event,
            position=link.position,
            previous=self._previous,
            sealed_at_us=link.sealed_at_us,
            key=(link.key, self._keys[link.key]),
        )
        if not hmac.compare_digest(expected, link.mac):
            return Fault.ALTERED
        if self._heads.get(link.position, expected.hex()) != expected.hex():
            return Fault.HEAD_DIFFERS
        return None
