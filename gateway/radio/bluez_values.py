"""Notification sessions that exist before the link does, so that BlueZ confirms nothing unheard.

BlueZ confirms an indication whether anybody listens or not, and a bonded cuff deletes what was
confirmed. A session opened with `StartNotify` on a long-lived bus outlives the link, and BlueZ
takes it up again at the next one, before bleak even knows that the device is connected. So every
indicated characteristic of a bonded device keeps its session, and what comes while nobody is
visiting is kept as an early value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bleak.exc import BleakDBusError

from gateway.radio.bluez_line import CHARACTERISTIC, DEVICE, Line, Listener, Objects
from gateway.radio.early import EarlyValues

_IN_PROGRESS = "org.bluez.Error.InProgress"
#: Bluetooth's own UUIDs; a vendor's characteristic is held only once a visit has asked for it.
_SIG_TAIL = "-0000-1000-8000-00805f9b34fb"


@dataclass(slots=True, kw_only=True)
class _Session:
    address: str
    uuid: str
    lasting: bool  # indicated and not asked for: the device decides when
    callback: Callable[[bytes], None] | None = None


class HeldValues(Listener):
    """Sessions by the D-Bus path of their characteristic."""

    def __init__(self, line: Line, early: EarlyValues) -> None:
        self._line = line
        self._early = early
        self._sessions: dict[str, _Session] = {}

    def has_untaken(self, address: str) -> bool:
        """The device has been told that values arrived which nobody has taken yet."""
        return self._early.has_any(address)

    async def start(
        self,
        path: str,
        address: str,
        properties: Mapping[str, Any],
        callback: Callable[[bytes], None],
    ) -> None:
        """Hand over what came early, then whatever comes.

        Raises:
            BleakDBusError: BlueZ could not turn the characteristic on.
        """
        uuid = properties["UUID"]
        session = self._sessions.get(path)
        if session is None:
            session = _Session(address=address, uuid=uuid, lasting=_is_lasting(properties))
            self._sessions[path] = session
        for early in self._early.take(session.address, uuid):
            callback(early.payload)
        session.callback = callback
        try:
            await self._start_notify(path)
        except BaseException:
            session.callback = None
            raise

    async def stop(self, path: str) -> None:
        if self._sessions.pop(path, None) is not None:
            await self._line.call(path, CHARACTERISTIC, "StopNotify")

    def leave(self, device_path: str) -> None:
        """A visit is over: what still comes is an early value of the next one."""
        for session in self._of(device_path).values():
            session.callback = None

    async def tidy(self, device_path: str, *, bonded: bool) -> None:
        """After a visit only the lasting sessions of a bonded device stay."""
        for path, session in self._of(device_path).items():
            if session.callback is None and not (bonded and session.lasting):
                with suppress(BleakDBusError, TimeoutError):
                    await self.stop(path)

    def _of(self, device_path: str) -> dict[str, _Session]:
        return {p: s for p, s in self._sessions.items() if p.startswith(f"{device_path}/")}

    async def came(self) -> None:
        """Hold what is bonded, from the start on."""
        self._sessions.clear()
        objects = await self._line.objects()
        for path, interfaces in objects.items():
            properties = interfaces.get(CHARACTERISTIC)
            if properties is not None:
                await self._hold_if_bonded(path, properties, objects)

    def changed(self, path: str, interface: str, properties: Mapping[str, Any]) -> None:
        session = self._sessions.get(path)
        if session is None or interface != CHARACTERISTIC or "Value" not in properties:
            return
        value = bytes(properties["Value"])
        if session.callback is not None:
            session.callback(value)
        else:
            self._early.keep(session.address, session.uuid, value)

    def added(self, path: str, interfaces: Mapping[str, Mapping[str, Any]]) -> None:
        """After a restart BlueZ shows a bonded device's characteristics when its link comes."""
        properties = interfaces.get(CHARACTERISTIC)
        if properties is not None and path not in self._sessions and _is_ours(properties):
            self._line.spawn(self._hold_added(path, properties))

    def removed(self, path: str, interfaces: list[str]) -> None:
        if CHARACTERISTIC in interfaces:
            self._sessions.pop(path, None)

    async def _hold_added(self, path: str, properties: Mapping[str, Any]) -> None:
        await self._hold_if_bonded(path, properties, await self._line.objects())

    async def _hold_if_bonded(
        self, path: str, properties: Mapping[str, Any], objects: Objects
    ) -> None:
        service = objects.get(properties["Service"], {}).get("org.bluez.GattService1", {})
        device = objects.get(service.get("Device", ""), {}).get(DEVICE, {})
        if not device.get("Paired") or not _is_ours(properties) or path in self._sessions:
            return
        self._sessions[path] = _Session(
            address=device["Address"].upper(), uuid=properties["UUID"], lasting=True
        )
        await self._start_notify(path)

    async def _start_notify(self, path: str) -> None:
        try:
            await self._line.call(path, CHARACTERISTIC, "StartNotify")
        except BleakDBusError as exc:
            if exc.dbus_error != _IN_PROGRESS:  # this line has a session already
                raise


def _is_lasting(properties: Mapping[str, Any]) -> bool:
    """Indicated when the device likes: no control point, nothing that can be read again."""
    flags = set(properties.get("Flags", ()))
    return "indicate" in flags and not flags & {"read", "write"}


def _is_ours(properties: Mapping[str, Any]) -> bool:
    return _is_lasting(properties) and str(properties["UUID"]).endswith(_SIG_TAIL)
