"""What all virtual devices share: identity, pairing, a clock, battery, and when to advertise.

A device advertises while it has something to send, and for a short while every few seconds
besides, so that a gateway can find and pair it; a `Behaviour` may make that briefer.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, ClassVar

from bumble import core, gatt
from bumble.att import Attribute
from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from simulator.air import Air
from simulator.behaviour import Behaviour
from simulator.clock import DeviceClock
from simulator.journal import Journal
from simulator.patients.records import Taken

READ = Characteristic.Properties.READ
WRITE = Characteristic.Properties.WRITE
NOTIFY = Characteristic.Properties.NOTIFY
INDICATE = Characteristic.Properties.INDICATE
INDICATIONS = 2  # the bit of a CCCD

_INTERVAL = 100  # milliseconds between advertisements
_BEACON_EVERY = 10.0  # seconds between advertisements without news
_BEACON_FOR = 3.0  # seconds
_LOOK_EVERY = 0.1  # seconds
_OFF_FOR = 3.0  # seconds that a device stays off after an error
_BATTERY = 87  # percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a device lives and who it is."""

    air: Air
    journal: Journal
    address: str
    clock: DeviceClock
    passkey: int | None = None  # shown on its display while pairing; None pairs without
    behaviour: Behaviour | None = None  # None: the kind's own, which has no quirks


class _Display(PairingDelegate):  # type: ignore[misc]  # Bumble is untyped
    def __init__(self, passkey: int | None) -> None:
        super().__init__(self.NO_OUTPUT_NO_INPUT if passkey is None else self.DISPLAY_OUTPUT_ONLY)
        self._passkey = passkey

    async def generate_passkey(self) -> int:
        return self._passkey or 0

    async def display_number(self, number: int, digits: int) -> None:
        """The journal's reader knows the passkey; nobody looks at the display."""


def characteristic(uuid: int, properties: Any, value: Any = b"") -> Any:
    """A characteristic that is readable and writeable as its properties say."""
    permissions = Attribute.Permissions(0)
    if properties & READ:
        permissions |= Attribute.READABLE
    if properties & WRITE:
        permissions |= Attribute.WRITEABLE
    return Characteristic(UUID.from_16_bits(uuid), properties, permissions, value)


def service(uuid: int, characteristics: list[Any]) -> Any:
    return Service(UUID.from_16_bits(uuid), characteristics)


def value(read: Any = None, write: Any = None) -> Any:
    return CharacteristicValue(read=read, write=write)


