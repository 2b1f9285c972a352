"""What the clinic wants of this gateway (`…/desired`), read leniently, applied idempotently. Pure.

Every field is checked for itself: one that makes no sense is reported back in `status` and leaves
what is in force in force, its neighbours count all the same. The message is retained, so it comes
again with every connection: what is an act and not a state (forgetting a device, a new credential)
carries an order of its own, by which doing it twice is told from being asked twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.settings import Settings
from vitals.wire import FieldProblem

MOST_DEVICES = 200
LONGEST_NAME = 60  # characters
LONGEST_VERSION = 64
_ADDRESS = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2}){5}")

#: Settings that a clinic may change from afar, with what they have to be.
_BOUNDS_S = {
    "revisit_s": (1.0, 3600.0),  # rest between two visits of one device
    "session_timeout_s": (30.0, 1800.0),  # the longest visit
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Drop bond and memory of a device, once for each order."""

    device: str
    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """A desired state that was understood as far as `problems` leave it.

    `accept`: none leaves the gateway's own setting in force. `renew_before`: a broker credential
    issued before this instant is to be replaced.
    """

    version: str
    accept: frozenset[str] | None = None
    forget: tuple[Forget, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    renew_before: datetime | None = None
    problems: tuple[FieldProblem, ...] = ()

    def applied_to(self, settings: Settings) -> Settings:
        """The gateway's own settings with the clinic's laid over them."""
        changes = dict(self.settings)
        if self.accept is not None:
            changes["accept"] = self.accept
        return settings.model_copy(update=changes)


def read(payload: bytes) -> Desired:
    """Never raises: what cannot be read at all is a desired state that changes nothing.

    An empty payload is a retained message taken back: the gateway's own settings are in force.
    """
    reader = _Reader(payload)
    return Desired(
        version=reader.version,
        accept=reader.accept(),
        forget=reader.forget(),
        names=reader.names(),
        settings=reader.settings(),
        renew_before=reader.renew_before(),
        problems=tuple(reader.problems),
    )


class _Reader:
    def __init__(self, payload: bytes) -> None:
        self.problems: list[FieldProblem] = []
        self._digest = hashlib.sha256(payload).hexdigest()[:16]
        self._said = self._open(payload)
        self.version = self._read_version()

    def _open(self, payload: bytes) -> dict[str, Any]:
        try:
            said = msgspec.json.decode(payload or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = None
        if isinstance(said, dict):
            return said
        self._wrong("", "not a JSON object")
        return {}

    def _wrong(self, name: str, why: str) -> None:
        self.problems.append(FieldProblem(field=name, reason=why))

    def _read_version(self) -> str:
        """As the clinic counts them; else a digest, so that the same state is known again."""
        said = self._said.get("version")
        if isinstance(said, int) and not isinstance(said, bool):
            said = str(said)
        if isinstance(said, str) and 0 < len(said) <= LONGEST_VERSION:
            return said
        if said is not None:
            self._wrong("version", "neither a number nor a short text")
        return self._digest

    def accept(self) -> frozenset[str] | None:
        said = self._said.get("accept")
        if said is None:
            return None
        return frozenset(self._addresses("accept", said))

    def _addresses(self, name: str, said: object) -> Iterable[str]:
        for number, item in enumerate(self._items(name, said)):
            address = _address(item)
            if address is None:
                self._wrong(f"{name}[{number}]", "not a Bluetooth address")
            else:
                yield address

    def _items(self, name: str, said: object) -> list[Any]:
        if not isinstance(said, list):
            self._wrong(name, "not a list")
            return []
        if len(said) > MOST_DEVICES:
            self._wrong(name, f"more than {MOST_DEVICES}")
        return said[:MOST_DEVICES]

    def forget(self) -> tuple[Forget, ...]:
        """`["AA:…"]`, or `[{"device": "AA:…", "order": "7"}]` to ask for it once more some day."""
        found = []
        for number, item in enumerate(self._items("forget", self._said.get("forget", []))):
            device = _address(item.get("device") if isinstance(item, dict) else item)
            order = item.get("order") if isinstance(item, dict) else None
            if device is None:
                self._wrong(f"forget[{number}]", "not a Bluetooth address")
            else:
                found.append(Forget(device=device, order=str(order or self.version)))
        return tuple(found)

    def names(self) -> dict[str, str]:
        said = self._said.get("names", {})
        if not isinstance(said, dict):
            self._wrong("names", "not an object")
            return {}
        names = {}
        for address, name in list(said.items())[:MOST_DEVICES]:
            known = _address(address)
            if known is None or not isinstance(name, str):
                self._wrong("names", "not a text by Bluetooth address")
            elif name.strip():
                names[known] = name.strip()[:LONGEST_NAME]
        return names

    def settings(self) -> dict[str, Any]:
        said = self._said.get("settings", {})
        if not isinstance(said, dict):
            self._wrong("settings", "not an object")
            return {}
        good = {}
        for name, value in said.items():
            check = _CHECKS.get(name)
            why = "no such setting" if check is None else check(value)
            if why:
                self._wrong(f"settings.{str(name)[:40]}", why)
            else:
                good[name] = value
        return good

    def renew_before(self) -> datetime | None:
        said = self._said.get("renew_before")
        if said is None:
            return None
        try:
            instant = datetime.fromisoformat(said)
        except (TypeError, ValueError):
            instant = None
        if instant is None or instant.tzinfo is None:
            self._wrong("renew_before", "not an instant with its zone")
            return None
        return instant.astimezone(UTC)


def _address(said: object) -> str | None:
    text = said.upper() if isinstance(said, str) else ""
    return text if _ADDRESS.fullmatch(text) else None


def _zone_problem(value: object) -> str:
    try:
        ZoneInfo(value if isinstance(value, str) else "")
    except (LookupError, ValueError, OSError):  # unknown, a path out of the tree, a folder
        return "not a time zone of this box"
    return ""


def _seconds_problem(low: float, high: float) -> Callable[[object], str]:
    def check(value: object) -> str:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if number and low <= value <= high else f"not {low:g} to {high:g} seconds"  # type: ignore[operator]

    return check


_CHECKS: dict[str, Callable[[object], str]] = {
    "home_zone": _zone_problem,
    **{name: _seconds_problem(*bounds) for name, bounds in _BOUNDS_S.items()},
}
