"""What a clinic wants of its gateways: changed here, sent whole by ingest from `desired_outbox`.

Every change is one transaction: a version further, the audit event, the message that goes out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from store import audit
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session

_SQL = "gateways"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`accept` none: every health device that it hears. `settings`: what the box may be told.

    `names`: new labels of devices, by address.
    """

    accept: tuple[str, ...] | None
    settings: dict[str, Any]
    names: dict[str, str] = field(default_factory=dict)


async def detail(conn: Connection, clinic: str, home: UUID, gateway: str) -> Row | None:
    """The gateway, its wish and when that went out; none: there is no such gateway there."""
    async with clinic_session(conn, clinic):
        values = {"clinic": clinic, "home": home, "gateway": gateway}
        return await one_row(conn, _SQL, "detail", values)


async def set_wish(
    conn: Connection, clinic: str, gateway: str, wish: Wish, *, staff: UUID, now: datetime
) -> None:
    values = {
        "accept": None if wish.accept is None else sorted(wish.accept),
        "settings": msgspec.json.encode(wish.settings).decode(),
    }
    async with clinic_session(conn, clinic, staff=staff):
        base = await _renew(conn, clinic, gateway, staff=staff, now=now)
        await run(conn, _SQL, "set_wish", base | values)
        for device, label in wish.names.items():
            await run(conn, _SQL, "label_device", base | {"device": device, "label": label})
        await run(conn, _SQL, "queue_desired", base)
        await audit.record(conn, actor=staff, action="gateway.wish", subject=gateway, now=now)


async def order_renewal(
    conn: Connection, clinic: str, gateway: str, *, staff: UUID, now: datetime
) -> None:
    """Ask it for a new credential; the old one stands until the new one has connected."""
    async with clinic_session(conn, clinic, staff=staff):
        base = await _renew(conn, clinic, gateway, staff=staff, now=now)
        await run(conn, _SQL, "set_renewal", base)
        await run(conn, _SQL, "queue_desired", base)
        await audit.record(conn, actor=staff, action="gateway.renew", subject=gateway, now=now)


async def forget(
    conn: Connection, clinic: str, home: UUID, device: str, *, staff: UUID, now: datetime
) -> int:
    """Inside the caller's transaction: each gateway of the home is asked once; how many are."""
    names = await _of_home(conn, clinic, home)
    for gateway in names:
        base = await _renew(conn, clinic, gateway, staff=staff, now=now)
        await run(conn, _SQL, "drop_forget", base | {"device": device})
        await run(conn, _SQL, "add_forget", base | {"device": device})
        await run(conn, _SQL, "queue_desired", base)
    return len(names)


async def tell_home(
    conn: Connection, clinic: str, home: UUID, *, staff: UUID, now: datetime
) -> None:
    """Inside the caller's transaction: its zone may be another one."""
    await _tell(conn, clinic, await _of_home(conn, clinic, home), staff=staff, now=now)


async def tell_of_device(
    conn: Connection,
    clinic: str,
    device: str,
    homes: Collection[UUID | None],
    *,
    staff: UUID,
    now: datetime,
) -> None:
    """Inside the caller's transaction: its name changed, or where it is."""
    places = [home for home in homes if home is not None]
    values = {"clinic": clinic, "device": device, "homes": places}
    rows = await all_rows(conn, _SQL, "gateways_of_device", values)
    await _tell(conn, clinic, [row["name"] for row in rows], staff=staff, now=now)


async def _tell(
    conn: Connection, clinic: str, gateways: Collection[str], *, staff: UUID, now: datetime
) -> None:
    for gateway in gateways:
        base = await _renew(conn, clinic, gateway, staff=staff, now=now)
        await run(conn, _SQL, "queue_desired", base)


async def _of_home(conn: Connection, clinic: str, home: UUID) -> list[str]:
    values = {"clinic": clinic, "home": home}
    return [row["name"] for row in await all_rows(conn, _SQL, "gateways_of_home", values)]


async def _renew(conn: Connection, clinic: str, gateway: str, *, staff: UUID, now: datetime) -> Row:
    base: Row = {"clinic": clinic, "gateway": gateway, "now": now, "staff": staff}
    await run(conn, _SQL, "renew_wish", base)
    return base
