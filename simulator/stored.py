"""A device that hands over what it stored and then forgets it, as cuffs and scales do.

Once its CCCD is on it indicates the oldest measurement, deletes it when that is confirmed, goes on
to the next, and hangs up. What is not confirmed is sent again next time.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from simulator import bytes as wire
from simulator.patients import records
from simulator.patients.records import Taken
from simulator.peripheral import INDICATE, READ, WRITE, Peripheral, Setting, characteristic, value

_INDICATIONS = 2  # the CCCD bit


class StoredMeasurements(Peripheral):
    """A device whose memory empties by being read."""

    measurement_uuid: ClassVar[int]

    def __init__(self, setting: Setting) -> None:
        self._stored: deque[bytes] = deque()
        self.measurement = characteristic(self.measurement_uuid, INDICATE)
        self.measurement.on("subscription", self._on_subscription)
        super().__init__(setting)

    def take(self, taken: Taken, *, slot: int = 1) -> None:
        """Somebody measured this."""
        shown = self.clock.at(taken.at).replace(microsecond=0)
        entry = records.entry(taken, address=self.address, shown=shown, slot=slot, sequence=None)
        self.journal.write(entry)
        self._stored.append(bytes.fromhex(entry.raw))

    def has_news(self) -> bool:
        return bool(self._stored)

    def date_time(self) -> Any:
        return characteristic(0x2A08, READ | WRITE, value(self._read_clock, self._set_clock))

    def _read_clock(self, _connection: Any) -> bytes:
        return wire.date_time(self.clock.shown())

    def _set_clock(self, _connection: Any, data: bytes) -> None:
        self.clock.set(wire.read_date_time(data))

    def _on_subscription(self, _connection: Any, _notify: bool, indicate: bool) -> None:  # noqa: FBT001
        if indicate:
            self.spawn(self._hand_over())

    async def _hand_over(self) -> None:
        while self._stored and self.subscribed(self.measurement, _INDICATIONS):
            await self.indicate(self.measurement, self._stored[0])
            self._stored.popleft()
        await self.hang_up()
