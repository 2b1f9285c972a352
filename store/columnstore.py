"""`python -m store columnstore`: old chunks packed by column, where TimescaleDB's licence has that.

The product works whole without it: the Apache edition has no columnstore, and there the command
changes nothing and says so. Readings younger than `after_days` stay rows: late data, context that
comes after and re-assignments touch rows, and a packed row is unpacked first.
"""

from __future__ import annotations

from typing import Annotated

import psycopg
import typer

from store.errors import translated
from store.queries import load
from store.settings import Settings

COMMUNITY = "timescale"
AFTER_DAYS = 120  # beyond the charts' 91 days, and what a gateway was away for


def enable(admin_url: str, *, after_days: int = AFTER_DAYS) -> str:
    """The licence that was found: only with `COMMUNITY` was anything changed. Safe to run again.

    Raises:
        Unavailable: the database is away, or a lock was not to be had.
    """
    sql = load("columnstore")
    with translated(), psycopg.connect(admin_url, options="-c lock_timeout=4s") as conn:
        ((found,),) = conn.execute(sql["license"]).fetchall()
        if found == COMMUNITY:
            conn.execute(sql["enable"])
            conn.execute(sql["add_policy"], {"days": after_days})
    return str(found)


def columnstore(
    *,
    after_days: Annotated[
        int, typer.Option(min=7, help="chunks that ended so long ago are packed")
    ] = AFTER_DAYS,
) -> None:
    """Pack old readings by column; on TimescaleDB's Apache edition nothing is changed."""
    found = enable(Settings().database_url.get_secret_value(), after_days=after_days)
    if found == COMMUNITY:
        typer.echo(f"chunks are packed {after_days} days after their end")
    else:
        typer.echo(
            f'timescaledb.license is "{found}": that edition has no columnstore. Nothing was'
            " changed, and nothing is missing: Hearthline needs none of it."
        )
