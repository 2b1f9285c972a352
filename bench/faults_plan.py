"""Who measures what in the fault run: homes with a cuff, a meter and a scale, and their journal.

Most of it gives no reason to act, some of it does, in every lineage. Nothing is measured about a
day ago: there it would hang on the minute of storing whether a finding is late, and the disturbed
run and the undisturbed one would differ by that alone. No weight jumps so far that it may be
somebody else's: what is asked about one hangs on which others were there when it was judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from scripts.clinic import hand_over
from scripts.homes import reading
from scripts.spine import GATEWAY
from simulator.journal import Entry
from simulator.patients.plan import Sent
from simulator.patients.records import GlucoseTaken, PressureTaken, Taken, WeightTaken, entry
from store import fixtures
from store.pool import connection, open_pool
from vitals.reading import Reading

ZONE = "America/New_York"
ON_AIR = "FLT-000"  # the patient whose devices are read over GATT
FAMILY = "Faultrun"
_DAYS = 60
_A_DAY_AGO = (timedelta(hours=20), timedelta(hours=28))
_REACHES_BACK = timedelta(days=1000)  # the meter on the air remembers more than the others
_SLOTS = {"blood_pressure": 1, "glucose": None, "weight": 1}
_HOW_OFTEN = {"blood_pressure": 5, "glucose": 5, "weight": 1}
_REMARKABLE = 0.04  # of the measurements
_BATTERY_PCT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """One home: a patient, three devices, a gateway."""

    number: int

    @property
    def gateway(self) -> str:
        return f"gw-faults-{self.number}"

    @property
    def record_number(self) -> str:
        return f"FLT-{self.number:03}"

    @property
    def devices(self) -> dict[str, str]:
        """Address by kind."""
        return {
            kind: f"C4:FA:17:{index:02X}:{self.number >> 8:02X}:{self.number & 0xFF:02X}"
            for index, kind in enumerate(_SLOTS)
        }

    def journal(self, length: int, *, impossible: int, seed: int, now: datetime) -> Iterator[Entry]:
        """What its devices measured, in order; `impossible` of it is what nobody can have."""
        chance = Random(f"{seed}:{self.gateway}")  # noqa: S311 -- plausible, not secret
        drift = {kind: timedelta(seconds=chance.randint(-90, 180)) for kind in _SLOTS}
        kinds = chance.choices(list(_HOW_OFTEN), list(_HOW_OFTEN.values()), k=length)
        numbers = {kind: count(1) for kind in _SLOTS}
        kinds[:impossible] = ["impossible"] * impossible
        for at, kind in zip(_instants(length, chance, now), kinds, strict=True):
            worn = "blood_pressure" if kind == "impossible" else kind
            yield entry(
                _taken(kind, at, chance),
                address=self.devices[worn],
                shown=(at + drift[worn]).replace(tzinfo=None),
                slot=_SLOTS[worn],
                sequence=next(numbers[worn]) if worn == "glucose" else None,
            )


def _instants(length: int, chance: Random, now: datetime) -> list[datetime]:
    """Whole seconds, each once, the oldest first."""
    since, until = _A_DAY_AGO
    drawn = chance.sample(range(120, _DAYS * 86_400), length)
    ago = [timedelta(seconds=s) for s in drawn]
    return sorted(now - (a if a < since else a + (until - since)) for a in ago)


def _taken(kind: str, at: datetime, chance: Random) -> Taken:
    remarkable = chance.random() < _REMARKABLE
    if kind == "impossible":
        return _pressure(at, (372, 98, 80))
    if kind == "blood_pressure":
        usual = (chance.randint(112, 130), chance.randint(66, 82), chance.randint(60, 84))
        news = ((190, 125, 96), (152, 94, 77), (86, 54, 81), (118, 72, 44), (121, 74, 128))
        return _pressure(at, chance.choice(news) if remarkable else usual)
    if kind == "glucose":
        mg_dl = chance.choice((None, 52, 66, 268, 420)) if remarkable else chance.randint(96, 168)
        return GlucoseTaken(at=at, mg_dl=mg_dl, meal=chance.choice((None, 1, 2, 3)))
    kg = 81.0 + chance.uniform(-0.3, 0.3) + (chance.choice((2.4, 3.1)) if remarkable else 0.0)
    return WeightTaken(at=at, kg=round(kg, 2))


def _pressure(at: datetime, values: tuple[int, int, int]) -> PressureTaken:
    systolic, diastolic, pulse = values
    return PressureTaken(at=at, systolic=systolic, diastolic=diastolic, pulse=pulse)


def as_spooled(found: Entry) -> Reading:
    """What a gateway makes of it."""
    received_at = found.measured_at + timedelta(seconds=30)
    sent = Sent(entry=found, received_at=received_at, battery_pct=_BATTERY_PCT)
    return reading(sent, ZoneInfo(ZONE))


async def furnish(
    admin_url: str,
    clinic: str,
    households: Sequence[Household],
    *,
    on_air: Sequence[dict[str, str]],
    now: datetime,
) -> None:
    """Everybody registered, with their devices; `on_air`: those that are read over GATT."""
    since = now - _REACHES_BACK
    of_homes = [(home.gateway, home.record_number, home.devices) for home in households]
    at_home = {device["kind"]: device["address"] for device in on_air}
    async with open_pool(admin_url, max_size=1) as pool, connection(pool) as conn:
        await fixtures.register_clinic(conn, clinic, name="Fault Run Clinic", zone=ZONE)
        for gateway, record_number, devices in [(GATEWAY, ON_AIR, at_home), *of_homes]:
            house = await fixtures.register_home(conn, clinic, zone=ZONE, label=gateway)
            await fixtures.register_gateway(conn, clinic, gateway, home=house)
            patient = await fixtures.register_patient(
                conn,
                clinic,
                given_name="Synthetic",
                family_name=f"{FAMILY} {record_number[-3:]}",
                record_number=record_number,
            )
            worn = [(address, kind, _SLOTS[kind]) for kind, address in devices.items()]
            await hand_over(conn, clinic, worn, patient=patient, starts_at=since)
