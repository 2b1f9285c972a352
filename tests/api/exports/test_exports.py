"""The exports as a biller's browser gets them: names, headers, trail, and whose they are."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
from datetime import timedelta
from io import StringIO

import pypdfium2 as pdfium
import pytest

from ccm_link import signing
from ccm_link.press import PressFailed
from tests.api.conftest import open_browser
from tests.ccm_link.export.judges import problems
from tests.ccm_link.export.story import MONTH, SIGNED, tell

LATER = SIGNED + timedelta(days=2)
CSV = f"/month/export.csv?month={MONTH}"
CLAIMS = f"/month/export.claims.json?month={MONTH}"


@pytest.fixture
async def story(database, admin, clock):
    clock.now = LATER
    return await tell(database, admin)


@pytest.fixture
async def biller(browser, story):
    await browser.sign_in(story.clinic.email("biller"))
    return browser


def packet(story, kind, more=""):
    return f"/month/{story.patient}/packet.{kind}?month={MONTH}{more}"


def rows(answer):
    return list(csv.DictReader(StringIO(answer.text, newline="")))


async def test_only_what_is_signed_is_claimed(biller, story):
    assert rows(await biller.get(CSV)) == []
    assert claims(await biller.get(CLAIMS)) == []
    signed = await story.sign()
    answer = await biller.get(CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="claims-2026-10.csv"'
    found = {row["code"]: row for row in rows(answer)}
    assert {"99490", "99454"} <= set(found)
    assert found["99490"]["facts_sha256"] == signed.facts_sha256
    assert found["99490"]["practitioner"] == "Demo Provider"
    assert found["99490"]["seconds_counted"] == "2400"
    await signing.reopen(
        story.admin, "north", story.actor("biller"), story.patient, MONTH, reason="Wrong", now=LATER
    )
    assert rows(await biller.get(CSV)) == []


def claims(answer):
    entries = answer.json().get("entry", [])
    return [e["resource"] for e in entries if e["resource"]["resourceType"] == "Claim"]


async def test_claims_are_valid_fhir(biller, story):
    signed = await story.sign()
    answer = await biller.get(CLAIMS)
    assert answer.headers["content-type"] == "application/fhir+json"
    assert problems(answer.json()) == []
    (claim,) = claims(answer)
    assert claim["id"] == str(signed.id)
    codes = {item["productOrService"]["coding"][0]["code"] for item in claim["item"]}
    assert {"99490", "99454"} <= codes


async def test_a_byte_order_mark_when_asked(biller, story):
    assert (await biller.get(CSV + "&bom=yes")).content.startswith(b"\xef\xbb\xbf")
    assert not (await biller.get(CSV)).content.startswith(b"\xef\xbb\xbf")
    assert (await biller.get(CSV + "&bom=perhaps")).status_code == 422


async def test_the_packet_as_json_and_as_pdf(biller, story):
    await story.sign()
    answer = await biller.get(packet(story, "json"))
    digest = hashlib.sha256(answer.content).hexdigest()
    name = f"audit-packet-2026-10-v1-{digest[:8]}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.json"'
    assert answer.json()["state"] == "signed"
    drawn = await biller.get(packet(story, "pdf"))
    assert drawn.headers["content-type"] == "application/pdf"
    assert drawn.headers["content-disposition"] == f'attachment; filename="{name}.pdf"'
    assert drawn.headers["cache-control"] == "no-store"
    document = pdfium.PdfDocument(drawn.content)
    assert bytes(document.get_attachment(0).get_data()) == answer.content
    assert digest in document[0].get_textpage().get_text_bounded()


async def test_a_draft_is_named_one(biller, story):
    answer = await biller.get(packet(story, "json"))
    assert "-draft-" in answer.headers["content-disposition"]
    assert answer.json()["state"] == "draft"


async def test_an_earlier_signature_is_asked_for_by_its_version(biller, story):
    await story.sign()
    await signing.reopen(
        story.admin, "north", story.actor("biller"), story.patient, MONTH, reason="Wrong", now=LATER
    )
    assert (await biller.get(packet(story, "json"))).json()["state"] == "draft"
    assert (await biller.get(packet(story, "json", "&version=1"))).json()["state"] == "reopened"
    assert (await biller.get(packet(story, "json", "&version=2"))).status_code == 404
    assert (await biller.get(packet(story, "json", "&version=x"))).status_code == 422


async def test_every_export_leaves_a_trace_and_names_nobody(biller, story):
    await story.sign()
    (since,) = await (await story.admin.execute("SELECT max(seq) FROM audit_event")).fetchone()
    for path in (CSV, CLAIMS, packet(story, "json"), packet(story, "pdf")):
        assert (await biller.get(path)).status_code == 200
    trail = await (
        await story.admin.execute(
            "SELECT action, actor, subject, detail FROM audit_event WHERE seq > %s ORDER BY seq",
            [since],
        )
    ).fetchall()
    biller_id = str(story.clinic.staff["biller"])
    assert [(row[0], row[3]["format"]) for row in trail] == [
        ("claims.export", "csv"),
        ("claims.export", "fhir"),
        ("packet.export", "json"),
        ("packet.export", "pdf"),
    ]
    assert {row[1] for row in trail} == {biller_id}
    assert [row[2] for row in trail[2:]] == [str(story.patient)] * 2
    assert trail[0][3]["claims"] == 1
    assert len(trail[2][3]["sha256"]) == 64
    assert "Testperson" not in json.dumps([row[3] for row in trail])


async def test_another_clinics_claims_are_not_in_it(database, admin, biller, story):
    other = await tell(database, admin, clinic="south", number=2, name="Otherperson")
    await story.sign()
    month = signing.signed_months
    assert len(await month(admin, "south", MONTH)) == 0
    for path in (CSV, CLAIMS):
        text = (await biller.get(path)).text
        assert str(other.patient) not in text
        assert "Otherperson" not in text
    assert (await biller.get(packet(other, "json"))).status_code == 404
    assert (await biller.get(packet(other, "pdf"))).status_code == 404


async def test_a_month_without_rules_is_no_month(biller, story):
    for month in ("2019-01", "nonsense", "2026-13"):
        assert (await biller.get(f"/month/export.csv?month={month}")).status_code == 404


class Held:
    """A press that draws when it is told to."""

    def __init__(self) -> None:
        self.waiting, self.go = 0, asyncio.Event()

    async def pdf(self, packet: bytes) -> bytes:
        self.waiting += 1
        await self.go.wait()
        return packet[:1]


async def test_a_pdf_being_drawn_holds_no_connection(app, biller, story):
    """More PDFs are being drawn than there are connections, and pages answer."""
    app.state.press = press = Held()
    async with open_browser(app) as nurse:
        await nurse.sign_in(story.clinic.email("nurse"))
        drawing = [asyncio.create_task(biller.get(packet(story, "pdf"))) for _ in range(6)]
        while press.waiting < len(drawing):
            await asyncio.sleep(0.01)
        assert (await nurse.get("/queue")).status_code == 200
        assert not any(task.done() for task in drawing)
        press.go.set()
        answers = await asyncio.gather(*drawing)
    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"{")] * 6


class Broken:
    async def pdf(self, packet: bytes) -> bytes:
        raise PressFailed(f"{len(packet)} bytes")


async def test_a_pdf_that_cannot_be_drawn_says_what_else_there_is(app, biller, story):
    app.state.press = Broken()
    answer = await biller.get(packet(story, "pdf"))
    assert answer.status_code == 503
    assert "JSON" in answer.text
    assert "content-disposition" not in answer.headers
