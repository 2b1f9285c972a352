"""What the gateway says of itself: devices, disk, wishes, radio; also where some is missing."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from gateway.link import AdapterState, Bond, Health
from gateway.metrics import Metrics
from gateway.spool import DeviceRecord, open_spool
from gateway.status import Reporter
from gateway.wishes import Wishes
from tests.gateway.test_desired import CUFF, METER, OWN
from tests.gateway.test_spool import NOW, record
from vitals import wire


class FakeRadio:
    """Answers the two questions of a report, or fails as a radio without BlueZ does."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    async def power(self) -> AdapterState:
        if self.fails:
            raise OSError("no bus")
        return AdapterState(health=Health.OFF, name="hci0", stack="BlueZ 5.82")

    async def bonds(self) -> list[Bond]:
        if self.fails:
            raise OSError("no bus")
        return [Bond(address=CUFF.lower(), name="Cuff")]


async def test_all_that_is_known_is_said(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "spool.sqlite3", NOW) as spool:
        await spool.add(record(1), NOW)
        await spool.begun(METER)
        await spool.seen(DeviceRecord(address=CUFF, last_seen=NOW, battery_pct=70, bonded=False))
        (tmp_path / "spool.sqlite3.corrupt-1").touch()
        wishes = Wishes(own=OWN, spool=spool, clock=lambda: NOW)
        await wishes.apply(
            json.dumps({"version": 3, "names": {CUFF: "Kitchen"}, "accept": 1}).encode()
        )
        metrics = Metrics()
        reporter = Reporter(
            spool=spool,
            metrics=metrics,
            clock=lambda: NOW + timedelta(hours=2),
            version="1.0",
            wishes=wishes,
            radio=FakeRadio(),  # type: ignore[arg-type]
            credential="north/gw-1/1",
        )
        said = wire.decode_status(wire.encode(await reporter.status("online")))
        await reporter.show()
    assert (said.state, said.version, said.credential) == ("online", "1.0", "north/gw-1/1")
    assert (said.spool_depth, said.adapter) == (1, "off")
    assert said.versions["bluetooth"] == "BlueZ 5.82"
    assert said.spool is not None
    assert (said.spool.state, said.spool.set_aside) == ("ok", 1)
    assert said.spool.free_mb is not None
    assert said.desired is not None
    assert (said.desired.version, said.desired.at) == ("3", NOW)
    assert [problem.field for problem in said.desired.problems] == ["accept"]
    cuff, meter = said.devices
    assert (cuff.device, cuff.name, cuff.bonded, cuff.battery_pct) == (CUFF, "Kitchen", True, 70)
    assert (meter.device, meter.bonded, meter.unread) == (METER, False, True)
    assert metrics.registry.get_sample_value("hearthline_gateway_spool_oldest_seconds") == 7200


async def test_a_radio_that_cannot_say_leaves_what_the_spool_remembers(tmp_path: Path) -> None:
    async with open_spool(tmp_path / "spool.sqlite3", NOW) as spool:
        await spool.seen(DeviceRecord(address=CUFF, bonded=True))
        reporter = Reporter(
            spool=spool,
            metrics=Metrics(),
            clock=lambda: NOW,
            version="1.0",
            radio=FakeRadio(fails=True),  # type: ignore[arg-type]
        )
        said = await reporter.status("online")
    assert said.adapter is None
    assert said.devices[0].bonded


async def test_without_a_disk_the_disk_is_the_news(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("a file where the folder should be")
    async with open_spool(folder / "spool.sqlite3", NOW) as spool:
        metrics = Metrics()
        reporter = Reporter(spool=spool, metrics=metrics, clock=lambda: NOW, version="1.0")
        said = await reporter.status("online")
        await reporter.show()
    assert said.spool is not None
    assert said.spool.state == "unwritable"
    state = {"state": "unwritable"}
    assert metrics.registry.get_sample_value("hearthline_gateway_spool_state", state) == 1
