# ruff: noqa: ARG002 -- the fake keeps the signatures of the real
"""What a meter is asked, and what becomes of its records on a broken link. The link is a fake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devices import blood_pressure, glucose, glucose_context, racp
from devices.ieee11073 import sfloat_of
from gateway.link import AdapterState, Bond, EarlyValue, Sighting
from gateway.metrics import Metrics
from gateway.session.visit import Visit
from gateway.settings import Settings
from gateway.spool import DeviceRecord, Spool, open_spool
from tests.gateway.test_spool import DEVICE, NOW
from vitals import wire
from vitals.reading import Reading

OFFERED = {glucose.CHARACTERISTIC, glucose_context.CHARACTERISTIC, racp.CHARACTERISTIC}
CONTEXT_WAIT_S = 0.05


class FakeMeter:
    """Radio, client and meter in one: answers the record requests that the agent makes."""

    def __init__(self, sequences: list[int], *, breaks_after: int | None = None) -> None:
        self.sequences = sequences
        self.breaks_after = breaks_after
        self.asked: list[racp.Message] = []
        self.callbacks: dict[str, Any] = {}
        self.is_connected = False
        self.services = self

    def get_characteristic(self, uuid: str) -> str | None:
        return uuid if uuid in OFFERED else None

    def scanner(self, callback: Any, service_uuids: list[str] | None = None) -> Any:
        raise NotImplementedError

    def identity_address(self, device: Any) -> str:
        return str(device)

    def early(self, address: str) -> list[EarlyValue]:
        return []

    async def bonds(self) -> list[Bond]:
        return []

    async def forget(self, address: str) -> None:
        raise NotImplementedError

    async def power(self) -> AdapterState:
        raise NotImplementedError

    async def reset(self) -> None:
        raise NotImplementedError

    def client(
        self,
        device: Any,
        disconnected_callback: Any = None,
        *,
        pair: bool = False,
        services: Any = None,
    ) -> Any:
        self.gone = disconnected_callback
        return self

    async def connect(self) -> None:
        self.is_connected = True

    async def disconnect(self) -> None:
        self.is_connected = False

    async def start_notify(self, uuid: str, callback: Any) -> None:
        self.callbacks[uuid] = callback

    async def write_gatt_char(self, uuid: str, data: bytes, response: bool) -> None:
        request = racp.decode(data)
        self.asked.append(request)
        assert isinstance(request, racp.Request)
        for count, sequence in enumerate(self._wanted(request)):
            if request.operator is not racp.Operator.LAST and count == self.breaks_after:
                self.is_connected = False
                self.gone(self)
                return
            self.callbacks[glucose.CHARACTERISTIC](None, bytearray(payload(sequence)))
        answer = racp.Response(request=racp.Op.REPORT, code=racp.Code.SUCCESS)
        self.callbacks[racp.CHARACTERISTIC](None, bytearray(racp.encode(answer)))

    def _wanted(self, request: racp.Request) -> list[int]:
        if request.operator is racp.Operator.LAST:
            return self.sequences[-1:]
        low = request.minimum if isinstance(request.minimum, int) else 0
        return [sequence for sequence in self.sequences if sequence >= low]


class SlowMeter(FakeMeter):
    """Plays a script after the first request: (seconds to wait, characteristic, payload)."""

    def __init__(self, script: list[tuple[float, str, bytes]], *, hangs_up: bool = False) -> None:
        super().__init__([1, 2])
        self.script = script
        self.hangs_up = hangs_up

    async def write_gatt_char(self, uuid: str, data: bytes, response: bool) -> None:
        self.asked.append(racp.decode(data))
        self.playing = asyncio.create_task(self._play())

    async def _play(self) -> None:
        for pause_s, uuid, data in self.script:
            await asyncio.sleep(pause_s)
            self.callbacks[uuid](None, bytearray(data))
        if self.hangs_up:
            self.is_connected = False
            self.gone(self)


class LastWordCuff(FakeMeter):
    """Indicates while the gateway hangs up; the radio confirms, and the cuff forgets."""

    def get_characteristic(self, uuid: str) -> str | None:
        return uuid if uuid == blood_pressure.CHARACTERISTIC else None

    async def disconnect(self) -> None:
        frame = bytearray.fromhex("00780050005d00")
        self.callbacks[blood_pressure.CHARACTERISTIC](None, frame)
        await super().disconnect()


class HastyCuff(LastWordCuff):
    """Indicates as soon as the link is encrypted, and is gone before the link is whole."""

    def __init__(self, frames: list[str]) -> None:
        super().__init__([])
        self.frames = frames

    async def connect(self) -> None:
        raise ConnectionError

    async def disconnect(self) -> None:
        self.is_connected = False

    def early(self, address: str) -> list[EarlyValue]:
        taken, self.frames = self.frames, []
        return [
            EarlyValue(
                characteristic=blood_pressure.CHARACTERISTIC, payload=bytes.fromhex(frame), at=NOW
            )
            for frame in taken
        ]


def with_context_announced(sequence: int) -> bytes:
    plain = payload(sequence)
    return bytes([plain[0] | glucose.CONTEXT_FOLLOWS]) + plain[1:]


def before_meal(sequence: int) -> bytes:
    return bytes([0x02]) + sequence.to_bytes(2, "little") + b"\x01"


DONE = racp.encode(racp.Response(request=racp.Op.REPORT, code=racp.Code.SUCCESS))


def payload(sequence: int) -> bytes:
    return glucose.encode(
        glucose.Glucose(
            sequence=sequence,
            base_time=datetime(2026, 3, 1, 7, 0),  # noqa: DTZ001 -- device time is naive
            concentration=sfloat_of(0.00104),
            unit="kg/L",
            type=1,
            location=1,
        )
    )


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    async with open_spool(tmp_path / "spool.sqlite3", NOW) as opened:
        yield opened


async def visit(meter: FakeMeter, spool: Spool) -> int:
    sighting = Sighting(
        ble_device=DEVICE, address=DEVICE, services=frozenset(), rssi_dbm=-60, at=NOW
    )
    settings = Settings(
        clinic="c",
        name="g",
        mqtt_url="mqtt://127.0.0.1",
        home_zone="UTC",
        context_wait_s=CONTEXT_WAIT_S,
        quiet_s=0.1,
    )
    assert settings.zone == ZoneInfo("UTC")
    return await Visit(
        radio=meter,
        sighting=sighting,
        spool=spool,
        settings=settings,
        metrics=Metrics(),
        clock=lambda: NOW,
    ).run()


async def test_first_everything_then_only_what_is_newer(spool: Spool) -> None:
    meter = FakeMeter([1, 2, 3])
    assert await visit(meter, spool) == 3
    assert await visit(meter, spool) == 0
    meter.sequences += [4, 5]
    assert await visit(meter, spool) == 2
    assert meter.asked[0] == racp.REPORT_ALL
    assert meter.asked[-1] == racp.report_from(4)


async def test_numbers_that_begin_anew_cause_a_full_fetch(spool: Spool) -> None:
    await visit(FakeMeter([7, 8, 9]), spool)
    meter = FakeMeter([1, 2])
    assert await visit(meter, spool) == 2
    assert meter.asked[-1] == racp.REPORT_ALL
    assert (await spool.device(DEVICE)).last_sequence == 2


async def test_a_broken_link_keeps_what_came_and_the_rest_follows(spool: Spool) -> None:
    with pytest.raises(ConnectionError):
        await visit(FakeMeter([1, 2, 3, 4], breaks_after=2), spool)
    assert await spool.depth() == 2
    assert await spool.unfinished() == {DEVICE}
    meter = FakeMeter([1, 2, 3, 4])
    assert await visit(meter, spool) == 2
    assert await spool.unfinished() == set()
    assert meter.asked[-1] == racp.report_from(3)


async def test_a_newest_record_that_no_codec_reads_is_fetched_once(spool: Spool) -> None:
    unreadable = (0.0, glucose.CHARACTERISTIC, bytes.fromhex("0b0200ffff"))
    done = (0.0, racp.CHARACTERISTIC, DONE)
    first = SlowMeter([(0.0, glucose.CHARACTERISTIC, payload(1)), unreadable, done])
    assert await visit(first, spool) == 2
    again = SlowMeter([unreadable, done])
    assert await visit(again, spool) == 0
    assert len(again.asked) == 1  # a look at the newest


async def spooled(spool: Spool) -> list[Reading]:
    return [wire.open_reading(item.body) for item in await spool.due(NOW, 100)]


async def test_a_context_after_the_wait_amends_its_reading(spool: Spool) -> None:
    late = 2 * CONTEXT_WAIT_S
    script = [
        (0.0, glucose.CHARACTERISTIC, with_context_announced(1)),
        (late, glucose.CHARACTERISTIC, payload(2)),
        (late, glucose_context.CHARACTERISTIC, before_meal(1)),
        (0.0, racp.CHARACTERISTIC, DONE),
    ]
    assert await visit(SlowMeter(script), spool) == 2
    first, second = await spooled(spool)
    assert (first.sequence, first.context["meal"], len(first.raw)) == (1, "preprandial", 2)
    assert (second.sequence, len(second.raw)) == (2, 1)


@pytest.mark.parametrize("receipted", [False, True])
async def test_a_context_that_was_cut_off_is_fetched_again(spool: Spool, receipted: bool) -> None:
    announced = (0.0, glucose.CHARACTERISTIC, with_context_announced(1))
    following = (0.0, glucose.CHARACTERISTIC, payload(2))
    with pytest.raises(ConnectionError):
        await visit(SlowMeter([announced, following], hangs_up=True), spool)
    bare = await spooled(spool)
    assert [(reading.sequence, len(reading.raw)) for reading in bare] == [(1, 1), (2, 1)]
    assert (await spool.device(DEVICE)).last_sequence is None
    if receipted:
        await spool.remove([reading.id for reading in bare])
    context = (0.0, glucose_context.CHARACTERISTIC, before_meal(1))
    await visit(SlowMeter([announced, context, following, (0.0, racp.CHARACTERISTIC, DONE)]), spool)
    again = await spooled(spool)
    assert [reading.id for reading in again] == [reading.id for reading in bare]
    assert again[0].context["meal"] == "preprandial"
    assert (await spool.device(DEVICE)).last_sequence == 2


async def test_a_cuffs_word_at_the_last_moment_is_kept(spool: Spool) -> None:
    assert await visit(LastWordCuff([]), spool) == 1
    (reading,) = await spooled(spool)
    assert reading.raw[0].hex == "00780050005d00"


async def test_what_was_confirmed_before_there_was_a_link_is_kept(spool: Spool) -> None:
    """With the clock's offset of the last visit, since nobody could ask for it this time."""
    an_hour_fast = DeviceRecord(address=DEVICE, clock_offset_s=3600.0)
    await spool.seen(an_hour_fast)
    at_nine = blood_pressure.encode(
        blood_pressure.BloodPressure(
            unit="mmHg",
            systolic=sfloat_of(131),
            diastolic=sfloat_of(84),
            mean_arterial=sfloat_of(99),
            time=datetime(2026, 3, 1, 9, 0),  # noqa: DTZ001 -- device time is naive
        )
    )
    with pytest.raises(ConnectionError):
        await visit(HastyCuff([at_nine.hex()]), spool)
    (reading,) = await spooled(spool)
    assert (reading.raw[0].hex, reading.measured_at) == (at_nine.hex(), NOW)
