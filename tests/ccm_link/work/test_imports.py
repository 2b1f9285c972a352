"""Time from other software: read once, held where it overlaps, and nothing of a file is lost."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from ccm_link.errors import NotFound, NotYours
from ccm_link.time_csv import FileRefused, Wrong
from ccm_link.time_import import import_time, rejected
from ccm_link.work import decide_held, log_time, reverse_entry
from store.pool import connection, open_pool
from tests.ccm_link.work.test_time_csv import table
from tests.ccm_link.work.ward import NOW, after
from tests.conftest import ROOT

pytestmark = pytest.mark.services
ELEVEN = {"start": "2026-11-02T11:00:00Z", "end": "2026-11-02T11:10:00Z"}


@pytest.fixture
async def clinic(ward):
    """Nora, an admin, two patients with record numbers, and a connection as the worker's."""
    nora, boss = await ward.staff("Nora"), await ward.staff("Bo", "admin")
    ann, bob = await ward.patient("Ann"), await ward.patient("Bob")
    for who, address in ((nora, "nora"), (boss, "boss")):
        await ward.admin.execute(
            "UPDATE staff SET email = %s WHERE id = %s", [f"{address}@north.example", who.id]
        )
    for patient, number in ((ann, "N-1"), (bob, "N-2")):
        await ward.admin.execute(
            "UPDATE patient SET record_number = %s WHERE id = %s", [number, patient]
        )
    return nora, boss, ann, bob, await ward.connect("hl_worker")


async def brought(conn, data, *, who="boss@north.example", now=NOW):
    return await import_time(conn, "north", who, data, now=now)


async def test_lines_become_confirmed_entries_of_their_people(ward, clinic):
    nora, boss, ann, _, conn = clinic
    done = await brought(conn, table({}, {"interactive": "", **ELEVEN}))
    assert (done.counted, done.held, done.refused) == (2, 0, ())
    assert await ward.all(
        "SELECT patient_id, staff_id, role, source, state, status, interactive, import_line,"
        " import_id, lower(during) FROM time_entry ORDER BY import_line"
    ) == [
        (ann, nora.id, "clinical_staff", "manual", "confirmed", "active", True, 2, done.import_id,
         datetime(2026, 11, 2, 14, tzinfo=UTC)),
        (ann, nora.id, "clinical_staff", "manual", "confirmed", "active", False, 3, done.import_id,
         datetime(2026, 11, 2, 11, tzinfo=UTC)),
    ]  # fmt: skip
    assert await ward.one("SELECT actor, detail FROM audit_event WHERE action = 'time.import'") == (
        str(boss.id),
        {"counted": 2, "held": 0, "refused": 0},
    )


async def test_the_same_file_twice_and_the_same_line_in_another_file(ward, clinic):
    *_, conn = clinic
    data = table({})
    first = await brought(conn, data)
    again = await brought(conn, data)
    assert (first.counted, again.import_id) == (1, None)
    longer = await brought(conn, table({}, ELEVEN))
    assert longer.counted == 1
    assert [(r.line, r.why) for r in longer.refused] == [(2, Wrong.THERE)]
    assert len(await ward.all("SELECT FROM time_entry")) == 2
    assert await ward.all("SELECT file_sha256 FROM time_import ORDER BY imported_at, id") != []
    assert (hashlib.sha256(data).digest(),) in await ward.all("SELECT file_sha256 FROM time_import")


async def test_what_was_taken_back_comes_again_only_if_somebody_says_so(ward, clinic):
    """A file that grows from day to day brings every line again."""
    nora, *_, conn = clinic
    await brought(conn, table({}))
    (entry,) = await ward.one("SELECT id FROM time_entry")
    await reverse_entry(conn, "north", nora, entry, "Never happened", now=NOW)
    done = await brought(conn, table({}, ELEVEN))
    assert (done.counted, done.held) == (1, 1)
    (held,) = await ward.one("SELECT id FROM time_entry WHERE status = 'held'")
    await decide_held(conn, "north", nora, held, stands=True, reason="It did", now=NOW)
    assert await ward.one("SELECT status FROM time_entry WHERE id = %s", held) == ("active",)


