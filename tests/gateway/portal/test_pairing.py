"""The steps of pairing as a pure machine: the way through, each way it goes wrong, any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.kinds import DeviceKind
from gateway.link import Failure
from gateway.pairing import ANSWER, LONGEST, MOST_FOUND, OPEN_FOR, SETTLE, TEST_AGE, admits, after
from gateway.pairing_events import (
    Act,
    AskEnded,
    AsksPasskey,
    AsksSame,
    Broke,
    Chose,
    Closed,
    Compared,
    Entered,
    Forgot,
    Linked,
    Linking,
    Opened,
    Picked,
    Receipted,
    Shows,
    Sighted,
    Spooled,
    Ticked,
    TookStored,
    WantsAnother,
    WentBack,
)
from gateway.pairing_state import NotNow, Pairing, Step, Trouble
from vitals.reading import (
    Absent,
    Certainty,
    ClockCorrection,
    Kind,
    Measure,
    RawValue,
    Reading,
    coded,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CUFF, OTHER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
SECOND = timedelta(seconds=1)


def reading(at=NOW, *, values=None, kind=Kind.BLOOD_PRESSURE, key="a"):
    if values is None:
        values = [coded(Measure.SYSTOLIC, 128), coded(Measure.DIASTOLIC, 82)]
    return Reading(
        id=key,
        device=CUFF,
        kind=kind,
        received_at=at,
        measured_at=at,
        clock=ClockCorrection(certainty=Certainty.DEVICE_CLOCK),
        raw=[RawValue(characteristic="2A35", hex="00")],
        values=values,
    )


def sighted(address=CUFF, **changes):
    return Sighted(**({"address": address, "kind": DeviceKind.CUFF, "rssi_dbm": -60} | changes))


def play(*events, pairing=None, now=NOW):
    """The state after these events, a tenth of a second apart; a timedelta is a longer wait."""
    pairing = pairing or Pairing()
    for event in events:
        if isinstance(event, timedelta):
            now += event
        else:
            now += timedelta(seconds=0.1)
            pairing = after(pairing, event, now)
    return pairing


LOOKING = (Opened(), Chose(DeviceKind.CUFF))
FOUND = (*LOOKING, sighted(), SETTLE, sighted())
LINKED = (*FOUND, Linking(CUFF), Linked(CUFF))
KEPT = (*LINKED, Spooled(CUFF, reading()))


def test_the_way_through():
    steps = [
        play(*KEPT[:count], *more).step
        for count, more in ((1, ()), (2, ()), (5, ()), (7, ()), (8, ()), (8, (Receipted(["a"]),)))
    ]
    assert steps == [Step.CHOOSE, Step.PREPARE, Step.PAIRING, Step.TEST, Step.KEPT, Step.DONE]


def test_only_a_receipt_says_that_the_clinic_has_it():
    assert play(*KEPT, Receipted(["another"]), Ticked(), Linked(CUFF)).step is Step.KEPT
    done = play(*KEPT, Receipted(["another", "a"]))
    assert (done.step, done.has) == (Step.DONE, True)


def test_nobody_is_let_in_but_the_device_that_was_chosen_while_it_is_open():
    assert not admits(play(*LOOKING, sighted()), CUFF)
    assert admits(play(*FOUND), CUFF)
    assert not admits(play(*FOUND, sighted(OTHER)), OTHER)
    assert not admits(play(*FOUND, Closed()), CUFF)
    assert not admits(play(*FOUND, OPEN_FOR, Ticked()), CUFF)


def test_it_closes_by_itself_a_while_after_the_last_act_and_in_any_case_after_an_hour():
    assert play(Opened(), OPEN_FOR - SECOND, Ticked()).is_open
    assert play(Opened(), OPEN_FOR - SECOND, Chose(DeviceKind.CUFF), 60 * SECOND, Ticked()).is_open
    assert not play(*KEPT, OPEN_FOR, Receipted(["a"])).is_open
    busy = [event for _ in range(9) for event in (OPEN_FOR / 2, Chose(DeviceKind.METER))]
    with pytest.raises(NotNow):
        play(Opened(), *busy)
    assert timedelta(minutes=7) * 9 > LONGEST


def test_a_clock_that_is_put_back_keeps_nothing_open():
    assert play(*FOUND, -30 * SECOND, Ticked()).is_open
    assert not play(*FOUND, timedelta(hours=-2), Ticked()).is_open


def test_what_was_read_is_gone_once_it_is_closed():
    assert play(*KEPT, Closed()) == Pairing(since=play(*KEPT, Closed()).since)
    expired = play(*KEPT, OPEN_FOR, Ticked())
    assert (expired.reading, expired.address, expired.found) == (None, None, ())


@pytest.mark.parametrize(
    "others",
    [
        [sighted(OTHER)],
        [sighted(OTHER, known=True), sighted(CUFF, rssi_dbm=-84)],
    ],
    ids=["two of the kind", "one, but as if from next door"],
)
def test_where_it_is_not_clear_somebody_chooses(others):
    picking = play(*LOOKING, sighted(), *others, SETTLE, Ticked())
    assert picking.step is Step.PICK
    picked = after(picking, Picked(OTHER), NOW + 5 * SECOND)
    assert (picked.step, picked.address) == (Step.PAIRING, OTHER)
    with pytest.raises(NotNow):
        after(picking, Picked("C0:FF:EE:00:00:99"), NOW + 5 * SECOND)


def test_a_new_device_goes_before_those_that_are_paired_already():
    both = play(*LOOKING, sighted(OTHER, known=True), sighted(), SETTLE, Ticked())
    assert (both.step, both.address) == (Step.PAIRING, CUFF)
    known = play(*LOOKING, sighted(known=True), SETTLE, Ticked())
    assert (known.step, known.address) == (Step.PICK, None)


def test_devices_of_other_kinds_are_passed_over():
    assert play(*LOOKING, sighted(kind=DeviceKind.SCALE), SETTLE, Ticked()).found == ()


def test_a_flood_of_advertisements_is_bounded():
    flood = [sighted(f"C0:FF:EE:00:01:{n:02X}") for n in range(40)]
    assert len(play(*LOOKING, *flood).found) == MOST_FOUND


def test_the_list_that_somebody_reads_keeps_its_order():
    moving = (sighted(OTHER, rssi_dbm=-40), sighted(rssi_dbm=-90), sighted(OTHER, rssi_dbm=-50))
    found = play(*LOOKING, sighted(), *moving).found
    assert [(f.address, f.rssi_dbm) for f in found] == [(CUFF, -90), (OTHER, -50)]


def test_a_device_that_the_box_reads_by_itself_counts_as_found():
    started = play(*LOOKING, Linking(CUFF, kind=DeviceKind.CUFF))
    assert (started.step, started.address) == (Step.PAIRING, CUFF)
    routine = play(*LOOKING, Linking(CUFF, kind=DeviceKind.CUFF, known=True))
    assert routine.step is Step.PREPARE


def test_a_passkey_is_asked_for_and_given():
    asked = play(*FOUND, Linking(CUFF), AsksPasskey(CUFF))
    assert asked.step is Step.PASSKEY
    entered = after(asked, Entered(12345), NOW + 9 * SECOND)
    assert (entered.step, entered.typed) == (Step.PAIRING, True)
    assert after(entered, Linked(CUFF), NOW + 10 * SECOND).step is Step.TEST
    with pytest.raises(NotNow):
        after(asked, Entered(1_000_000), NOW + 9 * SECOND)


def test_a_wrong_passkey_is_told_and_asked_for_again():
    wrong = play(
        *FOUND,
        Linking(CUFF),
        AsksPasskey(CUFF),
        Entered(1),
        Broke(CUFF, Failure.NOT_PAIRED),
    )
    assert (wrong.step, wrong.trouble) == (Step.PREPARE, Trouble.WRONG_PASSKEY)
    again = play(Linking(CUFF), AsksPasskey(CUFF), pairing=wrong, now=NOW + 20 * SECOND)
    assert (again.step, again.trouble) == (Step.PASSKEY, Trouble.WRONG_PASSKEY)
    right = play(Entered(2), Linked(CUFF), pairing=again, now=NOW + 25 * SECOND)
    assert (right.step, right.trouble) == (Step.TEST, None)


def test_a_passkey_that_came_too_late():
    late = play(*FOUND, Linking(CUFF), AsksPasskey(CUFF), AskEnded(CUFF))
    assert (late.step, late.trouble) == (Step.PREPARE, Trouble.LATE_PASSKEY)
    failed = play(Broke(CUFF, Failure.NOT_PAIRED), pairing=late, now=NOW + 40 * SECOND)
    assert failed.trouble is Trouble.LATE_PASSKEY
    with pytest.raises(NotNow):
        play(Entered(1), pairing=failed, now=NOW + 41 * SECOND)


@pytest.mark.parametrize(
    ("same", "step", "trouble"),
    [(True, Step.PAIRING, None), (False, Step.PREPARE, Trouble.DIFFERENT)],
)
def test_numbers_are_compared(same, step, trouble):
    asked = play(*FOUND, Linking(CUFF), AsksSame(CUFF, 7))
    assert (asked.step, asked.number) == (Step.COMPARE, 7)
    answered = play(Compared(same), pairing=asked, now=NOW + 9 * SECOND)
    assert (answered.step, answered.trouble, answered.number) == (step, trouble, None)


def test_a_number_to_enter_on_the_device():
    shown = play(*FOUND, Linking(CUFF), Shows(CUFF, 42))
    assert (shown.step, shown.number) == (Step.SHOW, 42)
    assert play(Linked(CUFF), pairing=shown, now=NOW + 9 * SECOND).step is Step.TEST


@pytest.mark.parametrize(
    ("reason", "trouble"),
    [
        (Failure.UNREACHABLE, Trouble.UNREACHABLE),
        (Failure.NOT_PAIRED, Trouble.REFUSED),
        (Failure.LINK_LOST, Trouble.DROPPED),
        (Failure.SILENT, Trouble.DROPPED),
        (Failure.FAULT, Trouble.FAULT),
        (Failure.NOT_KEPT, Trouble.NOT_KEPT),
    ],
)
def test_what_breaks_before_the_link_is_told_and_tried_again(reason, trouble):
    broken = play(*FOUND, Linking(CUFF), Broke(CUFF, reason))
    assert (broken.step, broken.trouble) == (Step.PREPARE, trouble)
    assert admits(broken, CUFF)
    assert play(Linking(CUFF), pairing=broken, now=NOW + 9 * SECOND).step is Step.PAIRING


@pytest.mark.parametrize("reason", Failure)
def test_every_way_to_fail_is_told(reason):
    assert play(*FOUND, Linking(CUFF), Broke(CUFF, reason)).trouble is not None


def test_a_lost_bond_is_told_apart_from_a_refusal():
    known = (*LOOKING, sighted(known=True), SETTLE, Ticked(), Picked(CUFF), Linking(CUFF))
    assert play(*known, Broke(CUFF, Failure.NOT_PAIRED)).trouble is Trouble.LOST_BOND
    later = play(*LINKED, Broke(CUFF, Failure.NOT_PAIRED))
    assert (later.step, later.trouble) == (Step.PREPARE, Trouble.LOST_BOND)


def test_a_device_that_hangs_up_after_pairing_is_no_trouble():
    assert play(*LINKED, Broke(CUFF, Failure.LINK_LOST)).trouble is None
    assert play(*LINKED, Broke(CUFF, Failure.UNREACHABLE)).trouble is Trouble.UNREACHABLE


def test_one_that_does_not_answer_is_given_up_in_a_while():
    waiting = play(*FOUND, ANSWER, Ticked())
    assert (waiting.step, waiting.trouble) == (Step.PREPARE, Trouble.UNREACHABLE)


def test_what_comes_out_of_memory_is_no_test_reading_but_may_be_taken_for_one():
    old = reading(NOW - TEST_AGE - 60 * SECOND, key="old")
    older = reading(NOW - 2 * TEST_AGE, key="older")
    stored = play(*LINKED, Spooled(CUFF, old), Spooled(CUFF, older))
    assert (stored.step, stored.stored, stored.reading) == (Step.TEST, 2, old)
    assert play(TookStored(), pairing=stored, now=NOW + 9 * SECOND).step is Step.KEPT
    receipted = play(Receipted(["old"]), pairing=stored, now=NOW + 8 * SECOND)
    assert receipted.step is Step.TEST
    assert play(TookStored(), pairing=receipted, now=NOW + 9 * SECOND).step is Step.DONE
    with pytest.raises(NotNow):
        play(*LINKED, TookStored())


def test_a_device_that_only_advertises_needs_no_link():
    assert play(*FOUND, Spooled(CUFF, reading())).step is Step.KEPT


@pytest.mark.parametrize(
    ("made", "trouble"),
    [
        (reading(values=[coded(Measure.SYSTOLIC, absent=Absent.NAN)]), Trouble.UNMEASURED),
        (reading(values=[], kind=Kind.UNDECODED), Trouble.UNREADABLE),
    ],
)
def test_a_reading_without_a_number_is_no_test_reading(made, trouble):
    failed = play(*LINKED, Spooled(CUFF, made))
    assert (failed.step, failed.trouble) == (Step.TEST, trouble)
    assert play(Spooled(CUFF, reading()), pairing=failed, now=NOW + 9 * SECOND).step is Step.KEPT


def test_undo_and_another():
    forgotten = play(*KEPT, Forgot())
    assert (forgotten.step, forgotten.forgot, forgotten.address) == (Step.CHOOSE, True, None)
    assert not admits(forgotten, CUFF)
    another = play(*KEPT, WantsAnother())
    assert (another.step, another.reading) == (Step.CHOOSE, None)
    with pytest.raises(NotNow):
        play(*FOUND, Forgot())


def test_back():
    assert play(*LOOKING, WentBack()).step is Step.CHOOSE
    looking_again = play(*LINKED, WentBack())
    assert (looking_again.step, looking_again.kind) == (Step.PREPARE, DeviceKind.CUFF)
    assert looking_again.address is None
    with pytest.raises(NotNow):
        play(*KEPT, WentBack())


ADDRESSES = st.sampled_from([CUFF, OTHER])
KINDS = st.sampled_from([DeviceKind.CUFF, DeviceKind.METER])
ACTS = st.one_of(
    st.sampled_from(
        [Opened(), TookStored(), WentBack(), Forgot(), WantsAnother(), Closed(), Opened()]
    ),
    st.builds(Chose, KINDS),
    st.builds(Picked, ADDRESSES),
    st.builds(Entered, st.integers(-1, 1_000_001)),
    st.builds(Compared, st.booleans()),
)
READINGS = st.sampled_from(
    [reading(), reading(NOW - timedelta(days=2), key="b"), reading(values=[], key="c")]
)
FACTS = st.one_of(
    st.just(Ticked()),
    st.builds(
        Sighted,
        address=ADDRESSES,
        kind=KINDS,
        rssi_dbm=st.none() | st.integers(-100, -30),
        known=st.booleans(),
    ),
    st.builds(Linking, ADDRESSES, KINDS, st.booleans()),
    st.builds(Linked, ADDRESSES),
    st.builds(Broke, ADDRESSES, st.sampled_from(Failure)),
    st.builds(AsksPasskey, ADDRESSES),
    st.builds(AsksSame, ADDRESSES, st.integers(0, 999_999)),
    st.builds(Shows, ADDRESSES, st.integers(0, 999_999)),
    st.builds(AskEnded, ADDRESSES),
    st.builds(Spooled, ADDRESSES, READINGS),
    st.builds(Receipted, st.lists(st.sampled_from("abc"))),
)
WAITS = st.sampled_from([0.1, 1.0, 3.0, 61.0])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ACTS | FACTS, WAITS), max_size=40))
def test_whatever_happens_in_whatever_order(events):
    pairing, now, receipted, opened = Pairing(), NOW, set(), None
    for event, wait_s in events:
        now += timedelta(seconds=wait_s)
        before = pairing
        try:
            pairing = after(pairing, event, now)
        except NotNow:
            assert isinstance(event, Act)
            continue
        if isinstance(event, Receipted) and before.is_open:
            receipted |= set(event.ids)
        opened = pairing.opened if pairing.is_open else None
        if not pairing.is_open:
            assert pairing == Pairing(since=pairing.since)  # nothing of anybody is left
            receipted = set()
            continue
        assert opened is not None
        assert pairing.until is not None
        assert now < pairing.until <= opened + LONGEST
        if pairing.step is Step.DONE:
            assert pairing.has
            assert pairing.reading is not None
            assert pairing.reading.id in receipted
        if pairing.step in {Step.TEST, Step.KEPT, Step.DONE, Step.PASSKEY, Step.COMPARE}:
            assert pairing.address is not None
            assert admits(pairing, pairing.address)
        assert sum(admits(pairing, a) for a in (CUFF, OTHER)) <= 1
        if isinstance(event, (Sighted, Linked, Broke)) and before.step is Step.DONE:
            assert pairing.step in {Step.DONE, Step.CLOSED}


def test_a_refused_act_changes_nothing():
    before = play(*LOOKING)
    with pytest.raises(NotNow):
        after(before, Entered(1), NOW + SECOND)
    assert before == play(*LOOKING)
