"""Patients of the benchmark, a cuff each, on a few gateways; what they measure is real bytes.

They have measured once a day before, so that their rows in the queue show what a patient's do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from gateway.normalise import Provenance, normalise
from simulator import bytes as device_bytes
from store import fixtures
from store.pool import connection, open_pool
from vitals.reading import Reading

GATEWAYS = ("gw-bench-1", "gw-bench-2", "gw-bench-3", "gw-bench-4")
FAMILY = "Latency"
HISTORY_DAYS = 30
_SLOT = 1
_ZONE = "America/New_York"
_UTC = ZoneInfo("UTC")
_CRISIS = (190, 125, 96)
_RAISED = (150, 95, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bed:
    """One patient with a cuff."""

    number: int

    @property
    def record_number(self) -> str:
        return f"LAT-{self.number:03}"

    @property
    def name(self) -> str:
        return f"{FAMILY} {self.number:03}"

    @property
    def address(self) -> str:
        return f"C2:BE:4C:00:{self.number >> 8:02X}:{self.number & 0xFF:02X}"

    @property
    def gateway(self) -> str:
        return GATEWAYS[self.number % len(GATEWAYS)]


async def furnish(admin_url: str, clinic: str, beds: Sequence[Bed], *, since: datetime) -> None:
    """Everybody registered, with their cuff in their hands."""
    async with open_pool(admin_url, max_size=1) as pool, connection(pool) as conn:
        for gateway in GATEWAYS:
            home = await fixtures.register_home(conn, clinic, zone=_ZONE, label=gateway)
            await fixtures.register_gateway(conn, clinic, gateway, home=home)
        for bed in beds:
            patient = await fixtures.register_patient(
                conn,
                clinic,
                given_name=FAMILY,
                family_name=f"{bed.number:03}",
                record_number=bed.record_number,
                birth_date=datetime(1950, 1, 1, tzinfo=UTC).date(),
                phone="555-0100",
            )
            await fixtures.register_device(conn, clinic, bed.address, kind="blood_pressure")
            await fixtures.assign(
                conn,
                clinic,
                device=bed.address,
                patient=patient,
                starts_at=since,
                user_slot=_SLOT,
                actor="bench",
            )


def ordinary(bed: Bed, at: datetime, chance: Random) -> Reading:
    """Within every limit."""
    pressure = (chance.randint(112, 130), chance.randint(66, 82), chance.randint(60, 84))
    return _reading(bed, at, pressure)


def crisis(bed: Bed, at: datetime) -> Reading:
    return _reading(bed, at, _CRISIS)


def raised(bed: Bed, at: datetime) -> Reading:
    """Above the usual limits, and no crisis: a task that may wait."""
    return _reading(bed, at, _RAISED)


def history(bed: Bed, now: datetime, chance: Random) -> Iterator[Reading]:
    """The days before today, one measurement each."""
    for ago in range(HISTORY_DAYS, 0, -1):
        yield ordinary(bed, now - timedelta(days=ago, seconds=chance.randrange(3600)), chance)


def _reading(bed: Bed, at: datetime, pressure: tuple[int, int, int]) -> Reading:
    systolic, diastolic, pulse = pressure
    payload = device_bytes.blood_pressure(
        pressures=(systolic, diastolic, diastolic + (systolic - diastolic) // 3),
        pulse=pulse,
        shown=at.astimezone(UTC).replace(tzinfo=None, microsecond=0),
        user_slot=_SLOT,
    )
    origin = Provenance(device=bed.address, received_at=at, zone=_UTC, offset_s=0.0)
    return normalise("2A35", payload, origin)
