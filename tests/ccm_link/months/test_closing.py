"""A clinic's whole month, evaluated and stored: the same as patient by patient."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import msgspec
import pytest

from ccm_link import signing
from ccm_link.closing import evaluate_clinic
from ccm_link.errors import NotFound
from ccm_link.view import as_bytes
from store import drafts
from store.tenancy import clinic_session
from tests.ccm_link.months.closed import NOVEMBER, OVER

pytestmark = pytest.mark.services


async def evaluated(closed, *, now=OVER, processes=1, clinic="north"):
    url = closed.database.urls["hl_worker"]
    return await evaluate_clinic(url, clinic, NOVEMBER, now=now, processes=processes)


async def stored(api, clinic="north"):
    async with clinic_session(api, clinic):
        return {draft.patient_id: draft for draft in await drafts.read(api, NOVEMBER.first)}


@pytest.mark.parametrize("processes", [1, 2])
async def test_each_draft_is_what_the_patients_page_shows(closed, api, processes):
    for number, minutes in enumerate((5, 17, 21, 42, 64)):
        await closed.billing(minutes, name=f"P{number}")
    told = await evaluated(closed, processes=processes)
    kept = await stored(api)
    assert (told.enrolled, told.ready, len(kept)) == (5, 3, 5)
    assert told.units == {"99490": 3, "99439": 3}
    for patient, draft in kept.items():
        shown = await closed.shown(api, patient)
        assert (draft.facts_sha256, draft.result) == (shown.facts_sha256, as_bytes(shown.result))
        assert (draft.as_of, draft.rules_version) == (shown.as_of, shown.result.rules_version)
        assert draft.computed_at == OVER


async def test_a_later_run_replaces_and_forgets_who_has_left(closed, api):
    patient, nurse = await closed.billing(21)
    gone, _ = await closed.billing(21, name="Gus")
    await evaluated(closed)
    before = await stored(api)
    await closed.reverse(api, nurse)
    await closed.admin.execute(
        "UPDATE enrolment SET during = '[2026-12-01,)' WHERE patient_id = %s", [gone]
    )
    told = await evaluated(closed, now=OVER + timedelta(hours=1))
    after = await stored(api)
    assert (told.enrolled, told.ready) == (1, 0)
    assert list(after) == [patient]
    assert after[patient].facts_sha256 != before[patient].facts_sha256
    late = await evaluated(closed, now=OVER)  # its clock is behind: what came later stays
    assert late.enrolled == 1
    assert await stored(api) == after


async def test_what_is_signed_and_what_changed_since_is_counted(closed, api, biller):
    for name in ("Ann", "Bea"):
        patient, nurse = await closed.billing(21, name=name)
        await closed.sign(api, biller, patient)
    await closed.reverse(api, nurse)
    told = await evaluated(closed)
    assert (told.signed, told.changed_since_signed) == (2, 1)
    await signing.reopen(api, "north", biller, patient, NOVEMBER, reason="Wrong", now=OVER)
    told = await evaluated(closed)
    assert (told.signed, told.changed_since_signed) == (1, 0)


async def test_who_is_short_and_has_work_waiting(closed):
    """During the month: three minutes short, and an alert is open that would bring them."""
    short, _ = await closed.billing(17, name="Ann")
    await closed.billing(17, name="Bea")
    await closed.alert(short)
    in_november = OVER - timedelta(days=10)
    told = await evaluated(closed, now=in_november)
    assert (told.nearly, told.short_with_open_tasks) == (2, 1)


async def test_a_clinic_without_patients_and_one_that_is_none(closed, api):
    told = await evaluated(closed, processes=2)
    assert (told.enrolled, told.units) == (0, {})
    with pytest.raises(NotFound):
        await evaluated(closed, clinic="nowhere")


def command(url, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "ccm_link", "evaluate-month", *arguments],
        env={**os.environ, "HEARTHLINE_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_command(closed, database):
    await closed.billing(42)
    done = command(database.urls["hl_worker"], "--clinic", "north", "--month", "2026-11", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = msgspec.json.decode(done.stdout)
    assert told["units"] == {"99490": 1, "99439": 1}
    assert (told["enrolled"], told["ready"]) == (1, 1)
    done = command(database.urls["hl_worker"], "--clinic", "north", "--month", "2026-11")
    assert "99439 x 1, 99490 x 1" in done.stdout
    assert "Roe" not in done.stdout


@pytest.mark.parametrize(
    ("clinic", "month", "told"),
    [
        ("nowhere", "2026-11", "--clinic: there is no clinic 'nowhere'"),
        ("north", "November", "--month: 'November' is no month"),
        ("north", "2019-11", "--month: the rule table begins in"),
    ],
)
async def test_what_the_command_refuses(closed, database, clinic, month, told):
    done = command(database.urls["hl_worker"], "--clinic", clinic, "--month", month)
    assert done.returncode == 2
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) == 1


def test_the_database_is_away():
    nobody = "postgresql://nobody@127.0.0.1:1/nothing"
    done = command(nobody, "--clinic", "north", "--month", "2026-11")
    assert done.returncode == 1
    assert "run it again" in done.stderr
