"""Any interleaving comes to the same: resent, reordered, doubled, amended, re-attributed (I2).

Hypothesis draws a month of two people who share a cuff, a meter and a scale, and in which order
and company its readings arrive. One clinic gets them in that way, another each once and in order,
judged only when all is told. Where no person acted on an alert, both must stand alike.

Two things are left out, because a person decides them: the order of re-attributions among each
other, and a reading whose clock cannot say on which side of a boundary it lies. What was found on
a reading that turned out to be somebody else's leaves an alert without findings; it is no part of
what stands, and must say that it waits for a person. A deadline that was given once is not put off
when its cause is taken away, so a task may be due earlier, never later.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from alerts.evaluation import evaluate_set
from alerts.rulebook import load
from gateway.normalise import with_context
from ingest.writer import Writer
from store import reassign, staff
from store.errors import StoreError
from store.fixtures import (
    assign,
    register_clinic,
    register_device,
    register_gateway,
    register_home,
    register_patient,
)
from store.pool import open_pool
from store.reassign import Period
from store.rows import QuarantineRow, ReadingRow
from tests.store.make import NOW, reading
from vitals.errors import QuarantineReason
from vitals.reading import (
    Certainty,
    ClockCorrection,
    Comparator,
    Kind,
    Measure,
    RawValue,
    Reading,
    coded,
)

pytestmark = pytest.mark.services

CUFF, METER, SCALE = (f"C0:FF:EE:00:00:0{n}" for n in (1, 2, 3))
HOUR = timedelta(hours=1)
SINCE = NOW - 400 * HOUR
CONTEXTS = [bytes.fromhex(text) for text in ("02060001", "02060002")]

# The story ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Copy:
    """One sending of a reading; `corrected` by so many minutes: the same record, redated."""

    number: int
    whole: bool
    corrected: int


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens side by side: two ingest workers, at most one re-attribution, a worker."""

    one: list[Copy]
    other: list[Copy]
    aside: list[int]
    given: bool
    judged: bool


@dataclass(frozen=True, kw_only=True)
class Story:
    readings: list[Reading]
    aside: list[int]  # hours ago
    periods: list[tuple[str, int, int, str]]  # device, two ends in hours ago, whose
    steps: list[Step]


_BP = st.sampled_from([(121, 78), (142, 91), (165, 96), (191, 124), (84, 52)])
_GLUCOSE = st.sampled_from([98.0, 62.0, 48.0, 260.0, 420.0, ">", "<"])
#: In kilograms. Each is found or not by what else was weighed in the week before it.
_WEIGHT = st.sampled_from([80.0, 81.2, 82.9, 84.5, 97.0]).map(lambda kg: ("weighed", kg))
_HOURS = st.integers(1, 300)


def _values(measured):
    if isinstance(measured, tuple) and measured[0] == "weighed":
        return [coded(Measure.WEIGHT, measured[1])]
    if isinstance(measured, tuple):
        return [coded(Measure.SYSTOLIC, measured[0]), coded(Measure.DIASTOLIC, measured[1])]
    if isinstance(measured, str):
        return [coded(Measure.GLUCOSE, comparator=Comparator(measured))]
    return [coded(Measure.GLUCOSE, measured)]


def _reading(number, measured, hours_ago, late_h):
    at = NOW - hours_ago * HOUR + timedelta(seconds=number)
    device, kind, characteristic = _of(measured)
    return reading(
        number,
        _values(measured),
        device=device,
        kind=kind,
        sequence=number if kind is Kind.GLUCOSE else None,
        measured_at=at,
        device_time=at.replace(tzinfo=None),
        received_at=at + late_h * HOUR,
        raw=[RawValue(characteristic=characteristic, hex=f"{number:08x}")],
    )


def _of(measured):
    """Device, kind and characteristic."""
    if not isinstance(measured, tuple):
        return METER, Kind.GLUCOSE, "2A18"
    if measured[0] == "weighed":
        return SCALE, Kind.WEIGHT, "2A9D"
    return CUFF, Kind.BLOOD_PRESSURE, "2A35"


