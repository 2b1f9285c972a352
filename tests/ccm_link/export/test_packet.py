"""The packet is checked the way an auditor would: from its JSON alone, with a hash and a ruler."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from ccm_link import signing
from ccm_link.corrections import reverse_entry
from ccm_link.evaluate import evaluate
from ccm_link.facts import decode
from ccm_link.packet import SCHEMA, State, read
from ccm_link.packet_service import packet_of
from ccm_link.rules import rules_for
from ccm_link.view import as_json
from tests.ccm_link.export.sample import a_packet, evidence
from tests.ccm_link.export.story import DAYS, MONTH, SIGNED, tell

LATER = SIGNED + timedelta(days=2)


async def made(conn, story, *, now=LATER, **more):
    packet = await packet_of(conn, "north", story.patient, MONTH, now=now, **more)
    assert packet is not None
    return packet


async def test_a_signed_packet_proves_itself(story, console):
    signed = await story.sign()
    packet = await made(console, story)
    told = json.loads(packet.json)
    assert (told["schema"], told["state"], told["month"]) == (SCHEMA, "signed", "2026-10")
    for part, kept in (("facts", signed.facts_sha256), ("result", signed.result_sha256)):
        assert hashlib.sha256(told[part]["text"].encode()).hexdigest() == kept
        assert told[part]["sha256"] == kept
    assert told["signature"]["signed_by"] == "Demo Biller"
    assert told["signature"]["note"] == "Looked through."
    assert packet.reproduced is True
    again = evaluate(decode(told["facts"]["text"]), rules_for(MONTH), today=packet.evaluated_on)
    assert json.loads(json.dumps(as_json(again), default=list)) == json.loads(
        told["result"]["text"]
    )
    lines = {line["code"]: line for line in told["evidence"]["lines"]}
    assert lines["99490"]["seconds"] == 2400
    assert len(lines["99454"]["days"]) == DAYS


async def test_the_same_signature_is_the_same_packet(story, console):
    await story.sign()
    first = await made(console, story)
    await story.admin.execute("UPDATE enrolment SET during = during")  # nothing that is shown
    assert (await made(console, story, now=LATER + timedelta(days=30))).json == first.json


async def test_a_reversal_after_signing_is_told_and_moves_nothing_else(story, console):
    await story.sign()
    before = await made(console, story)
    await reverse_entry(
        story.admin, "north", story.actor("nurse"), story.by_hand, "Wrong patient", now=LATER
    )
    after = await made(console, story, now=LATER + timedelta(hours=1))
    assert after.facts == before.facts
    (change,) = after.evidence.changes
    assert "was reversed" in change
    assert msgspec.structs.replace(after.evidence, changes=()) == before.evidence


async def test_a_draft_says_so_and_follows_the_present(story, console):
    packet = await made(console, story)
    assert (packet.state, packet.signature, packet.reproduced) == (State.DRAFT, None, None)
    assert packet.as_of == LATER
    assert hashlib.sha256(packet.facts.text.encode()).hexdigest() == packet.facts.sha256
    await reverse_entry(
        story.admin, "north", story.actor("nurse"), story.by_hand, "Wrong patient", now=LATER
    )
    after = await made(console, story)
    assert after.evidence.entry(story.by_hand).status == "reversed"
    assert after.facts != packet.facts


async def test_a_reopened_month_is_a_draft_and_its_signature_can_still_be_had(story, console):
    await story.sign()
    await signing.reopen(
        story.admin,
        "north",
        story.actor("biller"),
        story.patient,
        MONTH,
        reason="A wrong entry",
        now=LATER,
    )
    assert (await made(console, story)).state is State.DRAFT
    old = await made(console, story, version=1)
    assert old.state is State.REOPENED
    assert (old.signature.reopened_reason, old.signature.reopened_at) == ("A wrong entry", LATER)
    assert await packet_of(console, "north", story.patient, MONTH, version=2, now=LATER) is None


async def test_nobody_elses_packet(database, admin, story, console):
    other = await tell(database, admin, clinic="south", number=2)
    assert await packet_of(console, "north", other.patient, MONTH, now=LATER) is None
    june = type(MONTH).parse("2026-06")
    assert await packet_of(console, "north", story.patient, june, now=LATER) is None


async def test_rules_come_with_their_source_and_how_sure_they_are(story, console):
    packet = await made(console, story)
    about = {(rule.part, rule.subject) for rule in packet.rules}
    assert {("Code", "99490"), ("Time", "99490"), ("Gate", "CCM"), ("Gate", "RPM")} <= about
    assert ("Devices", "99454 / 99445 / 99453") in about
    assert all(rule.source and rule.confidence and rule.says for rule in packet.rules)
    assert not [rule for rule in packet.rules if rule.subject in {"G0556", "PCM", "99424"}]


async def test_refusals_say_what_would_change_them(story, console):
    packet = await made(console, story)
    by_subject = {refused.subject: refused for refused in packet.refused}
    assert by_subject["99457"].reason == "TIME_BELOW_THRESHOLD"
    assert by_subject["99457"].detail
    assert any("the month ended" in said for said in by_subject["99457"].next)
    assert not any(note.startswith("99457") for note in packet.notes), "it is not said twice"
    ledger = {str(entry.id) for entry in packet.evidence.entries}
    assert not ledger & set(by_subject), "what is said of an entry stands beside it"


def test_json_is_read_back_as_it_was():
    packet = a_packet(evidence(entries=4, readings=6))
    assert read(packet.json) == packet
    assert read(packet.json).sha256 == packet.sha256


def test_numbers_are_exact():
    packet = a_packet(evidence(entries=2, readings=0))
    half = msgspec.structs.replace(packet.evidence.entries[0], logged_seconds=Decimal("1199.5"))
    own = msgspec.structs.replace(packet.evidence, entries=(half,))
    told = json.loads(msgspec.structs.replace(packet, evidence=own).json, parse_float=Decimal)
    assert told["evidence"]["entries"][0]["logged_seconds"] == Decimal("1199.5")


@pytest.mark.parametrize("schema", ["hearthline.packet/2", "x"])
def test_another_version_is_not_read(schema):
    told = json.loads(a_packet(evidence(entries=1, readings=1)).json)
    with pytest.raises(msgspec.ValidationError):
        read(json.dumps(told | {"schema": schema}).encode())


def test_every_field_is_documented():
    """Added to the packet is added to docs/exports.md."""
    page = (Path(__file__).parents[3] / "docs" / "exports.md").read_text("utf-8")
    told = json.loads(a_packet(evidence(entries=3, readings=3)).json)
    for name in [*told, *told["evidence"], *told["signature"], *told["rules"][0]]:
        assert f"`{name}`" in page, f"docs/exports.md does not name {name}"
    for part in (
        "entries",
        "tasks",
        "alerts",
        "readings",
        "contacts",
        "consents",
        "enrolments",
        "statements",
    ):
        for name in told["evidence"][part][0]:
            assert f"`{name}`" in page, f"docs/exports.md does not name {part}.{name}"


def test_keys_are_those_of_the_store():
    packet = a_packet(evidence(entries=1, readings=1))
    assert all(isinstance(entry.id, UUID) for entry in read(packet.json).evidence.entries)
