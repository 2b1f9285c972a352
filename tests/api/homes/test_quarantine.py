"""Quarantine in the console; replays run by the real code of ingest."""

from __future__ import annotations

from typing import Any, cast

import psycopg
import pytest

from alerts import rulebook
from alerts.evaluation import evaluate_set
from ingest.outbox import replay
from ingest.writer import Writer
from store.gateways import claimed_replays
from store.pool import connection, open_pool
from tests.api.conftest import NOW, found
from tests.api.homes.conftest import CUFF, HOUR, STRANGE
from tests.store.make import reading
from vitals import wire
from vitals.errors import QuarantineReason
from vitals.reading import Measure, coded

pytestmark = pytest.mark.services

#: What ingest sets aside, and does again.
IMPOSSIBLE = wire.encode_reading(
    reading(
        1,
        [coded(Measure.SYSTOLIC, 999), coded(Measure.DIASTOLIC, 80)],
        device=CUFF,
        measured_at=NOW - HOUR,
        received_at=NOW - HOUR,
    )
)


async def test_rows_are_counted_by_reason_and_filtered(nurse, street):
    await street.poison()
    await street.poison(b"\xff\x00 nonsense", QuarantineReason.NOT_JSON)
    page = (await nurse.get("/quarantine")).text
    assert "A value no living person has" in page
    assert "Call the patient" in page
    assert "Ann Example" in page
    for query in ("reason=not_json", f"home={street.oak}"):
        rows = (await nurse.get(f"/quarantine?{query}")).text.partition("Newest first")[2]
        assert "A value no living person has" not in rows
    assert "No row fits" in (await nurse.get(f"/quarantine?home={street.oak}")).text


async def test_nothing_in_quarantine_is_said_to_be_good(nurse, street):
    assert "Every message became readings" in (await nurse.get("/quarantine")).text


async def test_a_row_shows_its_bytes_as_data_text_and_hex(nurse, street):
    number = await street.poison()
    page = (await nurse.get(f"/quarantine/{number}")).text
    assert "&#34;systolic&#34;: 999" in page
    assert "0000  7b 22 69 64" in page
    assert "Call the patient" in page
    read = "SELECT count(*) FROM audit_event WHERE action = 'quarantine.read' AND subject = %s"
    assert await street.value(read, f"quarantine:{number}") == 1


async def test_bytes_that_are_a_script_stay_bytes(nurse, street):
    number = await street.poison(b"<script>alert(1)</script>", QuarantineReason.NOT_JSON)
    assert "<script>alert" not in (await nurse.get(f"/quarantine/{number}")).text


class Broker:
    """Where ingest's answers to gateways go."""

    async def publish(self, topic, payload, *, retain=False):
        pass


async def ingest_replays(database):
    """As a worker does, until nothing is left; in how many batches."""
    batches = 0
    async with open_pool(database.urls["hl_ingest"]) as pool:
        while await replay(cast("Any", Broker()), Writer(pool), pool):
            batches += 1
    return batches


async def test_two_workers_do_not_replay_the_same_rows(nurse, street, database):
    await street.poison(IMPOSSIBLE)
    await nurse.get("/quarantine")
    await nurse.post("/quarantine/replay", reason="implausible")
    async with (
        open_pool(database.urls["hl_ingest"]) as pool,
        connection(pool) as other,
        claimed_replays(other) as claimed,
    ):
        assert len(claimed) == 1
        assert await ingest_replays(database) == 0
    assert await ingest_replays(database) == 1
    assert await street.value("SELECT times FROM quarantine") == 2


async def test_a_replay_that_is_refused_again_says_so(nurse, street, database):
    number = await street.poison(IMPOSSIBLE)
    await nurse.get(f"/quarantine/{number}")
    await nurse.post(f"/quarantine/{number}/replay")
    page = (await nurse.get(f"/quarantine/{number}")).text
    assert f'hx-get="/quarantine/{number}/progress"' in page
    assert "Demo Nurse" in page
    await ingest_replays(database)
    part = (await nurse.get(f"/quarantine/{number}/progress")).text
    assert "Refused again" in part
    assert "has come 2 times" in part
    assert "hx-get" not in part
    assert await street.value("SELECT state FROM quarantine") == "open"


async def test_what_is_refused_for_another_reason_waits_under_that_one(nurse, street, database):
    number = await street.poison(IMPOSSIBLE, QuarantineReason.UNKNOWN_GATEWAY)
    await nurse.get(f"/quarantine/{number}")
    await nurse.post(f"/quarantine/{number}/replay")
    await ingest_replays(database)
    part = (await nurse.get(f"/quarantine/{number}/progress")).text
    assert "Its first cause is mended" in part
    assert "a value no living person has" in part
    other = await street.value("SELECT id FROM quarantine WHERE reason = 'implausible'")
    assert f'href="/quarantine/{other}"' in part
    states = "SELECT string_agg(reason || ' ' || state, ', ' ORDER BY reason) FROM quarantine"
    assert await street.value(states) == "implausible open, unknown_gateway replayed"


