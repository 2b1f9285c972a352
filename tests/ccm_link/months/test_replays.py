"""A signed month out of the database once more: by its own rules, today's, and today's facts."""

from __future__ import annotations

import uuid

import pytest

from ccm_link import signing
from ccm_link.difference import sentences
from ccm_link.errors import NotFound
from ccm_link.rates_service import Upload, load
from ccm_link.replay import replay
from ccm_link.rules import shipped, shipped_text
from ccm_link.view import as_bytes
from tests.ccm_link.months.closed import NOVEMBER, OVER

pytestmark = pytest.mark.services

#: As if the release before had asked for 25 minutes, and more for each further unit.
BEFORE = shipped_text().replace("first_s = 1200\naddon", "first_s = 1500\naddon")


async def test_an_untouched_month_has_no_difference(closed, api, biller):
    patient, _ = await closed.billing(21, 22)
    signed = await closed.sign(api, biller, patient)
    found = await replay(api, "north", signed.id, now=OVER)
    assert as_bytes(found.own) == signed.result == as_bytes(found.todays_rules)
    assert found.todays_facts is not None
    assert as_bytes(found.todays_facts) == signed.result
    assert found.identical
    assert found.by_rules.is_empty
    assert found.by_facts.is_empty


async def test_the_shipped_table_changed_since(closed, api, biller):
    patient, _ = await closed.billing(30, 12)
    assert shipped_text() != BEFORE
    signed = await closed.sign(api, biller, patient, table=BEFORE)
    assert signed.rules_version != shipped()[1]
    found = await replay(api, "north", signed.id, now=OVER)
    assert as_bytes(found.own) == signed.result
    assert found.identical
    assert {line.code: line.units for line in found.own.billable} == {"99490": 1}
    assert {line.code: line.units for line in found.todays_rules.billable} == {
        "99490": 1, "99439": 1,
    }  # fmt: skip
    assert [(c.code, c.units) for c in found.by_rules.lines if c.units] == [("99439", 1)]
    assert (found.by_rules.rules_before, found.by_rules.rules_after) == (
        signed.rules_version, shipped()[1],
    )  # fmt: skip
    assert found.by_facts.is_empty


async def test_an_entry_was_taken_back_and_the_month_reopened(closed, api, biller):
    """The story: signed, reversed, reopened, replayed, signed again."""
    patient, nurse = await closed.billing(21, 22)
    first = await closed.sign(api, biller, patient)
    wrong = await closed.reverse(api, nurse)
    await signing.reopen(api, "north", biller, patient, NOVEMBER, reason="Wrong", now=OVER)
    found = await replay(api, "north", first.id, now=OVER)
    assert found.identical
    assert not found.signed.stands
    assert found.by_rules.is_empty
    assert [(c.entry, c.after) for c in found.by_facts.entries] == [(wrong, None)]
    assert {c.code: c.units for c in found.by_facts.lines} == {"99490": 0, "99439": -1}
    second = await closed.sign(api, biller, patient)
    again = await replay(api, "north", second.id, now=OVER)
    assert again.identical
    assert again.by_facts.is_empty
    assert found.todays_facts is not None
    assert as_bytes(again.own) == as_bytes(found.todays_facts)


async def test_the_clinic_loaded_other_amounts_since(closed, api, biller):
    """A signature keeps the amounts that it was signed with."""
    patient, _ = await closed.billing(21)

    async def amounts(dollars):
        file = Upload(data=f"99490,{dollars}\n".encode(), file_name="own.csv", year=2026)
        await load(api, "north", file, by=biller.id, now=OVER)

    await amounts("70.00")
    signed = await closed.sign(api, biller, patient)
    await amounts("71.50")
    found = await replay(api, "north", signed.id, now=OVER)
    assert as_bytes(found.own) == signed.result
    assert [str(line.dollars) for line in found.own.billable] == ["70.00"]
    (change,) = found.by_rules.lines
    assert (change.code, change.units, str(change.dollars)) == ("99490", 0, "1.50")
    assert ("99490", "$71.50 instead of $70.00.") in sentences(found.by_rules)
    assert found.by_facts.is_empty


async def test_somebody_who_was_never_to_be_enrolled(closed, api, biller):
    patient, _ = await closed.billing(21)
    signed = await closed.sign(api, biller, patient)
    await closed.admin.execute("UPDATE enrolment SET during = '[2026-12-01,)'")
    found = await replay(api, "north", signed.id, now=OVER)
    assert found.identical
    assert found.todays_facts is None
    assert [(c.code, c.after) for c in found.by_facts.lines] == [("99490", None)]


async def test_nobody_elses(closed, api, biller):
    patient, _ = await closed.billing(21)
    signed = await closed.sign(api, biller, patient)
    await closed.open_clinic("south", zone="America/New_York")
    for clinic, key in (("south", signed.id), ("north", uuid.uuid4())):
        with pytest.raises(NotFound):
            await replay(api, clinic, key, now=OVER)
