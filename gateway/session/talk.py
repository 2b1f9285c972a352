"""One link as a conversation: values come in one queue, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway.link import Client, short_hash

log = structlog.get_logger(__name__)

READ_TIMEOUT_S = 5.0
GOODBYE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One value. By the time that it is here, the radio has told the device that it arrived."""

    characteristic: str
    payload: bytes
    at: datetime


@dataclass(slots=True, kw_only=True)
class Talk:
    """What a visit says and hears over one link."""

    client: Client
    address: str
    clock: Callable[[], datetime]
    _values: asyncio.Queue[Heard | None] = field(default_factory=asyncio.Queue)
    _subscribed: set[str] = field(default_factory=set)

    @property
    def linked(self) -> bool:
        return self.client.is_connected

    @property
    def name(self) -> str:
        return short_hash(self.address)

    @property
    def silent(self) -> bool:
        """Nothing that was heard waits to be taken."""
        return self._values.empty()

    def has(self, characteristic: str) -> bool:
        services = self.client.services
        return services is not None and services.get_characteristic(characteristic) is not None

    def offered(self, characteristics: Collection[str]) -> list[str]:
        return [uuid for uuid in characteristics if self.has(uuid)]

    def lost(self, _client: object = None) -> None:
        """The link is gone: whoever waits for a value is told."""
        self._values.put_nowait(None)

    def put(self, heard: Heard) -> None:
        self._values.put_nowait(heard)

    async def subscribe(self, characteristic: str) -> None:
        """Once for each link, however many want to listen."""
        if characteristic in self._subscribed:
            return

        def on_value(_: object, data: bytearray) -> None:
            self.put(Heard(characteristic=characteristic, payload=bytes(data), at=self.clock()))

        await self.client.start_notify(characteristic, on_value)
        self._subscribed.add(characteristic)

    async def next(self, timeout_s: float) -> Heard | None:
        """The next value; None if the device hung up or was silent for so long."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._values.get()
        except TimeoutError:
            return None

    def rest(self) -> list[Heard]:
        """All that was heard and not yet taken."""
        values = []
        while not self._values.empty():
            value = self._values.get_nowait()
            if value is not None:
                values.append(value)
        return values

    async def optional(self, characteristic: str) -> bytes | None:
        """A value that a reading can do without: a refusal costs nothing but the value."""
        if not (self.linked and self.has(characteristic)):
            return None
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                return bytes(await self.client.read_gatt_char(characteristic))
        except Exception as exc:  # noqa: BLE001 -- any error of the radio library
            log.info("read_refused", device=self.name, error=type(exc).__name__)
            return None

    async def write(self, characteristic: str, payload: bytes) -> bool:
        """False if the device refused it, or is gone."""
        try:
            await self.client.write_gatt_char(characteristic, payload, response=True)
        except Exception as exc:  # noqa: BLE001 -- any error of the radio library
            log.info("write_refused", device=self.name, error=type(exc).__name__)
            return False
        return True

    async def hang_up(self) -> None:
        # The link's errors are the radio library's own; on the way out none of them matters.
        with suppress(Exception):
            async with asyncio.timeout(GOODBYE_TIMEOUT_S):
                await self.client.disconnect()
