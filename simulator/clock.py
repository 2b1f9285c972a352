"""A device's own clock: it shows wall time without a zone and may be wrong by any offset."""

from __future__ import annotations

from datetime import datetime, timedelta

from vitals.clock import utc_now


class DeviceClock:
    """True time plus an offset that setting the clock changes."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset

    def at(self, instant: datetime) -> datetime:
        """What this clock shows at a true instant."""
        return (instant + self._offset).replace(tzinfo=None)

    def shown(self) -> datetime:
        return self.at(utc_now())

    def set(self, shown: datetime) -> None:
        self._offset += shown - self.shown()

    def lose(self, offset: timedelta) -> None:
        """New batteries: it begins anew, as far from the truth as this."""
        self._offset = offset
