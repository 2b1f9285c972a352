"""What the pairing desk remembers beyond a restart, and how a device is forgotten.

A device that was paired at home is visited although the clinic's list does not name it yet, and
one that was forgotten at home is left alone although the box takes any. The clinic's list has the
last word: once it has changed, only what was done at home since counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from gateway.link import short_hash
from gateway.spool import HomeWord, Spool, SpoolUnavailable

log = structlog.get_logger(__name__)


class Bonds(Protocol):
    """What is needed of the radio."""

    async def forget(self, address: str) -> None: ...


class Memory(Protocol):
    """What a desk asks of the rest of the box."""

    async def known(self) -> Collection[str]:
        """Addresses of the devices that were read before."""
        ...

    async def words(self) -> dict[str, HomeWord]:
        """What was last done at home with each device."""
        ...

    async def note(self, address: str, word: HomeWord) -> None: ...

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

    async def words(self) -> dict[str, HomeWord]:
        return {}

    async def note(self, address: str, word: HomeWord) -> None: ...
    async def forget(self, address: str) -> None: ...

    def ruled_at(self) -> datetime | None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxMemory:
    """The spool's and the radio's. A disk that takes nothing stops nobody from pairing."""

    radio: Bonds
    spool: Spool
    ruled: Callable[[], datetime | None]

    async def known(self) -> Collection[str]:
        try:
            return [device.address for device in await self.spool.devices()]
        except SpoolUnavailable:
            return ()

    async def words(self) -> dict[str, HomeWord]:
        try:
            return await self.spool.home_words()
        except SpoolUnavailable:
            return {}

    async def note(self, address: str, word: HomeWord) -> None:
        try:
            await self.spool.note_home_word(address, word)
        except SpoolUnavailable:
            log.warning("pairing_not_noted", device=short_hash(address))

    async def forget(self, address: str) -> None:
        await self.radio.forget(address)
        await self.spool.forget(address)

    def ruled_at(self) -> datetime | None:
        return self.ruled()
