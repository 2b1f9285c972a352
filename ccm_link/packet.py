"""The audit packet of one patient's month: all that a claim rests on, in one document. Pure.

`Packet.json` is the packet; the PDF is drawn from it and from nothing else, and prints its hash.
The facts and the result are in it as the very text that was hashed, so that whoever holds a packet
can check both. docs/exports.md documents every part; fields are added, never renamed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum

import msgspec

from ccm_link import words
from ccm_link.codes import Reason
from ccm_link.evaluate import Result
from ccm_link.evidence_parts import Evidence
from ccm_link.explain import Explanation, Kind
from ccm_link.facts import Policy, decode
from ccm_link.freeze import sha256
from ccm_link.outcome import Refusal
from ccm_link.rates import Rates
from ccm_link.rule_words import sentence, subject
from ccm_link.rules import (
    Amount,
    CodeRow,
    Conflict,
    DeviceRule,
    Gate,
    Never,
    Review,
    Row,
    Rules,
    Track,
)
from store.signing import Signed

_SHORT = {Reason.TIME_BELOW_THRESHOLD, Reason.DAYS_BELOW_16, Reason.DAYS_BELOW_2}
SCHEMA = "hearthline.packet/1"
NOTICE = (
    "This is a record of what was stored and how it was evaluated. It is not billing advice, not"
    " legal advice and no promise that a payer pays."
)


class State(StrEnum):
    """What the packet stands for."""

    DRAFT = "draft"  # nobody has signed the month
    SIGNED = "signed"  # the signature stands
    REOPENED = "reopened"  # it was signed, and taken back since


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the packet."""


class Signature(_Part, frozen=True):
    """Who put their name to the month, and whether they took it back."""

    id: str
    version: int
    signed_by: str
    signed_at: datetime
    note: str
    reopened_at: datetime | None
    reopened_by: str | None
    reopened_reason: str | None


class Frozen(_Part, frozen=True):
    """A text and the SHA-256 of its UTF-8 bytes."""

    sha256: str
    text: str


class RuleRow(_Part, frozen=True):
    """A rule that the month met: what it says, since when, where it was read, how sure that is."""

    part: str
    subject: str
    says: str
    valid_from: date
    valid_to: date | None
    source: str
    confidence: str


class RateTable(_Part, frozen=True):
    """The clinic's own amounts that were in force, and where they are from."""

    id: str
    name: str
    source: str
    locality: str | None
    first: date
    last: date


class Refused(_Part, frozen=True):
    """What does not bill, why, and what would change that."""

    subject: str
    reason: str
    detail: str
    next: tuple[str, ...]


class Packet(_Part, frozen=True, kw_only=True):
    """One patient, one month."""

    schema: str = SCHEMA
    notice: str = NOTICE
    state: State
    month: str
    as_of: datetime  # the evidence is what was stored then
    evaluated_on: date  # the patient's day
    signature: Signature | None
    reproduced: bool | None  # evaluated again, the same comes out; None: a draft
    facts: Frozen
    result: Frozen
    rules_version: str
    policy: Policy  # the clinic's switches that were set for the month
    rates: RateTable | None  # None: the amounts are the rule table's estimates
    rules: tuple[RuleRow, ...]
    refused: tuple[Refused, ...]
    notes: tuple[str, ...]  # what stands and should be looked at, or is out of reach
    evidence: Evidence

    @property
    def json(self) -> bytes:
        return _encode(self)

    @property
    def sha256(self) -> str:
        return sha256(self.json)


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decoder = msgspec.json.Decoder(Packet)


def read(data: bytes) -> Packet:
    """A packet from its JSON.

    Raises:
        msgspec.ValidationError: it is none, or of another version.
    """
    packet = _decoder.decode(data)
    if packet.schema != SCHEMA:
        raise msgspec.ValidationError(f"schema is not {SCHEMA}")
    return packet


