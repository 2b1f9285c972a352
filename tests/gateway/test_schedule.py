"""Which device is visited next, and when it rests: a table of moments, no clock and no waiting."""

from __future__ import annotations

import asyncio

import pytest

from gateway.link import Failure, Sighting, why
from gateway.schedule import FAILED_REST_S, GONE_S, STALE_S, Schedule
from tests.gateway.test_spool import NOW

CUFF, METER, SCALE = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"


def sighting(address: str) -> Sighting:
    return Sighting(ble_device=None, address=address, services=frozenset(), rssi_dbm=None, at=NOW)


def schedule(*, at_once: int = 8, revisit_s: float = 30.0) -> Schedule:
    return Schedule(revisit_s=revisit_s, at_once=at_once)


def visited(plan: Schedule, now: float) -> list[str]:
    begun = []
    while (following := plan.next(now)) is not None:
        begun.append(following.address)
    return begun


def test_all_that_are_on_the_air_are_visited_at_once() -> None:
    plan = schedule()
    for address in (CUFF, METER, SCALE):
        plan.heard(sighting(address), 1.0)
    assert visited(plan, 1.0) == [CUFF, METER, SCALE]
    assert plan.visits == 3
    assert plan.next(1.0) is None


def test_no_more_at_once_than_the_radio_has_links() -> None:
    plan = schedule(at_once=2)
    for address in (CUFF, METER, SCALE):
        plan.heard(sighting(address), 1.0)
    assert visited(plan, 1.0) == [CUFF, METER]
    assert plan.wakes_at(1.0) is None  # until a visit ends
    plan.ended(CUFF, 2.0, failed=False)
    assert visited(plan, 2.0) == [SCALE]


def test_an_old_advertisement_is_no_reason_to_connect() -> None:
    plan = schedule()
    plan.heard(sighting(CUFF), 1.0)
    assert plan.next(1.0 + STALE_S + 0.1) is None


def test_a_device_that_stays_on_the_air_rests_between_two_visits() -> None:
    plan = schedule()
    plan.heard(sighting(METER), 0.0)
    assert visited(plan, 0.0) == [METER]
    plan.ended(METER, 1.0, failed=False)
    for second in range(2, 31):
        plan.heard(sighting(METER), float(second))
        assert plan.next(float(second)) is None
    assert plan.wakes_at(30.0) == 31.0
    plan.heard(sighting(METER), 31.0)
    assert visited(plan, 31.0) == [METER]


def test_one_that_had_gone_and_comes_back_is_not_kept_waiting() -> None:
    plan = schedule(revisit_s=300.0)
    plan.heard(sighting(CUFF), 0.0)
    assert visited(plan, 0.0) == [CUFF]
    plan.ended(CUFF, 1.0, failed=False)
    plan.heard(sighting(CUFF), 1.0 + GONE_S + 1)
    assert visited(plan, 1.0 + GONE_S + 1) == [CUFF]


def test_a_failed_device_is_tried_again_soon_and_then_less_and_less() -> None:
    plan, now, rests = schedule(revisit_s=600.0), 0.0, []
    for _ in range(len(FAILED_REST_S) + 1):
        plan.heard(sighting(CUFF), now)
        assert visited(plan, now) == [CUFF]
        plan.ended(CUFF, now, failed=True)
        plan.heard(sighting(CUFF), now)
        due = plan.wakes_at(now)
        assert due is not None
        rests.append(round(due - now, 3))
        for moment in range(int(now) + 1, int(due) + 1):  # it stays on the air
            plan.heard(sighting(CUFF), float(moment))
        now = due
    assert tuple(rests) == (*FAILED_REST_S, FAILED_REST_S[-1])


def test_the_echo_of_an_advertisement_starts_no_second_visit() -> None:
    plan = schedule()
    plan.heard(sighting(CUFF), 0.0)
    assert visited(plan, 0.0) == [CUFF]
    plan.heard(sighting(CUFF), 0.1)
    plan.ended(CUFF, 0.2, failed=True)
    assert plan.next(5.0) is None


def test_what_was_not_read_to_its_end_may_still_come() -> None:
    plan = schedule()
    plan.heard(sighting(METER), 0.0)
    assert plan.unread() == {METER}
    visited(plan, 0.0)
    plan.ended(METER, 1.0, failed=True)
    assert plan.unread() == {METER}
    assert plan.may_come(METER, 60.0, started=0.0, patience_s=60.0)
    assert not plan.may_come(METER, 62.0, started=0.0, patience_s=60.0)
    assert plan.may_come(SCALE, 62.0, started=10.0, patience_s=60.0)  # begun in an earlier life


@pytest.mark.parametrize(
    ("error", "linked", "reason"),
    [
        (TimeoutError(), False, Failure.UNREACHABLE),
        (TimeoutError(), True, Failure.SILENT),
        (ConnectionError("disconnected"), True, Failure.LINK_LOST),
        (OSError("no route"), False, Failure.UNREACHABLE),
        (RuntimeError("pairing failed: confirm value"), False, Failure.NOT_PAIRED),
        (RuntimeError("[org.bluez.Error.AuthenticationFailed]"), True, Failure.NOT_PAIRED),
        (asyncio.InvalidStateError(), True, Failure.LINK_LOST),
    ],
)
def test_an_error_comes_to_one_of_a_few_reasons(
    error: Exception, linked: bool, reason: Failure
) -> None:
    assert why(error, linked=linked) is reason
