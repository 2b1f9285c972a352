"""How a home is said to be: three kinds of silence are three different things to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.home_view import clock_words, look
from store.homes import Device, Gateway, Holder, Home
from vitals.wire import GatewayStatus

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOME = UUID(int=1)


def gateway(*, hours_ago: float | None = 0, state: str = "online", **said) -> Gateway:
    at = None if hours_ago is None else NOW - hours_ago * HOUR
    status = None if at is None else GatewayStatus(state=state, **said)
    return Gateway(name="gw-1", home=HOME, state=state if at else None, at=at, said=status)


def cuff(*, hours_ago: float | None = 1, held=True, **more) -> Device:
    plain = {
        "key": UUID(int=1),
        "address": "C0:FF:EE:00:00:01",
        "kind": "blood_pressure",
        "model": None,
        "serial": None,
        "label": "",
        "home": HOME,
        "last_measured_at": None if hours_ago is None else NOW - hours_ago * HOUR,
        "battery_pct": 80,
        "last_seen": NOW,
        "clock_offset_s": 0.0,
        "holders": (Holder(patient=UUID(int=2), name="Ann", user_slot=-1),) if held else (),
    }
    return Device(**{**plain, **more})


def words(gateways, devices, *, zone="UTC") -> list[str]:
    home = Home(id=HOME, label="", zone=zone, gateways=tuple(gateways), devices=tuple(devices))
    return [sign.word for sign in look(home, now=NOW).signs]


@pytest.mark.parametrize(
    ("gateways", "devices", "expected"),
    [
        ([gateway()], [cuff()], ["Working"]),
        ([gateway()], [cuff(hours_ago=120)], ["Nobody measured for 5 days"]),
        ([gateway()], [cuff(hours_ago=None)], ["Nothing measured yet"]),
        # A home whose gateway is away says nothing about who measured.
        ([gateway(hours_ago=9, state="offline")], [cuff(hours_ago=120)], ["Gateway offline"]),
        # Its last will was lost with the broker: its silence says the same.
        ([gateway(hours_ago=9)], [cuff()], ["Gateway offline"]),
        ([gateway(hours_ago=None)], [], ["Not heard yet"]),
        ([], [], ["No gateway"]),
        ([gateway()], [], ["No device heard"]),
        # Nobody is missed where nobody has the device.
        ([gateway()], [cuff(hours_ago=120, held=False)], ["Working"]),
        ([gateway()], [cuff(battery_pct=20)], ["Battery low: Blood-pressure cuff 20 %"]),
        ([gateway()], [cuff(battery_pct=21)], ["Working"]),
        (
            [gateway()],
            [cuff(clock_offset_s=-3600)],
            ["Clock of Blood-pressure cuff 60 min slow"],
        ),
        (
            [gateway(spool_depth=1, rejected=2)],
            [cuff()],
            ["2 readings refused", "1 reading to be sent"],
        ),
    ],
)
def test_signs(gateways, devices, expected):
    assert words(gateways, devices) == expected


@pytest.mark.parametrize(
    ("heard", "offset_h", "expected"),
    [
        (datetime(2026, 1, 15, 12, tzinfo=UTC), -5, ["Working"]),
        (datetime(2026, 7, 15, 12, tzinfo=UTC), -4, ["Working"]),
        (
            datetime(2026, 7, 15, 12, tzinfo=UTC),
            -5,
            ["Clock of Blood-pressure cuff 60 min slow"],
        ),
    ],
)
def test_a_clock_is_right_when_it_shows_the_time_of_its_home(heard, offset_h, expected):
    told = cuff(last_seen=heard, clock_offset_s=offset_h * 3600.0)
    assert words([gateway()], [told], zone="America/New_York") == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (None, "not read"),
        (59.0, "right"),
        (-720.0, "12 min slow"),
        (7200.0, "2 h fast"),
        (86400.0 * 365, "365 days fast"),
    ],
)
def test_a_clock_in_words(offset, expected):
    assert clock_words(offset) == expected
