# ruff: noqa: DTZ001 -- device time is naive
from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from devices import glucose
from devices.ieee11073 import sfloat_of
from gateway import receipt_log
from gateway.normalise import GLUCOSE, Provenance, normalise, with_context
from gateway.spool import DeviceRecord, SpoolFile, open_spool
from vitals import wire
from vitals.reading import Reading

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
DEVICE = "C0:FF:EE:00:00:02"


def record(sequence: int) -> Reading:
    payload = glucose.encode(
        glucose.Glucose(
            sequence=sequence,
            base_time=datetime(2026, 3, 1, 7, 0),
            concentration=sfloat_of(0.00104),
            unit="kg/L",
            type=1,
            location=1,
        )
    )
    origin = Provenance(device=DEVICE, received_at=NOW, zone=ZoneInfo("UTC"))
    return normalise(GLUCOSE, payload, origin)


def amended(sequence: int) -> Reading:
    context = bytes([0x02]) + sequence.to_bytes(2, "little") + b"\x01"  # before the meal
    return with_context(record(sequence), context)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


def test_what_was_added_is_there_after_reopening(path: Path) -> None:
    file = SpoolFile(path)
    assert file.add(record(1), NOW)
    assert file.add(record(2), NOW + timedelta(seconds=1))
    file.close()
    file = SpoolFile(path)
    assert [item.id for item in file.oldest(10)] == [record(1).id, record(2).id]
    assert file.device(DEVICE).last_sequence == 2
    assert file.device(DEVICE).last_id == record(2).id
    file.close()


def test_adding_twice_keeps_one(path: Path) -> None:
    file = SpoolFile(path)
    assert file.add(record(1), NOW)
    assert not file.add(record(1), NOW)
    assert file.depth() == 1
    file.close()


def test_a_rejected_reading_does_not_come_back(path: Path) -> None:
    file = SpoolFile(path)
    file.add(record(1), NOW)
    assert file.reject([(record(1).id, "implausible")], NOW) == 1
    assert not file.add(record(1), NOW)
    assert file.depth() == 0
    assert file.rejected() == [(record(1).id, "implausible")]
    file.close()


async def test_what_was_sent_is_due_again_later_and_a_clock_set_back_does_not_strand_it(
    path: Path,
) -> None:
    async with open_spool(path, NOW) as spool:
        await spool.add(record(1), NOW)
        spool.sent([(record(1).id, NOW + timedelta(seconds=5))])
        assert await spool.due(NOW, 10) == []
        assert await spool.due(NOW + timedelta(seconds=5), 10)
        assert spool.attempts(record(1).id) == 1
        assert await spool.due(NOW - timedelta(days=365), 10)


_CHILD = """
import sys, time
from pathlib import Path
from tests.gateway.test_spool import NOW, record
from gateway.spool import SpoolFile
file = SpoolFile(Path(sys.argv[1]))
for n in range(1, 100000):
    file.add(record(n), NOW)
    print(n, flush=True)
"""


def test_sigkill_loses_nothing_that_add_returned_for(path: Path) -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(path)], stdout=subprocess.PIPE, cwd=root, text=True
    ) as child:
        assert child.stdout is not None
        said = [int(child.stdout.readline()) for _ in range(20)]
        os.kill(child.pid, signal.SIGKILL)
        said += [int(line) for line in child.stdout.read().split("\n") if line]
    file = SpoolFile(path)
    kept = {item.id for item in file.oldest(100_000)}
    assert {record(n).id for n in said} <= kept
    file.close()


def test_unknown_facts_do_not_erase_known_ones(path: Path) -> None:
    file = SpoolFile(path)
    file.add(record(7), NOW)
    file.seen(DeviceRecord(address=DEVICE, last_seen=NOW, bonded=True, battery_pct=80))
    file.seen(DeviceRecord(address=DEVICE, clock_offset_s=3.0))
    known = file.device(DEVICE)
    assert (known.battery_pct, known.clock_offset_s, known.last_sequence) == (80, 3.0, 7)
    assert known.bonded
    file.forget(DEVICE)
    assert file.device(DEVICE).last_sequence is None
    assert file.depth() == 1
    file.close()


def test_a_reading_that_broke_off_is_remembered_until_it_has_ended(path: Path) -> None:
    file = SpoolFile(path)
    file.begun(DEVICE)
    file.begun("C0:FF:EE:00:00:03")
    file.close()
    file = SpoolFile(path)
    assert file.unfinished() == {DEVICE, "C0:FF:EE:00:00:03"}
    file.ended(DEVICE)
    file.forget("C0:FF:EE:00:00:03")
    assert file.unfinished() == set()
    file.close()


def test_an_amended_reading_stays_until_a_receipt_says_so(path: Path) -> None:
    file = SpoolFile(path)
    file.add(record(1), NOW)
    assert file.amend(amended(1), NOW)
    (item,) = file.oldest(10)
    assert wire.open_reading(item.body) == amended(1)
    assert file.remove([record(1).id]) == 0
    assert file.remove([record(1).id], {record(1).id}) == 1
    assert file.add(record(1), NOW)
    assert file.remove([record(1).id]) == 1
    file.close()


def test_what_was_receipted_already_goes_out_again_with_its_amendment(path: Path) -> None:
    file = SpoolFile(path)
    assert file.amend(amended(1), NOW)
    assert not file.amend(amended(1), NOW)
    assert not file.add(record(1), NOW)
    assert [wire.open_reading(item.body) for item in file.oldest(10)] == [amended(1)]
    file.reject([(record(1).id, "implausible")], NOW)
    assert not file.amend(amended(1), NOW)
    assert file.depth() == 0
    file.close()


