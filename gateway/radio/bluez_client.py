"""bleak's client on BlueZ, with values by way of the held sessions and with a few second tries.

What a link to a real device runs into, and what helps: a drop while services are discovered (try
again), another operation in progress (wait), a device that BlueZ forgot between two advertisements
(wait until it is heard), a device that lost its keys (drop ours and pair anew).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, ClassVar

import structlog
from bleak.backends.bluezdbus.client import BleakClientBlueZDBus
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakDeviceNotFoundError, BleakError

from gateway.link import short_hash
from gateway.radio.bluez_links import Links

log = structlog.get_logger(__name__)

TRIES = 3
PAUSE_S = 0.3
_FAILED = "org.bluez.Error.Failed"  # of the link: le-connection-abort-by-local, …
_IN_PROGRESS = "org.bluez.Error.InProgress"


class BluezClient(BleakClientBlueZDBus):
    """A backend for `BleakClient`; a subclass binds it to the radio's links."""

    links: ClassVar[Links]

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        services: set[str] | None = None,
        *,
        disconnected_callback: Callable[[], None] | None,
        **kwargs: Any,
    ) -> None:
        def on_lost() -> None:
            if self._has_linked:  # a try that failed is no news to whoever still waits for a link
                self._leave()
                if disconnected_callback is not None:
                    disconnected_callback()

        super().__init__(address_or_ble_device, services, disconnected_callback=on_lost, **kwargs)
        self._target = address_or_ble_device
        self._has_linked = False
        self._visit = ExitStack()

    async def connect(self, pair: bool, **kwargs: Any) -> None:  # type: ignore[override]  # noqa: FBT001 -- bleak's signature
        if not isinstance(self._target, BLEDevice):
            raise BleakDeviceNotFoundError(self.address, "connect to a scanned BLEDevice")
        path = self._target.details["path"]
        self._visit.enter_context(self.links.visiting(path))
        try:
            async with asyncio.timeout(self._timeout):
                await self._link(path, pair=pair, **kwargs)
        except BaseException:
            self._leave()
            raise
        self._has_linked = True

    async def _link(self, path: str, *, pair: bool, **kwargs: Any) -> None:
        for left in reversed(range(TRIES)):
            try:
                await super().connect(pair, **kwargs)
            except BleakDeviceNotFoundError:
                if not left:
                    raise
                await self.links.until_heard(path)
            except BleakError as exc:
                lost_keys = pair and await self.links.keys_were_refused(path, exc)
                has_spoken = self.links.values.has_untaken(
                    self.address
                )  # and may be gone for today
                if not left or has_spoken or not (lost_keys or _is_passing(exc)):
                    raise
                log.info("link_tried_again", device=self._name, error=type(exc).__name__)
                await self._start_over()
                if lost_keys:
                    await self._pair_anew(path)
            else:
                self.links.succeeded(path)
                return
            await asyncio.sleep(PAUSE_S)

    async def _start_over(self) -> None:
        """Bleak keeps half a link in mind when the services could not be read."""
        with suppress(BleakError, OSError, EOFError, TimeoutError):
            await super().disconnect()

    async def _pair_anew(self, path: str) -> None:
        log.warning("device_lost_its_bond", device=self._name)
        await self.links.remove(path)
        await self.links.until_heard(path)

    @property
    def _name(self) -> str:
        return short_hash(self.address)

    def _leave(self) -> None:
        self._visit.close()

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: Callable[[bytearray], None],
        **_: Any,
    ) -> None:
        path, properties = characteristic.obj
        await self.links.values.start(
            path, self.address, properties, lambda value: callback(bytearray(value))
        )

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        await self.links.values.stop(characteristic.obj[0])


def _is_passing(error: BleakError) -> bool:
    """Of the air or of BlueZ being busy; a refusal to pair is neither."""
    if isinstance(error, BleakDBusError):
        return error.dbus_error in {_FAILED, _IN_PROGRESS}
    return True