@st.composite
def stories(draw, measured=_BP | _GLUCOSE | _WEIGHT, hours=_HOURS):
    each = st.tuples(measured, hours, st.sampled_from([0, 0, 2, 30]))
    some = draw(st.lists(each, min_size=3, max_size=8))
    readings = [_reading(n, *each) for n, each in enumerate(some)]
    aside = draw(st.lists(_HOURS, max_size=2))
    devices = st.sampled_from([CUFF, METER, SCALE])
    bounds = st.tuples(devices, _HOURS, _HOURS, st.sampled_from("ABN"))
    periods = draw(st.lists(bounds, max_size=3))
    copies = [
        Copy(number=n, whole=draw(st.booleans()), corrected=draw(st.sampled_from([0, 0, 9, -700])))
        for n in range(len(readings))
        for _ in range(draw(st.integers(1, 3)))
    ]
    copies += [Copy(number=n, whole=True, corrected=0) for n in range(len(readings))]
    acts = draw(st.permutations([*copies, *range(len(aside)), *(["give"] * len(periods))]))
    return Story(
        readings=readings, aside=aside, periods=periods, steps=list(_steps(draw, list(acts)))
    )


#: Days of one scale, so near each other that nearly every weight is judged by others.
WEIGHINGS = stories(_WEIGHT, st.integers(0, 30).map(lambda quarters: 1 + 6 * quarters))


def _steps(draw, acts):
    known: set[int] = set()
    while acts:
        size = draw(st.integers(1, 6))
        now, acts[:] = acts[:size], acts[size:]
        gives = [act for act in now if act == "give"]
        acts[:0] = gives[1:]  # one at a time: their order is a person's
        copies = [act for act in now if isinstance(act, Copy)]
        cut = draw(st.integers(0, len(copies)))
        one, other = copies[:cut], copies[cut:]
        both = {c.number for c in one} & {c.number for c in other}
        yield Step(
            one=_dated(one, known, both),
            other=_dated(other, known, both),
            aside=[act for act in now if isinstance(act, int)],
            given=bool(gives),
            judged=draw(st.booleans()),
        )
        known |= {c.number for c in copies}


def _dated(copies, known, both):
    """The instant of the first to arrive stands, so the first is the one with the first clock."""
    here: set[int] = set()
    dated = []
    for copy in copies:
        first = copy.number not in known | here or (
            copy.number in both and copy.number not in known
        )
        dated.append(Copy(number=copy.number, whole=copy.whole, corrected=0) if first else copy)
        here.add(copy.number)
    return dated


# A clinic that it happens to ---------------------------------------------------------------------


@dataclass(kw_only=True)
class House:
    """Ann has all devices; Ben will turn out to have used them."""

    clinic: str
    story: Story
    ingest: list[Writer]  # two workers, with what they remember
    api: Any
    worker: Any
    nurse: UUID
    people: dict[str, UUID]
    given: int = 0

    def row(self, copy):
        made = self.story.readings[copy.number]
        if copy.whole and made.kind is Kind.GLUCOSE:
            made = with_context(made, CONTEXTS[copy.number % 2])
        if copy.corrected:
            made = msgspec.structs.replace(
                made,
                measured_at=made.measured_at - timedelta(minutes=copy.corrected),
                clock=ClockCorrection(certainty=Certainty.DEVICE_CLOCK, offset_s=540.0),
            )
        return ReadingRow(clinic=self.clinic, gateway="gw-1", envelope_id="e", reading=made)

    def poison(self, number):
        at = NOW - self.story.aside[number] * HOUR
        return QuarantineRow(
            topic=f"hl/v1/{self.clinic}/gw-1/readings",
            scope="reading",
            payload=b"poison %d" % number,
            reason=QuarantineReason.IMPLAUSIBLE,
            detail="systolic",
            clinic=self.clinic,
            gateway="gw-1",
            device=CUFF,
            measured_at=at,
        )

    async def send(self, worker, copies, aside=()):
        rows = [self.row(copy) for copy in copies]
        await self.ingest[worker].write(rows, [self.poison(number) for number in aside])

    async def give(self):
        device, one, other, who = self.story.periods[self.given]
        self.given += 1
        period = Period(
            device=device,
            starts_at=NOW - max(one, other) * HOUR,
            ends_at=NOW - min(one, other) * HOUR if one != other else None,
            patient=self.people.get(who),
        )
        await _again(
            lambda: reassign.reassign(self.api, self.clinic, period, staff=self.nurse, now=NOW)
        )

    async def judge(self):
        def once():
            return evaluate_set(self.worker, self.clinic, book=load(), now=NOW, size=100)

        while (await _again(once)).claimed:
            pass

    async def happen(self, step):
        async with asyncio.TaskGroup() as side_by_side:
            side_by_side.create_task(self.send(0, step.one, step.aside))
            side_by_side.create_task(self.send(1, step.other))
            if step.given:
                side_by_side.create_task(self.give())
            if step.judged:
                side_by_side.create_task(self.judge())


