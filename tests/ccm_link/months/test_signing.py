"""What is signed stays as it was signed, once, and says so when the world moves on."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest

from ccm_link import signing
from ccm_link.calendar_month import Month
from ccm_link.errors import (
    AlreadySigned,
    ChangedSinceReview,
    MonthRuns,
    NoReason,
    NotFound,
    NothingToSign,
    NotSigned,
    ReadingsGone,
)
from ccm_link.facts import decode
from ccm_link.freeze import frozen, sha256
from ccm_link.rates_service import Upload, load
from ccm_link.rules import shipped, shipped_text
from ccm_link.view import as_bytes
from store import audit, retention
from store.clinics import ZoneFixed, read_clinic, update_clinic
from store.pool import open_pool
from store.retain import retain
from store.signing import hold_zone
from store.tenancy import clinic_session
from tests.ccm_link.months.closed import NOVEMBER, OVER
from tests.ccm_link.work.ward import NOW

pytestmark = pytest.mark.services

DECEMBER = Month.parse("2026-12")


async def test_what_was_looked_at_is_frozen(closed, api, biller):
    patient, _ = await closed.billing(21, 22)
    shown = await closed.shown(api, patient)
    signed = await closed.sign(api, biller, patient, seen=shown.seen, note=" Looked at. ")
    assert decode(signed.facts) == shown.facts
    assert (signed.facts, signed.facts_sha256) == (frozen(shown.facts), sha256(signed.facts))
    assert (signed.result, signed.result_sha256) == (as_bytes(shown.result), sha256(signed.result))
    assert msgspec.json.decode(signed.result)["billable"][0] == {"code": "99490", "units": 1}
    assert signed.rules_version == shipped()[1] == signed.rules_sha256[:12]
    assert (signed.version, signed.as_of, signed.stands) == (1, OVER.date(), True)
    assert (signed.signed_by_name, signed.note) == ("Bill Biller", "Looked at.")
    kept = await closed.one("SELECT rules FROM rule_table WHERE sha256 = %s", signed.rules_sha256)
    assert kept == (shipped_text(),)
    assert await signing.history(api, "north", patient, NOVEMBER) == [signed]
    assert await signing.signed_months(api, "north", NOVEMBER) == [signed]
    now = await closed.shown(api, patient)
    assert (now.signed.id, now.changed_since_signed) == (signed.id, False)


async def test_what_changed_after_the_look_is_not_signed(closed, api, biller):
    patient, nurse = await closed.billing(21)
    seen = (await closed.shown(api, patient)).seen
    await closed.worked(patient, nurse, 1, day=20)
    with pytest.raises(ChangedSinceReview):
        await closed.sign(api, biller, patient, seen=seen)
    assert await closed.all("SELECT FROM signed_month") == []
    await closed.sign(api, biller, patient)


async def test_other_amounts_than_those_looked_at_are_not_signed(closed, api, biller):
    """They may choose another track, and they stand in the export."""
    patient, _ = await closed.billing(21)
    seen = (await closed.shown(api, patient)).seen
    upload = Upload(data=b"code,amount\n99490,1.00\n", file_name="ours.csv", year=2026)
    await load(api, "north", upload, by=biller.id, now=OVER)
    with pytest.raises(ChangedSinceReview):
        await closed.sign(api, biller, patient, seen=seen)
    signed = await closed.sign(api, biller, patient)
    assert b"1.00" in signed.result


async def test_an_enrolment_that_ends_long_after_is_no_change(closed, api, biller):
    patient, _ = await closed.billing(21)
    await closed.sign(api, biller, patient)
    await closed.admin.execute(
        "UPDATE enrolment SET during = daterange(lower(during), '2027-03-02')"
    )
    assert not (await closed.shown(api, patient)).changed_since_signed


async def test_time_taken_back_later_shows_as_a_change(closed, api, biller):
    patient, nurse = await closed.billing(21, 22)
    signed = await closed.sign(api, biller, patient)
    await closed.reverse(api, nurse)
    shown = await closed.shown(api, patient)
    assert shown.changed_since_signed
    assert shown.signed.facts_sha256 == signed.facts_sha256 != shown.facts_sha256
    assert await signing.signed_months(api, "north", NOVEMBER) == [signed], "it stands"


async def test_reopened_with_a_reason_and_signed_again(closed, api, biller):
    patient, nurse = await closed.billing(21, 22)
    first = await closed.sign(api, biller, patient)
    await closed.reverse(api, nurse)
    with pytest.raises(NoReason):
        await signing.reopen(api, "north", biller, patient, NOVEMBER, reason="  ", now=OVER)
    with pytest.raises(AlreadySigned) as beaten:
        await closed.sign(api, biller, patient)
    assert (beaten.value.by_name, beaten.value.at) == ("Bill Biller", OVER)
    reopened = await signing.reopen(
        api, "north", biller, patient, NOVEMBER, reason="Wrong entry", now=OVER
    )
    assert (reopened.id, reopened.reopened_reason) == (first.id, "Wrong entry")
    assert (reopened.reopened_by_name, reopened.reopened_at) == ("Bill Biller", OVER)
    assert (await closed.shown(api, patient)).signed is None
    assert await signing.signed_months(api, "north", NOVEMBER) == []
    with pytest.raises(NotSigned):
        await signing.reopen(api, "north", biller, patient, NOVEMBER, reason="Again", now=OVER)
    second = await closed.sign(api, biller, patient)
    assert [one.version for one in await signing.history(api, "north", patient, NOVEMBER)] == [1, 2]
    assert second.facts != first.facts
    assert msgspec.json.decode(second.result)["billable"] == [{"code": "99490", "units": 1}]


async def test_each_act_is_in_the_audit_trail(closed, api, biller):
    patient, _ = await closed.billing(21)
    signed = await closed.sign(api, biller, patient)
    await signing.reopen(api, "north", biller, patient, NOVEMBER, reason="Wrong", now=OVER)
    await signing.lock(api, "north", biller, NOVEMBER, now=OVER)
    await signing.unlock(api, "north", biller, NOVEMBER, reason="Late note", now=OVER)
    async with clinic_session(api, "north"):
        told = await audit.recent(api)
    assert [(event["action"], event["subject"]) for event in reversed(told)] == [
        ("month.sign", str(patient)),
        ("month.reopen", str(patient)),
        ("month.lock", "north"),
        ("month.unlock", "north"),
    ]
    assert {event["actor"] for event in told} == {str(biller.id)}
    assert told[-1]["detail"] == {"month": "2026-11", "version": 1, "signing": str(signed.id)}


# What is refused ---------------------------------------------------------------------------------


async def test_a_month_that_runs_where_the_practice_is(closed, api, biller):
    patient, _ = await closed.billing(21)
    for now in (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 12, 1, 4, 59, tzinfo=UTC)):
        with pytest.raises(MonthRuns):
            await closed.sign(api, biller, patient, now=now)
        with pytest.raises(MonthRuns):
            await signing.lock(api, "north", biller, NOVEMBER, now=now)
    await closed.sign(api, biller, patient, now=datetime(2026, 12, 1, 5, tzinfo=UTC))


async def test_and_where_the_patient_is(closed, api, biller):
    """In Los Angeles the month's last day has three hours left, and may bring a reading day."""
    patient, _ = await closed.billing(21)
    await closed.admin.execute("UPDATE patient SET zone = 'America/Los_Angeles'")
    with pytest.raises(MonthRuns):
        await closed.sign(api, biller, patient, now=datetime(2026, 12, 1, 5, tzinfo=UTC))
    await closed.sign(api, biller, patient, now=datetime(2026, 12, 1, 8, tzinfo=UTC))


