"""Which readings go out next, and what a receipt means for them. Knows the spool, not MQTT.

An envelope is out until its last reading is receipted or its patience ends. Losing track of one
costs a resend, never a reading: the spool alone decides what still has to go (I1, I2).
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.metrics import Metrics
from gateway.spool import Spool, Spooled
from vitals import wire
from vitals.errors import QuarantineReason

MAX_IN_FLIGHT = 8  # envelopes: about a megabyte
_HEADROOM = 4096  # bytes of an envelope that are not readings

#: Refusals of an envelope that are not about its contents: the same bytes may pass later.
_NOT_THE_READINGS = {
    QuarantineReason.WRONG_TOPIC,
    QuarantineReason.IDENTITY_MISMATCH,
    QuarantineReason.UNKNOWN_GATEWAY,
    QuarantineReason.UNKNOWN_VERSION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A sealed envelope, ready to be published."""

    id: str
    payload: bytes
    reading_ids: list[str]


@dataclass(slots=True, kw_only=True)
class _InFlight:
    waiting: set[str]
    oldest_at: float  # when its first reading was added to the spool
    reading_ids: list[str]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait for a receipt: longer with each attempt."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(seconds=60)

    @classmethod
    def of_seconds(cls, first_s: float, longest_s: float) -> Backoff:
        return cls(first=timedelta(seconds=first_s), longest=timedelta(seconds=longest_s))

    def after(self, attempts: int) -> timedelta:
        wait: timedelta = self.first * (1 << min(attempts, 16))
        return min(wait, self.longest)


@dataclass(slots=True, kw_only=True)
class Outbox:
    """The sending side of the spool."""

    spool: Spool
    metrics: Metrics
    gateway: str
    clock: Callable[[], datetime]
    backoff: Backoff = field(default_factory=Backoff)
    on_receipted: Callable[[Collection[str]], None] | None = None  # the clinic has these
    in_flight: dict[str, _InFlight] = field(default_factory=dict)
    halves: deque[list[str]] = field(default_factory=deque)

    async def next(self) -> Outgoing | None:
        """The next envelope, marked as sent; None if nothing is due or too much is out."""
        now = self.clock()
        self._forget_overdue(now)
        if len(self.in_flight) >= MAX_IN_FLIGHT:
            return None
        batch = _that_fits(await self._candidates(now))
        if not batch:
            return None
        tries = {item.id: self.spool.attempts(item.id) for item in batch}
        waits = {attempts: now + self.backoff.after(attempts) for attempts in set(tries.values())}
        resend_at = {reading_id: waits[attempts] for reading_id, attempts in tries.items()}
        self.spool.sent(resend_at.items())
        envelope_id = str(uuid.uuid4())
        ids = list(resend_at)
        self.in_flight[envelope_id] = _InFlight(
            waiting=set(ids),
            oldest_at=batch[0].added_at,
            reading_ids=ids,
            until=max(resend_at.values()),
        )
        payload = wire.seal(
            envelope_id=envelope_id,
            gateway=self.gateway,
            sent_at=now,
            readings=[item.body for item in batch],
        )
        return Outgoing(id=envelope_id, payload=payload, reading_ids=ids)

    async def _candidates(self, now: datetime) -> list[Spooled]:
        while self.halves:
            half = await self.spool.get(self.halves.popleft())
            if half:
                return half
        return await self.spool.due(now, wire.MAX_READINGS)

    def _forget_overdue(self, now: datetime) -> None:
        for envelope_id in [i for i, out in self.in_flight.items() if out.until <= now]:
            del self.in_flight[envelope_id]

    def disconnected(self) -> None:
        """What was out may never be answered: let the spool's own times decide."""
        self.in_flight.clear()

    async def receipt(self, receipt: wire.Receipt) -> None:
        now = self.clock()
        self.metrics.rejected.inc(await self.spool.settle(receipt, now))
        durable = [*receipt.stored, *receipt.duplicate]
        if durable and self.on_receipted is not None:
            self.on_receipted(durable)
        for rejection in receipt.envelopes:
            await self._envelope_refused(rejection, now)
        settled = {*receipt.stored, *receipt.duplicate, *(r.id for r in receipt.rejected)}
        for envelope_id, out in list(self.in_flight.items()):
            out.waiting -= settled
            if not out.waiting:
                del self.in_flight[envelope_id]
                self.metrics.receipt_lag.observe(max(0.0, now.timestamp() - out.oldest_at))
        if not self.in_flight:
            await self.spool.work_off()

    async def _envelope_refused(self, rejection: wire.Rejection, now: datetime) -> None:
        """Halve it until the one bad reading stands alone; its neighbours go on (I4)."""
        out = self.in_flight.pop(rejection.id, None)
        if out is None or rejection.reason in _NOT_THE_READINGS:
            return
        if len(out.reading_ids) == 1:
            alone = [(out.reading_ids[0], rejection.reason)]
            self.metrics.rejected.inc(await self.spool.reject(alone, now))
            return
        middle = len(out.reading_ids) // 2
        self.halves.extend([out.reading_ids[:middle], out.reading_ids[middle:]])


def _that_fits(items: list[Spooled]) -> list[Spooled]:
    """The oldest of `items` that one envelope can hold; always at least one."""
    size = _HEADROOM
    for count, item in enumerate(items):
        size += len(item.body) + 1
        if count and size > wire.MAX_BYTES:
            return items[:count]
    return items
