"""Glucose Measurement (0x2A18): one record out of a meter's memory.

GATT Specification Supplement, under this name; Glucose Service 1.0.1, section 3.1.
A meter that cannot put a number on blood sugar says so with an infinity or a status bit:
that is a reading with a comparator, not a failed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from devices import bits, date_time
from devices.ieee11073 import MedicalFloat, Special, pack_sfloat, read_sfloat
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A18)

HAS_TIME_OFFSET = 1 << 0
HAS_CONCENTRATION = 1 << 1  # brings type and sample location along
MOL_PER_LITRE = 1 << 2
HAS_STATUS = 1 << 3
CONTEXT_FOLLOWS = 1 << 4

RESULT_TOO_HIGH = 1 << 5
RESULT_TOO_LOW = 1 << 6

CONTROL_SOLUTION = 10  # value of `type`: not the patient's blood

TYPES = {
    1: "capillary_whole_blood",
    2: "capillary_plasma",
    3: "venous_whole_blood",
    4: "venous_plasma",
    5: "arterial_whole_blood",
    6: "arterial_plasma",
    7: "undetermined_whole_blood",
    8: "undetermined_plasma",
    9: "interstitial_fluid",
    CONTROL_SOLUTION: "control_solution",
}
LOCATIONS = {1: "finger", 2: "alternate_site", 3: "earlobe", 4: "control_solution"}

MG_DL_PER_KG_L = 100_000
MG_DL_PER_MMOL_L = 18.016  # molar mass of glucose 180.16 g/mol (PubChem CID 5793), per decilitre

TIME_OFFSETS_OUT_OF_RANGE = (0x7FFF, -0x8000)  # overrun, underrun

STATUS_NAMES = (
    "battery_low",
    "sensor_malfunction",
    "sample_insufficient",
    "strip_insertion_error",
    "strip_type_incorrect",
    "result_too_high",
    "result_too_low",
    "temp_too_high",
    "temp_too_low",
    "read_interrupted",
    "general_fault",
    "time_fault",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glucose:
    """One record; `unit`, `type` and `location` come with a concentration only."""

    sequence: int
    base_time: datetime | None
    time_offset_min: int | None = None
    concentration: MedicalFloat | None = None
    unit: Literal["kg/L", "mol/L"] | None = None
    type: int | None = None
    location: int | None = None
    status: int | None = None
    context_follows: bool = False

    @property
    def mg_dl(self) -> float | None:
        value = self._value
        if value is None:
            return None
        factor = MG_DL_PER_KG_L if self.unit == "kg/L" else MG_DL_PER_MMOL_L * 1000
        return round(value * factor, 1)

    @property
    def mmol_l(self) -> float | None:
        value = self._value
        if value is None:
            return None
        factor = MG_DL_PER_KG_L / MG_DL_PER_MMOL_L if self.unit == "kg/L" else 1000
        return round(value * factor, 1)

    @property
    def comparator(self) -> Literal[">", "<"] | None:
        """On which side of the meter's range the blood sugar lies, if outside."""
        special = None if self.concentration is None else self.concentration.special
        status = self.status or 0
        if special is Special.POS_INF or status & RESULT_TOO_HIGH:
            return ">"
        if special is Special.NEG_INF or status & RESULT_TOO_LOW:
            return "<"
        return None

    @property
    def valid(self) -> bool:
        """There is a number, or it is known to lie above or below the range."""
        return self._value is not None or self.comparator is not None

    @property
    def status_names(self) -> tuple[str, ...] | None:
        if self.status is None:
            return None
        return bits.names_of(self.status, STATUS_NAMES)

    @property
    def user_facing_time(self) -> datetime | None:
        """What the meter's display showed: base time plus the offset that the user set."""
        offset = self.time_offset_min or 0
        if self.base_time is None or offset in TIME_OFFSETS_OUT_OF_RANGE:
            return None
        try:
            return self.base_time + timedelta(minutes=offset)
        except OverflowError:
            return None

    @property
    def _value(self) -> float | None:
        return None if self.concentration is None else self.concentration.value


def decode(payload: bytes) -> Glucose:
    reader = Reader(payload, "glucose")
    flags = reader.u8("flags")
    measured = bool(flags & HAS_CONCENTRATION)
    sequence = reader.u16("sequence number")
    base_time = date_time.read(reader)
    offset = reader.s16("time offset") if flags & HAS_TIME_OFFSET else None
    concentration = read_sfloat(reader, "concentration") if measured else None
    nibbles = reader.u8("type and sample location") if measured else None
    status = reader.u16("sensor status") if flags & HAS_STATUS else None
    reader.require_end()
    return Glucose(
        sequence=sequence,
        base_time=base_time,
        time_offset_min=offset,
        concentration=concentration,
        unit=_unit(flags) if measured else None,
        type=None if nibbles is None else nibbles & 0x0F,
        location=None if nibbles is None else nibbles >> 4,
        status=status,
        context_follows=bool(flags & CONTEXT_FOLLOWS),
    )


def encode(record: Glucose) -> bytes:
    flags = CONTEXT_FOLLOWS if record.context_follows else 0
    body = record.sequence.to_bytes(2, "little") + date_time.encode(record.base_time)
    if record.time_offset_min is not None:
        flags |= HAS_TIME_OFFSET
        body += record.time_offset_min.to_bytes(2, "little", signed=True)
    if record.concentration is not None:
        flags |= HAS_CONCENTRATION | (MOL_PER_LITRE if record.unit == "mol/L" else 0)
        nibbles = (record.type or 0) | (record.location or 0) << 4
        body += pack_sfloat(record.concentration) + bytes([nibbles])
    if record.status is not None:
        flags, body = flags | HAS_STATUS, body + record.status.to_bytes(2, "little")
    return bytes([flags]) + body


def _unit(flags: int) -> Literal["kg/L", "mol/L"]:
    return "mol/L" if flags & MOL_PER_LITRE else "kg/L"