async def test_nothing_that_bills_and_nobody_who_is_enrolled(closed, api, biller):
    patient, _ = await closed.billing(19)
    with pytest.raises(NothingToSign):
        await closed.sign(api, biller, patient)
    for nobody in (await closed.patient(), uuid.uuid4()):
        with pytest.raises(NotFound):
            await closed.sign(api, biller, nobody, seen="0" * 64)
    assert await closed.all("SELECT FROM signed_month") == []


async def test_all_who_sign_at_once_sign_once(closed, api):
    patient, _ = await closed.billing(21)
    seen = (await closed.shown(api, patient)).seen
    others = [
        (await closed.connect(), await closed.staff(f"B{number}", "biller")) for number in range(6)
    ]
    told = await asyncio.gather(
        *(closed.sign(conn, who, patient, seen=seen) for conn, who in others),
        return_exceptions=True,
    )
    signed = [one for one in told if isinstance(one, signing.Signed)]
    assert len(signed) == 1
    assert {type(one) for one in told} == {signing.Signed, AlreadySigned}
    assert await closed.one("SELECT count(*) FROM signed_month") == (1,)


async def test_one_reopens_while_another_signs(closed, api, biller):
    """In whatever order they come, the history has no hole and at most one stands."""
    patient, _ = await closed.billing(21)
    await closed.sign(api, biller, patient)
    other = await closed.connect()
    for _ in range(5):
        told = await asyncio.gather(
            signing.reopen(api, "north", biller, patient, NOVEMBER, reason="Again", now=OVER),
            closed.sign(other, biller, patient),
            return_exceptions=True,
        )
        assert all(isinstance(t, signing.Signed | AlreadySigned | NotSigned) for t in told)
    versions = [one.version for one in await signing.history(api, "north", patient, NOVEMBER)]
    assert versions == list(range(1, len(versions) + 1))
    standing = await closed.one("SELECT count(*) FROM signed_month WHERE reopened_at IS NULL")
    assert standing in {(0,), (1,)}