def build(  # noqa: PLR0913 -- the parts of a month
    evidence: Evidence,
    result: Result,
    rules: Rules,
    *,
    facts: bytes,
    result_json: bytes,
    as_of: datetime,
    evaluated_on: date,
    signed: Signed | None = None,
    reproduced: bool | None = None,
) -> Packet:
    return Packet(
        state=_state(signed),
        month=evidence.month,
        as_of=as_of,
        evaluated_on=evaluated_on,
        signature=_signature(signed) if signed else None,
        reproduced=reproduced,
        facts=_frozen(facts),
        result=_frozen(result_json),
        rules_version=result.rules_version,
        policy=decode(facts).policy,
        rates=_rates(result.rates) if result.rates else None,
        rules=tuple(_rules(evidence, result, rules)),
        refused=tuple(_refused(result)),
        notes=tuple(dict.fromkeys(_notes(result))),
        evidence=evidence,
    )


def _state(signed: Signed | None) -> State:
    if signed is None:
        return State.DRAFT
    return State.SIGNED if signed.stands else State.REOPENED


def _signature(signed: Signed) -> Signature:
    return Signature(
        id=str(signed.id),
        version=signed.version,
        signed_by=signed.signed_by_name,
        signed_at=signed.signed_at,
        note=signed.note,
        reopened_at=signed.reopened_at,
        reopened_by=signed.reopened_by_name,
        reopened_reason=signed.reopened_reason,
    )


def _rates(rates: Rates) -> RateTable:
    return RateTable(
        id=rates.id,
        name=rates.name,
        source=rates.source,
        locality=rates.locality,
        first=rates.first,
        last=rates.last,
    )


def _frozen(data: bytes) -> Frozen:
    return Frozen(sha256=sha256(data), text=data.decode())


def _refused(result: Result) -> Iterator[Refused]:
    """What is said of a single entry stands beside it, in the ledger."""
    entries = {row.entry for row in result.ledger}
    for refusal in result.rejections:
        if refusal.subject not in entries:
            said = (words.text(e) for e in result.explanations if _answers(e, refusal))
            yield Refused(
                subject=refusal.subject,
                reason=str(refusal.reason),
                detail=words.detail(refusal),
                next=tuple(dict.fromkeys(said)),
            )


def _answers(told: Explanation, refusal: Refusal) -> bool:
    """What can be done about this very reason, or that nothing can."""
    if told.kind not in {Kind.WHAT_NEXT, Kind.IMPOSSIBLE} or told.subject != refusal.subject:
        return False
    is_short = refusal.reason in _SHORT and told.key.startswith(("short_", "out_of_reach_"))
    return told.key == refusal.reason or is_short


def _notes(result: Result) -> Iterator[str]:
    refused = {refusal.subject for refusal in result.rejections}
    for e in result.explanations:
        if e.kind is Kind.LOOK or (e.kind is Kind.IMPOSSIBLE and e.subject not in refused):
            yield f"{e.subject}: {words.text(e)}"


_PARTS: dict[type[Row], str] = {
    CodeRow: "Code",
    Track: "Time",
    Gate: "Gate",
    Conflict: "Conflict",
    Never: "Never counts",
    DeviceRule: "Devices",
    Review: "Review",
    Amount: "Amount",
}


def _rules(evidence: Evidence, result: Result, rules: Rules) -> Iterator[RuleRow]:
    for row in _met(evidence, result, rules):
        yield RuleRow(
            part=_PARTS[type(row)],
            subject=subject(row),
            says=sentence(row),
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            source=row.source,
            confidence=row.confidence,
        )


def _met(evidence: Evidence, result: Result, rules: Rules) -> Iterator[Row]:
    """The rows that this month's lines, refusals and standings are about."""
    codes = _codes(result, rules)
    programmes = {enrolment.programme for enrolment in evidence.enrolments}
    done = {entry.activity for entry in evidence.entries}
    yield from (row for code, row in rules.codes.items() if code in codes)
    yield from (track for track in rules.tracks if track.programme in programmes)
    yield from (gate for programme, gate in rules.gates.items() if programme in programmes)
    yield from (row for row in rules.conflicts if row.subject in codes)
    yield from (row for activity, row in rules.never.items() if activity in done)
    if "RPM" in programmes:
        yield rules.device
    if rules.review is not None and rules.review.code in codes:
        yield rules.review
    yield from (row for code, row in rules.amounts.items() if code in codes)


def _codes(result: Result, rules: Rules) -> set[str]:
    named = {
        *(line.code for line in result.billable),
        *(refusal.subject for refusal in result.rejections),
        *(standing.code for standing in result.standings),
        *(code for stack in result.alternatives for code, _ in stack.units),
    }
    return named & set(rules.codes)