async def _again(act):
    """As a service does: what could not be done now is done a little later."""
    for _ in range(20):
        try:
            return await act()
        except StoreError:
            await asyncio.sleep(0.05)
    return await act()


class World:
    """One database; every story has two clinics of its own."""

    def __init__(self, database):
        self.database = database
        self.numbers = itertools.count()

    async def __aenter__(self):
        self.open = AsyncExitStack()
        login = psycopg.AsyncConnection.connect
        self.admin = await self.open.enter_async_context(
            await login(self.database.admin, autocommit=True)
        )
        options = "-c lock_timeout=4s -c timezone=UTC"
        self.api, self.worker = [
            await self.open.enter_async_context(
                await login(self.database.urls[role], autocommit=True, options=options)
            )
            for role in ("hl_api", "hl_worker")
        ]
        pool = await self.open.enter_async_context(open_pool(self.database.urls["hl_ingest"]))
        self.ingest = [Writer(pool), Writer(pool)]  # for all stories: no memory outlives a change
        await self.admin.execute(_CLOCKS)
        return self

    async def __aexit__(self, *problem):
        await self.open.aclose()

    async def house(self, story):
        clinic = f"c-{next(self.numbers)}"
        await register_clinic(self.admin, clinic, name="C", zone="America/New_York")
        home = await register_home(self.admin, clinic, zone="America/New_York")
        await register_gateway(self.admin, clinic, "gw-1", home=home)
        people = {
            name: await register_patient(self.admin, clinic, family_name="Roe", given_name=name)
            for name in "AB"
        }
        for device in (CUFF, METER, SCALE):
            await register_device(self.admin, clinic, device)
            await assign(self.admin, clinic, device=device, patient=people["A"], starts_at=SINCE)
        who = staff.NewStaff(email=f"n@{clinic}.example", name="N", credential="RN", role="nurse")
        nurse = await staff.create_member(self.admin, clinic, who, password_hash="x", now=NOW)
        return House(
            clinic=clinic,
            story=story,
            ingest=self.ingest,
            api=self.api,
            worker=self.worker,
            nurse=nurse,
            people=people,
        )

    async def stands(self, house):
        async with self.admin.cursor() as cur:
            return {
                what: await (await cur.execute(query, {"clinic": house.clinic})).fetchall()
                for what, query in _STANDS.items()
            }


#: What arrives is stored when it arrives: the database's own clock is not the story's.
_CLOCKS = """
CREATE FUNCTION told_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.stored_at := NEW.received_at; RETURN NEW; END $$;
CREATE TRIGGER told_clock BEFORE INSERT ON reading FOR EACH ROW EXECUTE FUNCTION told_clock();
CREATE FUNCTION told_sight() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.first_seen := NEW.measured_at + interval '1 hour'; RETURN NEW; END $$;
CREATE TRIGGER told_sight BEFORE INSERT ON quarantine FOR EACH ROW EXECUTE FUNCTION told_sight();
"""

