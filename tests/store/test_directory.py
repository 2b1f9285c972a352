"""What a worker remembers of the registry, while batches are under way and it changes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.writer import Writer
from store.attribution import Attribution, Spell, attribute
from store.batch import write_batch
from store.directory import Directory
from store.errors import DataRefused
from store.fixtures import (
    assign,
    counts,
    read_readings,
    register_device,
    register_gateway,
    register_home,
    register_patient,
)
from store.pool import open_pool
from tests.store.make import CUFF, NOW, row

HOUR = timedelta(hours=1)


class Slow:
    """A connection whose answers take as long as the test wants."""

    def __init__(self, conn, meanwhile):
        self._conn, self._meanwhile = conn, meanwhile

    async def execute(self, *arguments, **options):
        answer = await self._conn.execute(*arguments, **options)
        self._meanwhile()
        return answer


@pytest.fixture
async def ingest(database, home):
    url = database.urls["hl_ingest"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        yield conn


@pytest.mark.services
async def test_what_another_batch_forgets_meanwhile_is_still_known(ingest, admin, home):
    await register_gateway(admin, "north", "gw-2", home=home)
    directory = Directory()
    one, two = ("north", "gw-1"), ("north", "gw-2")
    assert await directory.known(ingest, {one}) == {one}
    slow = cast("Any", Slow(ingest, lambda: directory.enter(99)))
    assert await directory.known(slow, {one, two}) == {one, two}


@pytest.mark.services
async def test_slots_that_another_batch_forgets_meanwhile_are_answered(ingest, admin):
    await register_device(admin, "north", CUFF)
    patient = await register_patient(admin, "north", family_name="Roe", given_name="Ann")
    await assign(admin, "north", device=CUFF, patient=patient, starts_at=NOW - HOUR)
    directory = Directory(epoch=1)
    worn, free = ("north", CUFF, -1), ("north", CUFF, 2)
    first = await directory.spells_of(ingest, {worn}, epoch=1)
    slow = cast("Any", Slow(ingest, lambda: directory.enter(2)))
    again = await directory.spells_of(slow, {worn, free}, epoch=1)
    assert ([s.patient for s in first[worn]], again) == ([patient], {**first, free: ()})
    assert directory.spells == {}  # read under a number that is no longer the registry's


@pytest.mark.services
async def test_a_change_of_the_registry_is_seen_by_the_next_batch(ingest, admin):
    directory = Directory()
    await write_batch(ingest, readings=[row(1)], quarantined=[], directory=directory)
    patient = await register_patient(admin, "north", family_name="Roe", given_name="Ann")
    await assign(admin, "north", device=CUFF, patient=patient, starts_at=NOW - HOUR)
    await write_batch(ingest, readings=[row(2)], quarantined=[], directory=directory)
    assert {r["patient_id"] for r in await read_readings(admin, "north")} == {patient}


@pytest.mark.services
async def test_a_device_of_a_batch_that_failed_is_not_taken_for_known(ingest, admin):
    directory = Directory()
    bad = row(2)
    bad.reading.flags.append("a\x00b")
    with pytest.raises(DataRefused, match=r"UntranslatableCharacter|CharacterNotInRepertoire"):
        await write_batch(ingest, readings=[row(1), bad], quarantined=[], directory=directory)
    assert not directory.devices
    await write_batch(ingest, readings=[row(1)], quarantined=[], directory=directory)
    assert list(directory.devices) == [("north", CUFF)]


@pytest.mark.services
async def test_many_first_batches_at_once_know_every_gateway(database, admin, home):
    """The first number of the registry makes a worker forget what it has just been told."""
    names = [f"gw-{n}" for n in range(2, 60)]
    for name in names:
        await register_gateway(admin, "north", name, home=home)
    asked = [("north", name) for name in names]
    async with open_pool(database.urls["hl_ingest"], checked=False) as pool:
        writer = Writer(pool)

        async def batch(some, number):
            known = await writer.known(some)
            await writer.write([row(number)], [])
            return known

        groups = [asked[n:] + asked[:3] for n in range(0, len(asked), 5)]
        found = await asyncio.gather(*(batch(some, n) for n, some in enumerate(groups)))
    assert [known == set(some) for known, some in zip(found, groups, strict=True)] == [True] * len(
        groups
    )
    assert (await counts(admin, "north"))["quarantined"] == 0


async def test_a_home_in_its_country(ingest, admin):
    await register_home(admin, "north", zone="Asia/Tokyo")
    directory = Directory()
    await directory.known(ingest, {("north", "gw-1")})
    assert str(directory.zone(("north", "gw-1"))) == "America/New_York"
    assert str(directory.zone(("north", "nobody"))) == "UTC"


# The rule itself ----------------------------------------------------------------------------------

instants = st.integers(0, 172_800).map(lambda s: NOW + timedelta(seconds=s))
bounds = st.one_of(st.none(), instants)


@st.composite
def spells(draw):
    lower, upper = draw(bounds), draw(bounds)
    if lower and upper and upper < lower:
        lower, upper = upper, lower
    return Spell(uuid4(), uuid4(), lower, upper, draw(st.booleans()), draw(st.booleans()))


@pytest.mark.services
@pytest.mark.usefixtures("services")
@given(
    data=st.lists(st.tuples(spells(), instants, st.sampled_from([0.0, 1.0, 3600.0])), max_size=8)
)
def test_the_rule_is_what_the_database_says(services, data):
    """Against PostgreSQL's own ranges, bounds and infinities included."""
    with psycopg.connect(services.admin_url) as conn:
        for spell, at, uncertainty in data:
            said = conn.execute(
                """SELECT r @> %(at)s, %(u)s > 0 AND (
                       coalesce(abs(extract(epoch FROM lower(r) - %(at)s)) < %(u)s, false)
                    OR coalesce(abs(extract(epoch FROM upper(r) - %(at)s)) < %(u)s, false))
                   FROM tstzrange(%(lower)s, %(upper)s, %(how)s) AS r WHERE NOT isempty(r)""",
                {
                    "at": at,
                    "u": uncertainty,
                    "lower": spell.lower,
                    "upper": spell.upper,
                    "how": ("[" if spell.lower_included else "(")
                    + ("]" if spell.upper_included else ")"),
                },
            ).fetchone()
            if said is None:
                continue
            within, near = said
            expected = (
                Attribution(held=True)
                if near
                else Attribution(spell.patient, spell.assignment)
                if within
                else Attribution()
            )
            assert attribute([spell], at, uncertainty) == expected
