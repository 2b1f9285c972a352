"""When each reading that went out may go again. Pure.

In memory: after a restart all of them are due.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: A retry this far ahead can only come from a clock that jumped back: treat it as due.
FARTHEST_RETRY = timedelta(minutes=10)


@dataclass(slots=True)
class Resends:
    """Only what was sent and not receipted stands in it: as much as patience and a window allow."""

    _sent: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def is_due(self, reading_id: str, now: datetime) -> bool:
        at = self._sent.get(reading_id, (0, now))[1]
        return at <= now or at - now > FARTHEST_RETRY

    def any_due(self, now: datetime) -> bool:
        return any(at <= now or at - now > FARTHEST_RETRY for _, at in self._sent.values())

    def attempts(self, reading_id: str) -> int:
        return self._sent.get(reading_id, (0, None))[0]

    def sent(self, attempts: Iterable[tuple[str, datetime]]) -> None:
        """Each went out once more, and may go again at the given instant."""
        for reading_id, at in attempts:
            self._sent[reading_id] = (self.attempts(reading_id) + 1, at)

    def settled(self, ids: Iterable[str]) -> None:
        for reading_id in ids:
            self._sent.pop(reading_id, None)
