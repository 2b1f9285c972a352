"""The clinic's desired state: what is understood, what is reported back, what is done once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gateway import desired
from gateway.desired import Forget
from gateway.settings import Settings
from gateway.spool import open_spool
from gateway.wishes import Wishes
from tests.gateway.test_spool import NOW

CUFF, METER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
OWN = Settings(clinic="clinic", name="home-1", mqtt_url="mqtt://127.0.0.1:1", revisit_s=30)


def said(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_all_of_it_is_read() -> None:
    wanted = desired.read(
        said(
            version=7,
            accept=[CUFF.lower(), METER],
            forget=[{"device": METER, "order": "3"}],
            names={CUFF.lower(): " Kitchen cuff "},
            settings={"home_zone": "America/Chicago", "revisit_s": 60},
            renew_before="2026-03-01T00:00:00Z",
            later_field=True,
        )
    )
    assert wanted.problems == ()
    assert wanted.version == "7"
    assert wanted.accept == frozenset({CUFF, METER})
    assert wanted.forget == (Forget(device=METER, order="3"),)
    assert wanted.names == {CUFF: "Kitchen cuff"}
    assert wanted.renew_before == datetime(2026, 3, 1, tzinfo=UTC)
    settings = wanted.applied_to(OWN)
    assert (settings.home_zone, settings.revisit_s) == ("America/Chicago", 60)
    assert settings.accept == frozenset({CUFF, METER})


def test_what_makes_no_sense_is_reported_and_its_neighbours_count() -> None:
    wanted = desired.read(
        said(
            version=8,
            accept=[CUFF, "kitchen", 7],
            forget="all",
            names={"x": "y", METER: "Meter"},
            settings={"home_zone": "Mars/Olympus", "revisit_s": -1, "spool": "/etc", "quiet": True},
            renew_before="yesterday",
        )
    )
    assert [problem.field for problem in wanted.problems] == [
        "accept[1]",
        "accept[2]",
        "forget",
        "names",
        "settings.home_zone",
        "settings.revisit_s",
        "settings.spool",
        "settings.quiet",
        "renew_before",
    ]
    assert wanted.accept == frozenset({CUFF})
    assert wanted.names == {METER: "Meter"}
    assert wanted.applied_to(OWN).home_zone == OWN.home_zone


def test_what_is_no_object_changes_nothing() -> None:
    for payload in (b"[]", b"{", b"\xff", b"7", b"null", b"[" * 5000):
        wanted = desired.read(payload)
        assert [problem.field for problem in wanted.problems] == [""]
        assert wanted.applied_to(OWN) == OWN


def test_a_message_taken_back_leaves_the_boxs_own_settings() -> None:
    assert desired.read(b"").problems == ()
    assert desired.read(b"").applied_to(OWN) == OWN


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = st.sampled_from(["version", "accept", "forget", "names", "settings", "renew_before"])


@given(st.dictionaries(FIELDS, json_values) | json_values)
def test_whatever_is_said_is_read(fields: object) -> None:
    wanted = desired.read(json.dumps(fields).encode())
    wanted.applied_to(OWN)


async def test_it_is_in_force_after_a_restart_and_an_order_is_carried_out_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "spool.sqlite3"
    payload = said(version=9, accept=[CUFF], forget=[{"device": METER, "order": "1"}])
    async with open_spool(path, NOW) as spool:
        wishes = Wishes(own=OWN, spool=spool, clock=lambda: NOW)
        await wishes.load()
        assert wishes.report() is None
        orders = await wishes.apply(payload)
        assert orders == [Forget(device=METER, order="1")]
        assert await wishes.apply(payload) == orders  # not done yet
        await spool.forget(METER, "1")
        assert await wishes.apply(payload) == []
    async with open_spool(path, NOW) as spool:
        wishes = Wishes(own=OWN, spool=spool, clock=lambda: NOW)
        await wishes.load()
        assert wishes.settings.accept == frozenset({CUFF})
        report = wishes.report()
        assert report is not None
        assert (report.version, report.at, report.problems) == ("9", NOW, [])
        again = said(version=10, forget=[{"device": METER, "order": "2"}])
        assert await wishes.apply(again) == [Forget(device=METER, order="2")]


async def test_another_name_is_no_new_rule_about_devices(tmp_path: Path) -> None:
    """What was paired at home since the clinic's list was made stays admitted."""
    clock = [NOW]
    path = tmp_path / "spool.sqlite3"
    async with open_spool(path, NOW) as spool:
        wishes = Wishes(own=OWN, spool=spool, clock=lambda: clock[0])
        await wishes.apply(said(version=1, accept=[CUFF]))
        clock[0] += timedelta(hours=1)
        await wishes.apply(said(version=2, accept=[CUFF], names={CUFF: "Kitchen"}))
        assert (wishes.applied_at, wishes.ruled_at()) == (clock[0], NOW)
    async with open_spool(path, NOW) as spool:
        wishes = Wishes(own=OWN, spool=spool, clock=lambda: clock[0])
        await wishes.load()
        assert wishes.ruled_at() == NOW
        clock[0] += timedelta(hours=1)
        await wishes.apply(said(version=3, accept=[CUFF, METER]))
        assert wishes.ruled_at() == clock[0]
