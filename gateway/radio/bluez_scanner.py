"""One discovery for all scanners of the radio, through resets, restarts and late adapters.

BlueZ answers a process's second StartDiscovery with InProgress, so the scanners share one of
bleak's. If it cannot start now, the watchdog starts it as soon as the adapter is ready.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import structlog
from bleak.backends.bluezdbus.scanner import BleakScannerBlueZDBus
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import BleakError

from gateway.radio.bluez_line import Listener

log = structlog.get_logger(__name__)

_STOP_S = 5.0


class Discovery(Listener):
    """Who scans, the scan that serves them all, and when it last heard something."""

    def __init__(self) -> None:
        self._scanners: set[BluezScanner] = set()
        self._running: BleakScannerBlueZDBus | None = None
        self._turn = asyncio.Lock()
        self._heard_at: float | None = None
        self._begun_at = 0.0
        self._is_lost = False

    @property
    def is_wanted(self) -> bool:
        return bool(self._scanners)

    @property
    def is_waiting(self) -> bool:
        """Somebody wants to scan, and it could not be started, or its adapter went."""
        return bool(self._scanners) and (self._running is None or self._is_lost)

    @property
    def age_s(self) -> float:
        """Seconds since the scan was begun; 0 while there is none."""
        if self._running is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._begun_at

    @property
    def silence_s(self) -> float:
        """Seconds since the last advertisement; 0 while nobody scans."""
        if not self._scanners or self._heard_at is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._heard_at

    async def add(self, scanner: BluezScanner) -> None:
        self._scanners.add(scanner)
        self._heard_at = asyncio.get_running_loop().time()
        await self.restart()

    async def remove(self, scanner: BluezScanner) -> None:
        self._scanners.discard(scanner)
        await self.restart()

    async def restart(self) -> None:
        """Scan for what is wanted now. A scan that its adapter ended is begun anew."""
        async with self._turn:
            await self._stop()
            if self._scanners:
                await self._start()

    def went(self) -> None:
        """The adapter or BlueZ is gone, and with it the scan."""
        self._is_lost = True

    async def _start(self) -> None:
        wanted = [scanner.service_uuids for scanner in self._scanners]
        everything = any(uuids is None for uuids in wanted)
        union = None if everything else sorted({u for uuids in wanted for u in uuids or ()})
        scan = BleakScannerBlueZDBus(self._on_heard, union, "active", bluez={})
        self._is_lost = False
        self._begun_at = asyncio.get_running_loop().time()
        try:
            await scan.start()
        except (BleakError, OSError, TimeoutError) as exc:
            log.info("scan_waits", error=type(exc).__name__)
        else:
            self._running = scan

    async def _stop(self) -> None:
        scan, self._running = self._running, None
        if scan is None:
            return
        try:
            async with asyncio.timeout(_STOP_S):
                await scan.stop()
        except (BleakError, OSError, EOFError, TimeoutError, AssertionError) as exc:
            # bleak asserts a bus that is gone when bluetoothd or the bus was restarted.
            log.info("scan_had_ended", error=type(exc).__name__)

    def _on_heard(self, device: BLEDevice, heard: AdvertisementData) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        for scanner in list(self._scanners):
            scanner.hear(device, heard)


class BluezScanner(BaseBleakScanner):
    """A backend for `BleakScanner`; a subclass binds it to the radio's discovery."""

    discovery: ClassVar[Discovery]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        *_: Any,
        **__: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self.service_uuids = service_uuids

    async def start(self) -> None:
        self.seen_devices = {}
        await self.discovery.add(self)

    async def stop(self) -> None:
        await self.discovery.remove(self)

    def hear(self, device: BLEDevice, heard: AdvertisementData) -> None:
        if self.is_allowed_uuid(heard.service_uuids):
            mine = self.create_or_update_device(
                device.details["path"], device.address, device.name, device.details, heard
            )
            self.call_detection_callbacks(mine, heard)
