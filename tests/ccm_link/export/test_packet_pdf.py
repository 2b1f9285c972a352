"""The PDF is opened by PDFium, which Chromium shows PDFs with: pages, words, marks, attachment."""

from __future__ import annotations

import hashlib
import re
import zlib
from datetime import date
from functools import cache

import msgspec
import pypdfium2 as pdfium
import pytest

from ccm_link.evidence_parts import Evidence
from ccm_link.packet_pdf import html, render
from ccm_link.press import Press, PressFailed
from tests.ccm_link.export.sample import a_packet, a_patient, evidence

LONG = a_patient(
    family_name="Wolfeschlegelsteinhausenbergerdorff-Schleswig-Holstein-Glücksburg",
    given_name="Nguyễn Thị Minh-Khai Ελένη Дарья",
)


@cache
def drawn(kind):
    return render(PACKETS[kind]())


PACKETS = {
    "signed": lambda: a_packet(evidence()),
    "draft": lambda: a_packet(evidence(entries=3, readings=4, patient=LONG), sign=False),
    "empty": lambda: a_packet(_nothing(), sign=False),
}


def _nothing() -> Evidence:
    return evidence(entries=0, readings=0, consents=(), enrolments=())


def pages(data):
    document = pdfium.PdfDocument(data)
    return [page.get_textpage().get_text_bounded() for page in document]


def flat(text):
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("kind", PACKETS)
def test_every_page_says_whose_it_is_which_and_how_many(kind):
    found, packet = pages(drawn(kind)), PACKETS[kind]()
    for number, text in enumerate(found, start=1):
        assert f"Page {number} of {len(found)}" in text
        assert packet.sha256 in flat(text)
    for text in found[1:]:
        assert packet.evidence.patient.given_name in flat(text)


def test_a_draft_says_so_on_each_page_and_a_signed_one_on_none():
    assert all("DRAFT" in text for text in pages(drawn("draft")))
    assert not any("DRAFT" in text for text in pages(drawn("signed")))


def test_the_first_page_has_who_when_and_the_hashes():
    packet = PACKETS["signed"]()
    first = flat(pages(drawn("signed"))[0])
    for said in (
        "Synthetic Testperson",
        "March 2026",
        "Feb 3, 1950",
        "MRN-1042",
        "North Clinic",
        "Bela Biller, Apr 2, 2026, 10:30:00 EDT",
        packet.facts.sha256,
        packet.result.sha256,
        packet.rules_version,
        "not billing advice",
        "99490",
    ):
        assert said in first, said


def test_the_body_has_the_whole_chain():
    whole = flat(" ".join(pages(drawn("signed"))))
    for said in (
        "Nora Nurse, RN",
        "Alert: high blood pressure (A1, T1, C1)",
        "systolic 191 mmHg",
        "AHA severe range",
        "Lost 2:00",
        "It was another patient's call",
        "availability, cost sharing",
        "Inpatient stay, Mar 20, 2026 to Mar 22, 2026",
        "Line 7 of an imported file",
        "1e780050",
        "offset -3 s",
        "Days with a reading",
    ):
        assert said in whole, said
    sources = re.findall(r"ccnhealth\.com|rvudoc\.com|CMS", whole)
    assert sources, "rules come with their source"


def test_an_empty_month_is_a_packet_too():
    whole = flat(" ".join(pages(drawn("empty"))))
    for said in (
        "Nothing bills in this month",
        "No time was logged",
        "No consent is on record",
        "No enrolment touches the month",
        "The month rests on no reading",
    ):
        assert said in whole, said


def test_names_in_other_letters_are_there_whole():
    first = flat(pages(drawn("draft"))[0])
    assert "Ελένη Дарья" in first
    # PDFium tells a hyphen at which a line was broken by a control character.
    assert "Schleswig-Holstein-Glücksburg" in first.replace("\x02", "-").replace("- ", "-")


