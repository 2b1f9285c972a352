"""Names of the bits that are set in a field of flags."""

from __future__ import annotations

from collections.abc import Sequence


def names_of(value: int, names: Sequence[str | None]) -> tuple[str, ...]:
    """The names of the set bits, lowest first; None names a bit that is reserved."""
    return tuple(name for bit, name in enumerate(names) if name and value >> bit & 1)
