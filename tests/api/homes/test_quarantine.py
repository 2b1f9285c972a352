"""Quarantine in the console; replays run by the real code of ingest."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ingest.outbox import replay
from store.pool import open_pool
from tests.api.conftest import NOW
from tests.api.homes.conftest import CUFF, HOUR, STRANGE
from tests.store.make import reading
from vitals import wire
from vitals.errors import QuarantineReason

pytestmark = pytest.mark.services


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


async def _ingest_replays(database):
    async with open_pool(database.urls["hl_ingest"]) as pool:
        await replay(cast("Any", Broker()), pool)


async def test_a_replay_that_is_refused_again_says_so(nurse, street, database):
    number = await street.poison()
    await nurse.get(f"/quarantine/{number}")
    await nurse.post(f"/quarantine/{number}/replay")
    page = (await nurse.get(f"/quarantine/{number}")).text
    assert f'hx-get="/quarantine/{number}/progress"' in page
    assert "Demo Nurse" in page
    await _ingest_replays(database)
    part = (await nurse.get(f"/quarantine/{number}/progress")).text
    assert "Refused again" in part
    assert "hx-get" not in part


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
    await _ingest_replays(database)
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
