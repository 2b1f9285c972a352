"""What a clinic says of itself: name, zone, the units it reads, whose minutes alerts are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from store import audit
from store.queries import load
from store.tenancy import Connection, clinic_session


class ZoneFixed(Exception):
    """A month is signed or locked in the zone of now: another would bill its minutes twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClinicSettings:
    """`zone` is the practice's: its months are billed in it."""

    id: str
    name: str
    zone: str  # IANA
    glucose_unit: str  # mg/dL or mmol/L
    weight_unit: str  # kg or lb
    alert_programme: str  # CCM or RPM, where a patient is enrolled in both


async def read_clinic(conn: Connection, clinic: str) -> ClinicSettings | None:
    async with (
        clinic_session(conn, clinic),
        conn.cursor(row_factory=class_row(ClinicSettings)) as c,
    ):
        await c.execute(load("clinics")["read_clinic"])
        return await c.fetchone()


async def update_clinic(
    conn: Connection, wanted: ClinicSettings, *, by: UUID, now: datetime
) -> None:
    """Which fields changed is in the audit trail, and from what to what.

    Raises:
        ZoneFixed.
    """
    before = await read_clinic(conn, wanted.id)
    old = asdict(before) if before else {}
    changed = {k: [old.get(k), v] for k, v in asdict(wanted).items() if old.get(k) != v}
    async with clinic_session(conn, wanted.id, staff=by):
        if "zone" in changed:
            await conn.execute(load("clinics")["hold_zone_alone"])
            fixed = await conn.execute(load("clinics")["zone_is_fixed"])
            if await fixed.fetchone() != (False,):
                raise ZoneFixed
        await conn.execute(load("clinics")["update_clinic"], asdict(wanted))
        await audit.record(
            conn, actor=by, action="clinic.update", subject=wanted.id, now=now, detail=changed
        )
