"""What a device says without a number is known again by its bytes, beyond receipt and restart."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from devices import blood_pressure
from gateway.normalise import BLOOD_PRESSURE, Provenance, normalise
from gateway.said import KEPT_FOR
from gateway.spool import SpoolFile, open_spool
from tests.gateway.test_spool import DEVICE, NOW, record
from vitals.reading import Reading

UNSET = "16780050005d00d007010100050048000000"  # 120/80 at five past midnight, 1 January 2000


def pressure(frame: str, at: datetime = NOW) -> Reading:
    origin = Provenance(device=DEVICE, received_at=at, zone=ZoneInfo("UTC"))
    return normalise(BLOOD_PRESSURE, bytes.fromhex(frame), origin)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


def test_the_frames_of_this_file_are_what_they_are_called() -> None:
    assert blood_pressure.decode(bytes.fromhex(UNSET)).systolic_mmhg == 120
    assert pressure(UNSET).minted


def test_it_outlives_the_receipt_and_the_restart(path: Path) -> None:
    file = SpoolFile(path)
    first = pressure(UNSET)
    assert file.said(first) is None
    file.add(first, NOW)
    file.remove([first.id])
    file.close()
    file = SpoolFile(path)
    again = pressure(UNSET, NOW + timedelta(seconds=5))
    assert again.id != first.id
    known = file.said(again)
    assert known is not None
    assert (known.times, known.last_at) == (1, NOW)
    file.add(again, NOW + timedelta(seconds=5))
    known = file.said(again)
    assert known is not None
    assert known.times == 2
    file.close()


def test_a_numbered_record_needs_no_such_memory(path: Path) -> None:
    file = SpoolFile(path)
    file.add(record(1), NOW)
    assert file.said(record(1)) is None
    file.close()


async def test_it_does_not_grow_for_ever(path: Path) -> None:
    file = SpoolFile(path)
    file.add(pressure(UNSET), NOW)
    file.close()
    async with open_spool(path, NOW + KEPT_FOR) as spool:
        assert await spool.said(pressure(UNSET)) is not None
    async with open_spool(path, NOW + KEPT_FOR + timedelta(days=1)) as spool:
        assert await spool.said(pressure(UNSET)) is None


async def test_a_new_reading_goes_out_though_its_row_had_been_anothers(path: Path) -> None:
    async with open_spool(path, NOW) as spool:
        for number in (1, 2):
            await spool.add(record(number), NOW)
            (item,) = await spool.due(NOW, 10)
            spool.sent([(item.id, NOW + timedelta(minutes=1))])
            await spool.remove([item.id])
        assert await spool.depth() == 0
