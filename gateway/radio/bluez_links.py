"""What a client asks of its device beyond bleak: why it went, its bond, when it is back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bleak.exc import BleakDBusError, BleakError

from gateway.radio.bluez_agent import Agent
from gateway.radio.bluez_line import ADAPTER, DEVICE, PROPERTIES, Line, Listener
from gateway.radio.bluez_scanner import BluezScanner, Discovery
from gateway.radio.bluez_values import HeldValues

_KEYS_REFUSED = "org.bluez.Reason.Authentication"
_CUT_SHORT = "br-connection-canceled"  # the link came up, and went before it was encrypted
REFUSALS = 5  # such links in a row, where BlueZ (5.82 still) tells no reason
_DOES_NOT_EXIST = "org.bluez.Error.DoesNotExist"
_UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"


class Links(Listener):
    """By the D-Bus path of the device."""

    def __init__(self, line: Line, agent: Agent, values: HeldValues, discovery: Discovery) -> None:
        self.values = values
        self._line = line
        self._agent = agent
        self._discovery = discovery
        self._visits: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._refusals: Counter[str] = Counter()
        self._awaited: dict[str, asyncio.Event] = {}

    @property
    def are_idle(self) -> bool:
        return not self._visits.total()

    @contextmanager
    def visiting(self, path: str) -> Iterator[None]:
        """Until the end of this block the device may pair, and its values have a taker."""
        self._visits[path] += 1
        try:
            with self._agent.expecting(path):
                yield
        finally:
            self._visits[path] -= 1
            self.values.leave(path)
            self._line.spawn(self._tidy(path))

    async def _tidy(self, path: str) -> None:
        await self.values.tidy(path, bonded=await self.is_bonded(path))

    async def is_bonded(self, path: str) -> bool:
        try:
            (bonded,) = await self._line.call(path, PROPERTIES, "Get", "ss", [DEVICE, "Paired"])
        except BleakDBusError:
            return False  # BlueZ knows no such device
        return bool(bonded.value)

    def succeeded(self, path: str) -> None:
        """A whole link: the device has our keys."""
        self._refusals.pop(path, None)

    async def keys_were_refused(self, path: str, error: BleakError) -> bool:
        """The device answers and does not take our keys: BlueZ says so, or it happens each time."""
        if isinstance(error, BleakDBusError) and error.dbus_error_details == _CUT_SHORT:
            self._refusals[path] += 1
        is_told = self._reasons.pop(path, "") == _KEYS_REFUSED
        if not (is_told or self._refusals[path] >= REFUSALS):
            return False
        self._refusals.pop(path, None)
        return await self.is_bonded(path)

    async def remove(self, path: str) -> None:
        """Drop bond, cache and object; nothing if BlueZ knows no such device."""
        adapter = path.rpartition("/")[0]
        try:
            await self._line.call(adapter, ADAPTER, "RemoveDevice", "o", [path])
        except BleakDBusError as exc:
            if exc.dbus_error not in {_DOES_NOT_EXIST, _UNKNOWN_OBJECT}:
                raise

    async def until_heard(self, path: str) -> None:
        """Wait until BlueZ shows the device (again), scanning if nobody does."""
        back = self._awaited.setdefault(path, asyncio.Event())
        helper = None if self._discovery.is_wanted else BluezScanner(None, None)
        try:
            if helper is not None:
                await self._discovery.add(helper)
            if path not in await self._line.objects():
                await back.wait()
        finally:
            self._awaited.pop(path, None)
            if helper is not None:
                await self._discovery.remove(helper)

    def added(self, path: str, interfaces: Mapping[str, Mapping[str, Any]]) -> None:
        if DEVICE in interfaces and path in self._awaited:
            self._awaited[path].set()

    def disconnected(self, path: str, reason: str) -> None:
        self._reasons[path] = reason
