"""What becomes of a message: pure, so that every poison is a row in a test table (I4)."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime

import msgspec

from store.rows import QuarantineRow, ReadingRow
from vitals import plausible, topics, wire
from vitals.errors import EnvelopeError, QuarantineReason, ReadingRejected, TopicError
from vitals.reading import Reading

ENVELOPE = "envelope"
READING = "reading"
#: Ids are UUIDs of 36 characters. What is much longer names nothing of a gateway's, and no receipt
#: repeats it: many of them would make one that no broker takes.
LONGEST_NAME = 64


class _Named(msgspec.Struct):
    """The least of a reading: enough to tell its gateway which one was refused."""

    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to write for one message, and which refusals its gateway hears about."""

    gateway: tuple[str, str] | None = None
    accepted: list[ReadingRow] = field(default_factory=list)
    quarantined: list[QuarantineRow] = field(default_factory=list)
    rejected: list[wire.Rejection] = field(default_factory=list)
    envelopes: list[wire.Rejection] = field(default_factory=list)


def gateway_of(topic: str) -> tuple[str, str] | None:
    try:
        parsed = topics.parse(topic)
    except TopicError:
        return None
    return parsed.clinic, parsed.gateway


def decide(
    topic: str,
    payload: bytes,
    *,
    known: Collection[tuple[str, str]],
    now: datetime,
    correlation: bytes | None = None,
) -> Decision:
    """Judge one readings message."""
    gateway = gateway_of(topic)
    try:
        envelope = _open(topic, payload, gateway=gateway, known=known)
    except EnvelopeError as exc:
        return _refuse_envelope(topic, payload, gateway, exc, correlation)
    decision = Decision(gateway=gateway)
    for raw in envelope.readings:
        _judge(decision, topic, bytes(raw), envelope_id=envelope.id, now=now)
    return decision


def decide_reading(
    topic: str, payload: bytes, *, known: Collection[tuple[str, str]], now: datetime
) -> Decision:
    """Judge a single reading again that once went to quarantine."""
    gateway = gateway_of(topic)
    decision = Decision(gateway=gateway)
    if gateway in known:
        _judge(decision, topic, payload, envelope_id="replay", now=now)
        return decision
    problem = EnvelopeError(QuarantineReason.UNKNOWN_GATEWAY, "no such gateway in that clinic")
    decision.quarantined.append(_row(topic, READING, payload, problem))
    return decision


def _open(
    topic: str,
    payload: bytes,
    *,
    gateway: tuple[str, str] | None,
    known: Collection[tuple[str, str]],
) -> wire.OpenEnvelope:
    if gateway is None or topics.parse(topic).branch is not topics.Branch.READINGS:
        raise EnvelopeError(QuarantineReason.WRONG_TOPIC, "not a readings topic")
    envelope = wire.open_envelope(payload)
    if envelope.gateway != gateway[1]:
        raise EnvelopeError(QuarantineReason.IDENTITY_MISMATCH, "topic names another gateway")
    if gateway not in known:
        raise EnvelopeError(QuarantineReason.UNKNOWN_GATEWAY, "no such gateway in that clinic")
    if "\x00" in envelope.id:
        raise EnvelopeError(QuarantineReason.BAD_TEXT, "the envelope id holds U+0000")
    return envelope


def _refuse_envelope(
    topic: str,
    payload: bytes,
    gateway: tuple[str, str] | None,
    problem: EnvelopeError,
    correlation: bytes | None,
) -> Decision:
    name = correlation.decode("utf-8", "replace") if correlation else _id_of(payload)
    known = 0 < len(name) <= LONGEST_NAME
    refusals = [wire.Rejection(id=name, reason=str(problem.reason))] if known else []
    return Decision(
        gateway=gateway,
        quarantined=[_row(topic, ENVELOPE, payload, problem)],
        envelopes=refusals,
    )


def _judge(decision: Decision, topic: str, raw: bytes, *, envelope_id: str, now: datetime) -> None:
    reading = None
    try:
        reading = wire.open_reading(raw)
        plausible.check(reading, now=now)
    except ReadingRejected as exc:
        decision.quarantined.append(_row(topic, READING, raw, exc, reading))
        if name := _id_of(raw):
            decision.rejected.append(wire.Rejection(id=name, reason=str(exc.reason)))
        return
    clinic, gateway = decision.gateway or ("", "")
    decision.accepted.append(
        ReadingRow(clinic=clinic, gateway=gateway, envelope_id=envelope_id, reading=reading)
    )


def refused_by_store(row: ReadingRow) -> QuarantineRow:
    """A reading that passed every check and that the database still cannot hold."""
    topic = topics.build(row.clinic, row.gateway, topics.Branch.READINGS)
    problem = ReadingRejected(QuarantineReason.WRONG_SCHEMA, "the database refuses this reading")
    return _row(topic, READING, wire.encode_reading(row.reading), problem)


def bare(row: QuarantineRow) -> QuarantineRow:
    """The same bytes and reason without anything that was read out of them."""
    return QuarantineRow(
        topic=row.topic,
        scope=row.scope,
        payload=row.payload,
        reason=row.reason,
        detail="the details cannot be stored",
    )


def _row(
    topic: str,
    scope: str,
    payload: bytes,
    problem: EnvelopeError | ReadingRejected,
    reading: Reading | None = None,
) -> QuarantineRow:
    clinic, gateway = gateway_of(topic) or (None, None)
    told = reading if reading and not plausible.size_problem(reading) else None
    return QuarantineRow(
        topic=_storable(topic),
        scope=scope,
        payload=payload,
        reason=problem.reason,
        detail=_storable(problem.detail),
        clinic=clinic,
        gateway=gateway,
        reading_id=_as_uuid(_id_of(payload)) if scope == READING else None,
        device=_storable(told.device) if told else None,
        user_slot=told.user_slot if told else None,
        measured_at=_instant(told.measured_at) if told else None,
    )


def _instant(said: datetime) -> datetime | None:
    """As long as every zone of the world can write it down; else a clock has named no instant."""
    writable = MINYEAR + 1 < said.year < MAXYEAR - 1
    return said.astimezone(UTC) if said.tzinfo is not None and writable else None


def _storable(text: str) -> str:
    """Poison may speak in its own error message: what no text column may hold is replaced."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _id_of(payload: bytes) -> str:
    try:
        name = msgspec.json.decode(payload, type=_Named).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return name if len(name) <= LONGEST_NAME else ""


def _as_uuid(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
