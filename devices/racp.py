"""Record Access Control Point (0x2A52): asking a meter for its memory.

GATT Specification Supplement, under this name; Glucose Service 1.0.1, section 3.4.
First the messages, then the procedure. Rule: whatever decides about the procedure stands in
TRANSITIONS; an illegal event raises and nothing changes; nobody waits here. Deleting records
can be decoded, but no session starts it: a meter's memory is the patient's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import TypeVar

from devices import date_time
from devices.errors import ProtocolError
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A52)

_E = TypeVar("_E", bound=IntEnum)


class Op(IntEnum):
    """What is asked of the record store, or what this answer is."""

    REPORT = 1
    DELETE = 2
    ABORT = 3
    COUNT = 4
    NUMBER_OF_RECORDS = 5
    RESPONSE = 6


class Operator(IntEnum):
    """Which records are meant."""

    NULL = 0
    ALL = 1
    LESS_OR_EQUAL = 2
    GREATER_OR_EQUAL = 3
    RANGE = 4  # both ends included
    FIRST = 5
    LAST = 6


class Filter(IntEnum):
    """What `minimum` and `maximum` are compared with."""

    SEQUENCE = 1
    USER_FACING_TIME = 2


class Code(IntEnum):
    """How a request ended."""

    SUCCESS = 1
    OP_NOT_SUPPORTED = 2
    INVALID_OPERATOR = 3
    OPERATOR_NOT_SUPPORTED = 4
    INVALID_OPERAND = 5
    NO_RECORDS_FOUND = 6
    ABORT_UNSUCCESSFUL = 7
    PROCEDURE_NOT_COMPLETED = 8
    OPERAND_NOT_SUPPORTED = 9


Bound = int | datetime

_HAS_MINIMUM = (Operator.GREATER_OR_EQUAL, Operator.RANGE)
_HAS_MAXIMUM = (Operator.LESS_OR_EQUAL, Operator.RANGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a collector writes; bounds are sequence numbers or times, as `filter` says."""

    op: Op
    operator: Operator = Operator.NULL
    filter: Filter | None = None
    minimum: Bound | None = None
    maximum: Bound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOfRecords:
    """The answer to COUNT."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How a request ended; `request` is the op code it answers, known or not."""

    request: int
    code: Code


Message = Request | NumberOfRecords | Response

REPORT_ALL = Request(op=Op.REPORT, operator=Operator.ALL)
COUNT_ALL = Request(op=Op.COUNT, operator=Operator.ALL)
ABORT = Request(op=Op.ABORT)


def report_from(sequence: int) -> Request:
    """Ask for the records from this sequence number on."""
    return Request(
        op=Op.REPORT,
        operator=Operator.GREATER_OR_EQUAL,
        filter=Filter.SEQUENCE,
        minimum=sequence,
    )


def decode(payload: bytes) -> Message:
    reader = Reader(payload, "record access")
    op = _known(reader, Op, "op code")
    operator = _known(reader, Operator, "operator")
    message: Message
    if op is Op.NUMBER_OF_RECORDS:
        message = NumberOfRecords(count=reader.u16("number of records"))
    elif op is Op.RESPONSE:
        message = Response(
            request=reader.u8("request op code"), code=_known(reader, Code, "response code")
        )
    else:
        message = _read_request(reader, op, operator)
    reader.require_end()
    return message


def encode(message: Message) -> bytes:
    match message:
        case NumberOfRecords(count=count):
            return bytes([Op.NUMBER_OF_RECORDS, Operator.NULL]) + count.to_bytes(2, "little")
        case Response(request=request, code=code):
            return bytes([Op.RESPONSE, Operator.NULL, request, code])
        case Request():
            return _encode_request(message)


def _encode_request(request: Request) -> bytes:
    head = bytes([request.op, request.operator])
    if request.filter is None:
        return head
    bounds = (request.minimum, request.maximum)
    body = b"".join(_encode_bound(bound) for bound in bounds if bound is not None)
    return head + bytes([request.filter]) + body


def _encode_bound(bound: Bound) -> bytes:
    return bound.to_bytes(2, "little") if isinstance(bound, int) else date_time.encode(bound)


