"""The record-access procedure: every state meets every event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import racp
from devices.errors import ProtocolError
from devices.racp import (
    ABORT,
    COUNT_ALL,
    REPORT_ALL,
    Aborted,
    Asked,
    Code,
    Counted,
    Failed,
    Failure,
    Indicated,
    LinkLost,
    NumberOfRecords,
    Op,
    Operator,
    RacpSession,
    RecordArrived,
    Reported,
    Request,
    Response,
    State,
    Trigger,
    WriteRefused,
)


def answer(op: int, code: Code = Code.SUCCESS) -> Indicated:
    return Indicated(message=Response(request=op, code=code))


EVENTS: dict[Trigger, racp.Event] = {
    Trigger.ASK_REPORT: Asked(request=REPORT_ALL),
    Trigger.ASK_COUNT: Asked(request=COUNT_ALL),
    Trigger.ASK_ABORT: Asked(request=ABORT),
    Trigger.RECORD: RecordArrived(),
    Trigger.NUMBER: Indicated(message=NumberOfRecords(count=3)),
    Trigger.REPORT_ENDED: answer(Op.REPORT),
    Trigger.COUNT_ENDED: answer(Op.COUNT, Code.NO_RECORDS_FOUND),
    Trigger.ABORT_ENDED: answer(Op.ABORT),
    Trigger.REFUSED: WriteRefused(att_error=0x80),
    Trigger.LINK_LOST: LinkLost(),
}
WAYS: dict[State, list[Trigger]] = {
    State.IDLE: [],
    State.REPORTING: [Trigger.ASK_REPORT],
    State.COUNTING: [Trigger.ASK_COUNT],
    State.ABORTING: [Trigger.ASK_REPORT, Trigger.ASK_ABORT],
    State.CLOSED: [Trigger.LINK_LOST],
}
UNKNOWN = [
    Asked(request=Request(op=Op.DELETE, operator=Operator.ALL)),
    answer(99),
    Indicated(message=REPORT_ALL),
]


def session_in(state: State) -> RacpSession:
    session = RacpSession()
    for trigger in WAYS[state]:
        session.handle(EVENTS[trigger])
    assert session.state is state
    return session


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("trigger", Trigger)
def test_an_event_follows_the_table_or_raises_and_changes_nothing(state, trigger):
    session = session_in(state)
    expected = racp.TRANSITIONS[state].get(trigger)
    if expected is None:
        records = session.records
        with pytest.raises(ProtocolError, match=f"{trigger} is illegal while {state}"):
            session.handle(EVENTS[trigger])
        assert (session.state, session.records) == (state, records)
    else:
        session.handle(EVENTS[trigger])
        assert session.state is expected


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", UNKNOWN)
def test_an_event_that_no_table_knows_is_always_illegal(state, event):
    session = session_in(state)
    with pytest.raises(ProtocolError):
        session.handle(event)
    assert session.state is state


def played(*events: racp.Event) -> racp.Outcome | None:
    session = RacpSession()
    outcomes = [session.handle(event) for event in events]
    assert outcomes[:-1] == [None] * (len(events) - 1)
    return outcomes[-1]


REPORT, COUNT, STOP = Asked(request=REPORT_ALL), Asked(request=COUNT_ALL), Asked(request=ABORT)
RECORD = RecordArrived()


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([REPORT, RECORD, RECORD, answer(1)], Reported(records=2)),
        ([REPORT, answer(1, Code.NO_RECORDS_FOUND)], Reported(records=0)),
        ([COUNT, Indicated(message=NumberOfRecords(count=500))], Counted(count=500)),
        ([COUNT, answer(4, Code.NO_RECORDS_FOUND)], Counted(count=0)),
        ([REPORT, RECORD, STOP, RECORD, answer(3)], Aborted(records=2)),
        ([REPORT, STOP, answer(1), answer(3)], Aborted(records=0)),
        ([REPORT, RECORD, LinkLost()], Failed(reason=Failure.LINK_LOST, records=1)),
        ([LinkLost()], None),  # nothing ran, so nothing failed
        (
            [REPORT, answer(1, Code.OP_NOT_SUPPORTED)],
            Failed(reason=Failure.OP_NOT_SUPPORTED, records=0),
        ),
        (
            [REPORT, RECORD, answer(1, Code.PROCEDURE_NOT_COMPLETED)],
            Failed(reason=Failure.PROCEDURE_NOT_COMPLETED, records=1),
        ),
        (
            [REPORT, STOP, answer(3, Code.ABORT_UNSUCCESSFUL)],
            Failed(reason=Failure.ABORT_UNSUCCESSFUL, records=0),
        ),
        ([COUNT, answer(4)], Failed(reason=Failure.PROCEDURE_NOT_COMPLETED, records=0)),
        ([REPORT, WriteRefused(att_error=0x80)], Failed(reason=Failure.BUSY, records=0)),
        ([REPORT, WriteRefused(att_error=0xFE)], Failed(reason=Failure.BUSY, records=0)),
        (
            [REPORT, WriteRefused(att_error=0xFD)],
            Failed(reason=Failure.INDICATIONS_OFF, records=0),
        ),
        ([REPORT, WriteRefused(att_error=0x03)], Failed(reason=Failure.WRITE_REFUSED, records=0)),
    ],
)
def test_a_procedure_ends_as_the_device_says(events, outcome):
    assert played(*events) == outcome


def test_every_code_but_success_and_none_found_is_a_failure():
    failures = set(Code) - {Code.SUCCESS, Code.NO_RECORDS_FOUND}
    for code in failures:
        ended = played(REPORT, answer(1, code))
        assert isinstance(ended, Failed)
        assert ended.reason.value == code.name.lower()


def test_a_second_request_counts_from_zero():
    session = RacpSession()
    assert session.ask(REPORT_ALL) == b"\x01\x01"
    session.handle(RECORD)
    session.handle(answer(1))
    assert session.ask(racp.report_from(15)) == bytes.fromhex("0103010f00")
    assert session.records == 0


@given(st.lists(st.sampled_from([*EVENTS.values(), *UNKNOWN])))
def test_no_order_of_events_leaves_the_table(events):
    session = RacpSession()
    for event in events:
        before = session.state
        try:
            session.handle(event)
        except ProtocolError:
            assert session.state is before
        else:
            assert session.state in racp.TRANSITIONS[before].values()
