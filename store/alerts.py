"""What alert workers read and write: in sets, and inside the caller's transaction (I5, I6).

The order of a set: claim days, lock their patients, read, judge, write, delete the claimed marks.
All of it is one transaction of `store.tenancy.clinic_session`; a crash leaves the marks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from store.alert_rows import (
    Bereft,
    KnownAlert,
    Mark,
    Sample,
    SetAside,
    Settling,
    StandingFinding,
    Window,
    Writing,
)
from store.arrays import literal
from store.errors import translated
from store.queries import load
from store.tenancy import Connection, clinic_session

_json = msgspec.json.Encoder()
Verdict = tuple[UUID, UUID, str]  # reading, patient, rules_version


async def clinics_to_judge(conn: Connection) -> list[str]:
    """Where something waits; the only question that crosses clinics."""
    with translated():
        cur = await conn.execute(load("alerts")["clinics_to_judge"])
        return sorted(clinic for (clinic,) in await cur.fetchall())


async def waiting_patients(conn: Connection, clinic: str) -> list[UUID]:
    """Whoever has something to be judged, the longest waiting first. Claims nothing."""
    async with clinic_session(conn, clinic):
        cur = await conn.execute(load("alerts")["waiting_patients"])
        return [patient for (patient,) in await cur.fetchall()]


async def stand_still(conn: Connection) -> None:
    """Whose readings these are does not change until the set is written, as for ingest."""
    await conn.execute(load("ingest")["lock_assignments_shared"])


async def claim_days(conn: Connection, *, size: int, only: UUID | None = None) -> list[Mark]:
    """Days of those who wait longest; `finish` removes these marks and no others."""
    await stand_still(conn)
    marks = await _claim_marks(conn, size=size, only=only)
    cur = await conn.execute(load("alerts")["claim_days"], {"size": size, "only": only})
    return marks + [Mark(*row) for row in await cur.fetchall()]


async def _claim_marks(conn: Connection, *, size: int, only: UUID | None) -> list[Mark]:
    sql = load("alerts")
    cur = await conn.execute(sql["oldest_marks"], {"size": size, "only": only})
    patients = literal({patient for (patient,) in await cur.fetchall()})
    values = {"patients": patients, "size": size}
    cur = await conn.execute(sql["claim_marks"], values)
    return [Mark(*row) for row in await cur.fetchall()]


async def claim_set_aside(
    conn: Connection, *, size: int, only: UUID | None = None
) -> list[SetAside]:
    cur = await conn.execute(load("alerts")["claim_set_aside"], {"size": size, "only": only})
    return [SetAside(*row) for row in await cur.fetchall()]


async def lock_patients(conn: Connection, patients: Collection[UUID]) -> None:
    await conn.execute(load("alerts")["lock_patients"], {"patients": list(patients)})


async def load_samples(
    conn: Connection, windows: Sequence[Window], *, kinds: Sequence[str]
) -> list[Sample]:
    if not windows:
        return []
    values = {
        "patients": literal(w.patient_id for w in windows),
        "since": literal(w.since for w in windows),
        "judge_from": literal(w.judge_from for w in windows),
        "judge_until": literal(w.judge_until for w in windows),
        "until": literal(w.until for w in windows),
        "earliest": min(w.since for w in windows),
        "latest": max(w.until for w in windows),
        "kinds": [str(kind) for kind in kinds],
    }
    async with conn.cursor(binary=True) as cur:
        await cur.execute(load("alerts")["load_samples"], values)
        return [Sample(*row) for row in await cur.fetchall()]


async def standing_findings(conn: Connection, judged: Sequence[Verdict]) -> list[StandingFinding]:
    """What stands of these readings, as they are whose they are."""
    if not judged:
        return []
    readings, patients, _ = zip(*judged, strict=True)
    values = {"readings": literal(readings), "patients": literal(patients)}
    cur = await conn.execute(load("alerts")["standing_findings"], values)
    return [StandingFinding(*row) for row in await cur.fetchall()]


async def known_set_aside(conn: Connection, ids: Collection[int]) -> set[tuple[int, UUID]]:
    """(quarantine_id, patient): bytes may be another patient's after a re-assignment."""
    if not ids:
        return set()
    cur = await conn.execute(load("alerts")["known_set_aside"], {"ids": list(ids)})
    return set(await cur.fetchall())


async def lock_alerts(conn: Connection, patients: Collection[UUID]) -> None:
    """The open ones and their tasks, the tasks first."""
    for name in ("lock_tasks", "lock_alerts"):
        await conn.execute(load("alerts")[name], {"patients": list(patients)})


