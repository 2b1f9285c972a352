"""The gateway: scan -> recognise -> visit -> spool -> publish.

Several visits go on side by side, and scanning beside them: a cuff is on the air for seconds, so a
sighting starts its visit at once. Only connecting is one at a time, which the radio sees to. Who is
visited next and who rests is decided in `gateway.schedule`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog

from devices import quirks, uuids
from devices.quirks import Quirks
from gateway.desired import Forget
from gateway.link import Failure, Nobody, Radio, Sighting, Watcher, short_hash, why
from gateway.metrics import Metrics
from gateway.publisher import Publisher
from gateway.schedule import Schedule
from gateway.session.advertised import Advertised
from gateway.session.visit import Visit
from gateway.settings import Settings
from gateway.spool import Spool, SpoolUnavailable
from gateway.wishes import Wishes

log = structlog.get_logger(__name__)

HEALTH_SERVICES = [
    uuids.BLOOD_PRESSURE_SERVICE,
    uuids.GLUCOSE_SERVICE,
    uuids.WEIGHT_SCALE_SERVICE,
    uuids.BODY_COMPOSITION_SERVICE,
    uuids.PULSE_OXIMETER_SERVICE,
    uuids.HEALTH_THERMOMETER_SERVICE,
    uuids.HEART_RATE_SERVICE,
]
POLL_S = 0.2


@lru_cache(maxsize=256)
def _family(name: str | None, services: frozenset[str], service_data: frozenset[str]) -> Quirks:
    """Asked for every advertisement, and there are many a second."""
    return quirks.of(name=name, services=services, service_data=service_data)


@dataclass(slots=True, kw_only=True)
class Gateway:
    """The main flow; who it serves is in `settings` and in the clinic's desired state."""

    settings: Settings
    radio: Radio
    spool: Spool
    publisher: Publisher
    metrics: Metrics
    clock: Callable[[], datetime]
    watcher: Watcher = field(default_factory=Nobody)
    wishes: Wishes = field(init=False)
    _schedule: Schedule = field(init=False)
    _advertised: Advertised = field(init=False)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)
    _accept: frozenset[str] | None = None
    _started: float = 0.0
    _last_new: float = 0.0

    def __post_init__(self) -> None:
        self.wishes = Wishes(own=self.settings, spool=self.spool, clock=self.clock)
        self._schedule = Schedule(
            revisit_s=self.settings.revisit_s, at_once=self.settings.visits_at_once
        )
        self._advertised = Advertised(
            spool=self.spool,
            metrics=self.metrics,
            watcher=self.watcher,
            clock=self.clock,
            on_new=self._came,
        )

    async def run(self) -> None:
        """Until cancelled, or until all is quiet if `quiet_exit_s` is set."""
        loop = asyncio.get_running_loop()
        self._started = self._last_new = loop.time()
        with suppress(SpoolUnavailable):
            await self.wishes.load()
        self._obey()
        self.publisher.reporter.wishes = self.wishes
        self.publisher.reporter.radio = self.radio
        self.publisher.on_desired = self.apply
        self.publisher.outbox.on_receipted = self.watcher.receipted
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.publisher.run(), name="publisher"),
                group.create_task(self._scan_and_visit(), name="visits"),
                group.create_task(self._advertised.run(), name="advertised"),
                group.create_task(self.publisher.reporter.keep_watch(), name="disk"),
            ]
            if self.settings.quiet_exit_s is not None:
                await self._until_quiet(self.settings.quiet_exit_s)
                for task in tasks:
                    task.cancel()

    async def apply(self, payload: bytes) -> None:
        """Desired state, idempotently. An empty payload is a retained message taken back."""
        for order in await self.wishes.apply(payload):
            await self._forget(order)
        self._obey()

    async def _forget(self, order: Forget) -> None:
        """Bond and memory of a device; its readings stay until receipted."""
        name = short_hash(order.device)
        try:
            await self.radio.forget(order.device)
            await self.spool.forget(order.device, order.order)
        except Exception as exc:  # noqa: BLE001 -- of any radio; asked again with every connection
            log.warning("device_not_forgotten", device=name, error=type(exc).__name__)
            return
        log.info("device_forgotten", device=name)

    def _obey(self) -> None:
        self.settings = self.wishes.settings
        accept = self.settings.accept
        self._accept = None if accept == "any" else accept
        self._schedule.revisit_s = self.settings.revisit_s

    def seen(self, device: Any, advertisement: Any) -> None:
        """The scanner's callback: what is ours to read is on the air."""
        services = frozenset(str(uuid).lower() for uuid in advertisement.service_uuids)
        if not services.intersection(HEALTH_SERVICES):
            return
        sighting = Sighting(
            ble_device=device,
            address=self.radio.identity_address(device).split("/")[0],
            services=services,
            rssi_dbm=advertisement.rssi,
            at=self.clock(),
            name=advertisement.local_name,
            service_data=advertisement.service_data,
        )
        self.watcher.sighted(sighting)
        if self.watcher.refuses(sighting):
            return
        if not (self._accepts(sighting.address) or self.watcher.admits(sighting)):
            return
        if _family(sighting.name, services, frozenset(sighting.service_data)).advert_only:
            self._advertised.heard(sighting, self.settings)
        else:
            self._schedule.heard(sighting, asyncio.get_running_loop().time())
            self._heard.set()

    def _came(self) -> None:
        self._last_new = asyncio.get_running_loop().time()
        self.publisher.status_changed.set()

    def _accepts(self, address: str) -> bool:
        return self._accept is None or address in self._accept

    async def _scan_and_visit(self) -> None:
        """As many visits side by side as the radio has links; a sighting wakes the loop at once."""
        loop = asyncio.get_running_loop()
        async with (
            self.radio.scanner(self.seen, HEALTH_SERVICES),
            asyncio.TaskGroup() as visits,
        ):
            while True:
                self._heard.clear()
                while (sighting := self._schedule.next(loop.time())) is not None:
                    name = f"visit {short_hash(sighting.address)}"
                    visits.create_task(self._visit(sighting), name=name)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self._schedule.wakes_at(loop.time())):
                        await self._heard.wait()

    async def _visit(self, sighting: Sighting) -> None:
        """The boundary of one visit: whatever went wrong with this device ends here."""
        visit = Visit(
            radio=self.radio,
            sighting=sighting,
            spool=self.spool,
            settings=self.settings,
            metrics=self.metrics,
            clock=self.clock,
            watcher=self.watcher,
        )
        failure: Failure | None = None
        try:
            if not await self.spool.usable(self.clock()):
                raise SpoolUnavailable(self.spool.state)  # noqa: TRY301 -- ends as any visit does
            async with asyncio.timeout(self.settings.session_timeout_s):
                await visit.run()
        except Exception as exc:  # noqa: BLE001 -- radio errors of any library; retried, counted
            failure = why(exc, linked=visit.linked)
            name = short_hash(sighting.address)
            log.warning("visit_failed", device=name, reason=failure, error=type(exc).__name__)
        finally:
            failed = failure is not None and visit.new == 0
            now = asyncio.get_running_loop().time()
            self._schedule.ended(sighting.address, now, failed=failed, rest_s=visit.rest_s)
            self._heard.set()
        await self._tell(sighting.address, visit.new, failure)

    async def _tell(self, address: str, new: int, failure: Failure | None) -> None:
        """What became of a visit, to all who ask."""
        if new:
            self._last_new = asyncio.get_running_loop().time()
        if failure is None:
            self.watcher.ended(address, new)
        else:
            self.watcher.failed(address, failure)
        outcome = "ok" if failure is None else failure.value
        self.metrics.sessions.labels(outcome=outcome).inc()
        await self.publisher.reporter.show()
        log.info("visit_ended", device=short_hash(address), outcome=outcome, new=new)
        self.publisher.status_changed.set()

    async def _until_quiet(self, quiet_s: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(POLL_S)
            if self._schedule.visits or loop.time() - self._last_new < quiet_s:
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
        patience_s = self.settings.unread_exit_s
        return any(
            self._accepts(address)
            and self._schedule.may_come(address, now, started=self._started, patience_s=patience_s)
            for address in self._schedule.unread() | await self.spool.unfinished()
        )