async def test_many_are_confirmed_and_replayed_with_a_count_and_what_became_of_them(
    nurse, street, database
):
    for n in range(3):
        sent = reading(n, device=STRANGE, measured_at=NOW - HOUR, received_at=NOW - HOUR)
        await street.poison(wire.encode_reading(sent), QuarantineReason.IMPLAUSIBLE)
    await street.poison(IMPOSSIBLE)
    page = (await nurse.get("/quarantine/replay?reason=implausible")).text
    assert "Replay 4" in page
    newest = found(r'name="newest" value="(\d+)"', page)
    await street.poison(IMPOSSIBLE.replace(b"999", b"998"))
    answer = await nurse.post("/quarantine/replay", reason="implausible", newest=newest)
    replay_page = answer.headers["location"]
    page = (await nurse.get(replay_page)).text
    assert "0 of 4 replayed, 4 still to be judged" in page
    assert f'hx-get="{replay_page}/progress"' in page
    assert "0 of 4 replayed, 4 still to be judged" in (await nurse.get("/quarantine")).text
    await ingest_replays(database)
    part = (await nurse.get(f"{replay_page}/progress")).text
    assert "3 of 4 replayed, 1 refused again" in part
    assert "systolic_mmhg is 999" in part
    assert "hx-get" not in part
    assert await street.value("SELECT count(*) FROM quarantine WHERE state = 'open'") == 2
    asked = "SELECT detail->>'rows' FROM audit_event WHERE action = 'quarantine.replay'"
    assert await street.value(asked) == "4"
    again = await nurse.post("/quarantine/replay", reason="implausible")
    assert "0 of 2 replayed" in (await nurse.get(again.headers["location"])).text
    assert "3 of 4 replayed, 1 in a later replay" in (await nurse.get(replay_page)).text


async def test_a_replay_keeps_to_what_was_filtered(nurse, street):
    await street.poison()
    await street.poison(b"{}", gateway="gw-2")
    await street.poison(b"[]", gateway="gw-2")
    await street.admin.execute(
        "UPDATE quarantine SET last_seen = %s WHERE payload = '[]'", [NOW - 240 * HOUR]
    )
    only = f"reason=implausible&home={street.oak}"
    assert "Replay 2" in (await nurse.get(f"/quarantine/replay?{only}")).text
    day = (NOW - 48 * HOUR).date()
    page = (await nurse.get(f"/quarantine/replay?{only}&until={day}")).text
    assert "Replay 1" in page
    assert "7 Oak Lane" in page
    await nurse.post(
        "/quarantine/replay", reason="implausible", home=str(street.oak), until=str(day)
    )
    asked = "SELECT string_agg(payload::text, '') FROM quarantine WHERE state = 'replay_requested'"
    assert await street.value(asked) == r"\x5b5d"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("since=2026-11-19", ["new"]),
        ("until=2026-11-18", ["old"]),
        ("since=2026-11-01&until=2026-11-30", ["new", "old"]),
        ("since=9999-99-99", ["new", "old"]),
        ("until=9999-12-31", ["new", "old"]),
        ("since=2026-11-18&until=2026-11-18", []),
    ],
)
async def test_rows_are_filtered_by_the_clinics_days(nurse, street, query, shown):
    # 23:30 of the 17th and 0:30 of the 19th in New York
    for size, at in ((10, "2026-11-18T04:30Z"), (20, "2026-11-19T05:30Z")):
        number = await street.poison(b"x" * size, QuarantineReason.NOT_JSON)
        await street.admin.execute(
            "UPDATE quarantine SET last_seen = %s WHERE id = %s", [at, number]
        )
    page = (await nurse.get(f"/quarantine?{query}")).text
    found_there = [
        name for name, size in (("new", "20 bytes"), ("old", "10 bytes")) if size in page
    ]
    assert found_there == shown


async def test_thousands_are_replayed_a_batch_at_a_time_and_counted_once(nurse, street, database):
    await street.admin.execute(
        "INSERT INTO quarantine (clinic_id, gateway, topic, scope, content_hash, payload, reason,"
        " detail) SELECT 'north', 'gw-1', 'hl/v1/north/gw-1/readings', 'reading',"
        " sha256(('hl/v1/north/gw-1/readings'::bytea || '\\x00'::bytea) || n::text::bytea),"
        " n::text::bytea, 'wrong_schema', 'not a reading' FROM generate_series(1, 10000) n"
    )
    assert "Replay 10000" in (await nurse.get("/quarantine/replay?reason=wrong_schema")).text
    begun = await nurse.post("/quarantine/replay", reason="wrong_schema")
    rounds = await ingest_replays(database)
    assert rounds == 50
    assert (
        "0 of 10000 replayed, 10000 refused again"
        in (await nurse.get(begun.headers["location"])).text
    )
    times = "SELECT array_agg(DISTINCT times) FROM quarantine"
    assert await street.value(times) == [2]
    assert "50 of 10000 rows" in (await nurse.get("/quarantine")).text


