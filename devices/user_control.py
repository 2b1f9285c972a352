"""User Control Point (0x2A9F): a scale tells what it measured only for a slot that is consented to.

GATT Specification Supplement, under this name; User Data Service 1.1, section 3.4. First the
messages, then the procedure. Rule: whatever decides about the procedure stands in TRANSITIONS; an
illegal event raises and nothing changes; nobody waits here. Deleting users can be decoded, but no
session starts it: a scale's slots are the household's. The consent code is a secret of the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from devices.errors import ProtocolError
from devices.reader import Reader
from devices.uuids import short

CHARACTERISTIC = short(0x2A9F)

HIGHEST_CODE = 9999


class Op(IntEnum):
    """What is asked, or that this answers."""

    REGISTER = 1
    CONSENT = 2
    DELETE_DATA = 3
    LIST_USERS = 4
    DELETE_USER = 5
    RESPONSE = 0x20


class Code(IntEnum):
    """How a request ended."""

    SUCCESS = 1
    OP_NOT_SUPPORTED = 2
    INVALID_PARAMETER = 3
    OPERATION_FAILED = 4
    NOT_AUTHORISED = 5


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Request:
    """What a collector writes; the code is four decimal digits, 0 to 9999. Never printed."""

    op: Op
    user: int | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """How a request ended; `user` is the slot that a registration made."""

    request: int
    code: Code
    user: int | None = None
    parameter: bytes = b""


Message = Request | Response


def register(code: int) -> Request:
    """Ask for a slot of one's own, to be opened with this code from now on."""
    return Request(op=Op.REGISTER, code=code)


def consent(user: int, code: int) -> Request:
    """Open this slot for the link."""
    return Request(op=Op.CONSENT, user=user, code=code)


def decode(payload: bytes) -> Message:
    reader = Reader(payload, "user control point")
    op = _op(reader)
    message: Message
    if op is Op.RESPONSE:
        message = _read_response(reader)
    else:
        message = Request(
            op=op,
            user=reader.u8("user index") if op in (Op.CONSENT, Op.DELETE_USER) else None,
            code=_read_code(reader) if op in (Op.REGISTER, Op.CONSENT) else None,
        )
    reader.require_end()
    return message


def encode(message: Message) -> bytes:
    match message:
        case Response(request=request, code=code, user=user, parameter=parameter):
            slot = b"" if user is None else bytes([user])
            return bytes([Op.RESPONSE, request, code]) + slot + parameter
        case Request(op=op, user=user, code=secret):
            slot = b"" if user is None else bytes([user])
            return bytes([op]) + slot + (b"" if secret is None else secret.to_bytes(2, "little"))


def _op(reader: Reader) -> Op:
    value = reader.u8("op code")
    try:
        return Op(value)
    except ValueError:
        reader.fail(f"op code {value} is reserved", at=reader.offset - 1)


def _read_code(reader: Reader) -> int:
    code = reader.u16("consent code")
    if code > HIGHEST_CODE:
        reader.fail(f"a consent code above {HIGHEST_CODE}", at=reader.offset - 2)
    return code


def _read_response(reader: Reader) -> Response:
    request = reader.u8("request op code")
    value = reader.u8("response value")
    try:
        code = Code(value)
    except ValueError:
        reader.fail(f"response value {value} is reserved", at=reader.offset - 1)
    registered = request == Op.REGISTER and code is Code.SUCCESS
    return Response(
        request=request,
        code=code,
        user=reader.u8("user index") if registered else None,
        parameter=b"" if registered else reader.take(reader.remaining, "parameter"),
    )


class State(StrEnum):
    """Where the procedure stands."""

    IDLE = "idle"  # nothing asked, or answered
    WAITING = "waiting"  # written; the answer is indicated
    CLOSED = "closed"  # the link is gone; start a new session


class Trigger(StrEnum):
    """What an event is to the table below."""

    ASK = "ask"
    ANSWER = "answer"
    REFUSED = "refused"
    LINK_LOST = "link_lost"


TRANSITIONS: dict[State, dict[Trigger, State]] = {
    State.IDLE: {Trigger.ASK: State.WAITING, Trigger.LINK_LOST: State.CLOSED},
    State.WAITING: {
        Trigger.ANSWER: State.IDLE,
        Trigger.REFUSED: State.IDLE,
        Trigger.LINK_LOST: State.CLOSED,
    },
    State.CLOSED: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request is about to be written."""

    request: Request


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


Event = Asked | Indicated | WriteRefused | LinkLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """From here on the scale tells what it measured for this slot."""

    user: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The scale made this slot; it has to be consented to before it tells anything."""

    user: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The scale shows its users on its display, or told how many they are."""


class Failure(StrEnum):
    """Why a request did not get what it asked for."""

    OP_NOT_SUPPORTED = "op_not_supported"
    INVALID_PARAMETER = "invalid_parameter"
    OPERATION_FAILED = "operation_failed"  # of a registration: no slot is free
    NOT_AUTHORISED = "not_authorised"  # a wrong code, or the slot is gone after new batteries
    WRITE_REFUSED = "write_refused"
    LINK_LOST = "link_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The procedure ended without what was asked."""

    reason: Failure


Outcome = Consented | Registered | Listed | Failed

_STARTED = (Op.REGISTER, Op.CONSENT, Op.LIST_USERS)


class UserControl:
    """One link's requests, one after the other: events in, outcomes out."""

    __slots__ = ("_request", "_state")

    def __init__(self) -> None:
        self._state = State.IDLE
        self._request: Request | None = None

    @property
    def state(self) -> State:
        return self._state

    def ask(self, request: Request) -> bytes:
        """Note the request, and give the bytes to write."""
        self.handle(Asked(request=request))
        return encode(request)

    def handle(self, event: Event) -> Outcome | None:
        """Take one event; what it ended, if it ended anything."""
        trigger = self._trigger(event)
        state = TRANSITIONS[self._state].get(trigger) if trigger is not None else None
        if state is None:
            raise ProtocolError(f"{trigger or type(event).__name__} is illegal while {self._state}")
        asked, self._state = self._request, state
        if isinstance(event, Asked):
            self._request = event.request
            return None
        self._request = None
        return None if asked is None else _outcome(event, asked)

    def _trigger(self, event: Event) -> Trigger | None:
        match event:
            case Asked(request=request):
                return Trigger.ASK if request.op in _STARTED else None
            case Indicated(message=Response(request=op)):
                answers = self._request is not None and op == self._request.op
                return Trigger.ANSWER if answers else None
            case Indicated():
                return None
            case WriteRefused():
                return Trigger.REFUSED
            case LinkLost():
                return Trigger.LINK_LOST


def _outcome(event: Event, asked: Request) -> Outcome:
    match event:
        case Indicated(message=Response(code=Code.SUCCESS, user=user)):
            return _success(asked, user)
        case Indicated(message=Response(code=code)):
            return Failed(reason=Failure[code.name])
        case WriteRefused():
            return Failed(reason=Failure.WRITE_REFUSED)
        case _:
            return Failed(reason=Failure.LINK_LOST)


def _success(asked: Request, user: int | None) -> Outcome:
    if asked.op is Op.REGISTER and user is not None:
        return Registered(user=user)
    if asked.op is Op.CONSENT and asked.user is not None:
        return Consented(user=asked.user)
    return Listed()
