"""A reading: one act of measuring, as it travels and as it is judged.

The home knows no patient, so neither does a reading: it names a device and a user slot.
Numbers are normalised to one UCUM unit per measurement; `raw` keeps the device's own bytes.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec


class Kind(StrEnum):
    """What was measured."""

    BLOOD_PRESSURE = "blood_pressure"
    GLUCOSE = "glucose"
    WEIGHT = "weight"  # body composition joins it as its context
    BODY_COMPOSITION = "body_composition"  # of a scale that told no weight with it
    PULSE_OXIMETRY = "pulse_oximetry"
    TEMPERATURE = "temperature"
    HEART_RATE = "heart_rate"
    CONTINUOUS_GLUCOSE = "continuous_glucose"  # a sensor's in tissue fluid: no fingerstick
    UNDECODED = "undecoded"  # an indication whose bytes no codec could read


class Certainty(StrEnum):
    """How `measured_at` was found, the best first."""

    DEVICE_CLOCK = "device_clock"  # device time corrected by the offset read from its clock
    HOME_ZONE = "home_zone"  # device time taken as local time of the home
    RECEIVED = "received"  # no usable device time: the gateway's instant of receipt


class Origin(StrEnum):
    """Who entered the numbers."""

    AUTOMATIC = "automatic"  # came out of a device
    MANUAL = "manual"  # typed in by a person: earns no reading day


class Comparator(StrEnum):
    """FHIR Quantity.comparator: the true value lies beyond what the device can show."""

    BELOW = "<"
    ABOVE = ">"


class Absent(StrEnum):
    """Why a measurement has no number (IEEE 11073-20601 special values)."""

    NAN = "NaN"  # not a number: the measurement failed
    NRES = "NRes"  # not at this resolution
    RESERVED = "Reserved"


class Measure(StrEnum):
    """The measurements; the name is that of the column in the store."""

    SYSTOLIC = "systolic_mmhg"
    DIASTOLIC = "diastolic_mmhg"
    MEAN_ARTERIAL = "mean_arterial_mmhg"
    PULSE = "pulse_per_min"
    GLUCOSE = "glucose_mg_dl"
    WEIGHT = "weight_kg"
    BMI = "bmi_kg_m2"
    HEIGHT = "height_m"
    SPO2 = "spo2_pct"
    TEMPERATURE = "temperature_c"
    HEART_RATE = "heart_rate_per_min"  # of a strap, in motion too: no pulse at rest
    SENSOR_GLUCOSE = "sensor_glucose_mg_dl"  # in tissue fluid: no limit for blood is meant for it
    BODY_FAT = "body_fat_pct"


class Coding(msgspec.Struct, frozen=True):
    """What a measurement is called elsewhere."""

    loinc: str
    ucum: str


#: LOINC 2.78 code and UCUM unit of each measurement.
CODINGS: dict[Measure, Coding] = {
    Measure.SYSTOLIC: Coding("8480-6", "mm[Hg]"),
    Measure.DIASTOLIC: Coding("8462-4", "mm[Hg]"),
    Measure.MEAN_ARTERIAL: Coding("8478-0", "mm[Hg]"),
    Measure.PULSE: Coding("8867-4", "/min"),
    Measure.GLUCOSE: Coding("2339-0", "mg/dL"),
    Measure.WEIGHT: Coding("29463-7", "kg"),
    Measure.BMI: Coding("39156-5", "kg/m2"),
    Measure.HEIGHT: Coding("8302-2", "m"),
    Measure.SPO2: Coding("59408-5", "%"),
    Measure.TEMPERATURE: Coding("8310-5", "Cel"),
    Measure.HEART_RATE: Coding("8867-4", "/min"),
    Measure.SENSOR_GLUCOSE: Coding("99504-3", "mg/dL"),
    Measure.BODY_FAT: Coding("41982-0", "%"),
}


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measurement. A bounded value has a comparator; a failed one `absent` and no number."""

    measure: Measure
    loinc: str
    ucum: str
    value: float | None = None
    comparator: Comparator | None = None
    absent: Absent | None = None


#: Pairs of hexadecimal digits, and nothing after them (a bare `$` would let a line feed pass).
WHOLE_BYTES = "^([0-9A-Fa-f]{2})*$(?!\\n)"


class RawValue(msgspec.Struct, frozen=True, kw_only=True):
    """One characteristic value as the device sent it."""

    characteristic: str  # 16-bit UUID in hex, "2A35"; "SD181D": service data it advertised
    hex: Annotated[str, msgspec.Meta(pattern=WHOLE_BYTES)]


class ClockCorrection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How device time became an instant. `offset_s` = device clock minus UTC."""

    certainty: Certainty
    offset_s: float | None = None
    uncertainty_s: float = 0.0


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act of measuring. `raw[0]` is the characteristic value that identifies it."""

    id: str
    device: str  # Bluetooth identity address, "C0:FF:EE:00:00:01"
    kind: Kind
    received_at: datetime  # aware, by the gateway
    measured_at: datetime  # aware, corrected
    clock: ClockCorrection
    raw: list[RawValue]
    values: list[Value] = []
    user_slot: int | None = None
    sequence: int | None = None
    device_time: datetime | None = None  # naive, as the device shows it
    minted: bool = False  # the id holds `received_at`, because device time could not tell two apart
    flags: list[str] = []
    context: dict[str, str | float] = {}
    origin: Origin = Origin.AUTOMATIC
    battery_pct: int | None = None
    rssi_dbm: int | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None

    @property
    def has_additions(self) -> bool:
        """More raw values than the one that identifies it: a context came with it, or later."""
        return len(self.raw) > 1


def coded(
    measure: Measure,
    value: float | None = None,
    *,
    comparator: Comparator | None = None,
    absent: Absent | None = None,
) -> Value:
    """A value with the LOINC code and UCUM unit of its measurement."""
    coding = CODINGS[measure]
    return Value(
        measure=measure,
        loinc=coding.loinc,
        ucum=coding.ucum,
        value=value,
        comparator=comparator,
        absent=absent,
    )