def _read_request(reader: Reader, op: Op, operator: Operator) -> Request:
    if operator not in _HAS_MINIMUM and operator not in _HAS_MAXIMUM:
        return Request(op=op, operator=operator)
    kind = _known(reader, Filter, "filter type")
    return Request(
        op=op,
        operator=operator,
        filter=kind,
        minimum=_read_bound(reader, kind, "minimum") if operator in _HAS_MINIMUM else None,
        maximum=_read_bound(reader, kind, "maximum") if operator in _HAS_MAXIMUM else None,
    )


def _read_bound(reader: Reader, kind: Filter, field: str) -> Bound:
    if kind is Filter.SEQUENCE:
        return reader.u16(field)
    start = reader.offset
    time = date_time.read(reader)
    if time is None:
        reader.fail(f"{field} is a time that is not known", at=start)
    return time


def _known(reader: Reader, kind: type[_E], field: str) -> _E:
    value = reader.u8(field)
    try:
        return kind(value)
    except ValueError:
        reader.fail(f"{field} {value} is reserved", at=reader.offset - 1)


class State(StrEnum):
    """Where the procedure stands."""

    IDLE = "idle"  # nothing asked, or all answered
    REPORTING = "reporting"  # records flow until the response
    COUNTING = "counting"  # a number or a response will come
    ABORTING = "aborting"  # asked to stop; records may still be on their way
    CLOSED = "closed"  # the link is gone; start a new session


class Trigger(StrEnum):
    """What an event means to the table."""

    ASK_REPORT = "report asked"
    ASK_COUNT = "count asked"
    ASK_ABORT = "abort asked"
    RECORD = "record"
    NUMBER = "number of records"
    REPORT_ENDED = "response to report"
    COUNT_ENDED = "response to count"
    ABORT_ENDED = "response to abort"
    REFUSED = "write refused"
    LINK_LOST = "link lost"


