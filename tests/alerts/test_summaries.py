"""Daily summaries: after whatever happened, they say what the readings say."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from msgspec.structs import replace

from alerts.effective import EffectiveLimits
from alerts.resummarise import rebuild_waiting, resummarise
from alerts.rulebook import load
from alerts.summaries import summarise
from store import limits, month, reassign
from store.batch import write_batch
from store.reassign import Period
from store.rows import ReadingRow
from store.summaries import DailySummary, Difference, Span
from store.tenancy import clinic_session
from tests.alerts import by_hand
from tests.alerts.clinics import Clinic, Measured, bp, glucose, weight
from tests.alerts.make import ANN, NOW, limit, sample
from tests.conftest import ROOT
from vitals.reading import Certainty, ClockCorrection, Comparator, Origin, RawValue

NEW_YORK = ZoneInfo("America/New_York")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SPAN = Span(patient_id=ANN, first=date(2026, 11, 1), last=date(2026, 11, 30))

# Pure ---------------------------------------------------------------------------------------------


def made(*samples: Any, zone: ZoneInfo = NEW_YORK, rows: Any = ()) -> dict[Any, DailySummary]:
    """By (day of November, measure)."""
    found = summarise(samples, [SPAN], {ANN: zone}, EffectiveLimits(load(), rows), load())
    return {(row.day.day, row.measure): row for row in found.rows}


def at(day: int, hour: float, kind: str = "glucose", **values: Any) -> Any:
    """On the clock of New York."""
    local = datetime(2026, 11, day, tzinfo=NEW_YORK) + timedelta(hours=hour)
    return replace(sample(kind, **values), measured_at=local.astimezone(UTC))


def days(*samples: Any) -> list[int]:
    found = summarise(samples, [SPAN], {ANN: NEW_YORK}, EffectiveLimits(load()), load())
    return [day.day for _, day in found.reading_days]


def test_numbers_of_a_day():
    row = made(
        at(18, 7, glucose_mg_dl=100),
        at(18, 13, glucose_mg_dl=150),
        at(18, 20, glucose_mg_dl=190),
    )[18, "glucose_mg_dl"]
    assert (row.readings, row.minimum, row.maximum) == (3, 100, 190)
    assert (row.mean, row.morning_mean, row.evening_mean) == (440 / 3, 100, 190)
    assert (row.rated, row.in_range) == (3, 2)
    assert (row.last_value, row.last_at.astimezone(NEW_YORK).hour) == (190, 20)


def test_what_a_device_cannot_show_is_counted_and_is_no_number():
    (row,) = made(
        at(18, 7, glucose_mg_dl=100),
        at(18, 8, glucose_mg_dl=None, comparator=">"),
        at(18, 9, glucose_mg_dl=20, comparator="<"),
    ).values()
    assert (row.readings, row.below, row.above) == (3, 1, 1)
    assert (row.minimum, row.maximum, row.mean) == (100, 100, 100)
    assert (row.rated, row.in_range) == (3, 1)
    assert (row.last_value, row.last_comparator) == (None, "<")


def test_a_cuff_that_shows_one_pressure_of_two():
    found = made(at(18, 7, "blood_pressure", diastolic_mmhg=95, pulse_per_min=None, comparator=">"))
    assert {measure: row.readings for (_, measure), row in found.items()} == {
        "systolic_mmhg": 1,
        "diastolic_mmhg": 1,
    }
    assert (found[18, "systolic_mmhg"].above, found[18, "systolic_mmhg"].mean) == (1, None)
    assert (found[18, "diastolic_mmhg"].above, found[18, "diastolic_mmhg"].mean) == (0, 95)


@pytest.mark.parametrize("changes", [{"failed": True}, {"control_solution": True}])
def test_failed_ones_and_control_solutions_are_in_no_summary(changes):
    reading = at(18, 7, glucose_mg_dl=300, **changes)
    assert made(reading) == {}
    assert days(reading) == []


def test_typed_in_numbers_are_summed_up_and_earn_no_day():
    reading = at(18, 7, glucose_mg_dl=100, automatic=False)
    assert made(reading)[18, "glucose_mg_dl"].readings == 1
    assert days(reading, at(19, 7, glucose_mg_dl=100)) == [19]


def test_a_clock_that_may_be_of_the_day_before_earns_no_day():
    unsure = at(18, 0.5, glucose_mg_dl=100, clock_uncertainty_s=3600.0)
    sure = at(19, 2, glucose_mg_dl=100, clock_uncertainty_s=3600.0)
    assert set(made(unsure)) == {(18, "glucose_mg_dl")}
    assert days(unsure, sure) == [19]


def test_the_day_with_an_hour_more_is_one_day_and_its_hours_are_the_clocks():
    """Clocks go back on 2026-11-01 at 2:00; the evening ends at midnight and not an hour before."""
    first, last = at(1, 0, glucose_mg_dl=100), at(1, 24.5, glucose_mg_dl=120)
    (row,) = made(
        first, replace(last, measured_at=datetime(2026, 11, 2, 4, 30, tzinfo=UTC))
    ).values()
    assert (row.day, row.readings, row.evening_mean) == (date(2026, 11, 1), 2, 120)


def test_range_is_by_the_limits_in_force_at_each_reading():
    mine = limit(
        "glucose.high", 120, patient=ANN, ucum="mg/dL", valid_from=NOW - 2 * DAY, set_at=NOW
    )
    rows = made(at(17, 7, glucose_mg_dl=150), at(19, 7, glucose_mg_dl=150), rows=[mine])
    assert [rows[day, "glucose_mg_dl"].in_range for day in (17, 19)] == [1, 0]


def test_without_a_limit_nothing_is_rated():
    row = made(at(18, 7, "weight", weight_kg=80))[18, "weight_kg"]
    assert (row.readings, row.rated, row.in_range) == (1, 0, 0)


# In the database ----------------------------------------------------------------------------------


class Ward:
    """Three people whose cuffs change hands, and everything that may happen to their readings."""

    def __init__(self, clinic: Clinic, seed: int) -> None:
        self.clinic = clinic
        self.chance = random.Random(seed)  # noqa: S311 -- not secret
        self.sent: list[ReadingRow] = []
        self.staff: UUID

    async def furnish(self) -> None:
        self.staff = UUID(int=77)
        await self.clinic.admin.execute(
            "INSERT INTO staff (id, email, name, password_hash, created_at)"
            " VALUES (%s, 'n@example.org', 'N', 'x', now()) ON CONFLICT DO NOTHING", [self.staff]
        )  # fmt: skip
        for person in self.clinic.people:
            await self.clinic.admin.execute(
                "INSERT INTO enrolment (clinic_id, patient_id, programme, practitioner, during,"
                " created_by, created_at)"
                " VALUES (%s, %s, 'RPM', %s, '[2026-01-01,)', %s, now())",
                [self.clinic.name, person.id, self.staff, self.staff],
            )

    async def step(self) -> None:
        acts = [self.measure] * 5 + [
            self.again, self.amend, self.give, self.move_zone, self.set_limit, self.withdraw,
            self.remove, self.settle,
        ]  # fmt: skip
        await self.chance.choice(acts)()

    async def measure(self) -> None:
        await self._store([self._row() for _ in range(self.chance.randint(1, 12))])

    def _row(self) -> ReadingRow:
        chance = self.chance
        rest: dict[str, Any] = {
            "person": chance.randrange(3),
            "ago_h": round(chance.uniform(0, 24 * 22), 3),
            "flags": ["control_solution"] if chance.random() < 0.1 else [],
        }
        sign = chance.choice([None] * 5 + list(Comparator))
        made: Measured = chance.choice([
            bp(round(chance.gauss(135, 20)), round(chance.gauss(82, 12)), **rest),
            glucose(None if sign else round(chance.gauss(140, 50)), comparator=sign, **rest),
            weight(round(chance.gauss(80, 3), 1), **rest),
            glucose(None, **rest),  # failed
        ])  # fmt: skip
        row = self.clinic._row(made)
        clock = ClockCorrection(
            certainty=Certainty.HOME_ZONE, uncertainty_s=chance.choice([0.0, 0.0, 60.0, 5400.0])
        )
        origin = Origin.MANUAL if chance.random() < 0.15 else Origin.AUTOMATIC
        changed = replace(row.reading, clock=clock, origin=origin)
        return ReadingRow(clinic=row.clinic, gateway=row.gateway, envelope_id="e", reading=changed)

    async def _store(self, rows: list[ReadingRow]) -> None:
        self.sent += rows
        async with await self._login("hl_ingest") as ingest:
            await write_batch(ingest, readings=rows, quarantined=[])

    async def again(self) -> None:
        await self._store(self.chance.sample(self.sent, min(5, len(self.sent))))

    async def amend(self) -> None:
        known = [row for row in self.sent if row.reading.kind == "glucose"]
        for row in known[:2]:
            raw = [*row.reading.raw, RawValue(characteristic="2A34", hex="00")]
            more = replace(row.reading, raw=raw, context={"meal": "fasting"})
            await self._store(
                [ReadingRow(clinic=row.clinic, gateway="gw-1", envelope_id="e", reading=more)]
            )

    async def give(self) -> None:
        """A cuff to somebody for some days, or to nobody; what is held moves as well, or not."""
        begin = NOW - self.chance.randint(0, 22) * DAY
        period = Period(
            device=self.chance.choice(self.clinic.people).device,
            starts_at=begin,
            ends_at=begin + self.chance.randint(1, 10) * DAY,
            patient=self.chance.choice([None, *(p.id for p in self.clinic.people)]),
            undecided=self.chance.random() < 0.5,
        )
        async with await self._login("hl_api") as api:
            await reassign.reassign(api, self.clinic.name, period, staff=self.staff, now=NOW)

    async def move_zone(self) -> None:
        zone = self.chance.choice([None, "Pacific/Honolulu", "Asia/Kolkata", "Pacific/Kiritimati"])
        if self.chance.random() < 0.3:
            await self.clinic.admin.execute(
                "UPDATE clinic SET zone = %s WHERE id = %s", [zone or "UTC", self.clinic.name]
            )
        else:
            await self.clinic.admin.execute(
                "UPDATE patient SET zone = %s WHERE id = %s",
                [zone, self.chance.choice(self.clinic.people).id],
            )

    async def set_limit(self) -> None:
        rule, ucum, value = self.chance.choice([
            ("systolic.high", "mm[Hg]", 130), ("glucose.high", "mg/dL", 150),
            ("glucose.high", "mg/dL", None), ("pulse.high", "/min", 60),
        ])  # fmt: skip
        async with await self._login("hl_api") as api:
            await limits.set_limit(
                api, self.clinic.name, self._anybody(), rule=rule, value=value, ucum=ucum,
                valid_from=NOW - self.chance.uniform(0, 20) * DAY, by=self.staff, reason="",
                now=NOW - DAY,
            )  # fmt: skip

    async def withdraw(self) -> None:
        when = NOW - self.chance.uniform(0, 20) * DAY
        async with await self._login("hl_api") as api:
            await limits.withdraw_limits(
                api, self.clinic.name, self._anybody(), rule="glucose.high", now=when
            )

    def _anybody(self) -> UUID | None:
        return self.chance.choice([None, *(person.id for person in self.clinic.people)])

    async def remove(self) -> None:
        """As retention does."""
        await self.clinic.admin.execute(
            "DELETE FROM reading WHERE clinic_id = %s AND measured_at < %s",
            [self.clinic.name, NOW - 21 * DAY],
        )

    async def settle(self) -> None:
        """As a worker, until nothing waits."""
        await self.clinic.judge(size=self.chance.choice([1, 2, 100]))
        async with await self.clinic.worker() as conn:
            while await rebuild_waiting(conn, self.clinic.name, book=load(), size=2):
                pass

    async def _login(self, role: str) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(self.clinic._urls[role], autocommit=True)

    async def stored(self) -> tuple[dict[Any, Any], set[Any]]:
        rows = await self.clinic.rows("SELECT * FROM daily_summary WHERE clinic_id = %(clinic)s")
        found = {
            (r["patient_id"], r["day"], r["measure"]): tuple(
                round(v, 9) if name.endswith("mean") and v is not None else v
                for name, v in list(r.items())[4:]
            )
            for r in rows
        }
        marked = await self.clinic.rows(
            "SELECT patient_id, day FROM reading_day WHERE clinic_id = %(clinic)s"
        )
        return found, {(r["patient_id"], r["day"]) for r in marked}

    async def billed_days(self, first: date, last: date) -> set[Any]:
        async with await self.clinic.worker() as conn, clinic_session(conn, self.clinic.name):
            zone = ZoneInfo("America/New_York")
            enrolled = await month.enrolled(conn, self.clinic.name, first, last)
            facts = await month.month_facts(
                conn, self.clinic.name, first, last, zone, patients=enrolled
            )
        return {
            (row["patient_id"], day)
            for row in facts.reading_days
            for day in row["days"]
            if first <= day <= last
        }


@pytest.fixture
async def ward(database, admin, request) -> Ward:
    clinic = await Clinic("north", database, admin).open(people=3)
    ward = Ward(clinic, getattr(request, "param", 1))
    await ward.furnish()
    return ward


@pytest.mark.services
@pytest.mark.parametrize("ward", range(6), indirect=True)
async def test_after_any_sequence_they_equal_what_the_readings_say(ward):
    await ward.measure()
    for _ in range(30):
        await ward.step()
    await ward.settle()
    expected, expected_days = await by_hand.summaries(ward.clinic)
    found, found_days = await ward.stored()
    assert found == expected
    assert found_days == expected_days
    assert expected, "nothing was left to sum up"
    november = (date(2026, 11, 1), date(2026, 11, 30))
    assert {d for d in found_days if november[0] <= d[1]} == await ward.billed_days(*november)


@pytest.mark.services
async def test_making_them_anew_says_what_differed(ward):
    await ward.measure()
    await ward.settle()
    before = await ward.stored()
    await ward.clinic.admin.execute("UPDATE daily_summary SET mean = 1 WHERE mean IS NOT NULL")
    (spoilt,) = await ward.clinic.rows("SELECT count(*) FROM daily_summary WHERE mean = 1")
    ann = ward.clinic.people[0].id
    await ward.clinic.admin.execute(
        "INSERT INTO reading_day VALUES ('north', %s, '2026-01-01')", [ann]
    )
    async with await ward.clinic.worker() as conn:
        patients, found = await resummarise(conn, "north", book=load())
        again = await resummarise(conn, "north", book=load())
    assert patients == 3
    assert (found.written, found.removed) == (spoilt["count"], 1)
    assert again == (3, Difference())
    assert await ward.stored() == before


@pytest.mark.services
async def test_a_worker_makes_anew_what_a_limit_changed(ward):
    """Who waits is claimed, and what did not change is not written."""
    await ward.clinic.send(glucose(150, ago_h=30), glucose(150))
    await ward.settle()
    await ward.set_limit()
    waiting = await ward.clinic.rows("SELECT since FROM summary_rebuild")
    assert waiting
    await ward.settle()
    assert await ward.clinic.rows("SELECT FROM summary_rebuild") == []
    assert await ward.stored() == await by_hand.summaries(ward.clinic)


@pytest.mark.services
async def test_nobody_waits_when_a_patient_is_changed_but_not_their_zone(ward):
    await ward.settle()
    await ward.clinic.admin.execute("UPDATE patient SET zone = zone, phone = '555-0100'")
    assert await ward.clinic.rows("SELECT FROM summary_rebuild") == []


@pytest.mark.services
async def test_the_command_says_what_differed_in_each_clinic(ward):
    await ward.clinic.send(glucose(150))
    await ward.settle()
    await ward.clinic.admin.execute("DELETE FROM reading_day")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "alerts", "resummarise"],
        cwd=ROOT,
        env={**os.environ, "HEARTHLINE_DATABASE_URL": ward.clinic._urls["hl_worker"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "north: 3 patients, 1 rows written, 0 removed\n"
    assert await ward.stored() == await by_hand.summaries(ward.clinic)