_STANDS = {
    "readings": """
        SELECT r.reading_id, p.given_name, r.held, r.device, r.kind, r.measured_at,
               r.systolic_mmhg, r.diastolic_mmhg, r.glucose_mg_dl, r.weight_kg, r.comparator,
               r.failed,
               r.clock_certainty, r.received_at, r.raw, r.context, a.during,
               a.patient_id = r.patient_id AS its_own
        FROM reading r LEFT JOIN patient p ON p.id = r.patient_id
        LEFT JOIN assignment a ON a.id = r.assignment_id
        WHERE r.clinic_id = %(clinic)s ORDER BY 1""",
    "assignments": """
        SELECT a.device, a.user_slot, p.given_name, a.during
        FROM assignment a JOIN patient p ON p.id = a.patient_id
        WHERE a.clinic_id = %(clinic)s ORDER BY 1, 2, 4""",
    "set aside": """
        SELECT q.payload, p.given_name, q.state, q.judged_at IS NOT NULL OR q.patient_id IS NULL
        FROM quarantine q LEFT JOIN patient p ON p.id = q.patient_id
        WHERE q.clinic_id = %(clinic)s ORDER BY 1""",
    "findings": """
        SELECT p.given_name, f.lineage, f.reading_id, q.payload, f.rule, f.severity, f.late,
               f.measured_at, f.observed, f.limits, f.rules_version
        FROM finding f JOIN patient p ON p.id = f.patient_id
        LEFT JOIN quarantine q ON q.id = f.quarantine_id
        WHERE f.clinic_id = %(clinic)s AND f.withdrawn_at IS NULL ORDER BY 1, 2, 3, 4""",
    "alerts and tasks": """
        SELECT p.given_name, a.lineage, a.episode, a.state, a.severity, a.late, a.starts_at,
               a.last_at, t.kind, t.state AS task_state, t.assignee
        FROM alert a JOIN patient p ON p.id = a.patient_id
        LEFT JOIN care_task t ON t.alert_id = a.id
        WHERE a.clinic_id = %(clinic)s AND EXISTS (
            SELECT FROM finding f WHERE f.alert_id = a.id AND f.withdrawn_at IS NULL)
        ORDER BY 1, 2, 3""",
    "due": """
        SELECT t.due_at FROM alert a JOIN patient p ON p.id = a.patient_id
        JOIN care_task t ON t.alert_id = a.id
        WHERE a.clinic_id = %(clinic)s AND EXISTS (
            SELECT FROM finding f WHERE f.alert_id = a.id AND f.withdrawn_at IS NULL)
        ORDER BY p.given_name, a.lineage, a.episode""",
    "left without a finding, unflagged and open": """
        SELECT a.id FROM alert a JOIN care_task t ON t.alert_id = a.id
        WHERE a.clinic_id = %(clinic)s AND a.review_reason IS NULL
          AND (a.state <> 'resolved' OR t.state <> 'done') AND NOT EXISTS (
            SELECT FROM finding f WHERE f.alert_id = a.id AND f.withdrawn_at IS NULL)""",
    "judged": """
        SELECT j.reading_id, p.given_name, j.rules_version
        FROM judgement j JOIN patient p ON p.id = j.patient_id
        JOIN reading r ON r.clinic_id = j.clinic_id AND r.reading_id = j.reading_id
            AND r.patient_id = j.patient_id
        WHERE j.clinic_id = %(clinic)s ORDER BY 1""",
    "daily summaries": """
        SELECT p.given_name, s.day, s.measure, s.readings, s.below, s.above, s.minimum, s.maximum,
               s.mean, s.morning_mean, s.evening_mean, s.rated, s.in_range, s.last_at,
               s.last_value, s.last_comparator
        FROM daily_summary s JOIN patient p ON p.id = s.patient_id
        WHERE s.clinic_id = %(clinic)s ORDER BY 1, 2, 3""",
    "reading days": """
        SELECT p.given_name, d.day FROM reading_day d JOIN patient p ON p.id = d.patient_id
        WHERE d.clinic_id = %(clinic)s ORDER BY 1, 2""",
    "waiting": """
        SELECT 1 FROM evaluation_mark WHERE clinic_id = %(clinic)s
        UNION ALL SELECT 1 FROM pending_evaluation WHERE clinic_id = %(clinic)s""",
}


async def _compare(world, story):
    calm, storm = await world.house(story), await world.house(story)
    await calm.send(
        0,
        [Copy(number=n, whole=True, corrected=0) for n in range(len(story.readings))],
        range(len(story.aside)),
    )
    for _ in story.periods:
        await calm.give()
    await calm.judge()
    for step in story.steps:
        await storm.happen(step)
    await storm.judge()
    expected, found = await world.stands(calm), await world.stands(storm)
    due_in_time, due = expected.pop("due"), found.pop("due")
    assert found == expected
    assert all(one <= other for one, other in zip(due, due_in_time, strict=True))
    assert len(expected["readings"]) == len(story.readings)


def _run(database, examples, *, anew, told=None):
    with asyncio.Runner() as runner:

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=not anew,
            suppress_health_check=list(HealthCheck),
            phases=list(Phase) if anew else [Phase.generate],
        )
        @given(stories() if told is None else told)
        def one(story):
            runner.run(_compare(world, story))

        world = runner.run(World(database).__aenter__())
        try:
            one()
        finally:
            runner.run(world.__aexit__())


def test_any_interleaving_comes_to_the_same(database):
    _run(database, 40, anew=False)


def test_weights_come_to_the_same_in_whatever_order_they_are_told(database):
    """What was found of a weight stands no longer where a late one before it explains it."""
    _run(database, 40, anew=False, told=WEIGHINGS)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_interleavings_drawn_anew_come_to_the_same(database):
    _run(database, 600, anew=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_weights_drawn_anew_come_to_the_same(database):
    _run(database, 600, anew=True, told=WEIGHINGS)
