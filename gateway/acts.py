"""The acts by the names that a page's form and the terminal send; anything else is refused."""

from __future__ import annotations

import re

from gateway.kinds import DeviceKind
from gateway.pairing_events import (
    Act,
    Chose,
    Closed,
    Compared,
    Entered,
    Forgot,
    Opened,
    Picked,
    TookStored,
    WantsAnother,
    WentBack,
)

_PLAIN: dict[str, type[Opened | TookStored | WentBack | Forgot | WantsAnother | Closed]] = {
    "open": Opened,
    "stored": TookStored,
    "back": WentBack,
    "forget": Forgot,
    "another": WantsAnother,
    "close": Closed,
}
PLAIN = frozenset(_PLAIN)


class NotUnderstood(Exception):
    """What was sent is no act; `field` is what somebody typed wrongly, if it was that."""

    def __init__(self, field: str = "") -> None:
        super().__init__(field)
        self.field = field


def read(name: str, value: str = "") -> Act:
    """The act of that name.

    Raises:
        NotUnderstood: no such act, or a value that it cannot have.
    """
    if name in _PLAIN:
        return _PLAIN[name]()
    match name:
        case "kind" if value in {kind.value for kind in DeviceKind}:
            return Chose(DeviceKind(value))
        case "pick" if value:
            return Picked(value)
        case "passkey":
            return Entered(_passkey(value))
        case "same" if value in {"yes", "no"}:
            return Compared(value == "yes")
        case _:
            raise NotUnderstood(name)


def _passkey(typed: str) -> int:
    """Six digits, however they were spaced."""
    digits = re.sub(r"[\s.\-]", "", typed)
    if not re.fullmatch(r"[0-9]{6}", digits):
        raise NotUnderstood("passkey")
    return int(digits)
