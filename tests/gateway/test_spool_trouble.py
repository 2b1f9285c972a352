"""A disk that is full, read-only, unwritable or corrupt: no crash, nothing dropped in silence."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.spool import Spool, SpoolFile, SpoolState, SpoolUnavailable, open_spool
from tests.gateway.disks import fill, mounted, remount
from tests.gateway.test_spool import DEVICE, NOW, record
from vitals import wire

ROOM = 200_000  # bytes: some hundred readings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


async def fill_up(spool: Spool) -> int:
    """Adds readings until one is refused; how many were taken."""
    number = 0
    with suppress(SpoolUnavailable):
        while True:
            await spool.add(record(number), NOW)
            number += 1
    assert spool.state is SpoolState.FULL
    return number


async def ids_of(spool: Spool) -> set[str]:
    return {item.id for item in await spool.due(NOW, 100_000)}


async def test_on_a_full_disk_receipts_are_still_worked_off(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk") as disk:
        async with open_spool(disk / "spool.sqlite3", NOW) as spool:
            kept = [record(number) for number in range(50)]
            for reading in kept:
                await spool.add(reading, NOW)
            filler = fill(disk)
            taken = await fill_up(spool)  # what its own log had room for
            assert spool.state is SpoolState.FULL
            assert spool.unsaved == 1
            assert not await spool.usable(NOW)
            await spool.settle(wire.Receipt(stored=[reading.id for reading in kept]), NOW)
            assert await spool.depth() == max(0, taken - len(kept))
            filler.unlink()
            assert await spool.usable(NOW)
            assert spool.unsaved == 0
            assert record(taken).id in await ids_of(spool)


async def test_what_the_disk_did_not_take_moves_no_mark(tmp_path: Path) -> None:
    """A meter's record that is not durable is asked for again."""
    with mounted(tmp_path / "disk") as disk:
        async with open_spool(disk / "spool.sqlite3", NOW) as spool:
            fill(disk)
            taken = await fill_up(spool)
            known = await spool.device(DEVICE)
            assert known.last_sequence == (taken - 1 if taken else None)


async def test_the_spool_has_a_bound_of_its_own(path: Path) -> None:
    async with open_spool(path, NOW, max_bytes=ROOM) as spool:
        taken = await fill_up(spool)
        assert size(path) <= ROOM
        assert await spool.depth() == taken > 50
        assert not await spool.usable(NOW)
        await spool.settle(
            wire.Receipt(stored=[record(number).id for number in range(taken - 10)]), NOW
        )
        assert await spool.usable(NOW)
        assert await ids_of(spool) == {record(number).id for number in range(taken - 10, taken + 1)}


async def test_a_read_only_file_system_is_waited_for(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", read_only=True) as disk:
        async with open_spool(disk / "spool.sqlite3", NOW) as spool:
            assert spool.state in {SpoolState.READ_ONLY, SpoolState.UNWRITABLE}
            with pytest.raises(SpoolUnavailable):
                await spool.add(record(1), NOW)
            with pytest.raises(SpoolUnavailable):
                await spool.depth()
            assert spool.unsaved == 1
            remount(disk, "rw")
            assert await spool.usable(NOW)
            assert await ids_of(spool) == {record(1).id}


async def test_a_folder_that_cannot_be_made_is_waited_for(tmp_path: Path) -> None:
    blocker = tmp_path / "state"
    blocker.write_text("a file where the folder should be")
    async with open_spool(blocker / "spool.sqlite3", NOW) as spool:
        assert spool.state is SpoolState.UNWRITABLE
        assert not await spool.usable(NOW)
        blocker.unlink()
        assert await spool.usable(NOW)
        assert await spool.add(record(1), NOW)


async def test_a_corrupt_file_is_set_aside_and_a_new_one_started(path: Path) -> None:
    scribble(path)
    async with open_spool(path, NOW) as spool:
        assert spool.set_aside is not None
        assert spool.set_aside.read_bytes().startswith(b"this was")
        assert await spool.kept_aside() == 1
        assert await spool.add(record(1), NOW)


def size(path: Path) -> int:
    return path.stat().st_size


def scribble(path: Path) -> None:
    path.write_bytes(b"this was a database once" * 400)


def damage(path: Path) -> None:
    """The middle of the file is no longer what it was."""
    with path.open("r+b") as file:
        end = size(path)
        for at in range(end // 3 // 4096 * 4096, end * 2 // 3, 4096):
            file.seek(at)
            file.write(b"\xaa" * 4096)


def filled(path: Path, count: int) -> list[str]:
    file = SpoolFile(path)
    for number in range(count):
        file.add(record(number), NOW)
    file.close()
    return [record(number).id for number in range(count)]


async def test_what_a_corrupt_file_still_holds_is_taken_into_the_new_one(path: Path) -> None:
    ids = filled(path, 400)
    damage(path)
    async with open_spool(path, NOW) as spool:
        left = await ids_of(spool)
        assert spool.recovered == len(left) > 20
        assert left < set(ids)
        assert await spool.kept_aside() == 1


async def test_corruption_that_is_met_while_running_costs_no_new_reading(path: Path) -> None:
    filled(path, 400)
    async with open_spool(path, NOW) as spool:
        spool._disk.do(lambda file: file._db.execute("PRAGMA shrink_memory").fetchall())
        damage(path)
        assert await ids_of(spool)
        assert await spool.add(record(5000), NOW)
        assert record(5000).id in await ids_of(spool)
        assert spool.set_aside is not None
        assert spool.state is SpoolState.OK
        assert await spool.usable(NOW)


def test_a_log_that_is_torn_anywhere_keeps_all_that_stands_before_the_tear(
    path: Path, tmp_path: Path
) -> None:
    """What a loss of power may leave: some of the log's last bytes never reached the disk."""
    ids = [record(number).id for number in range(12)]
    file = SpoolFile(path)
    log = path.with_name(f"{path.name}-wal")
    ends = []
    for number in range(len(ids)):
        file.add(record(number), NOW)
        ends.append(log.stat().st_size)  # synced when `add` returned
    torn = tmp_path / "torn"
    for cut in range(0, ends[-1] + 1, 4099):
        torn.mkdir()
        shutil.copy(path, torn / path.name)
        (torn / log.name).write_bytes(log.read_bytes()[:cut])
        with_tear = SpoolFile(torn / path.name)
        kept = [item.id for item in with_tear.oldest(100)]
        with_tear.close()
        shutil.rmtree(torn)
        assert kept == ids[: len(kept)]
        assert len(kept) >= sum(end <= cut for end in ends)
    file.close()


def test_every_reading_waits_for_the_disk_again_after_a_receipt_did_not(path: Path) -> None:
    file = SpoolFile(path)
    file.add(record(1), NOW)
    file.remove([record(1).id])
    assert file._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert file._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()
