"""Summaries made anew from the readings: of the patients who wait for it, or of everybody.

What they wait for is a change of what summaries are made by: the zone of their days, or a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from alerts import windows
from alerts.effective import EffectiveLimits
from alerts.rulebook import Rulebook
from alerts.summaries import summarise
from store import alerts as judging
from store import summaries as store
from store.limits import limits_of_patients
from store.summaries import Difference, Rebuild
from store.tenancy import Connection, clinic_session
from vitals.plausible import EARLIEST_YEAR
from vitals.reading import Kind

_AT_ONCE = 20  # patients: some seconds below the timeout of a statement, with years of readings
_ALWAYS = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)


async def rebuild_waiting(
    conn: Connection,
    clinic: str,
    *,
    book: Rulebook,
    size: int = _AT_ONCE,
    only: UUID | None = None,
) -> int:
    """Those of the clinic who wait longest, or `only` this one; how many it was.

    Raises:
        Unavailable: nothing was written; the same call may succeed later.
    """
    async with clinic_session(conn, clinic):
        await judging.stand_still(conn)
        waiting = await store.claim_rebuilds(conn, size=size, only=only)
        if waiting:
            await _rebuild(conn, waiting, book)
            await store.rebuilt(conn, waiting)
    return len(waiting)


async def resummarise(conn: Connection, clinic: str, *, book: Rulebook) -> tuple[int, Difference]:
    """Everybody of the clinic; how many patients, and what did not say what their readings say."""
    patients, found = 0, Difference()
    after: UUID | None = None
    while True:
        async with clinic_session(conn, clinic):
            some = await store.patients_after(conn, after, size=_AT_ONCE)
            if not some:
                return patients, found
            await judging.stand_still(conn)
            found += await _rebuild(
                conn, [Rebuild(patient_id=p, since=_ALWAYS) for p in some], book
            )
        patients, after = patients + len(some), some[-1]


async def _rebuild(conn: Connection, asked: Sequence[Rebuild], book: Rulebook) -> Difference:
    patients = [one.patient_id for one in asked]
    await judging.lock_patients(conn, patients)
    zones = await store.zones_of(conn, patients)
    days = windows.of_rebuilds(asked, zones)
    samples = await judging.load_samples(conn, days, kinds=list(Kind))
    limits = EffectiveLimits(book, await limits_of_patients(conn, patients))
    spans = windows.spans_of(days, zones)
    return await store.put(conn, summarise(samples, spans, zones, limits, book))
