"""Consent to the user slots of a scale: without it some say nothing (User Data Service 1.1, 3.10).

The PIN was shown by the scale when the slot was made. A slot that refuses is passed over: its owner
may have changed the batteries, which wipes slots and PINs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from devices.uuids import short
from gateway.session.talk import Heard, Talk

log = structlog.get_logger(__name__)

USER_CONTROL_POINT = short(0x2A9F)
ANSWER_TIMEOUT_S = 5.0
_CONSENT, _RESPONSE, _SUCCESS = 0x02, 0x20, 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A user slot and the code that opens it."""

    slot: int
    code: int


@dataclass(slots=True, kw_only=True)
class Users:
    """The conversation with one scale about whose measurements it may tell."""

    talk: Talk
    refused: list[int] = field(default_factory=list)  # slots
    _answers: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    def heard(self, heard: Heard) -> None:
        if heard.characteristic == USER_CONTROL_POINT:
            self._answers.put_nowait(heard.payload)

    async def consent_to(self, consents: Sequence[Consent], *, pause_s: float) -> None:
        """One slot after the other; each tells what it has stored before the next is opened."""
        if not self.talk.has(USER_CONTROL_POINT):
            return
        await self.talk.subscribe(USER_CONTROL_POINT)
        for number, consent in enumerate(consents):
            if number:
                await asyncio.sleep(pause_s)
            if not await self._consent(consent):
                self.refused.append(consent.slot)
                log.warning("consent_refused", device=self.talk.name, slot=consent.slot)

    async def _consent(self, consent: Consent) -> bool:
        request = bytes([_CONSENT, consent.slot]) + consent.code.to_bytes(2, "little")
        if not await self.talk.write(USER_CONTROL_POINT, request):
            return False
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await self._answers.get()
        except TimeoutError:
            return False
        return answer[:3] == bytes([_RESPONSE, _CONSENT, _SUCCESS])
