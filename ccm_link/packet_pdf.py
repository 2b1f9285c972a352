"""The packet as PDF by WeasyPrint: tagged (PDF/UA-1), fonts embedded, its JSON attached.

Run as `python -m ccm_link.packet_pdf < packet.json > packet.pdf`, which is how the console has it
drawn (`ccm_link.press`). Of the same JSON it makes the same bytes with the same fonts and versions.
It fetches nothing: a packet names no address.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from weasyprint import CSS, HTML, Attachment

from ccm_link import packet_words as words
from ccm_link.calendar_month import Month
from ccm_link.freeze import sha256
from ccm_link.packet import Packet, read

_HERE = Path(__file__).parent / "templates"
_SECTIONS = (
    ("lines", "Claim lines, and why they bill"),
    ("refused", "What does not bill"),
    ("ledger", "Minutes"),
    ("consent", "Enrolment, consent and statements"),
    ("work", "Tasks, alerts and contacts"),
    ("readings", "Readings"),
    ("rules", "Rules"),
    ("since", "What changed since"),
    ("check", "How to check this packet"),
)


def render(packet: Packet) -> bytes:
    """Takes seconds, and the interpreter with it: call it in a process of its own."""
    return drawn(packet.json)


def drawn(data: bytes) -> bytes:
    """The PDF of a packet's JSON, to which it attaches these very bytes and prints their hash.

    Raises:
        msgspec.DecodeError: it is no packet.
    """
    packet, digest = read(data), sha256(data)
    attached = Attachment(
        string=data,
        name="packet.json",
        description="The packet that this document is drawn from",
        created=packet.as_of,
        modified=packet.as_of,
        relationship="Source",
    )
    document = HTML(string=html(packet, digest), url_fetcher=_fetch_nothing)
    made: bytes = document.write_pdf(
        stylesheets=[CSS(string=(_HERE / "packet.css").read_text("utf-8"))],
        attachments=[attached],
        pdf_identifier=digest.encode(),
        pdf_variant="pdf/ua-1",
        custom_metadata=True,
    )
    return made


def html(packet: Packet, digest: str) -> str:
    evidence = packet.evidence
    patient, mark = evidence.patient, words.Marks(evidence)
    made: str = _template().render(
        packet=packet,
        digest=digest,
        e=evidence,
        whose=f"{patient.given_name} {patient.family_name}",
        month_name=f"{Month.parse(packet.month).first:%B %Y}",
        zone=evidence.practice.zone,
        patient_zone=patient.zone,
        sections=_SECTIONS,
        days=words.by_day(evidence),
        mark=mark,
        cause=partial(_cause, packet, mark),
    )
    return made


def _cause(packet: Packet, mark: words.Marks, entry: Any) -> str:
    return words.cause(entry, packet.evidence, mark)


@cache
def _template() -> Any:
    env = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(day=_plain_day, plain=words.plain)
    env.globals.update(
        instant=words.instant,
        clock=words.clock,
        day=words.day,
        days_in=words.days_in,
        length=words.length,
        dollars=words.dollars,
        rates=words.rates,
        statement=words.statement,
        switches=words.switches,
        plain=words.plain,
        subject=words.subject,
        person=words.person,
        activity=words.activity,
        role=words.role,
        lineage=words.lineage,
        outcome=words.outcome,
        state=words.state,
        value=words.value,
        device=words.device,
        correction=words.correction,
        observed=words.observed,
        limits=words.limits,
        hex=words.grouped_hex,
        shortened=words.shortened,
    )
    return env.get_template("packet.html")


def _plain_day(value: date) -> str:
    return words.day(value)


def _fetch_nothing(url: str, *_: object, **__: object) -> NoReturn:
    raise ValueError(f"a packet has no part at another address: {url[:40]}")


if __name__ == "__main__":
    os.nice(10)  # whoever works at the console comes first
    sys.stdout.buffer.write(drawn(sys.stdin.buffer.read()))
