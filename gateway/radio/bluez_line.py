"""The gateway's own line to BlueZ: one D-Bus connection for its whole life, beside bleak's.

bleak opens a connection per link, and BlueZ drops with it whatever was registered. What must be
there before a link is (the pairing agent, the notification sessions) and what must outlive one (the
watchdog) hangs on this line. Listeners hear when BlueZ comes and goes, so each sets up its part
anew after a restart of bluetoothd or of the bus itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from bleak.exc import BleakDBusError
from dbus_fast import (
    AuthError,
    BusType,
    InvalidAddressError,
    Message,
    MessageType,
    unpack_variants,
)
from dbus_fast.aio import MessageBus

log = structlog.get_logger(__name__)

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
PROPERTIES = "org.freedesktop.DBus.Properties"
_OBJECTS = "org.freedesktop.DBus.ObjectManager"
_DBUS = "org.freedesktop.DBus"
RECONNECT_S = 2.0
CALL_TIMEOUT_S = 60.0  # BlueZ answers within 40 s, pairing included

#: Not every change of a device: a scan reports each advertisement of each device as one.
_RULES = (
    f"type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',arg0='{CHARACTERISTIC}'",
    f"type='signal',sender='{BLUEZ}',interface='{PROPERTIES}',arg0='{ADAPTER}'",
    f"type='signal',sender='{BLUEZ}',interface='{_OBJECTS}'",
    f"type='signal',sender='{BLUEZ}',interface='{DEVICE}'",
    f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
)

Objects = dict[str, dict[str, dict[str, Any]]]


class Listener:
    """What a part of the radio may want to hear; it overrides what it needs."""

    async def came(self) -> None:
        """BlueZ is there: at the start, and each time it was restarted."""

    def went(self) -> None:
        """BlueZ is gone, and with it all that was registered."""

    def changed(self, path: str, interface: str, properties: Mapping[str, Any]) -> None:
        """Properties of a characteristic or of the adapter have new values."""

    def added(self, path: str, interfaces: Mapping[str, Mapping[str, Any]]) -> None:
        """BlueZ shows a new object."""

    def removed(self, path: str, interfaces: list[str]) -> None:
        """BlueZ no longer shows it."""

    def disconnected(self, path: str, reason: str) -> None:
        """A link ended; newer versions say why (`org.bluez.Reason.…`)."""


class Line:
    """Calls, signals, and whether BlueZ is there at all."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self.bus: MessageBus | None = None
        self.present = False
        self.settled = asyncio.Event()  # the listeners know whether BlueZ is there
        self._work: set[asyncio.Task[None]] = set()

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", body: Any = ()
    ) -> list[Any]:
        """One method of BlueZ.

        Raises:
            BleakDBusError: BlueZ refused, or is not there.
        """
        return await self._call(
            Message(
                destination=BLUEZ,
                path=path,
                interface=interface,
                member=member,
                signature=signature,
                body=list(body),
            )
        )

    async def _call(self, message: Message) -> list[Any]:
        bus = self.bus
        if bus is None or not bus.connected:
            raise BleakDBusError("org.freedesktop.DBus.Error.Disconnected", ["no system bus"])
        async with asyncio.timeout(CALL_TIMEOUT_S):
            reply = await bus.call(message)
        if reply is None:
            raise BleakDBusError("org.freedesktop.DBus.Error.NoReply", [])
        if reply.message_type is MessageType.ERROR:
            raise BleakDBusError(reply.error_name or "", reply.body)
        return list(reply.body)

    async def objects(self) -> Objects:
        """All that BlueZ shows now, by path, interface and property."""
        (found,) = await self.call("/", _OBJECTS, "GetManagedObjects")
        return {path: unpack_variants(interfaces) for path, interfaces in found.items()}

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work of a listener that hears a signal and has to call back."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def hold(self) -> None:
        """Keep the line up until cancelled."""
        while True:
            try:
                await self._hold_one()
            except (OSError, EOFError, AuthError, InvalidAddressError, BleakDBusError) as exc:
                log.warning("system_bus_lost", error=type(exc).__name__)
            self.settled.set()
            await asyncio.sleep(RECONNECT_S)

    async def _hold_one(self) -> None:
        """One connection to the bus, until it ends."""
        bus = MessageBus(bus_type=BusType.SYSTEM)
        try:
            await bus.connect()
            self.bus = bus
            await self._listen(bus)
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        finally:
            self.bus = None
            self._went()
            bus.disconnect()

    async def _listen(self, bus: MessageBus) -> None:
        bus.add_message_handler(self._on_message)
        for rule in _RULES:
            await self._daemon("AddMatch", [rule])
        (there,) = await self._daemon("NameHasOwner", [BLUEZ])
        if there:
            await self._came()
        self.settled.set()

    async def _daemon(self, member: str, body: list[str]) -> list[Any]:
        return await self._call(
            Message(
                destination=_DBUS,
                path="/org/freedesktop/DBus",
                interface=_DBUS,
                member=member,
                signature="s",
                body=body,
            )
        )

    async def _came(self) -> None:
        self.present = True
        for listener in self.listeners:
            await _logged(listener.came())

    def _went(self) -> None:
        self.present = False
        for listener in self.listeners:
            listener.went()

    def _on_message(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged":
            if message.body[2]:
                self.spawn(self._came())
            else:
                self._went()
        else:
            for listener in self.listeners:
                _tell(listener, message)

    async def close(self) -> None:
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)


def _tell(listener: Listener, message: Message) -> None:
    path, body = message.path or "", message.body
    if message.member == "PropertiesChanged":
        listener.changed(path, body[0], unpack_variants(body[1]))
    elif message.member == "InterfacesAdded":
        listener.added(body[0], unpack_variants(body[1]))
    elif message.member == "InterfacesRemoved":
        listener.removed(body[0], body[1])
    elif message.member == "Disconnected" and message.interface == DEVICE:
        listener.disconnected(path, str(body[0]))


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """BlueZ may refuse anything at any time; the next restart or visit tries again."""
    try:
        await work
    except (BleakDBusError, TimeoutError) as exc:
        log.warning("bluez_refused", error=getattr(exc, "dbus_error", type(exc).__name__))


@asynccontextmanager
async def open_line(line: Line) -> AsyncIterator[None]:
    """Hold `line` up for as long as the block runs; its listeners are already on it."""
    holding = asyncio.get_running_loop().create_task(line.hold(), name="bluez line")
    try:
        await line.settled.wait()
        yield
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)
        await line.close()
