"""Homes, gateways and devices as a clinic sees them: where they are, how they are, who has them.

Reading is a few set-based queries per page; registering is one transaction with its audit event.
A gateway's payload is what it said last of itself (`vitals.wire.GatewayStatus`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from store import audit, gateway_wishes
from store.named import Row, all_rows, one_row, run
from store.tenancy import Connection, clinic_session
from vitals.wire import DeviceStatus, GatewayStatus

_SQL = "homes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """`said` is none until it has ever reported; the last will keeps what was known before."""

    name: str
    home: UUID
    state: str | None  # online, offline
    at: datetime | None
    said: GatewayStatus | None

    def device(self, address: str) -> DeviceStatus | None:
        devices = self.said.devices if self.said else []
        return next((d for d in devices if d.device.upper() == address), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a device's slot now."""

    patient: UUID
    name: str
    user_slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """`key` stands in addresses; `home` is where it was heard last, or registered."""

    key: UUID
    address: str
    kind: str | None
    model: str | None
    serial: str | None
    label: str
    home: UUID | None
    last_measured_at: datetime | None
    battery_pct: int | None
    last_seen: datetime | None
    clock_offset_s: float | None
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A household: its gateways, and the devices that were heard or are expected there."""

    id: UUID
    label: str
    zone: str
    gateways: tuple[Gateway, ...]
    devices: tuple[Device, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estate:
    """All of a clinic: homes, devices that are in none, and readings that nobody has."""

    homes: tuple[Home, ...]
    homeless: tuple[Device, ...]
    unassigned: tuple[Row, ...]


async def estate(conn: Connection, clinic: str, *, now: datetime) -> Estate:
    values = {"clinic": clinic, "home": None, "device": None, "now": now}
    async with clinic_session(conn, clinic):
        homes = await all_rows(conn, _SQL, "homes", values)
        gateways = [_gateway(row) for row in await all_rows(conn, _SQL, "gateways", values)]
        rows = await all_rows(conn, _SQL, "devices", values)
        unassigned = await all_rows(conn, _SQL, "unassigned", values)
    devices = [_device(row, gateways) for row in rows]
    known = {row["id"] for row in homes}
    return Estate(
        homes=tuple(_home(row, gateways, devices) for row in homes),
        homeless=tuple(d for d in devices if d.home not in known),
        unassigned=tuple(unassigned),
    )


async def device_of_key(conn: Connection, clinic: str, key: UUID) -> str | None:
    """The Bluetooth address that a key of the console's stands for."""
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "device_of_key", {"clinic": clinic, "key": key})
    return str(row["address"]) if row else None


async def key_of_device(conn: Connection, clinic: str, address: str) -> UUID | None:
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "key_of_device", {"clinic": clinic, "device": address})
    return row["key"] if row else None


async def device_detail(
    conn: Connection, clinic: str, address: str, *, now: datetime
) -> dict[str, Any] | None:
    """One device: `row`, its `slots` with their newest reading, `assignments`, `unassigned`."""
    values = {"clinic": clinic, "device": address, "now": now}
    async with clinic_session(conn, clinic):
        row = await one_row(conn, _SQL, "device", values)
        if row is None:
            return None
        return {
            "row": row,
            "slots": await all_rows(conn, _SQL, "slots", values),
            "assignments": await all_rows(conn, _SQL, "assignments_of_device", values),
            "unassigned": await all_rows(conn, _SQL, "unassigned", values),
        }


async def undecided(
    conn: Connection, clinic: str, *, held: bool, device: str | None = None, limit: int = 100
) -> list[Row]:
    """Single readings that nobody has, newest first, with whom they may be of."""
    values = {"held": held, "device": device, "limit": limit}
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "undecided_readings", values)


async def assignment(conn: Connection, clinic: str, key: UUID) -> Row | None:
    async with clinic_session(conn, clinic):
        return await one_row(conn, _SQL, "assignment", {"clinic": clinic, "assignment": key})


async def patients(conn: Connection, clinic: str) -> list[Row]:
    """Everybody a device can be given to."""
    async with clinic_session(conn, clinic):
        return await all_rows(conn, _SQL, "patients", {"clinic": clinic})


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeWords:
    """What a person says of a home: a label that staff recognise, and its IANA zone."""

    label: str
    zone: str


async def register_home(
    conn: Connection, clinic: str, words: HomeWords, *, staff: UUID, now: datetime
) -> UUID:
    values = {"clinic": clinic, "label": words.label, "zone": words.zone}
    async with clinic_session(conn, clinic, staff=staff):
        (row,) = await all_rows(conn, _SQL, "register_home", values)
        home = UUID(str(row["id"]))
        await audit.record(conn, actor=staff, action="home.register", subject=home, now=now)
    return home


