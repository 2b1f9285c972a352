"""What travels over MQTT: envelope up, receipt down, status up. JSON, schema-named, strict.

Unknown fields are ignored, an unknown major version is refused. One bad reading does not hold
back its neighbours: an envelope is opened first, each reading after it (I4).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from vitals.errors import EnvelopeError, QuarantineReason, ReadingRejected
from vitals.reading import Reading

SCHEMA = "hearthline.readings/1"
_SCHEMA_NAME = SCHEMA.partition("/")[0]
MAX_READINGS = 200
MAX_BYTES = 262_144  # an envelope of 200 readings with context is about 180 kB


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One to 200 readings of one gateway. `id` is also the MQTT correlation data."""

    schema: str
    id: str
    gateway: str
    sent_at: datetime
    readings: list[Reading]


class OpenEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope whose readings are still bytes, so that each can fail alone."""

    schema: str
    id: str
    gateway: str
    sent_at: datetime
    readings: list[msgspec.Raw]


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """An id that was refused, and its `QuarantineReason`."""

    id: str
    reason: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Ingest's promise: what `stored` and `duplicate` name is durable and may leave the spool.

    `amended` names those of them that are durable with all the raw values they came with: what
    was added to a reading after it had been sent leaves only then.
    `envelopes` names envelopes that could not be opened at all.
    """

    schema: str = "hearthline.receipt/1"
    stored: list[str] = []
    duplicate: list[str] = []
    amended: list[str] = []
    rejected: list[Rejection] = []
    envelopes: list[Rejection] = []


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a gateway last knew of one device; `clock_offset_s` = device clock minus UTC."""

    device: str
    last_seen: datetime | None = None
    battery_pct: int | None = None
    clock_offset_s: float | None = None
    model: str | None = None
    name: str | None = None  # the clinic's, from its desired state
    bonded: bool = False
    unread: bool = False  # its reading broke off: it may hold what the gateway has not


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a desired state that the gateway did not apply, and why."""

    field: str
    reason: str


class DesiredStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which desired state is in force on the box, since when, and what of it could not be."""

    version: str
    at: datetime | None = None
    problems: list[FieldProblem] = []


class SpoolStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the box keeps readings. `state` is a `gateway.spool_health.SpoolState`."""

    state: str = "ok"
    unsaved: int = 0  # readings in memory that could not be made durable
    set_aside: int = 0  # corrupt files that are kept
    recovered: int = 0  # readings taken out of them since the gateway started
    free_mb: int | None = None  # of the file system that it is on


class GatewayStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Retained. `state` is `online`, or `offline` by last will."""

    state: str
    schema: str = "hearthline.status/1"
    at: datetime | None = None
    version: str | None = None
    spool_depth: int = 0
    rejected: int = 0
    devices: list[DeviceStatus] = []
    spool: SpoolStatus | None = None
    desired: DesiredStatus | None = None
    versions: dict[str, str] = {}  # of Python, the system, the radio's stack
    adapter: str | None = None  # a `gateway.link.Health`
    credential: str | None = None  # the broker user that it speaks as


_encoder = msgspec.json.Encoder()
_opener = msgspec.json.Decoder(OpenEnvelope)
_reading = msgspec.json.Decoder(Reading)
_receipt = msgspec.json.Decoder(Receipt)
_status = msgspec.json.Decoder(GatewayStatus)


def encode(message: Envelope | Receipt | GatewayStatus) -> bytes:
    return _encoder.encode(message)


def encode_reading(reading: Reading) -> bytes:
    return _encoder.encode(reading)


def seal(*, envelope_id: str, gateway: str, sent_at: datetime, readings: Iterable[bytes]) -> bytes:
    """An envelope around readings that are encoded already (the spool keeps them so)."""
    return _encoder.encode(
        OpenEnvelope(
            schema=SCHEMA,
            id=envelope_id,
            gateway=gateway,
            sent_at=sent_at,
            readings=[msgspec.Raw(r) for r in readings],
        )
    )


def open_envelope(payload: bytes) -> OpenEnvelope:
    """Take the envelope apart without looking into its readings.

    Raises:
        EnvelopeError: with the bounded reason under which the bytes go to quarantine.
    """
    if len(payload) > MAX_BYTES:
        raise EnvelopeError(QuarantineReason.TOO_LARGE, f"{len(payload)} bytes, limit {MAX_BYTES}")
    try:
        envelope = _opener.decode(payload)
    except msgspec.ValidationError as exc:
        raise EnvelopeError(_schema_reason(payload), str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise EnvelopeError(QuarantineReason.NOT_JSON, str(exc)) from exc
    if envelope.schema != SCHEMA:
        raise EnvelopeError(*_version_problem(envelope.schema))
    if not 1 <= len(envelope.readings) <= MAX_READINGS:
        raise EnvelopeError(
            QuarantineReason.TOO_LARGE, f"{len(envelope.readings)} readings, 1 to {MAX_READINGS}"
        )
    return envelope


def open_reading(raw: bytes | msgspec.Raw) -> Reading:
    """Decode one reading of an opened envelope.

    Raises:
        ReadingRejected: with the field that is wrong.
    """
    try:
        return _reading.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ReadingRejected(QuarantineReason.WRONG_SCHEMA, str(exc)) from exc


def decode_receipt(payload: bytes) -> Receipt:
    try:
        return _receipt.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise EnvelopeError(QuarantineReason.WRONG_SCHEMA, str(exc)) from exc


def decode_status(payload: bytes) -> GatewayStatus:
    try:
        return _status.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise EnvelopeError(QuarantineReason.WRONG_SCHEMA, str(exc)) from exc


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of an envelope (docs/envelope.schema.json)."""
    return msgspec.json.schema(Envelope)


def _schema_reason(payload: bytes) -> QuarantineReason:
    """A stranger's version may also have other fields: name the version first."""
    try:
        schema = msgspec.json.decode(payload, type=dict[str, Any]).get("schema")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return QuarantineReason.WRONG_SCHEMA
    return _version_problem(schema)[0]


def _version_problem(schema: object) -> tuple[QuarantineReason, str]:
    if isinstance(schema, str) and schema.startswith(f"{_SCHEMA_NAME}/") and schema != SCHEMA:
        return QuarantineReason.UNKNOWN_VERSION, "this release reads only version 1"
    return QuarantineReason.WRONG_SCHEMA, f"schema is not {SCHEMA}"
