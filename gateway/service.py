"""The gateway: scan -> recognise -> visit -> spool -> publish.

One visit at a time on the adapter, scanning goes on beside it. A device is visited again when it is
still or again on the air after a rest, because memory that it has no way to announce may be new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import structlog

from devices import uuids
from gateway.link import Radio, Sighting, short_hash
from gateway.metrics import Metrics
from gateway.publisher import Publisher
from gateway.session import Visit
from gateway.settings import Settings
from gateway.spool import Spool

log = structlog.get_logger(__name__)

HEALTH_SERVICES = [
    uuids.BLOOD_PRESSURE_SERVICE,
    uuids.GLUCOSE_SERVICE,
    uuids.WEIGHT_SCALE_SERVICE,
]
FAILED_REST = (1.0, 3.0, 10.0, 30.0, 60.0)  # seconds after the first, second, … failure in a row
STALE_S = 10.0  # an advertisement older than this may come from a device that has gone
POLL_S = 0.2


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """What the clinic wants of this gateway. None: the gateway's own settings stay in force."""

    accept: list[str] | None = None
    forget: list[str] = []


@dataclass(slots=True, kw_only=True)
class _Rest:
    until: float = 0.0
    failures: int = 0


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The main flow; who it serves is in `settings` and in the clinic's desired state."""

    settings: Settings
    radio: Radio
    spool: Spool
    publisher: Publisher
    metrics: Metrics
    clock: Callable[[], datetime]
    _sightings: dict[str, tuple[Sighting, float]] = field(default_factory=dict)
    _heard: dict[str, float] = field(default_factory=dict)
    _rests: dict[str, _Rest] = field(default_factory=dict)
    _accept: frozenset[str] | None = None
    _started: float = 0.0
    _last_new: float = 0.0
    _busy: bool = False

    async def run(self) -> None:
        """Until cancelled, or until all is quiet if `quiet_exit_s` is set."""
        loop = asyncio.get_running_loop()
        self._started = self._last_new = loop.time()
        if self.settings.accept != "any":
            self._accept = self.settings.accept
        self.publisher.on_desired = self.apply
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.publisher.run(), name="publisher"),
                group.create_task(self._scan_and_visit(), name="visits"),
            ]
            if self.settings.quiet_exit_s is not None:
                await self._until_quiet(self.settings.quiet_exit_s)
                for task in tasks:
                    task.cancel()

    async def apply(self, payload: bytes) -> None:
        """Desired state, idempotently. An empty payload is a retained message taken back."""
        try:
            desired = msgspec.json.decode(payload or b"{}", type=Desired)
        except msgspec.DecodeError:
            log.warning("desired_unreadable")
            return
        if desired.accept is not None:
            self._accept = frozenset(address.upper() for address in desired.accept)
        elif self.settings.accept == "any":
            self._accept = None
        else:
            self._accept = self.settings.accept
        for address in desired.forget:
            await self.spool.forget(address.upper())

    def seen(self, device: Any, advertisement: Any) -> None:
        """The scanner's callback: keep the latest sighting of what is ours to read."""
        address = self.radio.identity_address(device).split("/")[0]
        services = frozenset(str(uuid).lower() for uuid in advertisement.service_uuids)
        if not services.intersection(HEALTH_SERVICES):
            return
        if not self._accepts(address):
            return
        sighting = Sighting(
            ble_device=device,
            address=address,
            services=services,
            rssi_dbm=advertisement.rssi,
            at=self.clock(),
        )
        now = asyncio.get_running_loop().time()
        self._sightings[address] = (sighting, now)
        self._heard[address] = now

    def _accepts(self, address: str) -> bool:
        return self._accept is None or address in self._accept

    async def _scan_and_visit(self) -> None:
        async with self.radio.scanner(self.seen, HEALTH_SERVICES):
            while True:
                sighting = self._next_sighting()
                if sighting is None:
                    await asyncio.sleep(POLL_S)
                    continue
                self._busy = True
                try:
                    await self._visit(sighting)
                finally:
                    self._busy = False

    def _next_sighting(self) -> Sighting | None:
        """Of the devices on the air and rested, the one that rested longest."""
        now = asyncio.get_running_loop().time()
        ready = [
            (self._rest(address).until, address)
            for address, (_, at) in self._sightings.items()
            if now - at <= STALE_S and self._rest(address).until <= now
        ]
        return self._sightings.pop(min(ready)[1])[0] if ready else None

    def _rest(self, address: str) -> _Rest:
        return self._rests.setdefault(address, _Rest())

    async def _visit(self, sighting: Sighting) -> None:
        """The boundary of one visit: whatever went wrong with this device ends here."""
        visit = Visit(
            radio=self.radio,
            sighting=sighting,
            spool=self.spool,
            settings=self.settings,
            metrics=self.metrics,
            clock=self.clock,
        )
        name = short_hash(sighting.address)
        outcome = "ok"
        try:
            async with asyncio.timeout(self.settings.session_timeout_s):
                await visit.run()
        except TimeoutError:
            outcome = "timeout"
        except Exception as exc:  # noqa: BLE001 -- radio errors of any library; retried, counted
            outcome = "failed"
            log.warning("visit_failed", device=name, error=type(exc).__name__)
        self._after(sighting.address, visit.new, failed=outcome != "ok" and visit.new == 0)
        self.metrics.sessions.labels(outcome=outcome).inc()
        self.metrics.spool_depth.set(await self.spool.depth())
        log.info("visit_ended", device=name, outcome=outcome, new=visit.new)
        self.publisher.status_changed.set()

    def _after(self, address: str, new: int, *, failed: bool) -> None:
        now = asyncio.get_running_loop().time()
        rest = self._rest(address)
        if new:
            self._last_new = now
        rest.failures = rest.failures + 1 if failed else 0
        pause = self.settings.revisit_s
        if failed:
            pause = min(FAILED_REST[min(rest.failures, len(FAILED_REST)) - 1], max(pause, 1.0))
        rest.until = now + pause

    async def _until_quiet(self, quiet_s: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(POLL_S)
            if self._busy or loop.time() - self._last_new < quiet_s:
                continue
            if await self._owing() or await self.spool.depth():
                continue
            unread = len(await self.spool.unfinished())
            log.info("quiet", seconds=quiet_s, devices_given_up=unread)
            return

    async def _owing(self) -> bool:
        """A device not yet read to its end that may still come or answer: silence is no proof.

        A meter whose reading broke off may rest between two advertisements for longer than any
        quiet time. Waited for until it has been gone for long, or has failed for good.
        """
        now = asyncio.get_running_loop().time()
        unread = {a for a in self._heard if self._rest(a).until == 0.0 or self._rest(a).failures}
        return any(
            self._accepts(address)
            and now - self._heard.get(address, self._started) <= self.settings.unread_exit_s
            and self._rest(address).failures < len(FAILED_REST)
            for address in unread | await self.spool.unfinished()
        )
