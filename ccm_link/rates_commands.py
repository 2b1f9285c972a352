"""`python -m ccm_link rates load|show`: a clinic's own amounts, from a file of CMS or a list.

Needs HEARTHLINE_DATABASE_URL. Exit 2: the file or the choice is wrong, and stderr says where.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ccm_link.rates import RatesError
from ccm_link.rates_service import Loaded, Upload
from ccm_link.rates_service import load as load_rates
from ccm_link.settings import Settings
from store.errors import DataRefused, Unavailable
from store.pool import connection, open_pool
from store.rates import RateTable, tables
from store.tenancy import clinic_session
from vitals.clock import utc_now

_WRONG = 2

app = typer.Typer(no_args_is_help=True, help="A clinic's own amounts.")

Clinic = Annotated[str, typer.Option(help="the clinic's key")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


@app.command()
def load(  # noqa: PLR0913 -- one option each
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    *,
    clinic: Clinic,
    year: Annotated[int, typer.Option(min=2025, max=2199)],
    locality: Annotated[str | None, typer.Option(help="carrier and locality: 01112-05")] = None,
    name: Annotated[str, typer.Option(help="as pages show it")] = "",
    first: Day = None,
    last: Day = None,
) -> None:
    """Load the amounts of FILE for a year, or for the days from --first to --last.

    FILE is the payment amount file of the physician fee schedule, its relative value file as
    CSV, or a list of code and amount. What was loaded before for the same days counts no more.
    """
    upload = Upload(
        data=file.read_bytes(),
        file_name=file.name,
        year=year,
        locality=locality,
        name=name,
        first=first.date() if first else None,
        last=last.date() if last else None,
    )
    try:
        loaded = asyncio.run(_load(_url(), clinic, upload))
    except RatesError as exc:
        _refuse(f"{file.name}: {exc}", _WRONG)
    except DataRefused:
        _refuse(f"there is no clinic {clinic}", _WRONG)
    except Unavailable as exc:
        _refuse(f"nothing was loaded, the database is busy or away ({exc}): run it again", 1)
    else:
        typer.echo(f"loaded {loaded.name} from {loaded.found.kind}: {_counted(loaded)}")
        if loaded.missing:
            typer.echo(f"no amount in it, the estimate stays: {', '.join(loaded.missing)}")


def _counted(loaded: Loaded) -> str:
    count = len(loaded.found.amounts)
    return f"{count} {'code' if count == 1 else 'codes'}"


@app.command()
def show(*, clinic: Clinic) -> None:
    """Every table that was loaded, the newest first, with its amounts."""
    try:
        found = asyncio.run(_tables(_url(), clinic))
    except Unavailable as exc:
        _refuse(f"the database is busy or away ({exc})", 1)
    else:
        if not found:
            typer.echo("no amounts are loaded: the estimates of the rule table are used")
        for table in found:
            _show(table)


def _show(table: RateTable) -> None:
    by = table.loaded_by_name or "command line"
    typer.echo(f"{table.name}: {_day(table.first)} to {_day(table.last)}, {table.source}")
    typer.echo(f"  loaded {table.loaded_at:%Y-%m-%d %H:%M} UTC by {by}, key {table.id}")
    for code, amount in table.amounts.items():
        typer.echo(f"  {code} {amount:>10}")


def _day(day: date) -> str:
    return day.isoformat()


def _url() -> str:
    return Settings().database_url.get_secret_value()


async def _load(url: str, clinic: str, upload: Upload) -> Loaded:
    async with open_pool(url, max_size=1) as pool, connection(pool) as conn:
        return await load_rates(conn, clinic, upload, by=None, now=utc_now())


async def _tables(url: str, clinic: str) -> list[RateTable]:
    async with (
        open_pool(url, max_size=1) as pool,
        connection(pool) as conn,
        clinic_session(conn, clinic),
    ):
        return await tables(conn)


def _refuse(line: str, code: int) -> NoReturn:
    typer.echo(line, err=True)
    raise typer.Exit(code)