async def change_home(
    conn: Connection, clinic: str, home: UUID, words: HomeWords, *, staff: UUID, now: datetime
) -> None:
    values = {"clinic": clinic, "home": home, "label": words.label, "zone": words.zone}
    async with clinic_session(conn, clinic, staff=staff):
        await run(conn, _SQL, "change_home", values)
        await gateway_wishes.tell_home(conn, clinic, home, staff=staff, now=now)
        await audit.record(conn, actor=staff, action="home.change", subject=home, now=now)


async def register_gateway(
    conn: Connection, clinic: str, home: UUID, name: str, *, staff: UUID, now: datetime
) -> bool:
    """False where the name is taken in this clinic."""
    values = {"clinic": clinic, "home": home, "name": name, "now": now}
    async with clinic_session(conn, clinic, staff=staff):
        if not await run(conn, _SQL, "register_gateway", values):
            return False
        await audit.record(conn, actor=staff, action="gateway.register", subject=name, now=now)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """What a person says of a device; `home` none: not placed."""

    address: str
    kind: str | None
    label: str
    home: UUID | None

    def values(self, clinic: str) -> Row:
        return {
            "clinic": clinic,
            "device": self.address,
            "kind": self.kind,
            "label": self.label,
            "home": self.home,
        }


async def register_device(
    conn: Connection, clinic: str, device: NewDevice, *, staff: UUID, now: datetime
) -> bool:
    """False where it is known already."""
    async with clinic_session(conn, clinic, staff=staff):
        if not await run(conn, _SQL, "register_device", device.values(clinic)):
            return False
        if device.label:
            await gateway_wishes.tell_of_device(
                conn, clinic, device.address, {device.home}, staff=staff, now=now
            )
        await audit.record(
            conn, actor=staff, action="device.register", subject=device.address, now=now
        )
    return True


async def change_device(
    conn: Connection, clinic: str, device: NewDevice, *, staff: UUID, now: datetime
) -> None:
    async with clinic_session(conn, clinic, staff=staff):
        before = await one_row(conn, _SQL, "device", device.values(clinic))
        await run(conn, _SQL, "change_device", device.values(clinic))
        homes = {device.home, before["registered_home_id"] if before else None}
        await gateway_wishes.tell_of_device(
            conn, clinic, device.address, homes, staff=staff, now=now
        )
        await audit.record(
            conn, actor=staff, action="device.change", subject=device.address, now=now
        )


async def forget_device(
    conn: Connection, clinic: str, home: UUID, address: str, *, staff: UUID, now: datetime
) -> int:
    """Ask the home's gateways to drop their bond with it; how many are asked."""
    async with clinic_session(conn, clinic, staff=staff):
        asked = await gateway_wishes.forget(conn, clinic, home, address, staff=staff, now=now)
        await audit.record(conn, actor=staff, action="device.forget", subject=address, now=now)
    return asked


def _home(row: Row, gateways: list[Gateway], devices: list[Device]) -> Home:
    return Home(
        id=row["id"],
        label=row["label"],
        zone=row["zone"],
        gateways=tuple(g for g in gateways if g.home == row["id"]),
        devices=tuple(d for d in devices if d.home == row["id"]),
    )


def _gateway(row: Row) -> Gateway:
    payload = row["payload"]
    return Gateway(
        name=row["name"],
        home=row["home_id"],
        state=row["state"],
        at=row["at"],
        said=None if payload is None else msgspec.convert(payload, GatewayStatus),
    )


def _device(row: Row, gateways: list[Gateway]) -> Device:
    """What a gateway says of it is newer than what came with its last reading."""
    said = _said(row["address"], gateways)
    holders = (
        Holder(patient=UUID(h["patient_id"]), name=h["name"], user_slot=h["user_slot"])
        for h in row["holders"]
    )
    battery = said.battery_pct if said and said.battery_pct is not None else None
    return Device(
        key=row["key"],
        address=row["address"],
        kind=row["kind"],
        model=row["model"] or (said.model if said else None),
        serial=row["serial"],
        label=row["label"],
        home=row["home_id"] or _home_of(row["address"], gateways),
        last_measured_at=row["last_measured_at"],
        battery_pct=row["last_battery_pct"] if battery is None else battery,
        last_seen=said.last_seen if said else None,
        clock_offset_s=said.clock_offset_s if said else None,
        holders=tuple(holders),
    )


def _said(address: str, gateways: list[Gateway]) -> DeviceStatus | None:
    """Of two gateways that know a device, the one that saw it last."""
    told = [said for gateway in gateways if (said := gateway.device(address))]
    return max(told, key=lambda d: d.last_seen.timestamp() if d.last_seen else 0.0, default=None)


def _home_of(address: str, gateways: list[Gateway]) -> UUID | None:
    return next((g.home for g in gateways if g.device(address)), None)