def test_nothing_is_drawn_beyond_the_paper():
    document = pdfium.PdfDocument(drawn("draft"))
    for page in document:
        width, height = page.get_size()
        assert (width, height) == (612, 792)  # US Letter in points
        words = page.get_textpage()
        for at in range(words.count_rects()):
            left, bottom, right, top = words.get_rect(at)
            stamp = top - bottom > 60  # the watermark may lean out of the margins, not of the page
            assert left >= (0 if stamp else 44)
            assert right <= width - (0 if stamp else 40)
            assert 0 <= bottom <= top <= height


def inflated(data):
    """All of a PDF's objects as text: those in compressed streams too."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    return data + b"".join(map(_inflated, streams))


def _inflated(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_it_is_tagged_titled_and_has_its_fonts_in_it():
    data = drawn("signed")
    objects = inflated(data)
    assert b"/StructTreeRoot" in objects
    assert b"pdfuaid:part" in objects
    assert re.search(rb"/Lang\s*\(en\)", objects)
    for tag in (b"/H1", b"/H2", b"/Table", b"/TH", b"/TD", b"/Link"):
        assert re.search(rb"/S\s*" + tag, objects), tag
    document = pdfium.PdfDocument(data)
    told = document.get_metadata_dict()
    assert told["Title"] == "Audit packet, 2026-03, Synthetic Testperson"
    assert told["CreationDate"].startswith("D:20260402")
    described = re.findall(rb"/Type\s*/FontDescriptor", objects)
    assert len(described) == len(re.findall(rb"/FontFile[23]?\s", objects)) > 0


def test_the_json_that_it_was_drawn_from_is_attached():
    packet = PACKETS["signed"]()
    document = pdfium.PdfDocument(drawn("signed"))
    attached = document.get_attachment(0)
    data = bytes(attached.get_data())
    assert attached.get_name() == "packet.json"
    assert data == packet.json
    assert hashlib.sha256(data).hexdigest() == packet.sha256


def test_the_same_packet_is_the_same_bytes():
    assert render(PACKETS["signed"]()) == drawn("signed")


def test_what_changed_since_is_told_by_the_marks_of_the_ledger():
    own = evidence(entries=2, readings=1)
    said = f"Entry {own.entries[1].id} was reversed 2026-04-03 10:00:00Z by Nora Nurse."
    whole = flat(" ".join(pages(render(a_packet(msgspec.structs.replace(own, changes=(said,)))))))
    assert "Entry E2 was reversed 2026-04-03" in whole


def test_what_people_typed_is_no_markup():
    hostile = a_patient(given_name='<img src="http://x.example/a.png">', family_name="</h1>&amp;")
    text = html(a_packet(evidence(entries=1, readings=1, patient=hostile)), "0" * 64)
    assert "<img" not in text
    assert "&lt;img" in text


def test_three_hundred_readings_over_thirty_days():
    packet = a_packet(evidence(entries=30, readings=300))
    found = pages(render(packet))
    whole = flat(" ".join(found))
    for text in found:
        *_, last = [line for line in text.splitlines() if "·" not in line and "Page" not in line]
        assert not re.fullmatch(r"Mar \d+, 2026, \d+ readings", last), "a day ends a page alone"
    marks = set(re.findall(r"\bR(\d+)\b", whole))
    assert marks >= {str(n) for n in range(1, 301)}
    assert date(2026, 3, 31).strftime("Mar %d, 2026, 10 readings") in whole


async def test_a_process_of_its_own_draws_the_same():
    packet = PACKETS["empty"]()
    assert await Press().pdf(packet.json) == drawn("empty")


async def test_what_is_no_packet_is_not_drawn_and_not_repeated():
    with pytest.raises(PressFailed) as failed:
        await Press().pdf(b'{"schema": "Testperson"}')
    assert "Testperson" not in str(failed.value)


async def test_a_press_that_takes_too_long_is_ended():
    with pytest.raises(PressFailed):
        await Press(longest_s=0.01).pdf(PACKETS["empty"]().json)