async def test_wrong_lines_are_kept_and_come_back_as_a_file_to_mend(ward, clinic):
    *_, conn = clinic
    data = table(
        {"record_number": "N-9"}, {"staff_email": "who@north.example"}, {"note": ""}, {},
        {"start": "2026-03-08T02:30", "zone": "America/New_York"},
    )  # fmt: skip
    done = await brought(conn, data)
    assert done.counted == 1
    wrong = [(2, Wrong.PATIENT), (3, Wrong.STAFF), (4, Wrong.NOTE), (6, Wrong.SKIPPED)]
    assert sorted((r.line, r.why) for r in done.refused) == wrong
    assert await ward.all("SELECT line, reason FROM time_import_reject ORDER BY line") == [
        (line, str(why)) for line, why in wrong
    ]
    back = (await rejected(conn, "north", done.import_id)).encode()
    lines = data.splitlines()
    assert back.splitlines() == [lines[0], lines[1], lines[2], lines[3], lines[5]]
    mended = back.replace(b"N-9", b"N-1").replace(b"who@", b"nora@")
    again = await brought(conn, mended)
    # Both mended lines are the entry that is there already; the other two still lack something.
    assert [r.why for r in sorted(again.refused, key=lambda r: r.line)] == [
        Wrong.THERE, Wrong.THERE, Wrong.NOTE, Wrong.SKIPPED,
    ]  # fmt: skip
    with pytest.raises(NotFound):
        await rejected(conn, "south", done.import_id)


async def test_what_overlaps_another_patients_time_lands_held(ward, clinic):
    nora, _, ann, bob, conn = clinic
    start, end = datetime(2026, 11, 2, 14, 5, tzinfo=UTC), datetime(2026, 11, 2, 14, 8, tzinfo=UTC)
    await log_time(conn, "north", nora, bob, "CCM", "call", start, end, False, "n", now=NOW)
    done = await brought(
        conn, table({}, {"record_number": "N-2", **ELEVEN}, {"record_number": "N-1", **ELEVEN})
    )
    assert (done.counted, done.held) == (1, 2)
    assert await ward.all(
        "SELECT patient_id, status, import_line FROM time_entry WHERE import_id IS NOT NULL"
        " ORDER BY import_line"
    ) == [(ann, "held", 2), (bob, "active", 3), (ann, "held", 4)]
    (held,) = await ward.one("SELECT id FROM time_entry WHERE import_line = 2")
    await decide_held(conn, "north", nora, held, stands=False, reason="Seen", now=NOW)
    pieces = await ward.all(
        "SELECT extract(epoch FROM upper(during) - lower(during))::int, import_id FROM time_entry"
        " WHERE replaces = %s ORDER BY lower(during)", held
    )  # fmt: skip
    assert pieces == [(300, done.import_id), (270, done.import_id)]


async def test_time_in_another_clinic_holds_too(ward, clinic):
    nora, _, ann, _, conn = clinic
    await ward.open_clinic("south", zone="America/Chicago")
    await ward.admin.execute(
        "INSERT INTO staff_membership (clinic_id, staff_id, role, since)"
        " VALUES ('south', %s, 'nurse', %s)", [nora.id, after(days=-400)]
    )  # fmt: skip
    away = await ward.patient("Away", "south")
    start, end = datetime(2026, 11, 2, 14, tzinfo=UTC), datetime(2026, 11, 2, 15, tzinfo=UTC)
    await log_time(conn, "south", nora, away, "CCM", "call", start, end, False, "n", now=NOW)
    done = await brought(conn, table({}, ELEVEN))
    assert (done.counted, done.held) == (1, 1)
    assert await ward.all(
        "SELECT status FROM time_entry WHERE patient_id = %s ORDER BY import_line", ann
    ) == [("held",), ("active",)]


