"""What every route may ask for: a database connection and the present."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from store.pool import connection
from store.tenancy import Connection


async def database(request: Request) -> AsyncIterator[Connection]:
    """One connection per request, given back when the answer is made."""
    async with connection(request.app.state.pool) as conn:
        yield conn


def present(request: Request) -> datetime:
    """The application's clock: tests and the demonstration inject their own."""
    now: datetime = request.app.state.clock()
    return now


Db = Annotated[Connection, Depends(database, scope="function")]
Now = Annotated[datetime, Depends(present)]