# Many at once ------------------------------------------------------------------------------------


async def test_all_that_are_ready_but_not_what_changed(closed, api, biller):
    ready = [(await closed.billing(21, name=name))[0] for name in ("Ann", "Bea", "Cid")]
    short, nurse = await closed.billing(19, name="Dan")
    moved, nurse = await closed.billing(21, name="Eve")
    nobody = uuid.uuid4()
    shown = {one.patient.id: one.seen for one in await closed.everybody(api)}
    await closed.worked(moved, nurse, 1, day=20)
    await closed.sign(api, biller, ready[0])
    told = await signing.sign_ready(
        api, "north", biller, NOVEMBER, shown | {nobody: "0" * 64}, note="Month end", now=OVER
    )
    assert {one.patient_id for one in told.signed} == set(ready[1:])
    assert {one.note for one in told.signed} == {"Month end"}
    assert {one.patient_id: type(one.why) for one in told.refused} == {
        ready[0]: AlreadySigned, short: NothingToSign, moved: ChangedSinceReview, nobody: NotFound,
    }  # fmt: skip
    assert len(await signing.signed_months(api, "north", NOVEMBER)) == 3
    with pytest.raises(MonthRuns):
        await signing.sign_ready(api, "north", biller, DECEMBER, shown, now=OVER)


# In the database itself --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE signed_month SET note = 'Other'",
        "UPDATE signed_month SET facts = 'x', facts_sha256 = encode(sha256('x'), 'hex')",
        "UPDATE signed_month SET signed_at = now()",
        (
            "UPDATE signed_month SET version = 2, reopened_at = now(), reopened_by = signed_by,"
            " reopened_reason = 'x'"
        ),
        "DELETE FROM signed_month",
        "TRUNCATE signed_month",
        "UPDATE rule_table SET kept_at = now()",
        "DELETE FROM rule_table",
    ],
)
async def test_nobody_edits_a_signature(closed, api, biller, change):
    """Not even who owns the database, short of taking the trigger off."""
    patient, _ = await closed.billing(21)
    signed = await closed.sign(api, biller, patient)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await closed.admin.execute(change)
    assert await signing.history(api, "north", patient, NOVEMBER) == [signed]


async def test_it_is_reopened_once_and_what_is_not_its_content_has_no_name(closed, api, biller):
    patient, _ = await closed.billing(21)
    await closed.sign(api, biller, patient)
    await signing.reopen(api, "north", biller, patient, NOVEMBER, reason="Wrong", now=OVER)
    for value in ("Other", None):
        change = "UPDATE signed_month SET reopened_reason = %s"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await closed.admin.execute(change, [value])
    with pytest.raises(psycopg.errors.CheckViolation):
        await closed.admin.execute(
            "INSERT INTO rule_table (clinic_id, sha256, rules, kept_at)"
            " VALUES ('north', repeat('0', 64), 'x', now())"
        )


async def test_a_second_that_stands_is_refused(closed, api, biller):
    patient, _ = await closed.billing(21)
    await closed.sign(api, biller, patient)
    with pytest.raises(psycopg.errors.UniqueViolation, match="signed_month_one_stands"):
        await closed.admin.execute(
            "INSERT INTO signed_month (clinic_id, patient_id, month, version, as_of, facts,"
            " facts_sha256, result, result_sha256, rules_sha256, rules_version, signed_by,"
            " signed_by_name, signed_at)"
            " SELECT clinic_id, patient_id, month, 2, as_of, facts, facts_sha256, result,"
            " result_sha256, rules_sha256, rules_version, signed_by, signed_by_name, signed_at"
            " FROM signed_month"
        )


# What it rests on --------------------------------------------------------------------------------


