"""What the gateway says of itself: the retained status, and the figures of its disk.

Built from whatever can be told: a spool that cannot be opened is itself the news.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway.link import AdapterState, Radio
from gateway.metrics import Metrics
from gateway.notify import Notifier
from gateway.spool import DeviceRecord, Spool, SpoolState, SpoolUnavailable
from gateway.wishes import Wishes
from vitals import wire

LOOK_S = 15.0  # how old the figures of the disk may be
PROBE_S = 600.0  # a disk that was well is tried so often without a visit
_MB = 1_000_000

log = structlog.get_logger(__name__)


def versions() -> dict[str, str]:
    """Of what the gateway stands on."""
    return {"python": platform.python_version(), "system": platform.platform(terse=True)}


@dataclass(slots=True, kw_only=True)
class Reporter:
    """Says how the gateway is. `wishes`, `radio`, `notifier`: told by whoever has them."""

    spool: Spool
    metrics: Metrics
    clock: Callable[[], datetime]
    version: str
    wishes: Wishes | None = None
    radio: Radio | None = None
    notifier: Notifier = field(default_factory=Notifier)
    versions: dict[str, str] = field(default_factory=versions)
    credential: str | None = None
    _probed_at: float = 0.0

    async def status(self, state: str) -> wire.GatewayStatus:
        depth, rejected, devices = 0, 0, list[wire.DeviceStatus]()
        try:
            depth, rejected = await self.spool.depth(), await self.spool.rejected_count()
            devices = await self._devices(await self._bonds())
        except SpoolUnavailable:
            pass  # `spool.state` says so
        adapter = await self._adapter()
        return wire.GatewayStatus(
            state=state,
            at=self.clock(),
            version=self.version,
            spool_depth=depth,
            rejected=rejected,
            devices=devices,
            spool=await self._spool_status(),
            desired=self.wishes.report() if self.wishes else None,
            versions=self.versions | _stack(adapter),
            adapter=adapter.health.value if adapter else None,
            credential=self.credential,
        )

    async def _spool_status(self) -> wire.SpoolStatus:
        free = await self.spool.free_bytes()
        return wire.SpoolStatus(
            state=self.spool.state.value,
            unsaved=self.spool.unsaved,
            set_aside=await self.spool.kept_aside(),
            recovered=self.spool.recovered,
            free_mb=None if free is None else free // _MB,
        )

    async def _adapter(self) -> AdapterState | None:
        if self.radio is None:
            return None
        try:
            return await self.radio.power()
        except Exception as exc:  # noqa: BLE001 -- of any radio library; the status goes out anyway
            log.info("adapter_unknown", error=type(exc).__name__)
            return None

    async def _bonds(self) -> frozenset[str] | None:
        """Whom the radio has keys of; none where it cannot say."""
        if self.radio is None:
            return None
        try:
            return frozenset(bond.address.upper() for bond in await self.radio.bonds())
        except Exception as exc:  # noqa: BLE001 -- of any radio library
            log.info("bonds_unknown", error=type(exc).__name__)
            return None

    async def _devices(self, bonds: frozenset[str] | None) -> list[wire.DeviceStatus]:
        names = self.wishes.in_force.names if self.wishes else {}
        unread = await self.spool.unfinished()
        known = {device.address: device for device in await self.spool.devices()}
        addresses = sorted(known.keys() | names.keys() | unread)
        return [
            _device(
                known.get(a) or DeviceRecord(address=a),
                names.get(a),
                bonded=None if bonds is None else a in bonds,
                unread=a in unread,
            )
            for a in addresses
        ]

    async def keep_watch(self) -> None:
        """Look after the disk and show its figures, until cancelled; with or without a broker."""
        loop = asyncio.get_running_loop()
        while True:
            if self.spool.state is not SpoolState.OK or loop.time() - self._probed_at > PROBE_S:
                self._probed_at = loop.time()
                await self.spool.usable(self.clock())
            await self.show()
            self.notifier.alive(f"spool {self.spool.state.value}")
            await asyncio.sleep(LOOK_S)

    async def show(self) -> None:
        """The figures of the disk, into the metrics."""
        for state in SpoolState:
            self.metrics.spool_state.labels(state=state.value).set(state is self.spool.state)
        self.metrics.spool_unsaved.set(self.spool.unsaved)
        self.metrics.spool_set_aside.set(await self.spool.kept_aside())
        if (free := await self.spool.free_bytes()) is not None:
            self.metrics.disk_free.set(free)
        try:
            self.metrics.spool_depth.set(await self.spool.depth())
            oldest = await self.spool.oldest_at()
        except SpoolUnavailable:
            return
        age_s = 0.0 if oldest is None else (self.clock() - oldest).total_seconds()
        self.metrics.spool_age.set(max(0.0, age_s))


def _stack(adapter: AdapterState | None) -> dict[str, str]:
    return {"bluetooth": adapter.stack} if adapter and adapter.stack else {}


def _device(
    device: DeviceRecord, name: str | None, *, bonded: bool | None, unread: bool
) -> wire.DeviceStatus:
    return wire.DeviceStatus(
        device=device.address,
        last_seen=device.last_seen,
        battery_pct=device.battery_pct,
        clock_offset_s=device.clock_offset_s,
        model=device.model,
        name=name,
        bonded=device.bonded if bonded is None else bonded,
        unread=unread,
    )
