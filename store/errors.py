"""What the store can answer with. Above `store` nobody sees a driver's error.

    StoreError
    ├── Unavailable    the database is away or busy: the same call may succeed later, retry
    ├── DataRefused    the database refuses these data; retrying the same changes nothing
    └── NotMigrated    the database has not (all of) this release's schema

Everything else is a bug and propagates as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

_RETRY = (
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
    psycopg.OperationalError,  # connection loss, shutdown, disk full, lock and statement timeouts
    psycopg.InterfaceError,
    pg.ReadOnlySqlTransaction,  # a standby after a failover
    pg.IdleInTransactionSessionTimeout,
)
#: A key too long for its index, a document too deep: no later time will take it.
_NEVER = (pg.ProgramLimitExceeded, pg.StatementTooComplex, pg.ConfigurationLimitExceeded)


class StoreError(Exception):
    """The root of this package's errors."""


class Unavailable(StoreError):
    """Retry: nothing was stored, or it cannot be known whether it was."""


class DataRefused(StoreError):
    """One of the rows is what no database can hold; `str()` carries no value of it."""

    def __init__(self, what: str, *, constraint: str | None = None) -> None:
        super().__init__(what)
        self.constraint = constraint  # its name, for who can say what it means


class NotMigrated(StoreError):
    """A table is not there: run the migrations first."""


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors become this package's errors, here and nowhere else."""
    try:
        yield
    except _NEVER as exc:  # an operational error by its class, and yet the row's own
        raise DataRefused(type(exc).__name__) from exc
    except _RETRY as exc:
        raise Unavailable(type(exc).__name__) from exc
    except pg.UndefinedTable as exc:
        raise NotMigrated("the database lacks a table: run `python -m store migrate`") from exc
    except (psycopg.DataError, psycopg.IntegrityError) as exc:
        raise DataRefused(type(exc).__name__, constraint=exc.diag.constraint_name) from exc
