"""The desired state in force: kept in the spool, so that it holds without a broker too.

What is forgotten once is noted with its order: a retained message that comes again with every
connection must not take a bond that was made since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from gateway import desired
from gateway.desired import Desired, Forget
from gateway.settings import Settings
from gateway.spool import Spool, SpoolUnavailable
from gateway.spool_file import KeptDesired
from vitals.wire import DesiredStatus

log = structlog.get_logger(__name__)

_NOTHING = desired.read(b"")


@dataclass(slots=True, kw_only=True)
class Wishes:
    """`own`: what the box was started with. `settings`: the clinic's laid over it."""

    own: Settings
    spool: Spool
    clock: Callable[[], datetime]
    in_force: Desired = _NOTHING
    applied_at: datetime | None = None
    _ruled_at: datetime | None = None
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = self.own

    async def load(self) -> None:
        """What was in force when the box went off."""
        kept = await self.spool.kept_desired()
        if kept is not None:
            self._ruled_at = kept.ruled_at
            self._put_in_force(desired.read(kept.payload), kept.at)

    async def apply(self, payload: bytes) -> list[Forget]:
        """Puts it in force; returns what is to be forgotten and has not been yet."""
        wanted = desired.read(payload)
        if wanted.problems:
            fields = [problem.field for problem in wanted.problems]
            log.warning("desired_in_part", version=wanted.version, fields=fields)
        at = self.applied_at if wanted == self.in_force else None
        at = at or self.clock()
        if wanted.accept != self.in_force.accept:
            self._ruled_at = at
        self._put_in_force(wanted, at)
        try:
            kept = KeptDesired(payload=payload, at=at, ruled_at=self._ruled_at)
            await self.spool.keep_desired(kept)
            return await self.spool.not_forgotten(wanted.forget)
        except SpoolUnavailable:  # in force all the same; the message comes again
            return []

    def _put_in_force(self, wanted: Desired, at: datetime) -> None:
        self.in_force, self.applied_at = wanted, at
        self.settings = wanted.applied_to(self.own)

    def ruled_at(self) -> datetime | None:
        """When the clinic last changed its list of devices; None: it leaves that to the box."""
        return None if self.in_force.accept is None else self._ruled_at

    def report(self) -> DesiredStatus | None:
        if self.applied_at is None:
            return None
        return DesiredStatus(
            version=self.in_force.version,
            at=self.applied_at,
            problems=list(self.in_force.problems),
        )
