"""The spool: readings on disk until ingest has promised that they are durable (I1).

A reading leaves in two ways: `remove`, on a receipt, or `reject`, into the local quarantine;
nothing here expires. One that was amended leaves only on a receipt that says so: an older receipt
speaks of it as it was. All SQLite work runs on one thread, so transactions never interleave.

No state of the disk ends the gateway. What cannot be done raises `SpoolUnavailable`, and whoever
needs it tries again; a reading that could not be made durable is held in memory, counted as
unsaved, and written as soon as the disk takes it. A corrupt file is set aside whenever it is met.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from gateway.desired import Forget
from gateway.receipt_log import KeptReceipt
from gateway.resends import Resends
from gateway.said import Said
from gateway.settled import Settled
from gateway.spool_disk import Disk
from gateway.spool_file import DeviceRecord, HomeWord, KeptDesired, Spooled, SpoolFile
from gateway.spool_health import SpoolState, SpoolUnavailable
from vitals import wire
from vitals.reading import Reading

__all__ = [
    "DeviceRecord",
    "HomeWord",
    "Spool",
    "SpoolFile",
    "SpoolState",
    "SpoolUnavailable",
    "Spooled",
    "open_spool",
]

T = TypeVar("T")

EXACT = 2_000  # so many are worked off whenever somebody asks how many are left
AT_ONCE = 20_000  # readings that were receipted are worked off together, or
WORK_OFF_S = 2.0  # after this long
MOST_UNSAVED = 1_000  # readings in memory; a visit ends with its first, so they stay few

log = structlog.get_logger(__name__)


class Spool:
    """The spool for asyncio. `changed` is set whenever there may be something to publish."""

    def __init__(self, disk: Disk, executor: ThreadPoolExecutor) -> None:
        self._disk = disk
        self._executor = executor
        self._resends = Resends()
        self._settled = Settled()
        self._handed_out: dict[str, int] = {}  # rows of what was asked for last
        self._sent_up_to = (
            0  # every row until here went out once, so new ones are looked for beyond
        )
        self._sent_of: Path | None = None  # the file that this is about came after that one
        self._leaving = Settled()
        self._one_at_a_time = asyncio.Lock()
        self._working_off: asyncio.Task[None] | None = None
        self._unsaved: dict[str, Reading] = {}
        self.changed = asyncio.Event()

    @property
    def state(self) -> SpoolState:
        return self._disk.state

    @property
    def set_aside(self) -> Path | None:
        """The corrupt file that was met last, since the gateway started."""
        return self._disk.set_aside

    @property
    def recovered(self) -> int:
        return self._disk.recovered

    @property
    def unsaved(self) -> int:
        """Readings that only memory holds, since the disk did not take them."""
        return len(self._unsaved)

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def _do(self, work: Callable[[SpoolFile], T], *, spare: bool = False) -> T:
        return await self._run(partial(self._disk.do, work, spare=spare))

    async def usable(self, now: datetime) -> bool:
        """Whether readings would be durable now.

        Asked before a visit: a device that is not visited keeps what it has.
        """
        self._disk.now = now
        with suppress(SpoolUnavailable):
            await self._worked_off()  # it may be what makes room
        await self._run(self._disk.probe)
        if self.state is SpoolState.OK:
            await self._save_unsaved(now)
        return self.state is SpoolState.OK

    async def _save_unsaved(self, now: datetime) -> None:
        for reading_id, reading in list(self._unsaved.items()):
            await self.add(reading, now, mark=False)
            self._unsaved.pop(reading_id, None)
            log.info("reading_saved_late")

    async def add(self, reading: Reading, now: datetime, *, mark: bool = True) -> bool:
        """Durable on return.

        Raises:
            SpoolUnavailable: it is not; it is held in memory and counted in `unsaved`.
        """
        # Shielded: a cancelled session must not leave us unsure of whether the commit ran.
        work = self._do(lambda file: file.add(reading, now, mark=mark))
        try:
            added = await asyncio.shield(work)
        except SpoolUnavailable:
            self._hold(reading)
            raise
        self._sent_up_to = 0  # its row may have the number of one that went out and is gone
        self.changed.set()
        return added

    def _hold(self, reading: Reading) -> None:
        if len(self._unsaved) < MOST_UNSAVED:
            self._unsaved[reading.id] = reading
        else:
            log.error("unsaved_dropped")

    async def said(self, reading: Reading) -> Said | None:
        """These bytes of this device, as an earlier reading without a number."""
        return await self._do(lambda file: file.said(reading))

    async def amend(self, reading: Reading, now: datetime) -> bool:
        await self._worked_off()  # what was receipted speaks of it as it was
        amended = await asyncio.shield(self._do(lambda file: file.amend(reading, now)))
        if amended:
            self._resends.settled([reading.id])
            self._sent_up_to = 0  # it may be an old one
        self.changed.set()
        return amended

    async def due(self, now: datetime, limit: int) -> list[Spooled]:
        """The oldest that may go out now."""

        def wanted(reading_id: str) -> bool:
            gone = reading_id in self._settled.ids or reading_id in self._leaving.ids
            return not gone and self._resends.is_due(reading_id, now)

        again = self._resends.any_due(now) or self._disk.set_aside != self._sent_of
        after = 0 if again else self._sent_up_to
        found = await self._do(lambda file: file.oldest(limit, after=after, wanted=wanted))
        if after and not found:  # SQLite gives row numbers of what is gone out again
            found = await self._do(lambda file: file.oldest(limit, after=0, wanted=wanted))
        self._handed_out = {item.id: item.row for item in found}
        return found

    async def get(self, ids: Sequence[str]) -> list[Spooled]:
        return await self._do(lambda file: file.get(ids))

    def attempts(self, reading_id: str) -> int:
        """How often it went out since the gateway started, and was not receipted."""
        return self._resends.attempts(reading_id)

    def sent(self, attempts: Iterable[tuple[str, datetime]]) -> None:
        """Each reading went out once more; resend it at the given instant unless receipted."""
        attempts = list(attempts)
        self._resends.sent(attempts)
        rows = [self._handed_out.get(reading_id, 0) for reading_id, _ in attempts]
        if self._disk.set_aside != self._sent_of:  # rows are counted anew in a new file
            self._sent_of, self._sent_up_to = self._disk.set_aside, 0
        self._sent_up_to = max(self._sent_up_to, *rows, 0)

    async def settle(self, receipt: wire.Receipt, now: datetime) -> int:
        """Do what a receipt allows; how many readings it moved into the local quarantine.

        What is durable elsewhere counts as gone at once, and goes from the file soon after.

        Raises:
            SpoolUnavailable: the rejected ones are still here; they are sent and receipted again.
        """
        self._settled.take(receipt, now)
        self._resends.settled([*receipt.stored, *receipt.duplicate])
        if len(self._settled.ids) >= AT_ONCE:
            await self._worked_off()
        if self._working_off is None or self._working_off.done():
            self._working_off = asyncio.create_task(self._work_off_soon(), name="receipts")
        rejected = [(rejection.id, rejection.reason) for rejection in receipt.rejected]
        moved = await self.reject(rejected, now) if rejected else 0
        self.changed.set()
        return moved

    async def _work_off_soon(self) -> None:
        await asyncio.sleep(WORK_OFF_S)
        await self.work_off()

    async def work_off(self) -> None:
        """Now, since no more receipts are to be expected soon."""
        with suppress(SpoolUnavailable):  # they stay settled, and the next ones try again
            await self._worked_off()

    async def _worked_off(self) -> None:
        """Everything that was receipted until now is gone from the file.

        Raises:
            SpoolUnavailable: it is not; it still counts as gone, until a restart.
        """
        async with self._one_at_a_time:
            batch = self._leaving = self._settled
            self._settled = Settled()
            try:
                if batch.receipts:
                    await asyncio.shield(self._do(partial(self._work_off, batch), spare=True))
            except SpoolUnavailable:
                self._settled.put_back(batch)
                raise
            finally:
                self._leaving = Settled()

    def _work_off(self, batch: Settled, file: SpoolFile) -> None:
        file.remove(list(batch.ids), batch.amended)
        file.note_receipts(batch.receipts)
        if self.state is SpoolState.FULL:
            file.tidy()

    async def remove(self, ids: Sequence[str], amended: Collection[str] = ()) -> int:
        removed = await self._do(lambda file: file.remove(ids, amended), spare=True)
        self._resends.settled(ids)
        return removed

    async def reject(self, rejections: Sequence[tuple[str, str]], now: datetime) -> int:
        moved = await self._do(lambda file: file.reject(rejections, now), spare=True)
        self._resends.settled([reading_id for reading_id, _ in rejections])
        return moved

    async def receipts(self, limit: int = 50) -> list[KeptReceipt]:
        """What was receipted lately, the newest first."""
        await self._worked_off()
        return await self._do(lambda file: file.receipts(limit))

    async def depth(self) -> int:
        """Readings without a receipt; in the middle of a large backlog nearly so."""
        if len(self._settled.ids) < EXACT:
            await self.work_off()
        return max(0, await self._do(SpoolFile.depth) - len(self._settled.ids))

    async def oldest_at(self) -> datetime | None:
        return await self._do(SpoolFile.oldest_at)

    async def rejected(self) -> list[tuple[str, str]]:
        return await self._do(SpoolFile.rejected)

    async def rejected_count(self) -> int:
        return await self._do(SpoolFile.rejected_count)

    async def device(self, address: str) -> DeviceRecord:
        return await self._do(lambda file: file.device(address))

    async def devices(self) -> list[DeviceRecord]:
        return await self._do(SpoolFile.devices)

    async def seen(self, device: DeviceRecord) -> None:
        await self._do(lambda file: file.seen(device))

    async def begun(self, address: str) -> None:
        await self._do(lambda file: file.begun(address))

    async def ended(self, address: str) -> None:
        await self._do(lambda file: file.ended(address))

    async def unfinished(self) -> set[str]:
        return await self._do(SpoolFile.unfinished)

    async def forget(self, address: str, order: str | None = None) -> None:
        await self._do(lambda file: file.forget(address, order))

    async def not_forgotten(self, orders: Iterable[Forget]) -> list[Forget]:
        """Those of the orders that have not been carried out yet."""
        wanted = list(orders)
        return await self._do(
            lambda file: [o for o in wanted if not file.was_forgotten(o.device, o.order)]
        )

    async def note_home_word(self, address: str, word: HomeWord) -> None:
        await self._do(lambda file: file.note_home_word(address, word))

    async def home_words(self) -> dict[str, HomeWord]:
        """What was last done at home with each device."""
        return await self._do(SpoolFile.home_words)

    async def keep_desired(self, kept: KeptDesired) -> None:
        await self._do(lambda file: file.keep_desired(kept))

    async def kept_desired(self) -> KeptDesired | None:
        return await self._do(SpoolFile.kept_desired)

    async def close(self) -> None:
        """What was receipted leaves the file now; what cannot is receipted once more some day."""
        if self._working_off is not None:
            self._working_off.cancel()
        with suppress(SpoolUnavailable):
            await self._worked_off()

    async def free_bytes(self) -> int | None:
        return await self._run(self._disk.free_bytes)

    async def kept_aside(self) -> int:
        """Corrupt files that lie beside the spool."""
        return await self._run(self._disk.kept_aside)


@asynccontextmanager
async def open_spool(
    path: Path, now: datetime, *, max_bytes: int | None = None
) -> AsyncIterator[Spool]:
    """Also where the disk does not let it be opened: `state` says so, and it is tried again."""
    disk = Disk(path, now, max_bytes)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool") as executor:
        spool = Spool(disk, executor)
        await spool.usable(now)
        try:
            yield spool
        finally:
            await spool.close()
            executor.submit(disk.close).result()