async def test_readings_of_a_signed_month_outlive_the_clinics_retention(closed, api, biller):
    patient = await closed.patient()
    await closed.join(patient, "RPM", since="2026-11-01")
    ids = await closed.measuring(patient, 20)
    shown = await closed.shown(api, patient)
    assert [line.code for line in shown.result.billable] == ["99454"]
    signed = await closed.sign(api, biller, patient)
    cited = await closed.all("SELECT reading_id::text, why FROM reading_citation")
    assert {key for key, _ in cited} == set(ids)
    assert {why for _, why in cited} == {f"month {signed.id}"}
    await retention.set_rule(api, "north", 12, reason="Board", by=biller.id, now=NOW)
    much_later = OVER + timedelta(days=900)
    async with open_pool(closed.database.admin, max_size=1) as pool:
        (told,) = [one async for one in retain(pool, now=much_later, dry_run=False)]
    assert (told.cited, told.removed) == (20, 0)
    assert not (await closed.shown(api, patient)).changed_since_signed


async def test_a_month_whose_readings_are_gone_is_not_signed(closed, api, biller):
    """The alert that was worked on names a reading that is not there."""
    patient, _ = await closed.billing(21)
    _, task = await closed.alert(patient)
    await closed.admin.execute("ALTER TABLE time_entry DISABLE TRIGGER time_entry_never_edited")
    await closed.admin.execute("UPDATE time_entry SET task_id = %s", [task])
    with pytest.raises(ReadingsGone):
        await closed.sign(api, biller, patient)
    seen = (await closed.shown(api, patient)).seen
    told = await signing.sign_ready(api, "north", biller, NOVEMBER, {patient: seen}, now=OVER)
    assert [type(one.why) for one in told.refused] == [ReadingsGone]
    assert await closed.all("SELECT FROM signed_month") == []
    assert await closed.all("SELECT FROM reading_citation") == []


# Walls -------------------------------------------------------------------------------------------


async def test_another_clinic_sees_nothing_and_signs_nothing(closed, api, biller):
    patient, _ = await closed.billing(21)
    await closed.open_clinic("south", zone="America/New_York")
    stranger = await closed.staff("Sue", "biller", ("south",))
    seen = (await closed.shown(api, patient)).seen
    with pytest.raises(NotFound):
        await signing.sign(api, "south", stranger, patient, NOVEMBER, seen=seen, note="", now=OVER)
    await closed.sign(api, biller, patient)
    await signing.lock(api, "north", biller, NOVEMBER, now=OVER)
    assert await signing.history(api, "south", patient, NOVEMBER) == []
    assert await signing.signed_months(api, "south", NOVEMBER) == []
    assert await signing.locks(api, "south") == []
    with pytest.raises(NotSigned):
        await signing.reopen(api, "south", stranger, patient, NOVEMBER, reason="Mine", now=OVER)
    await signing.lock(api, "south", stranger, NOVEMBER, now=OVER)


# The clinic's month ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [1, 2, 3, 5, 200])
async def test_pages_of_any_size_hold_everybody_once_by_name(closed, api, page):
    for name in ("Eve", "Ann", "Cid", "Ann", "Bea"):
        await closed.billing(21, name=name)
    found = await closed.everybody(api, page=page)
    assert [one.patient.given_name for one in found] == ["Ann", "Ann", "Bea", "Cid", "Eve"]
    assert len({one.patient.id for one in found}) == 5


async def test_open_tasks_stand_beside_the_minutes(closed, api):
    patient, _ = await closed.billing(17)
    await closed.alert(patient)
    await closed.alert(patient, lineage="glucose.low")
    (found,) = await closed.everybody(api)
    assert found.open_tasks == 2
    await closed.admin.execute("UPDATE care_task SET state = 'done' WHERE alert_id IN"
                               " (SELECT id FROM alert WHERE lineage = 'glucose.low')")  # fmt: skip
    assert (await closed.shown(api, patient)).open_tasks == 1


async def test_a_change_of_the_zone_waits_for_who_is_signing(closed, api, biller):
    """They read the zone of before: a month that is signed by it must not find another one."""
    patient, _ = await closed.billing(21)
    seen = (await closed.shown(api, patient)).seen
    settings = await read_clinic(api, "north")
    assert settings is not None
    wanted = replace(settings, zone="America/Los_Angeles")
    other = await closed.connect()
    async with clinic_session(api, "north", staff=biller.id):
        await hold_zone(api)
        change = asyncio.create_task(update_clinic(other, wanted, by=biller.id, now=OVER))
        await asyncio.sleep(0.3)
        assert not change.done()
    await change
    with pytest.raises(ChangedSinceReview):
        await closed.sign(api, biller, patient, seen=seen)
    await closed.sign(api, biller, patient)
    with pytest.raises(ZoneFixed):
        await update_clinic(other, settings, by=biller.id, now=OVER)
