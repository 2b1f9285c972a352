"""A clinic's amounts in the real database: loaded, superseded, never edited, used and signed by."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from ccm_link import rates_service
from ccm_link.calendar_month import Month
from ccm_link.months_service import month_of_clinic, patient_month
from ccm_link.rates import RatesError
from ccm_link.rates_service import Upload
from ccm_link.rulebook import kept, rates_for, rulebook_for
from store import audit
from store.errors import DataRefused
from store.rates import for_month, tables
from store.tenancy import clinic_session
from tests.ccm_link.engine.test_month import NOVEMBER, NOW, Books

pytestmark = pytest.mark.services

LIST = b"code,amount\n99490,71.25\n99439,52.00\n"


@pytest.fixture
async def books(database, admin):
    async with Books(database, admin) as books:
        await books.open_clinic("north", zone="America/New_York")
        await books.open_clinic("south", zone="America/New_York")
        yield books


@pytest.fixture
async def api(books):
    return await books.connect("hl_api")


async def load(conn, data=LIST, *, clinic="north", by=None, **changes):
    upload = Upload(data=data, file_name="list.csv", year=2026, **changes)
    return await rates_service.load(conn, clinic, upload, by=by, now=NOW)


async def judged(conn, patient):
    found = await patient_month(conn, "north", patient, NOVEMBER, now=NOW)
    assert found is not None
    return found.result


async def in_november(conn, clinic="north"):
    async with clinic_session(conn, clinic):
        return await for_month(conn, clinic, NOVEMBER.first)


async def test_loaded_amounts_are_used_and_said_to_be_verified(books, api):
    patient, nurse = await books.patient(), await books.staff()
    await books.join(patient)
    await books.worked(patient, nurse, 41)
    before = await judged(api, patient)
    assert [line.verified for line in before.billable] == [False, False]
    loaded = await load(api)
    assert loaded.found.amounts.keys() == {"99490", "99439"}
    assert "99491" in loaded.missing
    after = await judged(api, patient)
    assert [(x.code, x.dollars, x.verified) for x in after.billable] == [
        ("99490", Decimal("71.25"), True),
        ("99439", Decimal("52.00"), True),
    ]
    assert after.rates is not None
    assert after.rates.id == str(loaded.id)
    (one,) = [m async for m in month_of_clinic(api, "north", NOVEMBER, now=NOW)]
    assert one.result.billable == after.billable


async def test_a_newer_table_for_the_same_days_stands_and_the_older_stays(books, api):
    first = await load(api)
    second = await load(api, b"99490,72.00\n", name="Corrected")
    assert (await in_november(api)).id == second.id
    async with clinic_session(api, "north"):
        assert [table.id for table in await tables(api)] == [second.id, first.id]


async def test_a_table_holds_for_its_whole_months_only(books, api):
    await load(api, first=date(2026, 11, 2))
    await load(api, last=date(2026, 11, 29))
    assert await in_november(api) is None
    await load(api, first=date(2026, 11, 1), last=date(2026, 11, 30))
    assert await in_november(api) is not None
    async with clinic_session(api, "north"):
        assert await for_month(api, "north", date(2025, 12, 1)) is None


async def test_another_clinics_amounts_are_not_seen(books, api):
    await load(api)
    assert await in_november(api, "south") is None
    async with clinic_session(api, "south"):
        assert await tables(api) == []


@pytest.mark.parametrize("table", ["rate", "rate_table"])
@pytest.mark.parametrize("change", ["UPDATE {} SET clinic_id = 'south'", "DELETE FROM {}"])
async def test_loaded_amounts_are_never_edited(books, api, table, change):
    await load(api)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await api.execute(change.format(table))
    with pytest.raises(psycopg.Error, match="append-only"):
        await books.admin.execute(change.format(table))


async def test_loading_is_audited_and_names_who_did_it(books, api):
    boss = await books.staff("Ada Admin", "admin")
    loaded = await load(api, by=boss.id)
    table = await in_november(api)
    assert table.loaded_by_name == "Ada Admin"
    async with clinic_session(api, "north"):
        (event,) = await audit.recent(api, subject=loaded.id)
    assert (event["action"], event["actor"]) == ("rates.load", str(boss.id))


async def test_a_wrong_file_leaves_nothing(books, api):
    with pytest.raises(RatesError, match="line 2"):
        await load(api, b"99490,71.25\n99439,free\n")
    with pytest.raises(RatesError, match="before the first"):
        await load(api, first=date(2026, 5, 1), last=date(2026, 4, 30))
    with pytest.raises(DataRefused):
        await load(api, clinic="nowhere")
    assert await in_november(api) is None


async def test_two_that_load_at_once_leave_two_whole_tables(books):
    conns = [await books.connect("hl_api") for _ in range(2)]
    made = await asyncio.gather(*(load(conn) for conn in conns))
    async with clinic_session(conns[0], "north"):
        found = await tables(conns[0])
    assert {table.id for table in found} == {one.id for one in made}
    assert all(len(table.amounts) == 2 for table in found)


async def test_a_month_is_replayed_by_the_amounts_that_it_was_signed_by(books, api):
    await load(api)
    async with clinic_session(api, "north"):
        book = await rulebook_for(api, "north", NOVEMBER)
    await load(api, b"99490,1.00\n")
    again = kept(book.text, book.rates, NOVEMBER)
    assert again.rules == book.rules
    assert again.rules.amounts["99490"].dollars == Decimal("71.25")
    async with clinic_session(api, "north"):
        newer = await rates_for(api, "north", NOVEMBER)
        assert newer is not None
        assert newer.amounts == {"99490": Decimal("1.00")}
        assert await rates_for(api, "north", Month.parse("2025-11")) is None


# The command -------------------------------------------------------------------------------------


def command(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ccm_link", "rates", *arguments],
        env={"HEARTHLINE_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_command_loads_and_shows(books, database, tmp_path: Path):
    file = tmp_path / "list.csv"
    file.write_bytes(LIST)
    url = database.urls["hl_worker"]
    empty = await asyncio.to_thread(command, url, "show", "--clinic", "north")
    assert "the estimates of the rule table are used" in empty.stdout
    arguments = ["load", str(file), "--clinic", "north", "--year", "2026", "--name", "Ours"]
    done = await asyncio.to_thread(command, url, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("loaded Ours from plain list: 2 codes\n")
    shown = await asyncio.to_thread(command, url, "show", "--clinic", "north")
    assert "Ours: 2026-01-01 to 2026-12-31, list.csv, plain list" in shown.stdout
    assert "99490      71.25" in shown.stdout


async def test_the_command_says_what_is_wrong(books, database, tmp_path: Path):
    file = tmp_path / "list.csv"
    file.write_text("99490,free\n")
    url = database.urls["hl_worker"]
    for clinic, said in [("north", "list.csv: line 1: 'free' is no number"), ("nowhere", "")]:
        arguments = ["load", str(file), "--clinic", clinic, "--year", "2026"]
        done = await asyncio.to_thread(command, url, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    file.write_bytes(LIST)
    done = await asyncio.to_thread(
        command, url, "load", str(file), "--clinic", "nowhere", "--year", "2026"
    )
    assert (done.returncode, done.stderr) == (2, "there is no clinic nowhere\n")
