"""What a gateway says of itself, as it is kept. Pure.

A status is no evidence and the next one replaces it: what no column or page could hold is left out,
and what its clock says is believed only where it can be so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from vitals import wire
from vitals.plausible import EARLIEST_YEAR, FUTURE_TOLERANCE

_MOST_OFFSET_S = 1e12  # beyond any calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """A row of `gateway_status`, without whose it is."""

    state: str
    at: datetime
    payload_json: str
    credential: str | None  # the broker user that it says it speaks as, while it is online


def status_row(payload: bytes, *, now: datetime) -> StatusRow:
    """Raises EnvelopeError: this is no status."""
    status = wire.decode_status(payload)
    at = min(_believed(status.at, now) or now, now)  # a fast clock must not outlive its gateway
    devices = [_device(device, now) for device in status.devices]
    kept = msgspec.structs.replace(status, at=at, devices=devices)
    said = _storable(msgspec.to_builtins(kept))
    return StatusRow(
        state=said["state"][:40],
        at=at,
        payload_json=msgspec.json.encode(said).decode(),
        credential=status.credential if status.state == "online" else None,
    )


def _device(said: wire.DeviceStatus, now: datetime) -> wire.DeviceStatus:
    offset_s = said.clock_offset_s
    return msgspec.structs.replace(
        said,
        last_seen=_believed(said.last_seen, now),
        clock_offset_s=None if offset_s is None or abs(offset_s) > _MOST_OFFSET_S else offset_s,
    )


def _believed(said: datetime | None, now: datetime) -> datetime | None:
    if said is None or said.tzinfo is None or said.year < EARLIEST_YEAR:
        return None
    return said.astimezone(UTC) if said - now <= FUTURE_TOLERANCE else None


def _storable(value: Any) -> Any:
    """Without U+0000, which no text of PostgreSQL may hold, wherever it stands."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
