"""Weight Scale Feature (0x2A9E): what a scale can tell, and how fine it weighs.

GATT Specification Supplement, under this name; Weight Scale Service 1.0.1, section 3.1: features,
then two small numbers for the steps of weight and height.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import bits
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A9E)

NAMES = ("time_stamp", "multiple_users", "bmi")
MASS_STEPS_KG = (None, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
HEIGHT_STEPS_M = (None, 0.01, 0.005, 0.001)

_MASS_AT, _HEIGHT_AT = 3, 7  # the bits where the small numbers begin: four of mass, three of height


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFeature:
    """All 32 bits as sent."""

    bits: int

    @property
    def names(self) -> tuple[str, ...]:
        return bits.names_of(self.bits, NAMES)

    @property
    def mass_step_kg(self) -> float | None:
        """None: the scale does not say, or says a number that is reserved."""
        return step_of(MASS_STEPS_KG, self.bits >> _MASS_AT & 0b1111)

    @property
    def height_step_m(self) -> float | None:
        """None: the scale does not say, or says a number that is reserved."""
        return step_of(HEIGHT_STEPS_M, self.bits >> _HEIGHT_AT & 0b111)


def step_of(steps: tuple[float | None, ...], number: int) -> float | None:
    return steps[number] if number < len(steps) else None


def decode(payload: bytes) -> WeightFeature:
    reader = Reader(payload, "weight scale feature")
    feature = WeightFeature(bits=reader.u32("features"))
    reader.require_end()
    return feature


def encode(feature: WeightFeature) -> bytes:
    return feature.bits.to_bytes(4, "little")
