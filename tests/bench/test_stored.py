"""What a filled database holds is what ingest would have stored of the same bytes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bench import stored
from gateway.normalise import Provenance, normalise
from store import fixtures
from store.batch import write_batch
from store.errors import DataRefused
from store.rows import ReadingRow

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)  # a leap day lies before it
PATIENTS, READINGS, DAYS = 12, 300, 800
OWN = {"clinic_id", "patient_id", "assignment_id", "envelope_id", "stored_at"}


def fill(database, clinic="bench", **changes):
    wish = {"patients": PATIENTS, "readings": READINGS, "days": DAYS, "until": UNTIL}
    return stored.fill(database.admin, clinic, **{**wish, **changes})


def sent(row) -> ReadingRow:
    """The same bytes through the gateway's rules."""
    (raw,) = row["raw"]
    origin = Provenance(
        device=row["device"],
        received_at=row["received_at"],
        zone=ZoneInfo("UTC"),
        offset_s=0.0,
        battery_pct=row["battery_pct"],
        rssi_dbm=row["rssi_dbm"],
    )
    reading = normalise(raw["characteristic"], bytes.fromhex(raw["hex"]), origin)
    return ReadingRow(
        clinic=row["clinic_id"],
        gateway=row["gateway"],
        envelope_id=row["envelope_id"],
        reading=reading,
    )


@pytest.mark.services
async def test_a_resend_of_what_was_filled_is_a_duplicate(database, admin):
    fill(database)
    rows = await fixtures.read_readings(admin, "bench")
    outcome = await write_batch(admin, readings=[sent(row) for row in rows], quarantined=[])
    assert len(outcome.duplicate) == READINGS
    assert not outcome.stored


@pytest.mark.services
async def test_every_column_is_what_ingest_writes(database, admin):
    fill(database)
    rows = {row["reading_id"]: row for row in await fixtures.read_readings(admin, "bench")}
    fill(database, "other", readings=0)  # the same devices, worn by others
    again = [sent({**row, "clinic_id": "other"}) for row in rows.values()]
    outcome = await write_batch(admin, readings=again, quarantined=[])
    assert len(outcome.stored) == len(rows) == READINGS
    assert (outcome.held, outcome.unassigned) == (0, 0)
    for written in await fixtures.read_readings(admin, "other"):
        filled = rows[written["reading_id"]]
        number = int(written["gateway"][-7:])
        assert written["patient_id"] == stored.patient_id("other", number)
        assert filled["patient_id"] == stored.patient_id("bench", number)
        assert {k: v for k, v in written.items() if k not in OWN} == (
            {k: v for k, v in filled.items() if k not in OWN}
        )


@pytest.mark.services
async def test_everybody_measures_as_often_over_the_whole_time(database, admin):
    told = fill(database)
    rows = await fixtures.read_readings(admin, "bench")
    assert set(Counter(row["patient_id"] for row in rows).values()) == {READINGS // PATIENTS}
    assert rows[0]["measured_at"] == told.since
    assert UNTIL - timedelta(days=3) < rows[-1]["measured_at"] < UNTIL
    kinds = Counter(row["kind"] for row in rows)
    assert kinds["blood_pressure"] > kinds["glucose"] >= kinds["weight"] > 0


@pytest.mark.services
async def test_more_patients_come_later_but_nobody_twice(database, admin):
    fill(database)
    fill(database, first=PATIENTS + 1, readings=60)
    counts = await fixtures.counts(admin, "bench")
    assert (counts["readings"], counts["unassigned"], counts["pending"]) == (READINGS + 60, 0, 0)
    with pytest.raises(DataRefused):
        fill(database)


@pytest.mark.services
def test_what_no_patient_can_measure_is_refused(database):
    with pytest.raises(ValueError, match="one reading a second"):
        fill(database, patients=1, readings=86_401, days=1)
    with pytest.raises(ValueError, match="addresses"):
        fill(database, patients=1 << 20)


@pytest.mark.services
async def test_batches_follow_one_another(database, admin):
    """More readings than one transaction takes."""
    told = fill(database, patients=40, readings=stored.BATCH + 40, days=400)
    counts = await fixtures.counts(admin, "bench")
    assert counts["readings"] == told.readings == stored.BATCH + 40
