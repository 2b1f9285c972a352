"""Keeps the scan going, and power cycles an adapter that is not as it should be.

What goes wrong on real boxes: somebody turned it off, rfkill blocks it, bluetoothd was restarted,
or it says that it scans and hears nothing any more (bluez/bluez issue 807). The cure is the same
each time, tried with growing pauses; one that only seems stuck is left alone while a link is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from bleak.exc import BleakDBusError

from gateway.link import AdapterState, Health
from gateway.radio.bluez_adapter import Adapter
from gateway.radio.bluez_links import Links
from gateway.radio.bluez_scanner import Discovery

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
PATIENCE = 5  # looks: BlueZ itself pauses its discovery for some seconds now and then
RESCAN_S = 300.0  # a scan is begun anew: BlueZ tells no advertisement twice that changes nothing
SILENCE_S = 3600.0  # hearing nothing for so long may mean stuck; twice as long after each cure
PAUSES_S = (0.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)  # before the first, second, … reset


class Watchdog:
    """Looks every few seconds until cancelled."""

    def __init__(
        self,
        adapter: Adapter,
        discovery: Discovery,
        links: Links,
        on_reset: Callable[[Health], None],
    ) -> None:
        self._adapter = adapter
        self._discovery = discovery
        self._links = links
        self._on_reset = on_reset
        self._tries = 0  # since it was last up
        self._next_try = 0.0
        self._cures = 0  # since it last heard anything
        self._idle_looks = 0

    @property
    def state(self) -> AdapterState:
        return self._adapter.state(self._health)

    @property
    def _health(self) -> Health:
        health = self._adapter.health
        if health is Health.READY and self._discovery.silence_s > SILENCE_S * 2**self._cures:
            return Health.STUCK
        return health

    async def run(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        health = self._health
        if health is Health.READY:
            self._tries, self._next_try = 0, 0.0
            if self._discovery.silence_s < SILENCE_S:
                self._cures = 0
            await self._keep_scanning()
        elif health is Health.STUCK:
            if self._links.are_idle:
                self._cures += 1
                await self._reset(health)
        elif asyncio.get_running_loop().time() >= self._next_try:
            await self._reset(health)
            pause_s = PAUSES_S[min(self._tries + 1, len(PAUSES_S) - 1)]
            self._tries += 1
            self._next_try = asyncio.get_running_loop().time() + pause_s

    async def _keep_scanning(self) -> None:
        is_idle = self._discovery.is_wanted and not self._adapter.is_discovering
        self._idle_looks = self._idle_looks + 1 if is_idle else 0
        is_old = self._discovery.age_s > RESCAN_S and self._links.are_idle
        if self._discovery.is_waiting or is_old or self._idle_looks >= PATIENCE:
            self._idle_looks = 0
            await self._discovery.restart()

    async def _reset(self, health: Health) -> None:
        log.warning("adapter_reset", reason=health.value)
        self._on_reset(health)
        self._discovery.went()
        try:
            await self._adapter.reset()
        except (BleakDBusError, TimeoutError) as exc:
            log.warning("adapter_still_down", error=getattr(exc, "dbus_error", "timeout"))
