"""What the pairing desk remembers beyond a restart, and how a device is forgotten.

A device that was paired at home is visited although the clinic's list does not name it yet. That
list has the last word: once the clinic has changed it, only what was paired since counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from gateway.link import Radio, short_hash
from gateway.spool import Spool, SpoolUnavailable

log = structlog.get_logger(__name__)


class Memory(Protocol):
    """What a desk asks of the rest of the box."""

    async def known(self) -> Collection[str]:
        """Addresses of the devices that were read before."""
        ...

    async def paired(self) -> dict[str, datetime]:
        """When each device that was paired at home was."""
        ...

    async def pair(self, address: str, at: datetime) -> None: ...

    async def forget(self, address: str) -> None:
        """Its bond first, then what was noted of it. Raises what radio or disk raise."""
        ...

    def ruled_at(self) -> datetime | None:
        """When the clinic last changed which devices it accepts; None: it never said."""
        ...


class NoMemory:
    """Of a desk that stands alone."""

    async def known(self) -> Collection[str]:
        return ()

    async def paired(self) -> dict[str, datetime]:
        return {}

    async def pair(self, address: str, at: datetime) -> None: ...
    async def forget(self, address: str) -> None: ...

    def ruled_at(self) -> datetime | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxMemory:
    """The spool's and the radio's. A disk that takes nothing stops nobody from pairing."""

    radio: Radio
    spool: Spool
    ruled: Callable[[], datetime | None]

    async def known(self) -> Collection[str]:
        try:
            return [device.address for device in await self.spool.devices()]
        except SpoolUnavailable:
            return ()

    async def paired(self) -> dict[str, datetime]:
        try:
            return await self.spool.paired()
        except SpoolUnavailable:
            return {}

    async def pair(self, address: str, at: datetime) -> None:
        try:
            await self.spool.pair(address, at)
        except SpoolUnavailable:
            log.warning("pairing_not_noted", device=short_hash(address))

    async def forget(self, address: str) -> None:
        await self.radio.forget(address)
        await self.spool.forget(address)

    def ruled_at(self) -> datetime | None:
        return self.ruled()
