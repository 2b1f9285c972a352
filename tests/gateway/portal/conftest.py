"""A desk with a clock that tests turn, and what the radio and the spool would tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from devices.uuids import short
from gateway.desk import PairingDesk
from gateway.link import Sighting
from gateway.portal.app import Helpline, Portal
from gateway.portal.door import Door
from gateway.portal.render import Renderer
from gateway.spool import HomeWord
from vitals.reading import (
    Certainty,
    ClockCorrection,
    Kind,
    Measure,
    RawValue,
    Reading,
    coded,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CUFF, METER = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02"
PIN = "12345678"


@dataclass(slots=True)
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Told:
    """A desk's memory: what the box's other parts say and were asked to do."""

    online: bool = True
    read: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    noted: dict[str, HomeWord] = field(default_factory=dict)
    ruled: datetime | None = None

    async def known(self) -> list[str]:
        return self.read

    async def words(self) -> dict[str, HomeWord]:
        return dict(self.noted)

    async def note(self, address: str, word: HomeWord) -> None:
        self.noted[address] = word

    async def forget(self, address: str) -> None:
        self.forgotten.append(address)
        self.noted.pop(address, None)

    def ruled_at(self) -> datetime | None:
        return self.ruled


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def desk(clock, told) -> PairingDesk:
    made = PairingDesk(clock, lambda: told.online)
    await made.remember(told)
    return made


@pytest.fixture
def door() -> Door:
    return Door(pin=PIN)


@pytest.fixture
def app(desk, door, clock):
    portal = Portal(
        desk=desk,
        door=door,
        helpline=Helpline(emergency="911", clinic="+1 555 0100"),
        names=frozenset({"hearthline.local"}),
        clock=clock,
        renderer=Renderer(),
    )
    return portal.app()


def sighting(address=CUFF, service=0x1810, *, name="A&D_UA-651BLE_000001", rssi=-55) -> Sighting:
    return Sighting(
        ble_device=None,
        address=address,
        services=frozenset({short(service)}),
        rssi_dbm=rssi,
        at=NOW,
        name=name,
    )


def reading(at, key="a", *, values=None, battery=80) -> Reading:
    usual = [
        coded(Measure.SYSTOLIC, 128),
        coded(Measure.DIASTOLIC, 82),
        coded(Measure.PULSE, 71),
    ]
    return Reading(
        id=key,
        device=CUFF,
        kind=Kind.BLOOD_PRESSURE,
        received_at=at,
        measured_at=at,
        clock=ClockCorrection(certainty=Certainty.DEVICE_CLOCK),
        raw=[RawValue(characteristic="2A35", hex="00")],
        values=usual if values is None else values,
        battery_pct=battery,
    )


def found(desk, clock, **changes) -> None:
    """A device comes on the air and stays until it is clear which one is meant."""
    desk.sighted(sighting(**changes))
    clock.passes(3)
    desk.sighted(sighting(**changes))
