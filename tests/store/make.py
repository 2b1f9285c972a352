"""Readings as a home would send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from store.rows import ReadingRow
from vitals.identity import expected_id
from vitals.reading import (
    Certainty,
    ClockCorrection,
    Kind,
    Measure,
    RawValue,
    Reading,
    Value,
    coded,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CUFF = "C0:FF:EE:00:00:01"


def reading(number: int = 0, values: list[Value] | None = None, **changes: Any) -> Reading:
    at = NOW - timedelta(minutes=number)
    plain = Reading(
        id="",
        device=CUFF,
        kind=Kind.BLOOD_PRESSURE,
        received_at=NOW,
        measured_at=at,
        device_time=at.replace(tzinfo=None),
        clock=ClockCorrection(certainty=Certainty.DEVICE_CLOCK, offset_s=0.0),
        raw=[RawValue(characteristic="2A35", hex=f"{number:08x}")],
        values=[coded(Measure.SYSTOLIC, 120), coded(Measure.DIASTOLIC, 80)]
        if values is None
        else values,
    )
    changed = msgspec.structs.replace(plain, **changes)
    return msgspec.structs.replace(changed, id=changes.get("id") or expected_id(changed))


def row(number: int = 0, **changes: Any) -> ReadingRow:
    return ReadingRow(
        clinic="north", gateway="gw-1", envelope_id="e", reading=reading(number, **changes)
    )
