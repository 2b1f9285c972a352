"""Consent to the user slots of a scale: without it some say nothing (User Data Service).

The code was shown by the scale when the slot was made. A slot that refuses is passed over: somebody
may have changed the batteries, which wipes slots and codes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from devices import user_control
from devices.user_control import Consented, Indicated, LinkLost, UserControl, WriteRefused
from gateway.session.talk import Heard, Talk

log = structlog.get_logger(__name__)

ANSWER_TIMEOUT_S = 5.0


@dataclass(slots=True, kw_only=True)
class Users:
    """The conversation with one scale about whose measurements it may tell."""

    talk: Talk
    refused: list[int] = field(default_factory=list)  # slots
    _answers: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    _procedure: UserControl = field(default_factory=UserControl)

    def heard(self, heard: Heard) -> None:
        if heard.characteristic == user_control.CHARACTERISTIC:
            self._answers.put_nowait(heard.payload)

    async def consent_to(self, codes: Mapping[int, int], *, pause_s: float) -> None:
        """By slot, one after the other: each tells what it stored before the next is opened."""
        if not self.talk.has(user_control.CHARACTERISTIC):
            return
        await self.talk.subscribe(user_control.CHARACTERISTIC)
        for number, (slot, code) in enumerate(sorted(codes.items())):
            if number:
                await asyncio.sleep(pause_s)
            if not self.talk.linked:
                return  # it has told all that it had, and hung up
            if not await self._consent(slot, code):
                self.refused.append(slot)
                log.warning("consent_refused", device=self.talk.name)

    async def _consent(self, slot: int, code: int) -> bool:
        request = self._procedure.ask(user_control.consent(slot, code))
        if not await self.talk.write(user_control.CHARACTERISTIC, request):
            self._procedure.handle(WriteRefused(att_error=0))
            return False
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = user_control.decode(await self._answers.get())
        except TimeoutError:
            self._procedure.handle(LinkLost())
            raise ConnectionError("no answer of the user control point") from None
        return isinstance(self._procedure.handle(Indicated(message=answer)), Consented)