def test_a_reading_may_leave_the_mark_where_it_is(path: Path) -> None:
    file = SpoolFile(path)
    file.add(record(1), NOW)
    assert file.add(record(2), NOW, mark=False)
    assert file.device(DEVICE).last_sequence == 1
    assert not file.add(record(2), NOW)
    assert file.device(DEVICE).last_sequence == 2
    file.close()


async def test_the_asynchronous_face(path: Path) -> None:
    async with open_spool(path, NOW) as spool:
        assert await spool.add(record(1), NOW)
        assert spool.changed.is_set()
        assert await spool.remove([record(1).id, "unknown"]) == 1
        assert await spool.depth() == 0


async def test_an_amended_reading_goes_out_at_once(path: Path) -> None:
    async with open_spool(path, NOW) as spool:
        await spool.add(record(1), NOW)
        spool.sent([(record(1).id, NOW + timedelta(seconds=5))])
        assert await spool.amend(amended(1), NOW)
        assert [item.id for item in await spool.due(NOW, 10)] == [record(1).id]
        assert spool.attempts(record(1).id) == 0


async def test_it_goes_out_in_the_order_in_which_it_came_whatever_the_clock_said(
    path: Path,
) -> None:
    clocks = [NOW, NOW + timedelta(days=9000), NOW - timedelta(days=9000), NOW]
    async with open_spool(path, NOW) as spool:
        for number, clock in enumerate(clocks):
            await spool.add(record(number), clock)
        ids = [item.id for item in await spool.due(NOW, 10)]
    assert ids == [record(number).id for number in range(len(clocks))]


async def test_receipts_are_kept_for_diagnosis_and_bounded(path: Path) -> None:
    ids = [record(number).id for number in range(3)]
    receipt = wire.Receipt(
        stored=ids[:1], duplicate=ids[1:2], rejected=[wire.Rejection(id=ids[2], reason="bad_time")]
    )
    async with open_spool(path, NOW) as spool:
        for number in range(3):
            await spool.add(record(number), NOW)
        await spool.settle(receipt, NOW)
        kept = await spool.receipts()
        assert [(r.outcome, r.ids) for r in kept] == [
            ("rejected", (ids[2],)),
            ("duplicate", (ids[1],)),
            ("stored", (ids[0],)),
        ]
        for number in range(receipt_log.KEPT + 5):
            await spool.settle(wire.Receipt(stored=[record(number).id]), NOW)
        assert len(await spool.receipts(10_000)) == receipt_log.KEPT
        await spool.settle(wire.Receipt(stored=ids), NOW + timedelta(days=91))
        assert len(await spool.receipts(10_000)) == 1


async def test_what_was_receipted_counts_as_gone_before_it_leaves_the_file(path: Path) -> None:
    async with open_spool(path, NOW) as spool:
        for number in range(3):
            await spool.add(record(number), NOW)
        await spool.settle(wire.Receipt(stored=[record(0).id]), NOW)
        assert [item.id for item in await spool.due(NOW, 10)] == [record(1).id, record(2).id]
        assert await spool.depth() == 2
        await spool.settle(wire.Receipt(stored=[record(1).id]), NOW)
    file = SpoolFile(path)  # it was closed meanwhile
    assert [item.id for item in file.oldest(10)] == [record(2).id]
    file.close()


async def test_what_another_hand_puts_into_an_emptied_spool_goes_out(path: Path) -> None:
    """Its row has the number of one that went out and is gone."""
    async with open_spool(path, NOW) as spool:
        for number in range(3):
            await spool.add(record(number), NOW)
        ids = [item.id for item in await spool.due(NOW, 10)]
        spool.sent([(reading_id, NOW + timedelta(seconds=5)) for reading_id in ids])
        await spool.settle(wire.Receipt(stored=ids), NOW)
        assert await spool.depth() == 0
        with closing(SpoolFile(path)) as another:
            another.add(record(7), NOW)
        assert [item.id for item in await spool.due(NOW, 10)] == [record(7).id]


async def test_an_amendment_after_the_receipt_goes_out_again(path: Path) -> None:
    async with open_spool(path, NOW) as spool:
        await spool.add(record(1), NOW)
        await spool.settle(wire.Receipt(stored=[record(1).id]), NOW)
        assert await spool.amend(amended(1), NOW)
        await spool.settle(wire.Receipt(duplicate=[record(1).id]), NOW)  # of what it was
        assert await spool.depth() == 1
        assert [wire.open_reading(i.body) for i in await spool.due(NOW, 10)] == [amended(1)]
        receipt = wire.Receipt(duplicate=[record(1).id], amended=[record(1).id])
        await spool.settle(receipt, NOW)
        assert await spool.depth() == 0


@pytest.mark.parametrize("kept", ["another", "amended", "nothing"])
def test_a_spool_is_emptied_at_once_only_where_nothing_else_is_in_it(path: Path, kept: str) -> None:
    file = SpoolFile(path)
    ids = [record(number).id for number in range(5)]
    for number in range(5):
        file.add(record(number), NOW)
    if kept == "another":
        file.add(record(9), NOW)
    if kept == "amended":
        file.amend(amended(0), NOW)
    gone = file.remove([*ids, "stranger"])
    left = {"another": [record(9).id], "amended": [record(0).id], "nothing": []}[kept]
    assert [item.id for item in file.oldest(10)] == left
    assert gone == (4 if kept == "amended" else 5)
    assert file.add(record(3), NOW)
    file.close()
