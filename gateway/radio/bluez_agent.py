"""The gateway's own pairing agent: what BlueZ asks while it pairs goes to a `PairingAgent`.

Without an agent BlueZ bonds with nothing, not even where nobody has to type anything. Only a device
that the gateway itself is talking to is answered: whatever else tries to pair is refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from bleak.exc import BleakDBusError
from dbus_fast import DBusError
from dbus_fast.annotations import (
    DBusObjectPath,
    DBusSignature,
    DBusStr,
    DBusUInt16,
    DBusUInt32,
)
from dbus_fast.service import ServiceInterface, dbus_method

from gateway.link import PairingAgent
from gateway.radio.bluez_line import Line, Listener

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

T = TypeVar("T")
#: A plain None would be read as no signature at all, since annotations are strings here.
Nothing = Annotated[None, DBusSignature("")]

PATH = "/org/hearthline/agent"
MANAGER = "org.bluez.AgentManager1"
REJECTED = "org.bluez.Error.Rejected"
ALREADY = "org.bluez.Error.AlreadyExists"


def address_of(path: str) -> str:
    """`/org/bluez/hci0/dev_C1_02_…` is C1:02:…, a device."""
    return path.rpartition("dev_")[2][:17].replace("_", ":").upper()


class Agent(ServiceInterface):
    """`org.bluez.Agent1`."""

    def __init__(self, agent: PairingAgent | None) -> None:
        super().__init__("org.bluez.Agent1")
        self._agent = agent
        self._expected: Counter[str] = Counter()
        self._asking: set[asyncio.Future[Any]] = set()

    @property
    def capability(self) -> str:
        return "KeyboardDisplay" if self._agent else "NoInputNoOutput"

    @contextmanager
    def expecting(self, path: str) -> Iterator[None]:
        """The gateway talks to this device, so it may pair."""
        self._expected[path] += 1
        try:
            yield
        finally:
            self._expected[path] -= 1

    def _admit(self, path: str) -> None:
        if not self._expected[path]:
            raise DBusError(REJECTED, "this device is not being visited")

    async def _ask(self, question: Awaitable[T]) -> T:
        asking = asyncio.ensure_future(question)
        self._asking.add(asking)
        try:
            return await asking
        except asyncio.CancelledError:
            raise DBusError("org.bluez.Error.Canceled", "no longer asked") from None
        finally:
            self._asking.discard(asking)

    @dbus_method("Release")
    def release(self) -> Nothing:
        """BlueZ drops the agent; it is registered again when BlueZ comes back."""

    @dbus_method("RequestPasskey")
    async def request_passkey(self, device: DBusObjectPath) -> DBusUInt32:
        self._admit(device)
        typed = None
        if self._agent is not None:
            typed = await self._ask(self._agent.passkey(address_of(device)))
        if typed is None:
            raise DBusError(REJECTED, "no passkey")
        return typed

    @dbus_method("RequestConfirmation")
    async def request_confirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> Nothing:
        self._admit(device)
        if self._agent is None:
            raise DBusError(REJECTED, "nobody can compare numbers")
        if not await self._ask(self._agent.confirm(address_of(device), passkey)):
            raise DBusError(REJECTED, "the numbers differ")

    @dbus_method("DisplayPasskey")
    async def display_passkey(
        self, device: DBusObjectPath, passkey: DBusUInt32, entered: DBusUInt16
    ) -> Nothing:
        """Called again for each digit that was typed; only the first call is news."""
        self._admit(device)
        if self._agent and not entered:
            await self._ask(self._agent.show(address_of(device), passkey))

    @dbus_method("RequestAuthorization")
    def request_authorization(self, device: DBusObjectPath) -> Nothing:
        """Pairing without any digits."""
        self._admit(device)

    @dbus_method("AuthorizeService")
    def authorize_service(self, device: DBusObjectPath, uuid: DBusStr) -> Nothing:  # noqa: ARG002 -- BlueZ's
        self._admit(device)

    @dbus_method("RequestPinCode")
    def request_pin_code(self, device: DBusObjectPath) -> DBusStr:  # noqa: ARG002 -- BlueZ's
        raise DBusError(REJECTED, "legacy pairing of classic Bluetooth")

    @dbus_method("DisplayPinCode")
    def display_pin_code(self, device: DBusObjectPath, pincode: DBusStr) -> Nothing:  # noqa: ARG002 -- BlueZ's
        raise DBusError(REJECTED, "legacy pairing of classic Bluetooth")

    @dbus_method("Cancel")
    def cancel(self) -> Nothing:
        for asking in self._asking:
            asking.cancel()


class Registration(Listener):
    """Keeps the agent registered, as the default one, whenever BlueZ is there."""

    def __init__(self, line: Line, agent: Agent) -> None:
        self._line = line
        self._agent = agent
        self._exported_on: MessageBus | None = None

    async def came(self) -> None:
        if self._line.bus is not None and self._line.bus is not self._exported_on:
            self._line.bus.export(PATH, self._agent)
            self._exported_on = self._line.bus
        try:
            await self._call("RegisterAgent", "os", [PATH, self._agent.capability])
        except BleakDBusError as exc:
            if exc.dbus_error != ALREADY:
                raise
        await self._call("RequestDefaultAgent", "o", [PATH])

    async def _call(self, member: str, signature: str, body: list[str]) -> None:
        await self._line.call("/org/bluez", MANAGER, member, signature, body)
