"""Body Composition Feature (0x2A9B): what a scale can work out, and how fine it measures.

GATT Specification Supplement, under this name; Body Composition Service 1.0, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import bits
from devices.reader import Reader
from devices.uuids import short
from devices.weight_feature import HEIGHT_STEPS_M, MASS_STEPS_KG, step_of

CHARACTERISTIC = short(0x2A9B)

NAMES = (
    "time_stamp",
    "multiple_users",
    "basal_metabolism",
    "muscle_percentage",
    "muscle_mass",
    "fat_free_mass",
    "soft_lean_mass",
    "body_water_mass",
    "impedance",
    "weight",
    "height",
)

_MASS_AT, _HEIGHT_AT = 11, 15  # the bits where the steps begin: four of mass, three of height


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyCompositionFeature:
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


def decode(payload: bytes) -> BodyCompositionFeature:
    reader = Reader(payload, "body composition feature")
    feature = BodyCompositionFeature(bits=reader.u32("features"))
    reader.require_end()
    return feature


def encode(feature: BodyCompositionFeature) -> bytes:
    return feature.bits.to_bytes(4, "little")
