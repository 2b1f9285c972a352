"""A glucose meter: what is newer than the mark, record by record, each with its context.

The mark follows the records in their order. It never passes a gap, nor a record whose context was
cut off: that one is asked for again at the next visit, and amended.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

import structlog

from devices import glucose, glucose_context, racp
from gateway import normalise
from gateway.session import decisions
from gateway.session.decisions import Ask
from gateway.session.keeping import Keeper
from gateway.session.talk import Heard, Talk
from gateway.spool import DeviceRecord
from vitals.reading import Reading

log = structlog.get_logger(__name__)

RECORD_TIMEOUT_S = 15.0  # silence of a meter in the middle of a transfer


@dataclass(slots=True, kw_only=True)
class _Pending:
    reading: Reading
    context_until: float | None  # loop time; None: complete


@dataclass(slots=True, kw_only=True)
class Meter:
    """One reading of a meter's memory."""

    talk: Talk
    keeper: Keeper
    known: DeviceRecord
    _looking: list[Reading] | None = None  # records that are only looked at
    _pending: OrderedDict[int, _Pending] = field(default_factory=OrderedDict)
    _bare: dict[int, Reading] = field(default_factory=dict)  # spooled; its context never came
    _taken: set[tuple[int, bytes]] = field(default_factory=set)

    @staticmethod
    def is_one(talk: Talk) -> bool:
        return talk.has(glucose.CHARACTERISTIC)

    async def read(self) -> None:
        for characteristic in self.talk.offered(
            [glucose.CHARACTERISTIC, glucose_context.CHARACTERISTIC, racp.CHARACTERISTIC]
        ):
            await self.talk.subscribe(characteristic)
        request = await self._what_to_ask()
        if request is None:
            return
        outcome = await self._ask(request)
        refused = isinstance(outcome, racp.Failed) and outcome.reason is not racp.Failure.LINK_LOST
        if refused and request != racp.REPORT_ALL:
            outcome = await self._ask(racp.REPORT_ALL)
        if isinstance(outcome, racp.Failed):
            raise ConnectionError(f"records ended early: {outcome.reason}")

    async def take(self, heard: Heard) -> bool:
        if heard.characteristic == glucose.CHARACTERISTIC:
            await self._take_record(heard)
        elif heard.characteristic == glucose_context.CHARACTERISTIC:
            await self._take_context(heard)
        else:
            return heard.characteristic == racp.CHARACTERISTIC
        return True

    async def finish(self) -> None:
        await self._flush(everything=True)

    async def _what_to_ask(self) -> racp.Request | None:
        """Everything, what is newer than the mark, or (None) nothing."""
        mark = self.known.last_sequence
        ask = decisions.first_ask(self.known, self.keeper.facts.clock_offset_s)
        if ask is Ask.CHECK:
            outcome, found = await self._look(decisions.REPORT_LAST)
            newest = found[-1] if found else None
            ask = decisions.after_the_newest(self.known, newest, outcome)
        if ask is Ask.CHECK and mark is not None:
            outcome, found = await self._look(decisions.at_the_mark(mark))
            ask = decisions.after_the_mark(self.known, found, outcome)
        if ask is Ask.NOTHING:
            return None
        return racp.REPORT_ALL if ask is Ask.ALL or mark is None else racp.report_from(mark + 1)

    async def _look(self, request: racp.Request) -> tuple[racp.Outcome, list[Reading]]:
        """Records that are not spooled: that would move the mark past a gap."""
        found = self._looking = []
        try:
            return await self._procedure(request), found
        finally:
            self._looking = None

    async def _ask(self, request: racp.Request) -> racp.Outcome:
        outcome = await self._procedure(request)
        await self._await_context()
        return outcome

    async def _procedure(self, request: racp.Request) -> racp.Outcome:
        procedure = racp.RacpSession()
        if not await self.talk.write(racp.CHARACTERISTIC, procedure.ask(request)):
            refused = procedure.handle(racp.WriteRefused(att_error=0))
            return refused or racp.Failed(reason=racp.Failure.WRITE_REFUSED, records=0)
        outcome = None
        while outcome is None:
            heard = await self.talk.next(RECORD_TIMEOUT_S)
            outcome = await self._record_or_end(procedure, heard)
            await self._flush(everything=False)
        return outcome

    async def _record_or_end(
        self, procedure: racp.RacpSession, heard: Heard | None
    ) -> racp.Outcome | None:
        if heard is None:
            return procedure.handle(racp.LinkLost())
        if heard.characteristic == racp.CHARACTERISTIC:
            return procedure.handle(racp.Indicated(message=racp.decode(heard.payload)))
        if heard.characteristic == glucose.CHARACTERISTIC:
            procedure.handle(racp.RecordArrived())
        await self.take(heard)
        return None

    async def _take_record(self, heard: Heard) -> None:
        reading = self.keeper.reading(heard)
        if self._looking is not None:
            self._looking.append(reading)
            return
        if reading.sequence is None:  # too short to hold its number: belongs nowhere in the order
            await self.keeper.keep(reading)
            return
        if (reading.sequence, heard.payload) in self._taken:
            return  # some meters say everything twice
        self._taken.add((reading.sequence, heard.payload))
        if reading.sequence in self._pending:
            await self._flush(everything=True)  # another record under the same number
        follows = bool(heard.payload[0] & glucose.CONTEXT_FOLLOWS)
        until = asyncio.get_running_loop().time() + self.keeper.settings.context_wait_s
        self._pending[reading.sequence] = _Pending(
            reading=reading, context_until=until if follows else None
        )

    async def _take_context(self, heard: Heard) -> None:
        if self._looking is not None:
            return
        sequence = int.from_bytes(heard.payload[1:3], "little")  # also of one that cannot be read
        waiting = self._pending.get(sequence)
        if waiting is None:
            await self._take_late_context(sequence, heard)
            return
        waiting.reading = normalise.with_context(waiting.reading, heard.payload)
        waiting.context_until = None

    async def _take_late_context(self, sequence: int, heard: Heard) -> None:
        reading = self._bare.pop(sequence, None)
        if reading is not None:
            await self.keeper.amend(normalise.with_context(reading, heard.payload))
        else:
            log.info("context_without_record", device=self.talk.name)

    async def _await_context(self) -> None:
        """Records are all here; give their contexts the rest of their time."""
        loop = asyncio.get_running_loop()
        while self._pending:
            await self._flush(everything=False)
            if not self._pending:
                return
            if not self.talk.linked and self.talk.silent:
                await self._flush(everything=True)
                return
            until = next(iter(self._pending.values())).context_until or 0.0
            heard = await self.talk.next(max(0.01, until - loop.time()))
            if heard is not None and heard.characteristic == glucose_context.CHARACTERISTIC:
                await self._take_context(heard)

    async def _flush(self, *, everything: bool) -> None:
        """Spool the oldest pending records, in order, up to the first that still waits."""
        now = asyncio.get_running_loop().time()
        whole = True
        while self._pending:
            sequence, head = next(iter(self._pending.items()))
            waits = head.context_until is not None and head.context_until > now
            if waits and not everything:
                return
            whole = whole and not waits
            await self.keeper.keep(head.reading, mark=whole)
            self._pending.pop(sequence, None)
            if head.context_until is not None:
                self._bare[sequence] = head.reading
