"""A pulse oximeter's memory: listed whole each time, for its records have no numbers.

Pulse Oximeter Service 1.0.1, section 3.5: the control point knows no operator but "all records".
Nothing is deleted: a device's memory is the patient's.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices import racp
from devices.plx_spot_check import CHARACTERISTIC as SPOT_CHECK
from gateway.session.keeping import Keeper, carried_through
from gateway.session.meter import RECORD_TIMEOUT_S
from gateway.session.talk import Heard, Talk


@dataclass(slots=True, kw_only=True)
class Oximeter:
    """One listing of an oximeter's memory; spot checks of this moment come as pushes."""

    talk: Talk
    keeper: Keeper

    @staticmethod
    def is_one(talk: Talk) -> bool:
        return talk.has(SPOT_CHECK) and talk.has(racp.CHARACTERISTIC)

    async def read(self) -> None:
        for characteristic in (SPOT_CHECK, racp.CHARACTERISTIC):
            await self.talk.subscribe(characteristic)
        procedure = racp.RacpSession()
        if not await self.talk.write(racp.CHARACTERISTIC, procedure.ask(racp.REPORT_ALL)):
            if not self.talk.linked:
                raise ConnectionError("records ended early: the link is lost")
            return  # a memory that cannot be asked; what is pushed comes all the same
        outcome = None
        while outcome is None:
            outcome = await self._record_or_end(procedure, await self.talk.next(RECORD_TIMEOUT_S))
        if isinstance(outcome, racp.Failed) and outcome.reason is racp.Failure.LINK_LOST:
            raise ConnectionError(f"records ended early: {outcome.reason}")

    async def _record_or_end(
        self, procedure: racp.RacpSession, heard: Heard | None
    ) -> racp.Outcome | None:
        if heard is None:
            return procedure.handle(racp.LinkLost())
        if heard.characteristic == racp.CHARACTERISTIC:
            return procedure.handle(racp.Indicated(message=racp.decode(heard.payload)))
        procedure.handle(racp.RecordArrived())
        if heard.characteristic == SPOT_CHECK:
            await carried_through(self.keeper.keep_listed(heard))
        return None

    async def take(self, heard: Heard) -> bool:
        """Outside of a listing: of this moment, as any push."""
        if heard.characteristic != SPOT_CHECK:
            return False
        await self.keeper.keep_listed(heard)
        return True

    async def finish(self) -> None:
        """Each record was spooled as it came."""