async def test_who_imports_and_what_is_refused_whole(ward, clinic):
    _nora, boss, *_, conn = clinic
    with pytest.raises(NotYours):
        await brought(conn, table({}), who="nora@north.example")
    with pytest.raises(NotFound):
        await brought(conn, table({}), who="nobody@north.example")
    with pytest.raises(FileRefused):
        await brought(conn, b"a,b\r\n1,2\r\n")
    assert await ward.all("SELECT FROM time_import") == []
    assert (await brought(conn, table({}), who=str(boss.id))).counted == 1


async def test_whose_membership_ended_has_time_until_then(ward, clinic):
    nora, *_, conn = clinic
    await ward.admin.execute(
        "UPDATE staff_membership SET ended_at = '2026-11-02T12:00Z' WHERE staff_id = %s", [nora.id]
    )
    done = await brought(conn, table({}, ELEVEN))
    assert done.counted == 1
    assert [r.why for r in done.refused] == [Wrong.STAFF]


@pytest.mark.usefixtures("clinic")
async def test_two_imports_at_once_make_each_entry_once(ward):
    async with open_pool(ward.database.urls["hl_worker"], max_size=2) as pool:

        async def alone(data):
            async with connection(pool) as conn:
                return await brought(conn, data)

        same = table(*({"start": f"2026-11-02T{h:02}:00:00Z", "end": f"2026-11-02T{h:02}:09:00Z"}
                       for h in range(12)))  # fmt: skip
        twice = await asyncio.gather(alone(same), alone(same))
        assert sorted(d.counted for d in twice) == [0, 12]
        others = await asyncio.gather(alone(same + b"\r\n"), alone(same + b"\r\n\r\n"))
        assert [d.counted for d in others] == [0, 0]
    assert len(await ward.all("SELECT FROM time_entry")) == 12


async def test_a_line_of_a_locked_month_is_kept_and_the_others_go_on(ward, clinic):
    _, boss, *_, conn = clinic
    await ward.admin.execute(
        "INSERT INTO month_lock (clinic_id, month, locked_by, locked_at)"
        " VALUES ('north', '2026-10-01', %s, now())", [boss.id]
    )  # fmt: skip
    october = {"start": "2026-10-02T11:00:00Z", "end": "2026-10-02T11:10:00Z"}
    done = await brought(conn, table(october, {}))
    assert done.counted == 1
    assert [(r.line, r.why) for r in done.refused] == [(2, Wrong.LOCKED)]


def _command(database, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "ccm_link", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"HEARTHLINE_DATABASE_URL": database.urls["hl_worker"], "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


async def test_the_command_says_what_became_of_each_line(ward, clinic, tmp_path):
    file = tmp_path / "time.csv"
    file.write_bytes(table({}, {"note": ""}))
    asked = ("import-time", str(file), "--clinic", "north", "--by", "boss@north.example")
    done = await asyncio.to_thread(_command, ward.database, *asked)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"line 3: {Wrong.NOTE}\n"
    assert done.stdout.endswith(": 1 counted, 0 held, 1 not imported\n")
    key = done.stdout.split()[1].rstrip(":")
    back = await asyncio.to_thread(
        _command, ward.database, "rejected-time", key, "--clinic", "north"
    )
    assert back.stdout.splitlines()[0].startswith("record_number,")
    assert len(back.stdout.splitlines()) == 2
    again = await asyncio.to_thread(_command, ward.database, *asked)
    assert (again.returncode, again.stdout) == (
        0, "this file was imported before: nothing was done\n",
    )  # fmt: skip
    file.write_bytes(b"minutes\r\n")
    refused = await asyncio.to_thread(_command, ward.database, *asked)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "lacks: record_number" in refused.stderr
