"""What is known of a device before anything is fetched: its clock above all, battery, names.

The clock is read first and set last: until every reading is durable its offset tells true times.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from devices import battery, current_time, date_time, device_information
from devices.errors import DecodeError
from gateway.session.talk import Talk

CLOCK_TOLERANCE_S = 5.0  # a device clock this close to the home's is left alone

_CLOCKS: dict[str, Callable[[bytes], datetime | None]] = {
    current_time.CHARACTERISTIC: lambda payload: current_time.decode(payload).time,
    date_time.CHARACTERISTIC: date_time.decode,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`clock_offset_s` = device clock minus UTC; None: it has no clock, or one that is not set."""

    clock_offset_s: float | None = None
    clock: str | None = None  # the characteristic that holds it
    battery_pct: int | None = None
    names: dict[str, str] = field(default_factory=dict)  # by characteristic

    @property
    def manufacturer(self) -> str | None:
        return self.names.get(device_information.MANUFACTURER_NAME)

    @property
    def model(self) -> str | None:
        return self.names.get(device_information.MODEL_NUMBER)

    @property
    def serial(self) -> str | None:
        return self.names.get(device_information.SERIAL_NUMBER)


def remembered(offset_s: float | None) -> Facts:
    """What the last visit left: for values of a link that never was whole."""
    return Facts(clock_offset_s=offset_s)


async def read(talk: Talk, last_offset_s: float | None = None) -> Facts:
    """`last_offset_s` stands in for a clock that could not be read because the link was gone.

    A bonded cuff may indicate, be confirmed and hang up before anybody could ask for its clock.
    """
    clock, offset_s = await _clock(talk)
    if clock is None and not talk.linked:
        offset_s = last_offset_s
    names = {}
    for characteristic in device_information.CHARACTERISTICS:
        payload = await talk.optional(characteristic)
        if payload is not None:
            with suppress(DecodeError):
                names[characteristic] = device_information.decode(payload)
    return Facts(
        clock_offset_s=offset_s, clock=clock, battery_pct=await _battery(talk), names=names
    )


async def _clock(talk: Talk) -> tuple[str | None, float | None]:
    found = None
    for characteristic, decode in _CLOCKS.items():
        before = talk.clock()
        payload = await talk.optional(characteristic)
        if payload is None:
            continue
        found = found or characteristic
        with suppress(DecodeError):
            shown = decode(payload)
            if shown is not None:
                middle = before + (talk.clock() - before) / 2
                return characteristic, (shown.replace(tzinfo=UTC) - middle).total_seconds()
    return found, None


async def _battery(talk: Talk) -> int | None:
    payload = await talk.optional(battery.CHARACTERISTIC)
    if payload is None:
        return None
    try:
        return battery.decode(payload).percent
    except DecodeError:
        return None


async def set_clock(talk: Talk, facts: Facts, zone: ZoneInfo) -> float | None:
    """Only if it is wrong; the offset that it has from now on, None where it was left alone."""
    if facts.clock is None or not talk.linked:
        return None
    now = talk.clock().astimezone(zone)
    zone_s = (now.utcoffset() or now - now).total_seconds()
    offset_s = facts.clock_offset_s
    if offset_s is not None and abs(offset_s - zone_s) <= CLOCK_TOLERANCE_S:
        return None
    wanted = now.replace(tzinfo=None)
    if facts.clock == current_time.CHARACTERISTIC:
        payload = current_time.encode(current_time.of(wanted))
    else:
        payload = date_time.encode(wanted)
    return zone_s if await talk.write(facts.clock, payload) else None
