"""Who looks at a page: the role decides what is there, the clinic is the wall around it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo


class Role(StrEnum):
    """What somebody is in one clinic."""

    NURSE = "nurse"  # works the queue; time counts as clinical staff
    PROVIDER = "provider"  # physician or QHP: the same, and sets limits
    BILLER = "biller"  # the month, and the evidence behind it
    ADMIN = "admin"  # homes, devices, staff, settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A signed-in member of a clinic, and how they read numbers and times."""

    staff_id: UUID
    name: str
    credential: str
    role: Role
    clinic: str
    clinic_name: str
    zone: ZoneInfo
    glucose_unit: str  # mg/dL or mmol/L
    weight_unit: str  # kg or lb
    csrf: str
    token_hash: bytes


def viewer_of(row: dict[str, Any], token_hash: bytes) -> Viewer:
    """From a row of `store.staff.read_session` that has a clinic and a role."""
    return Viewer(
        staff_id=row["staff_id"],
        name=row["name"],
        credential=row["credential"],
        role=Role(row["role"]),
        clinic=row["clinic_id"],
        clinic_name=row["clinic_name"],
        zone=ZoneInfo(row["zone"]),
        glucose_unit=row["glucose_unit"],
        weight_unit=row["weight_unit"],
        csrf=row["csrf"],
        token_hash=token_hash,
    )
