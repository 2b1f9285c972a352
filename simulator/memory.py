"""A device that keeps every record and hands out those that the RACP asks for."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from bumble import att

from simulator import bytes as wire
from simulator.journal import Entry
from simulator.patients import records
from simulator.patients.records import Taken
from simulator.peripheral import (
    INDICATE,
    INDICATIONS,
    READ,
    WRITE,
    Peripheral,
    Setting,
    characteristic,
    service,
    value,
)

_REPORT, _ABORT, _COUNT, _COUNT_IS, _RESPONSE = 1, 3, 4, 5, 6
_SUCCESS, _UNKNOWN_OP, _BAD_OPERAND, _NO_RECORDS = 1, 2, 5, 6
_ALL, _UP_TO, _FROM, _WITHIN, _FIRST, _LAST = 1, 2, 3, 4, 5, 6
_CCCD_IMPROPERLY_CONFIGURED, _BUSY = 0xFD, 0xFE


class RecordMemory(Peripheral):
    """Sends records on request and keeps them for ever."""

    numbered = True  # its records have sequence numbers, and can be asked for by them

    def __init__(self, setting: Setting, *, gap_s: float = 0.0) -> None:
        self._records: dict[int, Entry] = {}
        self._unsent: set[int] = set()  # sequence numbers that no report has handed out
        self._gap_s = gap_s
        self._reporting = False
        self._aborted = False
        self.racp = characteristic(0x2A52, WRITE | INDICATE, value(write=self._on_command))
        super().__init__(setting)

    def current_time(self) -> Any:
        clock = characteristic(0x2A2B, READ | WRITE, value(self._read_clock, self._set_clock))
        return service(0x1805, [clock])

    def has_news(self) -> bool:
        return bool(self._unsent)

    def take(self, taken: Taken, *, slot: int | None = None) -> None:
        """Somebody measured this."""
        sequence = len(self._records) + 1
        shown = self.clock.at(taken.at).replace(microsecond=0)
        entry = records.entry(
            taken,
            address=self.address,
            shown=shown,
            slot=slot,
            sequence=sequence if self.numbered else None,
            wording=self.behaviour.wording,
        )
        self.journal.write(entry)
        self._records[sequence] = entry
        self._unsent.add(sequence)
        self.news()

    def erase(self) -> None:
        """Its memory is empty and its numbers begin anew, as after a reset."""
        self._records.clear()
        self._unsent.clear()

    def talks_slowly(self, gap_s: float) -> None:
        """Seconds between two records."""
        self._gap_s = gap_s

    async def send(self, entries: list[Entry]) -> None:
        """One after the other, with what belongs to them; the caller may have been told to stop."""
        raise NotImplementedError

    @property
    def aborted(self) -> bool:
        return self._aborted

    async def pause(self) -> None:
        await asyncio.sleep(self._gap_s)

    def _read_clock(self, _connection: Any) -> bytes:
        return wire.current_time(self.clock.shown())

    def _set_clock(self, _connection: Any, data: bytes) -> None:
        self.clock.set(wire.read_date_time(data))

    def _on_command(self, _connection: Any, command: bytes) -> None:
        if not self.subscribed(self.racp, INDICATIONS):
            raise att.ATT_Error(error_code=_CCCD_IMPROPERLY_CONFIGURED)
        if command[:1] == bytes([_ABORT]):
            self._aborted = True
            self.spawn(self._respond(_ABORT, _SUCCESS))
        elif self._reporting:
            raise att.ATT_Error(error_code=_BUSY)
        else:
            self.spawn(self._obey(bytes(command)))

    async def _obey(self, command: bytes) -> None:
        operation = command[0] if command else 0
        if operation not in (_REPORT, _COUNT):
            await self._respond(operation, _UNKNOWN_OP)
            return
        chosen = self._selected(command[1:])
        if chosen is None:
            await self._respond(operation, _BAD_OPERAND)
        elif operation == _COUNT:
            await self.indicate(self.racp, struct.pack("<BBH", _COUNT_IS, 0, len(chosen)))
        else:
            await self._report(chosen)

    def _selected(self, query: bytes) -> list[int] | None:
        if not self.numbered and query != bytes([_ALL]):
            return None
        return selected(sorted(self._records), query)

    async def _report(self, chosen: list[int]) -> None:
        self._reporting, self._aborted = True, False
        try:
            await self.send([self._records[sequence] for sequence in chosen])
        finally:
            self._reporting = False
        if not self._aborted:
            await self._respond(_REPORT, _SUCCESS if chosen else _NO_RECORDS)
            self._unsent.difference_update(chosen)

    async def _respond(self, operation: int, result: int) -> None:
        await self.indicate(self.racp, bytes([_RESPONSE, 0, operation, result]))


def selected(sequences: list[int], query: bytes) -> list[int] | None:
    """The sequence numbers that an RACP operator and operand choose; None if it makes no sense."""
    operator, operand = query[:1], query[1:]
    simple = {
        bytes([_ALL]): sequences,
        bytes([_FIRST]): sequences[:1],
        bytes([_LAST]): sequences[-1:],
    }
    if operator in simple:
        return simple[operator]
    bounds = _bounds(operator, operand)
    return None if bounds is None else [s for s in sequences if bounds[0] <= s <= bounds[1]]


def _bounds(operator: bytes, operand: bytes) -> tuple[int, int] | None:
    """Operand: filter type 1 (sequence number), then one or two numbers."""
    wanted = {_UP_TO: 1, _FROM: 1, _WITHIN: 2}.get(operator[0] if operator else 0, 0)
    if not wanted or operand[:1] != b"\x01" or len(operand) != 1 + 2 * wanted:
        return None
    numbers = struct.unpack(f"<{wanted}H", operand[1:])
    if operator[0] == _UP_TO:
        return 0, numbers[0]
    return numbers[0], numbers[1] if wanted > 1 else 0xFFFF
