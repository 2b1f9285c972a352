"""`python -m ccm_link import-time FILE.csv --clinic C --by ADDRESS`, and its `rejected-time`.

Exit 0: read, whatever number of lines was not imported; each is said on stderr with its line of the
file and the reason, and kept in the database. 1: the database was away, call it again. 2: the
file, the clinic or the person is not what it should be, and nothing was done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from ccm_link import time_import
from ccm_link.errors import CareError
from ccm_link.settings import Settings
from ccm_link.time_csv import FileRefused
from ccm_link.time_import import Imported
from store.errors import Unavailable
from store.pool import connection, open_pool
from store.tenancy import Connection
from vitals.clock import utc_now

AWAY, REFUSED = 1, 2


def import_file(file: Path, clinic: str, by: str) -> int:
    data = file.read_bytes()
    return _run(partial(_import, data=data, clinic=clinic, by=by))


async def _import(conn: Connection, *, data: bytes, clinic: str, by: str) -> None:
    done = await time_import.import_time(conn, clinic, by, data, now=utc_now())
    for refused in done.refused:
        sys.stderr.write(f"line {refused.line}: {refused.why}\n")
    sys.stdout.write(f"{_words(done)}\n")


def _words(done: Imported) -> str:
    if done.import_id is None:
        return "this file was imported before: nothing was done"
    said = f"{done.counted} counted, {done.held} held, {len(done.refused)} not imported"
    return f"import {done.import_id}: {said}"


def write_rejected(import_id: UUID, clinic: str) -> int:
    return _run(partial(_write, import_id=import_id, clinic=clinic))


async def _write(conn: Connection, *, import_id: UUID, clinic: str) -> None:
    sys.stdout.write(await time_import.rejected(conn, clinic, import_id))


def _run(act: Callable[[Connection], Awaitable[None]]) -> int:
    try:
        asyncio.run(_connected(act))
    except (CareError, FileRefused) as refused:
        sys.stderr.write(f"{refused}\n")
        return REFUSED
    except Unavailable as exc:
        sys.stderr.write(f"the database is away or busy ({exc}): call it again\n")
        return AWAY
    return 0


async def _connected(act: Callable[[Connection], Awaitable[None]]) -> None:
    url = Settings().database_url.get_secret_value()
    async with open_pool(url, max_size=1) as pool, connection(pool) as conn:
        await act(conn)
