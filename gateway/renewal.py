"""A credential gives way to a new one: before it ends, or when the clinic asks for it.

The new one is tried at once, while the old one still stands; only when the broker has let the new
one in is the old one dropped, here and (by the next status) at the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from gateway import enrol, identity
from gateway.enrol import EnrolFailed
from gateway.identity import Identity
from gateway.publisher import Publisher
from gateway.settings import Broker
from gateway.wishes import Wishes
from vitals.enrolment import read_user

log = structlog.get_logger(__name__)

BEFORE_END = timedelta(days=60)
LOOK_S = 60.0
REST_AFTER_FAILURE = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class Renewal:
    """Of a box that was enrolled; one whose credentials were made by hand has none."""

    path: Path
    publisher: Publisher
    wishes: Wishes
    clock: Callable[[], datetime]
    look_s: float = LOOK_S
    _rests_until: datetime | None = None

    async def run(self) -> None:
        """Until cancelled."""
        known = await asyncio.to_thread(identity.load, self.path)
        if known is None or not known.is_enrolled or not self._speaks_as(known):
            return
        self.publisher.on_connected = self.connected
        self._use(known)
        while True:
            await asyncio.sleep(self.look_s)
            known = await asyncio.to_thread(identity.load, self.path)
            if known is None:
                continue
            if self.publisher.broker.username != known.credentials[0].user:
                self._use(known)  # the broker knew it too late; it may by now
            elif self.is_due(known):
                await self._renew()

    def _speaks_as(self, known: Identity) -> bool:
        return self.publisher.broker.username in {c.user for c in known.credentials}

    def is_due(self, known: Identity) -> bool:
        """Not while the last one has yet to connect, nor soon after a failure."""
        now = self.clock()
        if len(known.credentials) > 1 or (self._rests_until and now < self._rests_until):
            return False
        newest = known.credentials[0]
        ordered = self.wishes.in_force.renew_before
        asked = ordered is not None and newest.issued_at < ordered
        return asked or newest.expires_at - now < BEFORE_END

    async def _renew(self) -> None:
        try:
            renewed = await asyncio.to_thread(enrol.renew, self.path)
        except (EnrolFailed, OSError) as exc:  # the credential in use stays
            self._rests_until = self.clock() + REST_AFTER_FAILURE
            log.warning("renewal_failed", error=type(exc).__name__)
            return
        log.info("credential_renewed", number=_number(renewed.credentials[0].user))
        self._use(renewed)

    def _use(self, known: Identity) -> None:
        ca = identity.ca_path(self.path) if known.ca is not None else None
        newest, *older = [Broker(url, ca) for url in known.urls()]
        self.publisher.speak_as(newest, or_as=older[0] if older else None)

    async def connected(self, user: str | None) -> None:
        """The broker let it in: what came before is done with."""
        known = await asyncio.to_thread(identity.load, self.path)
        if known is None or user is None:
            return
        left = known.connected_as(user)
        if left != known:
            await asyncio.to_thread(identity.save, self.path, left)
            self._use(left)


def _number(user: str) -> int | None:
    found = read_user(user)
    return None if found is None else found[2]