TRANSITIONS: dict[State, dict[Trigger, State]] = {
    State.IDLE: {
        Trigger.ASK_REPORT: State.REPORTING,
        Trigger.ASK_COUNT: State.COUNTING,
        Trigger.LINK_LOST: State.CLOSED,
    },
    State.REPORTING: {
        Trigger.RECORD: State.REPORTING,
        Trigger.REPORT_ENDED: State.IDLE,
        Trigger.ASK_ABORT: State.ABORTING,
        Trigger.REFUSED: State.IDLE,
        Trigger.LINK_LOST: State.CLOSED,
    },
    State.COUNTING: {
        Trigger.NUMBER: State.IDLE,
        Trigger.COUNT_ENDED: State.IDLE,
        Trigger.REFUSED: State.IDLE,
        Trigger.LINK_LOST: State.CLOSED,
    },
    State.ABORTING: {
        Trigger.RECORD: State.ABORTING,
        Trigger.REPORT_ENDED: State.ABORTING,  # it crossed the abort on the air
        Trigger.ABORT_ENDED: State.IDLE,
        Trigger.REFUSED: State.IDLE,
        Trigger.LINK_LOST: State.CLOSED,
    },
    State.CLOSED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request is about to be written: say so first, records may outrun the write's answer."""

    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordArrived:
    """A measurement was notified (its context is not counted)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicated:
    """The control point indicated this."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRefused:
    """The write failed; 0x80 or 0xFE: busy, 0x81 or 0xFD: indications are not on."""

    att_error: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost:
    """The device went away, or was silent for too long."""


Event = Asked | RecordArrived | Indicated | WriteRefused | LinkLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """All records asked for have arrived; none is a success too."""

    records: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The device holds this many."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Aborted:
    """The device stopped; these many records had come before."""

    records: int


class Failure(StrEnum):
    """Why a procedure ended without what was asked."""

    OP_NOT_SUPPORTED = "op_not_supported"
    INVALID_OPERATOR = "invalid_operator"
    OPERATOR_NOT_SUPPORTED = "operator_not_supported"
    INVALID_OPERAND = "invalid_operand"
    ABORT_UNSUCCESSFUL = "abort_unsuccessful"
    PROCEDURE_NOT_COMPLETED = "procedure_not_completed"
    OPERAND_NOT_SUPPORTED = "operand_not_supported"
    BUSY = "busy"  # another procedure runs on the device
    INDICATIONS_OFF = "indications_off"
    WRITE_REFUSED = "write_refused"
    LINK_LOST = "link_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The procedure ended early; `records` had come before, and are good."""

    reason: Failure
    records: int


Outcome = Reported | Counted | Aborted | Failed

_ASKS = {
    Op.REPORT: Trigger.ASK_REPORT,
    Op.COUNT: Trigger.ASK_COUNT,
    Op.ABORT: Trigger.ASK_ABORT,
}
_ANSWERS = {
    int(Op.REPORT): Trigger.REPORT_ENDED,
    int(Op.COUNT): Trigger.COUNT_ENDED,
    int(Op.ABORT): Trigger.ABORT_ENDED,
}
_ATT_FAILURES = {  # Glucose Service application errors; Core Supplement, Part B, 1.2
    0x80: Failure.BUSY,
    0xFE: Failure.BUSY,
    0x81: Failure.INDICATIONS_OFF,
    0xFD: Failure.INDICATIONS_OFF,
}


class RacpSession:
    """One link's procedures, one after the other: events in, outcomes out."""

    __slots__ = ("_records", "_state")

    def __init__(self) -> None:
        self._state = State.IDLE
        self._records = 0

    @property
    def state(self) -> State:
        return self._state

    @property
    def records(self) -> int:
        """How many have arrived since the last request."""
        return self._records

    def ask(self, request: Request) -> bytes:
        """Note the request, and give the bytes to write."""
        self.handle(Asked(request=request))
        return encode(request)

    def handle(self, event: Event) -> Outcome | None:
        """Take one event; what it ended, if it ended anything."""
        trigger = _trigger(event)
        state = TRANSITIONS[self._state].get(trigger) if trigger is not None else None
        if state is None:
            raise ProtocolError(f"{trigger or event} is illegal while {self._state}")
        if trigger in (Trigger.ASK_REPORT, Trigger.ASK_COUNT):
            self._records = 0
        self._records += trigger is Trigger.RECORD
        previous, self._state = self._state, state
        if state in (State.IDLE, State.CLOSED) and previous is not State.IDLE:
            return _outcome(event, trigger, self._records)
        return None


def _trigger(event: Event) -> Trigger | None:
    match event:
        case Asked(request=request):
            return _ASKS.get(request.op)
        case RecordArrived():
            return Trigger.RECORD
        case Indicated(message=message):
            return _indicated(message)
        case WriteRefused():
            return Trigger.REFUSED
        case LinkLost():
            return Trigger.LINK_LOST


def _indicated(message: Message) -> Trigger | None:
    match message:
        case NumberOfRecords():
            return Trigger.NUMBER
        case Response(request=request):
            return _ANSWERS.get(request)
        case Request():
            return None


def _outcome(event: Event, trigger: Trigger | None, records: int) -> Outcome:
    match event:
        case Indicated(message=NumberOfRecords(count=count)):
            return Counted(count=count)
        case Indicated(message=Response(code=Code.SUCCESS | Code.NO_RECORDS_FOUND as code)):
            return _success(code, trigger, records)
        case Indicated(message=Response(code=code)):
            return Failed(reason=Failure[code.name], records=records)
        case WriteRefused(att_error=error):
            reason = _ATT_FAILURES.get(error, Failure.WRITE_REFUSED)
            return Failed(reason=reason, records=records)
        case _:
            return Failed(reason=Failure.LINK_LOST, records=records)


def _success(code: Code, trigger: Trigger | None, records: int) -> Outcome:
    if trigger is Trigger.ABORT_ENDED:
        return Aborted(records=records)
    if trigger is Trigger.REPORT_ENDED:
        return Reported(records=records)
    if code is Code.NO_RECORDS_FOUND:
        return Counted(count=0)
    return Failed(reason=Failure.PROCEDURE_NOT_COMPLETED, records=records)
