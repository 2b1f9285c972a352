"""Values that were confirmed to a device before anybody had subscribed: kept until they are taken.

A bonded device remembers that it may indicate and does so as soon as the link is encrypted. The
radio confirms, the device deletes; from here on this list is the only place where the value is.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from datetime import datetime

import structlog

from gateway.link import EarlyValue, short_hash
from vitals.clock import utc_now

log = structlog.get_logger(__name__)

LIMIT = 1000  # of one device: more than any memory of measurements holds


class EarlyValues:
    """By device, in the order in which they came."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._kept: defaultdict[str, deque[EarlyValue]] = defaultdict(deque)

    def keep(
        self, address: str, characteristic: str, payload: bytes, at: datetime | None = None
    ) -> None:
        """A stream that nobody wants loses its oldest value, and says so."""
        kept = self._kept[address.upper()]
        if len(kept) >= LIMIT:
            kept.popleft()
            log.warning("early_value_dropped", device=short_hash(address))
        kept.append(
            EarlyValue(characteristic=characteristic, payload=payload, at=at or self._clock())
        )

    def has_any(self, address: str) -> bool:
        return bool(self._kept.get(address.upper()))

    def take(self, address: str, characteristic: str | None = None) -> list[EarlyValue]:
        """All of a device, or those of one characteristic; they are no longer kept here."""
        kept = self._kept.pop(address.upper(), deque())
        taken = [value for value in kept if characteristic in {None, value.characteristic}]
        rest = deque(value for value in kept if characteristic not in {None, value.characteristic})
        if rest:
            self._kept[address.upper()] = rest
        return taken
