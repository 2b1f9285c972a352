"""A user slot is opened by its code, and only by the table: sans-IO, like the record access."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import user_control
from devices.errors import DecodeError, ProtocolError
from devices.user_control import (
    Code,
    Consented,
    Failed,
    Failure,
    Indicated,
    LinkLost,
    Listed,
    Op,
    Registered,
    Request,
    Response,
    State,
    UserControl,
    WriteRefused,
)

CONSENT = user_control.consent(2, 4711)
REGISTER = user_control.register(4711)
LIST = Request(op=Op.LIST_USERS)


def answer(op: int, code: Code = Code.SUCCESS, user: int | None = None) -> Indicated:
    return Indicated(message=Response(request=op, code=code, user=user))


def test_the_bytes_are_those_of_the_specification():
    assert user_control.encode(CONSENT) == bytes.fromhex("02026712")
    assert user_control.encode(REGISTER) == bytes.fromhex("016712")
    assert user_control.decode(bytes.fromhex("20010103")) == Response(
        request=1, code=Code.SUCCESS, user=3
    )


@pytest.mark.parametrize(
    ("request_", "event", "outcome"),
    [
        (CONSENT, answer(2), Consented(user=2)),
        (CONSENT, answer(2, Code.NOT_AUTHORISED), Failed(reason=Failure.NOT_AUTHORISED)),
        (CONSENT, WriteRefused(att_error=0x80), Failed(reason=Failure.WRITE_REFUSED)),
        (CONSENT, LinkLost(), Failed(reason=Failure.LINK_LOST)),
        (REGISTER, answer(1, user=3), Registered(user=3)),
        (REGISTER, answer(1, Code.OPERATION_FAILED), Failed(reason=Failure.OPERATION_FAILED)),
        (LIST, answer(4), Listed()),
        (LIST, answer(4, Code.OP_NOT_SUPPORTED), Failed(reason=Failure.OP_NOT_SUPPORTED)),
    ],
)
def test_a_request_ends_as_the_scale_says(request_, event, outcome):
    session = UserControl()
    assert session.ask(request_) == user_control.encode(request_)
    assert session.handle(event) == outcome
    closed = isinstance(event, LinkLost)
    assert session.state is (State.CLOSED if closed else State.IDLE)


def test_an_answer_to_another_request_changes_nothing():
    session = UserControl()
    session.ask(CONSENT)
    with pytest.raises(ProtocolError):
        session.handle(answer(1, user=3))
    assert session.state is State.WAITING
    assert session.handle(answer(2)) == Consented(user=2)


@pytest.mark.parametrize(
    "request_", [Request(op=Op.DELETE_DATA), Request(op=Op.DELETE_USER, user=255)]
)
def test_nobody_is_deleted(request_):
    session = UserControl()
    with pytest.raises(ProtocolError):
        session.ask(request_)
    assert session.state is State.IDLE


@given(
    st.lists(
        st.sampled_from(
            [
                user_control.Asked(request=CONSENT),
                user_control.Asked(request=REGISTER),
                answer(1, user=3),
                answer(2),
                WriteRefused(att_error=1),
                LinkLost(),
                Indicated(message=CONSENT),
            ]
        )
    )
)
def test_no_order_of_events_leaves_the_table(events):
    session = UserControl()
    for event in events:
        before = session.state
        try:
            session.handle(event)
        except ProtocolError:
            assert session.state is before
        else:
            assert session.state in user_control.TRANSITIONS[before].values()


def test_the_code_is_never_printed():
    assert "4711" not in repr(CONSENT)
    assert "4711" not in str(user_control.Asked(request=CONSENT))


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("02021027", "byte 2: a consent code above 9999"),
        ("07", "byte 0: op code 7"),
        ("200209", "byte 2: response value 9"),
        ("200101", "byte 3: 1 byte needed for user index"),
    ],
)
def test_what_no_scale_may_say_is_refused(payload, why):
    with pytest.raises(DecodeError, match=why):
        user_control.decode(bytes.fromhex(payload))