async def known_alerts(
    conn: Connection, patients: Collection[UUID], lineages: Collection[str]
) -> list[KnownAlert]:
    """All episodes."""
    if not lineages:
        return []
    values = {"patients": list(patients), "lineages": list(lineages)}
    cur = await conn.execute(load("alerts")["known_alerts"], values)
    return [KnownAlert(*row) for row in await cur.fetchall()]


async def withdraw(
    conn: Connection,
    gone: Sequence[StandingFinding],
    patients: Collection[UUID],
    *,
    now: datetime,
) -> None:
    """These findings stand no longer; open alerts say what is left."""
    if not gone:
        return
    values: dict[str, Any] = {
        "patients": [one.patient_id for one in gone],
        "lineages": [one.lineage for one in gone],
        "readings": [one.reading_id for one in gone],
    }
    await conn.execute(load("alerts")["withdraw_findings"], {**values, "now": now})
    await _sum_up(conn, patients, now)


async def bereft_alerts(conn: Connection, alerts: Collection[UUID]) -> list[Bereft]:
    cur = await conn.execute(load("alerts")["bereft_alerts"], {"alerts": list(alerts)})
    return [Bereft(*row) for row in await cur.fetchall()]


async def settle(conn: Connection, settling: Settling, *, now: datetime) -> None:
    """Close what is not needed with its tasks, flag what a person has to look at again."""
    if settling.closed:
        for name in ("close_alerts", "close_tasks"):
            await conn.execute(load("alerts")[name], {"ids": settling.closed, "now": now})
    await _each(conn, settling.flagged, ("flag_alerts",), now)
    await _each(conn, settling.events, ("tell_story",), now)


async def unflag(conn: Connection, alerts: Collection[UUID], reasons: Sequence[str]) -> None:
    """What was flagged for one of these reasons and has all its findings again."""
    if alerts:
        values = {"alerts": list(alerts), "reasons": list(reasons)}
        await conn.execute(load("alerts")["unflag_alerts"], values)


async def write(conn: Connection, writing: Writing, *, now: datetime) -> None:
    """Alerts with their tasks, findings, changes, and the story of all that."""
    await _each(conn, writing.opened, ("open_alerts", "open_tasks"), now)
    await _each(conn, writing.returned, ("return_tasks", "return_alerts"), now)
    await _each(conn, writing.findings, ("store_findings",), now)
    await _each(conn, writing.changed, ("change_alerts", "change_tasks"), now)
    await _each(conn, writing.events, ("tell_story",), now)


async def _each(conn: Connection, rows: Sequence[Any], names: Iterable[str], now: datetime) -> None:
    if not rows:
        return
    values: dict[str, Any] = {
        field.name: [_plain(getattr(row, field.name)) for row in rows] for field in fields(rows[0])
    }
    for name in names:
        await conn.execute(load("alerts")[name], {**values, "now": now})


def _plain(value: Any) -> Any:
    """As the driver takes it: JSON as text, a member of an enumeration as what it stands for."""
    if isinstance(value, dict | list):
        return _json.encode(value).decode()
    return str(value) if isinstance(value, StrEnum) else value


async def finish(
    conn: Connection,
    *,
    marks: Sequence[Mark],
    set_aside: Sequence[SetAside],
    verdicts: Sequence[Verdict],
    patients: Collection[UUID],
    now: datetime,
) -> int:
    """Sum up the open alerts, remember what was judged, take the marks away.

    Returns how many readings had not been judged so before.
    """
    sql = load("alerts")
    await _sum_up(conn, patients, now)
    judged = await _store_judgements(conn, verdicts, now)
    if set_aside:
        ids = [row.quarantine_id for row in set_aside]
        await conn.execute(sql["set_aside_judged"], {"ids": ids, "now": now})
    await _remove(conn, marks)
    return judged


async def _sum_up(conn: Connection, patients: Collection[UUID], now: datetime) -> None:
    values = {"patients": list(patients), "now": now}
    await conn.execute(load("alerts")["sum_up_alerts"], values)


async def _remove(conn: Connection, marks: Sequence[Mark]) -> None:
    sql = load("alerts")
    if ids := [number for mark in marks for number in mark.ids]:
        await conn.execute(sql["marks_judged"], {"ids": literal(ids)})
    if days := [mark for mark in marks if not mark.ids]:
        done = {
            "patients": literal(mark.patient_id for mark in days),
            "days": literal(mark.day for mark in days),
        }
        await conn.execute(sql["days_judged"], done)


async def _store_judgements(conn: Connection, verdicts: Sequence[Verdict], now: datetime) -> int:
    if not verdicts:
        return 0
    readings, patients, versions = zip(*verdicts, strict=True)
    values: dict[str, Any] = {"readings": literal(readings), "patients": literal(patients)}
    values |= {"versions": literal(versions), "now": now}
    return (await conn.execute(load("alerts")["store_judgements"], values)).rowcount
