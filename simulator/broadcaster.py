"""A scale that nobody connects to: the weighing is in its advertisements.

While somebody stands on it the number moves; once it stands still and they step off, the last frame
is on the air for as long as the display is lit.
"""

from __future__ import annotations

import asyncio
import struct
from datetime import datetime
from random import Random

from bumble.core import AdvertisingData
from bumble.device import AdvertisingType

from simulator import bytes as wire
from simulator.behaviour import XIAOMI_SCALE
from simulator.patients import records
from simulator.patients.records import Frame, Taken, WeightTaken
from simulator.peripheral import Peripheral, Setting

_STEP_S = 0.15  # between two frames
_ON_THE_WAY = (0.31, 0.88, 1.02)  # what it shows before it settles, as parts of the weight
_LIT_S = 4.0


class Broadcaster(Peripheral):
    """A Xiaomi scale, of either generation as its wording says."""

    kind = "weight"
    service_uuid = 0x181D
    usual = XIAOMI_SCALE

    def __init__(self, setting: Setting) -> None:
        self._weighings: asyncio.Queue[WeightTaken] = asyncio.Queue()
        super().__init__(setting)

    def services(self) -> list[object]:
        return []

    def has_news(self) -> bool:
        return not self._weighings.empty()

    def measure(self, at: datetime, chance: Random) -> None:
        self.take(WeightTaken(at=at, kg=chance.uniform(78.0, 84.0), ohm=chance.randint(420, 560)))

    def take(self, taken: Taken, *, slot: int | None = None) -> None:  # noqa: ARG002
        """Somebody steps on it; it knows no users, so `slot` means nothing to it."""
        if not isinstance(taken, WeightTaken):
            raise TypeError(f"a scale measures no {type(taken).__name__}")
        self._weighings.put_nowait(taken)

    async def live(self) -> None:
        await self.device.power_on()
        while True:
            await self._weigh(await self._weighings.get())

    async def _weigh(self, taken: WeightTaken) -> None:
        shown = self.clock.at(taken.at).replace(microsecond=0)
        entry = records.entry(
            taken,
            address=self.address,
            shown=shown,
            slot=None,
            sequence=None,
            wording=self.behaviour.wording,
        )
        steps = wire.weight_steps(taken.kg)
        for part in _ON_THE_WAY:
            frame = self._frame(round(steps * part), taken.ohm, shown, settled=False)
            await self._show(frame, _STEP_S)
        await self._show(self._frame(steps, taken.ohm, shown, settled=True), _STEP_S)
        self.journal.write(entry)
        await self._show(bytes.fromhex(entry.raw), _LIT_S)
        await self.device.stop_advertising()

    def _frame(self, steps: int, ohm: int, shown: datetime, *, settled: bool) -> bytes:
        if self._is_second:
            return wire.xiaomi_composition(
                steps=steps, ohm=ohm, shown=shown, settled=settled, stepped_off=False
            )
        return wire.xiaomi_weight(steps=steps, shown=shown, settled=settled, stepped_off=False)

    @property
    def _is_second(self) -> bool:
        return self.behaviour.wording.frame is Frame.XIAOMI_COMPOSITION

    async def _show(self, frame: bytes, for_s: float) -> None:
        kinds = AdvertisingData.Type
        uuid = struct.pack("<H", 0x181B if self._is_second else 0x181D)
        fields = [
            (kinds.FLAGS, bytes([0x06])),
            (kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, uuid),
            (kinds.SERVICE_DATA_16_BIT_UUID, uuid + frame),
        ]
        if self.device.is_advertising:
            await self.device.stop_advertising()
        await self.device.start_advertising(
            AdvertisingType.UNDIRECTED, advertising_data=bytes(AdvertisingData(fields))
        )
        await asyncio.sleep(for_s)
