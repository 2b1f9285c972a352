"""The commands of whoever sets up a box: enrol, renew, doctor, receipts."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.settings import Place
from vitals.clock import utc_now


def enrol(
    code: Annotated[str, typer.Argument(help="from the clinic's page of this gateway")],
    *,
    server: Annotated[str, typer.Option(help="the clinic's address: https://…")],
    ca: Annotated[Path | None, typer.Option(help="CA of a server with a private one")] = None,
    move: Annotated[
        bool, typer.Option(help="to another clinic, though readings wait for the old one")
    ] = False,
) -> None:
    """Make this box the gateway that the code was made for; asking again is harmless."""
    from gateway import enrol as asking  # noqa: PLC0415 -- only here

    place = Place()
    try:
        enrolled = asking.enrol(
            place.identity,
            asking.server_of(server),
            code,
            ca=ca,
            may_take=None if move else asking.waiting_for(place.identity, place.spool),
        )
    except (asking.EnrolFailed, ValueError, OSError) as exc:
        sys.stderr.write(f"hearthline gateway enrol: {exc}\n")
        raise typer.Exit(1) from exc
    sys.stdout.write(asking.summary(enrolled) + "\n")


def renew() -> None:
    """Ask for a new credential now; a running gateway takes it within a minute."""
    from gateway import enrol as asking  # noqa: PLC0415 -- only here

    try:
        renewed = asking.renew(Place().identity)
    except (asking.EnrolFailed, ValueError, OSError) as exc:
        sys.stderr.write(f"hearthline gateway renew: {exc}\n")
        raise typer.Exit(1) from exc
    sys.stdout.write(asking.summary(renewed) + "\n")


def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False
) -> None:
    """Look at adapter, clock, disk, spool, broker and credentials; exit 1 if something is wrong."""
    from gateway import doctor as examination  # noqa: PLC0415 -- it opens the radio

    findings = asyncio.run(examination.examine(utc_now()))
    raise typer.Exit(examination.tell(findings, as_json=as_json))


def receipts(
    *, limit: Annotated[int, typer.Option(help="receipts, the newest first", min=1)] = 20
) -> None:
    """What the clinic receipted lately: when, and the ids of the readings."""
    from gateway.receipt_log import read_file  # noqa: PLC0415 -- only here

    for kept in read_file(Place().spool, limit):
        sys.stdout.write(f"{kept.at:%Y-%m-%dT%H:%M:%SZ} {kept.outcome} {' '.join(kept.ids)}\n")


def register(app: typer.Typer) -> None:
    for command in (enrol, renew, doctor, receipts):
        app.command()(command)
