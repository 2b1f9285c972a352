"""Which device is visited next, and when it rests. Pure: the loop's time is an argument.

A device is visited again when it is on the air after its rest, because memory that it has no way to
announce may be new. One that had gone and comes back has something to say: it is not kept waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.link import Sighting

#: Rest after the first, second, … failure in a row. A cuff is on the air for seconds only.
FAILED_REST_S = (0.2, 1.0, 3.0, 10.0, 30.0, 60.0)
STALE_S = 10.0  # an advertisement older than this may come from a device that has gone
GONE_S = 15.0  # silent for longer than any device waits between two advertisements


@dataclass(slots=True, kw_only=True)
class _Device:
    sighting: Sighting | None = None  # None: none since the last visit began
    heard_at: float | None = None
    rests_until: float = 0.0
    failures: int = 0
    visited: bool = False
    visiting: bool = False


@dataclass(slots=True, kw_only=True)
class Schedule:
    """All devices that were heard, and what became of their visits. Times are in seconds."""

    revisit_s: float
    at_once: int
    _devices: dict[str, _Device] = field(default_factory=dict)

    def heard(self, sighting: Sighting, now: float) -> None:
        device = self._devices.setdefault(sighting.address, _Device())
        was_gone = device.heard_at is None or now - device.heard_at > GONE_S
        if was_gone and not device.visiting:
            device.rests_until = min(device.rests_until, now)
            device.failures = 0
        device.heard_at = now
        if not device.visiting:  # else it is an echo of the time before the link
            device.sighting = sighting

    def next(self, now: float) -> Sighting | None:
        """Of the devices on the air and rested, the one that rested longest; it counts as begun."""
        if self.visits >= self.at_once:
            return None
        ready = [
            (device.rests_until, address)
            for address, device in self._devices.items()
            if _on_the_air(device, now) and device.rests_until <= now
        ]
        if not ready:
            return None
        device = self._devices[min(ready)[1]]
        sighting, device.sighting, device.visiting = device.sighting, None, True
        return sighting

    def wakes_at(self, now: float) -> float | None:
        """When a rest ends for a device that is on the air; None: wait for a sighting."""
        if self.visits >= self.at_once:
            return None
        ends = [d.rests_until for d in self._devices.values() if _on_the_air(d, now)]
        return min(ends, default=None)

    def ended(self, address: str, now: float, *, failed: bool, rest_s: float | None = None) -> None:
        """A visit is over; `rest_s` where this kind of device rests longer than the others."""
        device = self._devices[address]
        device.visiting, device.visited = False, True
        device.failures = device.failures + 1 if failed else 0
        pause_s = rest_s or self.revisit_s
        if failed:
            pause_s = min(pause_s, FAILED_REST_S[min(device.failures, len(FAILED_REST_S)) - 1])
        device.rests_until = now + pause_s
        device.heard_at = now  # a device does not advertise while it is linked

    @property
    def visits(self) -> int:
        """How many are going on."""
        return sum(device.visiting for device in self._devices.values())

    def unread(self) -> set[str]:
        """Heard, and not yet read to the end."""
        return {a for a, d in self._devices.items() if not d.visited or d.failures}

    def may_come(self, address: str, now: float, *, started: float, patience_s: float) -> bool:
        """Not gone for so long, and not failed for good."""
        device = self._devices.get(address, _Device())
        heard_at = started if device.heard_at is None else device.heard_at
        return now - heard_at <= patience_s and device.failures < len(FAILED_REST_S)


def _on_the_air(device: _Device, now: float) -> bool:
    return (
        not device.visiting
        and device.sighting is not None
        and device.heard_at is not None
        and now - device.heard_at <= STALE_S
    )
