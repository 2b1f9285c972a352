"""Glucose Measurement Context (0x2A34): meal, exercise, medication around one record.

GATT Specification Supplement, under this name; Glucose Service 1.0.1, section 3.2. It belongs to
the measurement of the same sequence number and may arrive after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devices.ieee11073 import MedicalFloat, pack_sfloat, read_sfloat
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A34)

HAS_CARBOHYDRATE = 1 << 0
HAS_MEAL = 1 << 1
HAS_TESTER_HEALTH = 1 << 2
HAS_EXERCISE = 1 << 3
HAS_MEDICATION = 1 << 4
MEDICATION_IN_LITRES = 1 << 5
HAS_HBA1C = 1 << 6
HAS_EXTENDED_FLAGS = 1 << 7

EXERCISE_OVERRUN = 0xFFFF  # seconds; "this long or longer"

CARBOHYDRATES = {
    1: "breakfast",
    2: "lunch",
    3: "dinner",
    4: "snack",
    5: "drink",
    6: "supper",
    7: "brunch",
}
MEALS = {1: "preprandial", 2: "postprandial", 3: "fasting", 4: "casual", 5: "bedtime"}
TESTERS = {1: "self", 2: "health_care_professional", 3: "laboratory"}
HEALTH = {
    1: "minor_issues",
    2: "major_issues",
    3: "during_menses",
    4: "under_stress",
    5: "no_issues",
}
MEDICATIONS = {
    1: "rapid_acting_insulin",
    2: "short_acting_insulin",
    3: "intermediate_acting_insulin",
    4: "long_acting_insulin",
    5: "premixed_insulin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GlucoseContext:
    """What the person told the meter; fields that share a flag are set together."""

    sequence: int
    extended_flags: int | None = None
    carb_id: int | None = None
    carb_kg: MedicalFloat | None = None
    meal: int | None = None
    tester: int | None = None
    health: int | None = None
    exercise_duration_s: int | None = None
    exercise_intensity_pct: int | None = None
    medication_id: int | None = None
    medication: MedicalFloat | None = None
    medication_unit: Literal["kg", "L"] | None = None
    hba1c_pct: MedicalFloat | None = None


def decode(payload: bytes) -> GlucoseContext:
    reader = Reader(payload, "glucose context")
    flags = reader.u8("flags")
    sequence = reader.u16("sequence number")
    extended = reader.u8("extended flags") if flags & HAS_EXTENDED_FLAGS else None
    carb_id, carb_kg = _substance(reader, "carbohydrate", present=flags & HAS_CARBOHYDRATE)
    meal = reader.u8("meal") if flags & HAS_MEAL else None
    nibbles = reader.u8("tester and health") if flags & HAS_TESTER_HEALTH else None
    duration = reader.u16("exercise duration") if flags & HAS_EXERCISE else None
    intensity = reader.u8("exercise intensity") if flags & HAS_EXERCISE else None
    drug_id, drug = _substance(reader, "medication", present=flags & HAS_MEDICATION)
    hba1c = read_sfloat(reader, "HbA1c") if flags & HAS_HBA1C else None
    reader.require_end()
    return GlucoseContext(
        sequence=sequence,
        extended_flags=extended,
        carb_id=carb_id,
        carb_kg=carb_kg,
        meal=meal,
        tester=None if nibbles is None else nibbles & 0x0F,
        health=None if nibbles is None else nibbles >> 4,
        exercise_duration_s=duration,
        exercise_intensity_pct=intensity,
        medication_id=drug_id,
        medication=drug,
        medication_unit=None if drug is None else _unit(flags),
        hba1c_pct=hba1c,
    )


def encode(context: GlucoseContext) -> bytes:
    fields = (
        (HAS_EXTENDED_FLAGS, _byte(context.extended_flags)),
        (HAS_CARBOHYDRATE, _packed(context.carb_id, context.carb_kg)),
        (HAS_MEAL, _byte(context.meal)),
        (HAS_TESTER_HEALTH, _nibbles(context.tester, context.health)),
        (HAS_EXERCISE, _exercise(context.exercise_duration_s, context.exercise_intensity_pct)),
        (HAS_MEDICATION, _packed(context.medication_id, context.medication)),
        (HAS_HBA1C, b"" if context.hba1c_pct is None else pack_sfloat(context.hba1c_pct)),
    )
    flags = sum(flag for flag, field in fields if field)
    flags |= MEDICATION_IN_LITRES if context.medication_unit == "L" else 0
    body = b"".join(field for _, field in fields)
    return bytes([flags]) + context.sequence.to_bytes(2, "little") + body


def _substance(
    reader: Reader, name: str, *, present: int
) -> tuple[int | None, MedicalFloat | None]:
    if not present:
        return None, None
    return reader.u8(f"{name} id"), read_sfloat(reader, name)


def _unit(flags: int) -> Literal["kg", "L"]:
    return "L" if flags & MEDICATION_IN_LITRES else "kg"


def _byte(value: int | None) -> bytes:
    return b"" if value is None else bytes([value])


def _packed(substance: int | None, amount: MedicalFloat | None) -> bytes:
    if amount is None:
        return b""
    return bytes([substance or 0]) + pack_sfloat(amount)


def _nibbles(tester: int | None, health: int | None) -> bytes:
    if tester is None and health is None:
        return b""
    return bytes([(tester or 0) | (health or 0) << 4])


def _exercise(duration_s: int | None, intensity_pct: int | None) -> bytes:
    if duration_s is None:
        return b""
    return duration_s.to_bytes(2, "little") + bytes([intensity_pct or 0])