class Peripheral:
    """One device; a subclass adds its services and its measurements."""

    kind: ClassVar[str]
    service_uuid: ClassVar[int]
    usual: ClassVar[Behaviour]

    def __init__(self, setting: Setting) -> None:
        self.behaviour = setting.behaviour or self.usual
        self.name = self.behaviour.name
        self.address = setting.address
        self.clock = setting.clock
        self.journal = setting.journal
        self.connection: Any = None
        self.errors = 0  # how often it has switched itself off
        self._off_until = self._news_at = self._awake_until = 0.0
        self._work: set[asyncio.Task[None]] = set()
        self.device = self._device(setting)
        self.device.add_services([*self.services(), *self._common_services()])
        self._demand_encryption(authenticated=setting.passkey is not None)
        if self.behaviour.powers_off_when_explored:
            self.device.gatt_server.on_att_read_by_group_type_request = self._power_off
        self.device.on("connection", self._on_connection)

    # What each kind of device decides.

    def services(self) -> list[Any]:
        raise NotImplementedError

    def has_news(self) -> bool:
        raise NotImplementedError

    def measure(self, at: datetime, chance: Random) -> None:
        """Somebody of this household uses it."""
        raise NotImplementedError

    def take(self, taken: Taken, *, slot: int | None = None) -> None:
        """Somebody measured this; `slot` None: the first of its users."""
        raise NotImplementedError

    # Life.

    async def live(self) -> None:
        """Advertise when there is a reason to, until cancelled."""
        await self.device.power_on()
        while True:
            await self._advertise(wanted=self._is_on_air(time.monotonic()))
            await asyncio.sleep(_LOOK_EVERY)

    def news(self) -> None:
        """There is something new to send, or the last attempt broke off."""
        self._news_at = time.monotonic()

    def wake(self) -> None:
        """Somebody presses its button: it is on the air for a while."""
        self._awake_until = time.monotonic() + _BEACON_FOR

    def forget_bonds(self) -> None:
        """As after new batteries."""
        self.device.keystore = MemoryKeyStore()

    def _is_on_air(self, now: float) -> bool:
        if now < self._off_until:
            return False
        if now < self._awake_until:
            return True
        stays_s = self.behaviour.on_air_s
        if self.has_news() and (stays_s is None or now - self._news_at <= stays_s):
            return True
        return self.behaviour.beacons and now % _BEACON_EVERY < _BEACON_FOR

    async def _advertise(self, *, wanted: bool) -> None:
        if self.connection is not None:
            return
        if wanted and not self.device.is_advertising:
            await self.device.start_advertising(auto_restart=False)
        elif not wanted and self.device.is_advertising:
            await self.device.stop_advertising()

    def _power_off(self, _connection: Any, _request: Any) -> None:
        self.errors += 1
        self._off_until = time.monotonic() + _OFF_FOR
        self.spawn(self.hang_up())

    # While connected.

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work that ends with the link at the latest."""
        task = asyncio.get_running_loop().create_task(_quietly(work))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        task.add_done_callback(lambda _: work.close())  # the link may go before it has begun

    def subscribed(self, item: Any, bit: int) -> bool:
        cccds = self.device.gatt_server.subscribers.get(self.connection, {})
        return bool(cccds.get(item.handle, b"\0")[0] & bit)

    async def indicate(self, item: Any, data: bytes, *, unasked: bool = False) -> None:
        """Returns when the other side has confirmed; `unasked`: nobody subscribed on this link."""
        server = self.device.gatt_server
        await server.indicate_subscriber(self.connection, item, data, force=unasked)

    async def notify(self, item: Any, data: bytes) -> None:
        await self.device.gatt_server.notify_subscriber(self.connection, item, data)

    async def hang_up(self) -> None:
        await self.connection.disconnect()

    def _on_connection(self, connection: Any) -> None:
        self.connection = connection
        connection.on("disconnection", self._on_disconnection)
        connection.on(connection.EVENT_CONNECTION_ENCRYPTION_CHANGE, self.on_encrypted)

    def on_encrypted(self) -> None:
        """Paired, or encrypted with the keys of a bond."""

    def _on_disconnection(self, _reason: int) -> None:
        self.connection = None
        self.news()
        for task in list(self._work):
            task.cancel()

    # What it is made of.

    def _device(self, setting: Setting) -> Any:
        controller = Controller(self.name, link=setting.air)
        config = DeviceConfiguration(
            name=self.name,
            address=Address(setting.address),
            advertising_interval_min=_INTERVAL,
            advertising_interval_max=_INTERVAL,
            advertising_data=self._advertisement(),
        )
        device = Device.from_config_with_hci(config, controller, controller)
        device.keystore = MemoryKeyStore()
        device.pairing_config_factory = lambda _connection: PairingConfig(
            sc=True,
            mitm=setting.passkey is not None,
            bonding=True,
            delegate=_Display(setting.passkey),
        )
        return device

    def _advertisement(self) -> bytes:
        kinds = AdvertisingData.Type
        uuids = struct.pack("<H", self.service_uuid)
        fields = [
            (kinds.FLAGS, bytes([0x06])),
            (kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, uuids),
            (kinds.COMPLETE_LOCAL_NAME, self.name.encode()),
        ]
        return bytes(AdvertisingData(fields))

    def _common_services(self) -> list[Any]:
        serial = self.address.replace(":", "")[-6:]
        return [
            service(0x180F, [characteristic(0x2A19, READ, bytes([_BATTERY]))]),
            service(
                0x180A,
                [
                    characteristic(0x2A29, READ, self.behaviour.manufacturer.encode()),
                    characteristic(0x2A24, READ, self.behaviour.model.encode()),
                    characteristic(0x2A25, READ, serial.encode()),
                ],
            ),
        ]

    def _demand_encryption(self, *, authenticated: bool) -> None:
        """Health data needs a bond: a CCCD can be written only over an encrypted link."""
        need = Attribute.WRITE_REQUIRES_ENCRYPTION
        if authenticated:
            need |= Attribute.WRITE_REQUIRES_AUTHENTICATION
        for attribute in self.device.gatt_server.attributes:
            if attribute.type == gatt.GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR:
                attribute.permissions |= need


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    """A link that breaks under a device is everyday life, not an error of the simulator."""
    try:
        await work
    except (core.BaseError, TimeoutError):
        return
