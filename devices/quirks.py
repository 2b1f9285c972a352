"""Which family a device belongs to: of its name, maker, model and advertisement.

Recognised by what it says before anything is asked of it (advertised name, service data) and,
from its second visit on, by maker and model out of its Device Information. A device that nobody
has a row for is STANDARD: it is taken at the word of its services.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from devices import uuids
from devices.quirk_table import FAMILIES, STANDARD
from devices.quirk_types import Pairing, Quirks, Sign, Support

__all__ = ["FAMILIES", "STANDARD", "Pairing", "Quirks", "Sign", "Support", "of"]

_WEIGHTS = {"model": 8, "name": 4, "manufacturer": 1}  # what it says of itself counts most
_SERVICE_DATA_WEIGHT = 2


def of(
    *,
    name: str | None = None,
    manufacturer: str | None = None,
    model: str | None = None,
    services: Collection[str] = (),
    service_data: Collection[str] = (),
) -> Quirks:
    """The family of a device; UUIDs may be short (181D) or whole.

    `services` alone make no family, for many share them; but where they are known, a family is
    only one that reads one of them.
    """
    told = {"model": model, "name": name, "manufacturer": manufacturer}
    offered = frozenset(map(uuids.whole, service_data))
    advertised = frozenset(map(uuids.whole, services))
    best, row = 0, STANDARD
    for family in FAMILIES:
        if advertised and family.services and not advertised & family.services:
            continue
        score = max((_score(sign, told, offered) for sign in family.signs), default=0)
        if score > best:
            best, row = score, family
    return row


def by_family(family: str) -> Quirks:
    """The row of that name. KeyError if there is none."""
    return {row.family: row for row in (*FAMILIES, STANDARD)}[family]


def _score(sign: Sign, told: dict[str, str | None], service_data: frozenset[str]) -> int:
    """How much speaks for it; 0: something that the sign asks for is missing or different."""
    score = 0
    for field, weight in _WEIGHTS.items():
        pattern = getattr(sign, field)
        if pattern is None:
            continue
        if re.match(pattern, told[field] or "", re.IGNORECASE) is None:
            return 0
        score += weight
    if sign.service_data is not None:
        if sign.service_data not in service_data:
            return 0
        score += _SERVICE_DATA_WEIGHT
    return score
