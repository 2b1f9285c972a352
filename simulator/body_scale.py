"""A body composition scale: silent until a user consents, then that user's weights and bodies."""

from __future__ import annotations

import struct
from datetime import datetime
from random import Random
from typing import Any

from bumble import att

from simulator.behaviour import BEURER_SCALE
from simulator.journal import Entry
from simulator.patients.records import WeightTaken
from simulator.peripheral import (
    INDICATE,
    INDICATIONS,
    READ,
    WRITE,
    Setting,
    characteristic,
    service,
    value,
)
from simulator.stored import StoredMeasurements

_CONSENT, _RESPONSE = 0x02, 0x20
_SUCCESS, _UNKNOWN_OP, _NOT_AUTHORISED = 1, 2, 5
_CCCD_IMPROPERLY_CONFIGURED = 0xFD
_CONSENT_BYTES = 4


class BodyScale(StoredMeasurements):
    """Indicates a weight, then the composition that belongs to it, and forgets both."""

    kind = "weight"
    service_uuid = 0x181D
    measurement_uuid = 0x2A9D
    usual = BEURER_SCALE

    def __init__(self, setting: Setting) -> None:
        self.composition = characteristic(0x2A9C, INDICATE)
        self.control = characteristic(0x2A9F, WRITE | INDICATE, value(write=self._on_control))
        self._may: set[int] = set()  # slots that have consented on this link
        super().__init__(setting)

    def services(self) -> list[Any]:
        return [
            service(self.service_uuid, [self.measurement, characteristic(0x2A9E, READ, b"\0" * 4)]),
            service(0x181B, [self.composition, characteristic(0x2A9B, READ, b"\0" * 4)]),
            service(0x181C, [self.control, characteristic(0x2A9A, READ, b"\xff")]),
            service(0x1805, [self.current_time()]),
        ]

    def measure(self, at: datetime, chance: Random) -> None:
        kg, fat = chance.uniform(78.0, 84.0), chance.randint(180, 320)
        taken = WeightTaken(at=at, kg=kg, fat_tenths=fat, ohm=chance.randint(420, 560))
        self.take(taken, slot=self.whose(chance))

    def may_say(self, entry: Entry) -> bool:
        return not self.behaviour.pins or entry.user_slot in self._may

    async def say(self, entry: Entry, *, early: bool) -> None:
        await super().say(entry, early=early)
        if entry.context is not None:
            await self.indicate(self.composition, bytes.fromhex(entry.context), unasked=early)

    def _on_disconnection(self, reason: int) -> None:
        self._may.clear()
        super()._on_disconnection(reason)

    def _on_control(self, _connection: Any, command: bytes) -> None:
        if not self.subscribed(self.control, INDICATIONS):
            raise att.ATT_Error(error_code=_CCCD_IMPROPERLY_CONFIGURED)
        self.spawn(self._obey(bytes(command)))

    async def _obey(self, command: bytes) -> None:
        if command[:1] != bytes([_CONSENT]) or len(command) != _CONSENT_BYTES:
            await self._respond(command[0] if command else 0, _UNKNOWN_OP)
            return
        slot, pin = struct.unpack("<BH", command[1:])
        if self.behaviour.pins.get(slot) != pin:
            await self._respond(_CONSENT, _NOT_AUTHORISED)
            return
        self._may.add(slot)
        await self._respond(_CONSENT, _SUCCESS)
        await self.hand_over()

    async def _respond(self, operation: int, result: int) -> None:
        await self.indicate(self.control, bytes([_RESPONSE, operation, result]))
