"""bleak's client on Bumble: connect, secure, discover, then ATT operations that end with the link.

Like the other backends it pairs by itself when a device answers "insufficient authentication".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, ClassVar

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bleak.uuids import normalize_uuid_16
from bumble import att, core
from bumble.device import Peer

from gateway.radio.bumble_central import Central, address_of, as_bleak_error
from gateway.radio.bumble_scanner import uuid_text

_PREFERRED_MTU = 517
_DEFAULT_MTU = 23
_ATT_HEADER = 3  # bytes of an ATT write command before its value
_NEEDS_PAIRING = (
    att.ATT_INSUFFICIENT_AUTHENTICATION_ERROR,
    att.ATT_INSUFFICIENT_ENCRYPTION_ERROR,
)
#: Characteristic properties by bit, lowest first.
_PROPERTIES: Any = (
    "broadcast",
    "read",
    "write-without-response",
    "write",
    "notify",
    "indicate",
    "authenticated-signed-writes",
    "extended-properties",
)


class BumbleClient(BaseBleakClient):
    """A backend for `BleakClient`; a subclass binds it to a central."""

    central: ClassVar[Central]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        services: set[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, **kwargs)
        self._target = address_or_ble_device
        self._wanted = services
        self._connection: Any = None
        self._peer: Any = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        known = self._target.name if isinstance(self._target, BLEDevice) else None
        return known or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else _DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool, **_: Any) -> None:  # noqa: FBT001 -- bleak's signature
        if self._connection:
            raise BleakError("Client is already connected")
        if not isinstance(self._target, BLEDevice):
            raise BleakDeviceNotFoundError(self.address, "connect to a scanned BLEDevice")
        async with asyncio.timeout(self._timeout):
            connection = await self.central.connect(self._target.details["address"], self._timeout)
            self._connection = connection
            connection.on("disconnection", self._on_disconnection)
            try:
                await self._until_lost(self._prepare(connection, pair=pair))
            except BaseException:
                await self.disconnect()
                raise

    async def _prepare(self, connection: Any, *, pair: bool) -> None:
        await self.central.secure(connection, pair=pair)
        self._peer = Peer(connection)
        await self._peer.request_mtu(_PREFERRED_MTU)
        await self._discover_services()
        self.services = await self._discover()
        names = {item.handle: item.uuid for item in self.services.characteristics.values()}
        self.central.discovered(address_of(connection.peer_address), names)

    async def _discover_services(self) -> None:
        """By UUID where they are named: some devices switch off when all are walked through."""
        if self._wanted is None:
            await self._peer.discover_services()
        for uuid in sorted(self._wanted or ()):
            await self._peer.discover_service(_as_devices_write_it(uuid))

    async def _discover(self) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for service in self._peer.services:
            uuid = uuid_text(service.uuid)
            entry = BleakGATTService(service, service.handle, uuid)
            found.add_service(entry)
            await self._discover_characteristics(found, entry)
        return found

    async def _discover_characteristics(
        self, found: BleakGATTServiceCollection, service: BleakGATTService
    ) -> None:
        for item in await service.obj.discover_characteristics():
            characteristic = BleakGATTCharacteristic(
                item,
                item.handle,
                uuid_text(item.uuid),
                [name for bit, name in enumerate(_PROPERTIES) if item.properties & (1 << bit)],
                lambda: self.mtu_size - _ATT_HEADER,
                service,
            )
            found.add_characteristic(characteristic)
            for descriptor in await item.discover_descriptors():
                found.add_descriptor(
                    BleakGATTDescriptor(
                        descriptor, descriptor.handle, uuid_text(descriptor.type), characteristic
                    )
                )

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self._peer = None
        self.services = None
        self._subscribers.clear()
        if self._disconnected_callback:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        if self._connection:
            with suppress(core.BaseError, asyncio.TimeoutError):
                await self._connection.disconnect()

    async def pair(self, *_: Any, **__: Any) -> None:
        await self._until_lost(self.central.pair(self._linked()))

    async def unpair(self) -> None:
        if isinstance(self._target, BLEDevice):
            await self.central.forget(self._target.details["address"])
        await self.disconnect()

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        return await self._read(characteristic.handle)

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        return await self._read(descriptor.handle)

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: Any,
        response: bool,  # noqa: FBT001
    ) -> None:
        await self._write(characteristic.handle, data, response=response)

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        await self._write(descriptor.handle, data, response=True)

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: Callable[[bytearray], None],
        **_: Any,
    ) -> None:
        if characteristic.handle in self._subscribers:
            raise BleakError("Characteristic notifications already started")

        address = address_of(self._linked().peer_address)

        def deliver_early() -> None:
            for early in self.central.early.take(address, characteristic.uuid):
                callback(bytearray(early.payload))

        def deliver(value: bytes) -> None:
            deliver_early()
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = deliver
        deliver_early()
        try:
            await self._attempt(lambda: characteristic.obj.subscribe(deliver, prefer_notify=True))
        except BaseException:
            self._subscribers.pop(characteristic.handle, None)
            raise
        deliver_early()

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        deliver = self._subscribers.pop(characteristic.handle, None)
        if deliver:
            await self._attempt(lambda: characteristic.obj.unsubscribe(deliver))

    async def _read(self, handle: int) -> bytearray:
        return bytearray(await self._attempt(lambda: self._peer.gatt_client.read_value(handle)))

    async def _write(self, handle: int, data: Any, *, response: bool) -> None:
        value = bytes(data)
        await self._attempt(
            lambda: self._peer.gatt_client.write_value(handle, value, with_response=response)
        )

    async def _attempt(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        """One ATT operation; if the device first wants security, pair and do it once more."""
        connection = self._linked()
        try:
            return await self._until_lost(operation())
        except BleakError as exc:
            cause = exc.__cause__
            wants_pairing = isinstance(cause, att.ATT_Error) and cause.error_code in _NEEDS_PAIRING
            if not wants_pairing or connection.encryption:
                raise
        await self._until_lost(self.central.pair(connection))
        return await self._until_lost(operation())

    def _linked(self) -> Any:
        if self._connection is None:
            raise BleakError("Not connected")
        return self._connection

    async def _until_lost(self, operation: Awaitable[Any]) -> Any:
        """The result of `operation`, or an error as soon as the link is gone."""
        connection = self._linked()
        lost = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(operation)

        def on_lost(_reason: int) -> None:
            if not lost.done():
                lost.set_result(None)

        connection.on("disconnection", on_lost)
        try:
            await _first_of([task, lost])
            if not task.done() or task.cancelled() or (lost.done() and task.exception()):
                raise BleakError("disconnected")
            return task.result()
        except core.BaseError as exc:
            raise as_bleak_error(exc) from exc
        finally:
            task.cancel()
            lost.cancel()
            connection.remove_listener("disconnection", on_lost)


def _as_devices_write_it(uuid: str) -> core.UUID:
    """In 16 bits where it has them: a device compares the bytes."""
    short = int(uuid[:8], 16)
    of_the_sig = short <= 0xFFFF and normalize_uuid_16(short) == uuid  # noqa: PLR2004
    return core.UUID.from_16_bits(short) if of_the_sig else core.UUID(uuid)


async def _first_of(futures: Iterable[asyncio.Future[Any]]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
