"""`python -m ingest replay list | show | one | reason`: the quarantine from the command line.

What it does is what the console does: rows are marked, and a running ingest judges them again. It
works in one clinic at a time, with the console's login (hl_api), and is audited as `operator`.

Exit codes: 0 all are settled (stored, or waiting under another reason, which `list` shows), or
nothing was to be done; 1 some were refused as before; 2 it could not be done; 3 some still wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, NoReturn

import typer

from ingest.settings import ReplaySettings
from store import quarantine
from store.errors import StoreError
from store.ledger import all_clinics
from store.pool import Pool, connection, open_pool
from store.quarantine import State
from vitals.clock import utc_now

_REFUSED, _CANNOT, _WAITING = 1, 2, 3
_POLL_S = 0.5
_SHOWN_BYTES = 4096
_ROW = 16  # bytes in a line of a dump

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
Clinic = Annotated[str | None, typer.Option(help="the clinic's id")]
AllClinics = Annotated[bool, typer.Option("--all-clinics", help="every clinic, one by one")]
Wait = Annotated[float, typer.Option(min=0, help="seconds to wait for what becomes of them")]


@app.command("list")
def list_(clinic: Clinic = None, all_clinics: AllClinics = False) -> None:  # noqa: FBT002 -- a flag
    """How many there are by clinic, reason and state."""

    async def act(pool: Pool) -> None:
        typer.echo(f"{'clinic':24} {'reason':24} {'state':18} number")
        for one in await _clinics(pool, clinic, every=all_clinics):
            async with connection(pool) as conn:
                found = await quarantine.counts(conn, one)
                await quarantine.looked(conn, one, None, now=utc_now(), rows=len(found))
            for row in found:
                typer.echo(f"{one:24} {row['reason']:24} {row['state']:18} {row['number']}")

    _run(act)


@app.command()
def show(
    number: int,
    clinic: Annotated[str, typer.Option(help="the clinic's id")],
    show_bytes: Annotated[  # noqa: FBT002 -- a flag of the command line
        bool, typer.Option("--show-bytes", help="its bytes too: they are a person's readings")
    ] = False,
) -> None:
    """One of them: where it came from and why it is here."""

    async def act(pool: Pool) -> None:
        async with connection(pool) as conn:
            row = await quarantine.detail(conn, clinic, number)
            if row is None:
                _cannot(f"{clinic} has no {number} in quarantine")
            await quarantine.looked(conn, clinic, number, now=utc_now(), bytes=int(show_bytes))
        for name in ("id", "reason", "state", "scope", "topic", "device", "user_slot"):
            typer.echo(f"{name + ':':12} {_plain(row[name])}")
        for name in ("first_seen", "last_seen", "times"):
            typer.echo(f"{name + ':':12} {row[name]}")
        payload = bytes(row["payload"])
        typer.echo(f"{'size:':12} {len(payload)} bytes")
        if show_bytes:
            typer.echo(f"{'check said:':12} {_plain(row['detail'])}")
            typer.echo(_dump(payload[:_SHOWN_BYTES]))
            if len(payload) > _SHOWN_BYTES:
                typer.echo(f"and {len(payload) - _SHOWN_BYTES} bytes more")

    _run(act)


@app.command()
def one(
    number: int, clinic: Annotated[str, typer.Option(help="the clinic's id")], wait: Wait = 60.0
) -> None:
    """Have one judged again."""

    async def act(pool: Pool) -> None:
        async with connection(pool) as conn:
            asked = await quarantine.replay(conn, clinic, number, staff=None, now=utc_now())
        if not asked:
            _cannot(f"{number} is not waiting in {clinic}'s quarantine")
        await _report(pool, {clinic: [number]}, wait)

    _run(act)


@app.command()
def reason(
    name: Annotated[str, typer.Argument(metavar="REASON", help="as `list` prints it")],
    clinic: Clinic = None,
    all_clinics: AllClinics = False,  # noqa: FBT002 -- a flag of the command line
    wait: Wait = 60.0,
) -> None:
    """Have all of a reason judged again, after its cause was mended."""

    async def act(pool: Pool) -> None:
        asked: dict[str, list[int]] = {}
        for one in await _clinics(pool, clinic, every=all_clinics):
            async with connection(pool) as conn:
                if not any(row["reason"] == name for row in await quarantine.counts(conn, one)):
                    continue
                asked[one] = await quarantine.replay_reason(
                    conn, one, name, staff=None, now=utc_now()
                )
        await _report(pool, asked, wait)

    _run(act)


async def _clinics(pool: Pool, clinic: str | None, *, every: bool) -> list[str]:
    if (clinic is None) is not every:
        _cannot("say which: --clinic CLINIC, or --all-clinics")
    async with connection(pool) as conn:
        there = sorted(await all_clinics(conn))
    if clinic is not None and clinic not in there:
        _cannot(f"there is no clinic {clinic}")
    return there if clinic is None else [clinic]


async def _report(pool: Pool, asked: dict[str, list[int]], wait_s: float) -> None:
    """Says what became of each clinic's; ends the command with the worst of it."""
    until = time.monotonic() + wait_s
    total: Counter[State] = Counter()
    for clinic, ids in asked.items():
        became = await _outcome(pool, clinic, ids, until)
        total += became
        typer.echo(
            f"{clinic}: {len(ids)} asked, {became[State.REPLAYED]} settled,"
            f" {became[State.OPEN]} refused as before,"
            f" {became[State.REPLAY_REQUESTED]} still waiting"
        )
    if not any(asked.values()):
        typer.echo("nothing of it waits in quarantine")
    if total[State.REPLAY_REQUESTED]:
        typer.echo("is ingest running?", err=True)
        raise typer.Exit(_WAITING)
    raise typer.Exit(_REFUSED if total[State.OPEN] else 0)


async def _outcome(pool: Pool, clinic: str, ids: list[int], until: float) -> Counter[State]:
    while True:
        async with connection(pool) as conn:
            became = Counter((await quarantine.states(conn, clinic, ids)).values())
        if not became[State.REPLAY_REQUESTED] or time.monotonic() > until:
            return became
        await asyncio.sleep(_POLL_S)


def _dump(payload: bytes) -> str:
    """Offset, hex and what is printable: nothing in it can steer a terminal."""
    lines = []
    for start in range(0, len(payload), _ROW):
        part = payload[start : start + _ROW]
        text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in part)  # noqa: PLR2004 -- ASCII
        lines.append(f"{start:08x}  {part.hex(' '):47}  {text}")
    return "\n".join(lines)


def _plain(value: object) -> str:
    """Sent by a gateway, whoever that was: control characters are shown, not obeyed."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value)
    )


def _run(act: Callable[[Pool], Awaitable[None]]) -> None:
    try:
        asyncio.run(_with_pool(act))
    except StoreError as exc:
        _cannot(str(exc))


async def _with_pool(act: Callable[[Pool], Awaitable[None]]) -> None:
    async with open_pool(ReplaySettings().database_url.get_secret_value(), max_size=1) as pool:
        await act(pool)


def _cannot(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(_CANNOT)
