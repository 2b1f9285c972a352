"""One powered-on Bumble device in the central role, shared by all scanners and clients of a radio.

A controller makes one connection at a time, so connecting is serialised here; scanning goes on as
long as one scanner wants it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from bleak.exc import BleakError, BleakGATTProtocolError
from bumble import att, core, hci
from bumble.device import Device
from bumble.keys import JsonKeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from gateway.link import Bond, PairingAgent
from gateway.radio.early import EarlyValues
from vitals.clock import utc_now

#: A static random address; a new one would make every bonded device a stranger.
OWN_ADDRESS = "F0:F1:F2:F3:F4:F5"
ENCRYPT_TIMEOUT = 5.0  # seconds
ANSWER_TIMEOUT = 6.0  # seconds; who has gone meanwhile must not hold up those who are on the air


def as_bleak_error(error: Exception) -> BleakError:
    """The error that bleak's users expect for one of Bumble's."""
    if isinstance(error, att.ATT_Error):
        return BleakGATTProtocolError(error.error_code)
    return BleakError(str(error) or repr(error))


class _Pairing(PairingDelegate):  # type: ignore[misc]  # Bumble is untyped
    def __init__(self, address: str, agent: PairingAgent | None) -> None:
        super().__init__(
            self.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT if agent else self.NO_OUTPUT_NO_INPUT
        )
        self._address = address
        self._agent = agent

    async def get_number(self) -> int | None:
        return await self._agent.passkey(self._address) if self._agent else None

    async def compare_numbers(self, number: int, digits: int) -> bool:  # noqa: ARG002
        return await self._agent.confirm(self._address, number) if self._agent else False

    async def display_number(self, number: int, digits: int) -> None:  # noqa: ARG002
        if self._agent:
            await self._agent.show(self._address, number)


class _Subscribers(dict[int, set[Any]]):
    """Bumble's table of who wants which handle. What nobody wants goes to `unwanted`."""

    def __init__(self, unwanted: Callable[[int, bytes], None]) -> None:
        super().__init__()
        self._unwanted = unwanted

    def get(self, handle: int, default: Any = None) -> Any:  # noqa: ARG002
        return super().get(handle) or {partial(self._unwanted, handle)}


class Central:
    """The device, its bonds, and who is scanning."""

    def __init__(
        self, source: Any, sink: Any, key_store: Path | None, agent: PairingAgent | None
    ) -> None:
        self.device = Device.with_hci("gateway", hci.Address(OWN_ADDRESS), source, sink)
        self.device.keystore = _key_store(key_store)
        self.device.pairing_config_factory = lambda connection: PairingConfig(
            sc=True,
            mitm=False,  # the device decides whether a passkey is needed
            bonding=True,
            identity_address_type=PairingConfig.AddressType.RANDOM,  # the one it connects from
            delegate=_Pairing(address_of(connection.peer_address), agent),
        )
        self.device.on("connection", self._collect_early_values)
        self.early = EarlyValues()
        self.resets = 0
        self._names: dict[str, Mapping[int, str]] = {}  # by address: handle -> characteristic
        self._nameless: dict[str, list[tuple[int, bytes, datetime]]] = {}
        self._connecting = asyncio.Lock()
        self._listeners: set[Callable[[Any], None]] = set()

    async def start_scan(self, listener: Callable[[Any], None], *, active: bool) -> None:
        self._listeners.add(listener)
        self.device.on("advertisement", listener)
        if not self.device.scanning:
            await self.device.start_scanning(legacy=False, active=active, filter_duplicates=False)

    async def stop_scan(self, listener: Callable[[Any], None]) -> None:
        if listener not in self._listeners:
            return
        self._listeners.discard(listener)
        self.device.remove_listener("advertisement", listener)
        if not self._listeners and self.device.scanning:
            await self.device.stop_scanning()

    async def connect(self, address: Any, timeout_s: float) -> Any:
        """A new link to `address`; a cancelled or timed-out attempt leaves nothing pending.

        Raises:
            TimeoutError: the device did not answer in time.
        """
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._connecting,
                asyncio.timeout(ANSWER_TIMEOUT),
            ):
                try:
                    return await self.device.connect(address, timeout=None)
                except asyncio.CancelledError as exc:
                    if not _is_cancelled_from_outside():
                        raise BleakError("the controller is gone") from exc
                    with suppress(core.BaseError):
                        await self.device.cancel_connection()
                    raise
        except core.BaseError as exc:
            raise as_bleak_error(exc) from exc

    async def secure(self, connection: Any, *, pair: bool) -> None:
        """Encrypt with the stored key. A device that forgot its key is paired anew."""
        if await self.device.keystore.get(str(connection.peer_address)) is None:
            if pair:
                await self.pair(connection)
            return
        try:
            async with asyncio.timeout(ENCRYPT_TIMEOUT):
                await connection.encrypt()
        except (core.BaseError, hci.HCI_Error, TimeoutError):
            await self.forget(connection.peer_address)
            await self.pair(connection)

    async def pair(self, connection: Any) -> None:
        try:
            await connection.pair()
        except core.BaseError as exc:
            raise BleakError(f"pairing failed: {exc}") from exc
        except asyncio.CancelledError as exc:
            if _is_cancelled_from_outside():
                raise
            raise BleakError("pairing failed: link lost") from exc

    async def forget(self, address: Any) -> None:
        with suppress(KeyError):
            await self.device.keystore.delete(str(address))

    async def bonds(self) -> dict[str, Bond]:
        """By the name under which the key store has them."""
        stored = await self.device.keystore.get_all()
        return {key: Bond(address=key.split("/")[0].upper(), name=None) for key, _ in stored}

    async def reset(self) -> None:
        """Start the controller anew; its links are gone, scanning goes on."""
        self.resets += 1
        for connection in list(self.device.connections.values()):
            with suppress(core.BaseError):
                await connection.disconnect()
        await self.device.power_on()
        if self._listeners:
            await self.device.start_scanning(legacy=False, filter_duplicates=False)

    # Values that nobody has asked for yet.

    def _collect_early_values(self, connection: Any) -> None:
        keep = partial(self._keep_early, address_of(connection.peer_address))
        connection.gatt_client.notification_subscribers = _Subscribers(keep)
        connection.gatt_client.indication_subscribers = _Subscribers(keep)

    def _keep_early(self, address: str, handle: int, payload: bytes) -> None:
        name = self._names.get(address, {}).get(handle)
        if name is None:
            self._nameless.setdefault(address, []).append((handle, payload, utc_now()))
        else:
            self.early.keep(address, name, payload)

    def discovered(self, address: str, names: Mapping[int, str]) -> None:
        """What a device's handles are called, now and, if it hangs up early, next time."""
        self._names[address] = names
        for handle, payload, at in self._nameless.pop(address, []):
            if handle in names:
                self.early.keep(address, names[handle], payload, at)


def address_of(address: Any) -> str:
    """The bare address in upper case, without the kind that Bumble appends."""
    return str(address.to_string(False)).upper()  # noqa: FBT003 -- Bumble's signature


def _is_cancelled_from_outside() -> bool:
    """Bumble cancels its own futures when a link or controller goes; that must not look like us."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _key_store(path: Path | None) -> Any:
    if path is None:
        return MemoryKeyStore()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return JsonKeyStore(OWN_ADDRESS, str(path))