async def test_each_reason_leads_to_where_its_cause_is_mended(nurse, street, browser):
    unknown = await street.poison(reason=QuarantineReason.UNKNOWN_GATEWAY, gateway="gw-9")
    page = (await nurse.get(f"/quarantine/{unknown}")).text
    assert "Register gw-9 under its home" in page
    impossible = await street.poison()
    page = (await nurse.get(f"/quarantine/{impossible}")).text
    assert f'href="{await street.at(CUFF)}"' in page
    undecoded = await street.poison(b"{}", QuarantineReason.UNDECODED)
    page = (await nurse.get(f"/quarantine/{undecoded}")).text
    assert "A release that knows it can read these bytes where they are" in page


async def test_an_implausible_value_leads_to_its_task(nurse, street, database):
    number = await street.poison()
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_worker"], autocommit=True
    ) as conn:
        await evaluate_set(conn, "north", book=rulebook.load(), now=NOW, size=10)
    task = await street.value("SELECT id FROM care_task")
    assert f'href="/tasks/{task}"' in (await nurse.get(f"/quarantine/{number}")).text


async def test_an_admin_reads_no_value_of_a_replay(browser, north, street, database):
    await street.poison(IMPOSSIBLE)
    await browser.sign_in(north.email("admin"))
    await browser.get("/quarantine")
    begun = await browser.post("/quarantine/replay", reason="implausible")
    await ingest_replays(database)
    page = (await browser.get(begun.headers["location"])).text
    assert "1 refused again" in page
    assert "systolic_mmhg" not in page
    number = await street.value("SELECT id FROM quarantine")
    assert "systolic_mmhg" not in (await browser.get(f"/quarantine/{number}")).text


async def test_readings_of_an_unknown_gateway_are_stored_once_it_is_registered(
    nurse, street, database
):
    sent = reading(7, device=STRANGE, measured_at=NOW - HOUR, received_at=NOW - HOUR)
    number = await street.poison(
        wire.encode_reading(sent), QuarantineReason.UNKNOWN_GATEWAY, gateway="gw-new"
    )
    await nurse.get(f"/homes/{street.elm}/gateways")
    await nurse.post(f"/homes/{street.elm}/gateways", name="gw-new")
    await nurse.post("/quarantine/replay", reason="unknown_gateway")
    await ingest_replays(database)
    assert "It became a reading" in (await nurse.get(f"/quarantine/{number}/progress")).text
    assert await street.value("SELECT count(*) FROM reading WHERE device = %s", STRANGE) == 1
    await nurse.post(f"/quarantine/{number}/replay")
    assert await street.value("SELECT state FROM quarantine") == "replayed"


async def test_all_of_a_reason_are_replayed_and_no_others(nurse, street):
    await street.poison()
    await street.poison(b"{}", QuarantineReason.UNDECODED)
    await street.poison(b"[]", QuarantineReason.UNDECODED)
    await nurse.get("/quarantine")
    await nurse.post("/quarantine/replay", reason="undecoded")
    asked = "SELECT count(*) FROM quarantine WHERE state = 'replay_requested' AND reason = %s"
    assert await street.value(asked, "undecoded") == 2
    assert await street.value(asked, "implausible") == 0
    assert (await nurse.post("/quarantine/replay", reason="all")).status_code == 404
    assert (await nurse.get("/quarantine/replay?reason=all")).status_code == 404


async def test_a_discard_needs_a_reason_and_can_be_undone(nurse, street):
    number = await street.poison()
    await nurse.get(f"/quarantine/{number}")
    await nurse.post(f"/quarantine/{number}/discard", why=" ")
    assert await street.value("SELECT state FROM quarantine") == "open"
    await nurse.post(f"/quarantine/{number}/discard", why="a trial in the office")
    page = (await nurse.get(f"/quarantine/{number}")).text
    assert "a trial in the office" in page
    assert "Undo the discard" in page
    await nurse.post(f"/quarantine/{number}/keep")
    assert await street.value("SELECT state FROM quarantine") == "open"


async def test_a_moved_device_takes_its_quarantined_bytes_along(nurse, street):
    number = await street.poison()
    starts = (NOW - 10 * HOUR).strftime("%Y-%m-%dT%H:%M")
    fields = {"patient": str(street.ben), "starts": starts, "check": "yes"}
    shown = (await nurse.get(f"{await street.at(CUFF)}/assign", params=fields)).text
    seen = shown.split('name="seen" value="')[1].split('"')[0]
    await nurse.post(f"{await street.at(CUFF)}/assign", **fields, seen=seen)
    assert "Ben Example" in (await nurse.get(f"/quarantine/{number}")).text
