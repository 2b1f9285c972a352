"""A claim line: what it rests on, what had to be in place, what did not count, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from api.auth.viewer import Viewer
from api.chain_steps import Chain, Step
from api.facts_view import ABOUT
from api.month_view import subject_words
from api.times import full, short
from ccm_link import words
from ccm_link.evaluate import Result
from ccm_link.evidence_parts import (
    ClaimLine,
    Consent,
    Enrolment,
    Entry,
    Evidence,
    Statement,
)
from ccm_link.rule_words import sentence
from ccm_link.rules import Gate, Row, Rules
from ccm_link.stated import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCounted:
    """What was there and did not add to the line, and why."""

    what: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlace:
    """Something that a gate asked for, and what is on record."""

    what: str
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of the table that decided the line."""

    says: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePage:
    """All that the page of a claim line shows."""

    line: ClaimLine
    counted: str
    amount: str
    rules: tuple[Rule, ...]
    chain: tuple[Step, ...]
    in_place: tuple[InPlace, ...]
    not_counted: tuple[NotCounted, ...]
    gaps: tuple[str, ...]
    others: tuple[str, ...]  # the month's other codes


def line_page(
    code: str, evidence: Evidence, result: Result, rules: Rules, viewer: Viewer
) -> LinePage | None:
    """None: the month has no such line."""
    line = next((line for line in evidence.lines if line.code == code), None)
    if line is None:
        return None
    chain = Chain(of=evidence, viewer=viewer)
    return LinePage(
        line=line,
        counted=words.length(round(line.seconds * 1_000_000)),
        amount=_amount(line),
        rules=tuple(_rules(line, rules)),
        chain=tuple(_rests_on(line, chain)),
        in_place=tuple(_in_place(line, evidence, viewer)),
        not_counted=(*_entries(line, evidence, viewer), *_refused(line, result, rules)),
        gaps=evidence.gaps,
        others=tuple(other.code for other in evidence.lines),
    )


def _amount(line: ClaimLine) -> str:
    """`$66.13, an estimate`; nothing where none is known."""
    if not line.amount:
        return ""
    return f"${line.amount:,.2f}{'' if line.amount_verified else ', an estimate'}"


def _rules(line: ClaimLine, rules: Rules) -> Iterator[Rule]:
    """The time or device row that the code stands in, and its programme's gate."""
    rows: list[Row] = [t for t in rules.tracks if line.code in {t.code, t.addon}]
    device = rules.device
    if line.code in {device.full, device.part, device.setup}:
        rows.append(device)
    if rules.review and line.code == rules.review.code:
        rows.append(rules.review)
    gates: list[Gate] = [g for g in rules.gates.values() if g.programme == line.programme]
    for row in (*rows, *gates):
        yield Rule(says=sentence(row), source=row.source, confidence=row.confidence)


def _rests_on(line: ClaimLine, chain: Chain) -> Iterator[Step]:
    for key in line.entries:
        if entry := chain.of.entry(key):
            yield chain.entry(entry)
    yield from map(chain.day, line.days)


def _in_place(line: ClaimLine, evidence: Evidence, viewer: Viewer) -> Iterator[InPlace]:
    for enrolment in evidence.enrolments:
        if enrolment.programme == line.programme:
            yield from _enrolled(enrolment)
    for consent in evidence.consents:
        if consent.programme == line.programme:
            yield _consented(consent, viewer)
    for stated in evidence.statements:
        if stated.reversed_at is None:
            yield _stated(stated, viewer)


def _enrolled(of: Enrolment) -> Iterator[InPlace]:
    until = f" until {_day(of.until)}" if of.until else ""
    since = f"since {_day(of.since)}" if of.since else "on record"
    yield InPlace(what="Enrolled", record=f"{since}{until}, with {of.practitioner.name}")
    if of.qualifying_conditions:
        yield InPlace(what="Conditions", record=", ".join(of.qualifying_conditions))
    if of.high_risk_condition:
        yield InPlace(what="High-risk condition", record="on record")
    if of.care_plan_on:
        yield InPlace(what="Care plan", record=_day(of.care_plan_on))
    if of.initiating_visit_on:
        yield InPlace(what="Initiating visit", record=_day(of.initiating_visit_on))


def _consented(of: Consent, viewer: Viewer) -> InPlace:
    told = ", ".join(element.replace("_", " ") for element in of.elements)
    stopped = f"; stopped {full(of.stopped_at, viewer.zone)}" if of.stopped_at else ""
    record = f"{of.method}, {full(of.given_at, viewer.zone)}, recorded by {of.recorded_by}"
    return InPlace(what="Consent", record=f"{record}{f'. Told: {told}' if told else ''}{stopped}")


def _stated(of: Statement, viewer: Viewer) -> InPlace:
    """What nobody measures and somebody said: it holds for the whole month."""
    days = _day(of.first_day)
    if of.last_day and of.last_day != of.first_day:
        days = f"{days} to {_day(of.last_day)}"
    said = [of.code, of.level, days, of.by.name if of.by else None, of.note or None]
    told = ", ".join(part for part in said if part)
    recorded = f"recorded by {of.recorded_by}, {full(of.recorded_at, viewer.zone)}"
    return InPlace(what=ABOUT[Kind(of.kind)].heading, record=f"{told}; {recorded}")


def _entries(line: ClaimLine, evidence: Evidence, viewer: Viewer) -> Iterator[NotCounted]:
    """Time of the same programme that was logged and does not count, or only in part."""
    for entry in evidence.entries:
        if entry.programme == line.programme and (why := tuple(_why_not(entry))):
            logged = words.length(round(entry.logged_seconds * 1_000_000))
            at = f", {short(entry.started_at, viewer.zone)}" if entry.started_at else ""
            yield NotCounted(what=f"{logged} by {entry.staff.name}{at}", why=why)


def _why_not(entry: Entry) -> Iterator[str]:
    if entry.status == "reversed":
        yield f"Taken back by {entry.reversed_by or 'its person'}: {entry.reversed_reason}."
    elif entry.status == "held":
        yield "Held: its person is recorded on another patient then, or took it back before."
    elif entry.state != "confirmed":
        yield "Not confirmed: it waits for its note."
    yield from (said.detail for said in entry.said)


def _refused(line: ClaimLine, result: Result, rules: Rules) -> Iterator[NotCounted]:
    """Codes, periods and readings that were refused beside it; entries are told above."""
    entries = {row.entry for row in result.ledger}
    for refusal in result.rejections:
        row = rules.codes.get(refusal.subject)
        own = row is None or row.programme == line.programme
        about_days = bool(line.days) or row is not None or refusal.subject == line.programme
        if refusal.subject not in entries and own and about_days:
            yield NotCounted(what=subject_words(refusal.subject), why=(words.detail(refusal),))


def _day(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"
