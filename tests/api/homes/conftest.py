"""A street of homes: one well, one whose gateway is away, a cuff that nobody has, and poison."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from store import fixtures, homes
from store.batch import write_batch
from store.gateways import store_status
from store.homes import HomeWords
from store.rows import QuarantineRow, ReadingRow
from tests.api.conftest import NOW, Browser, Clinic
from tests.store.make import reading
from vitals.errors import QuarantineReason
from vitals.reading import Certainty, ClockCorrection
from vitals.wire import DeviceStatus, GatewayStatus

HOUR = timedelta(hours=1)
CUFF, STRANGE, FAR = "C0:FF:EE:00:00:01", "C0:FF:EE:00:00:02", "C0:FF:EE:00:00:03"


@dataclass(kw_only=True)
class Street:
    """What the pages of homes show. `measure` and `poison` go through the real store."""

    admin: Any
    ingest: Any
    clinic: Clinic
    elm: UUID
    oak: UUID
    ann: UUID
    ben: UUID

    async def measure(self, device: str, hours_ago: float, **changes: Any) -> str:
        at = NOW - hours_ago * HOUR
        made = reading(
            device=device,
            measured_at=at,
            received_at=at,
            device_time=at.replace(tzinfo=None),
            **changes,
        )
        row = ReadingRow(clinic=self.clinic.name, gateway="gw-1", envelope_id="e", reading=made)
        await write_batch(self.ingest, readings=[row], quarantined=[])
        return made.id

    async def poison(
        self,
        payload: bytes = b'{"id":"x","systolic":999}',
        reason: QuarantineReason = QuarantineReason.IMPLAUSIBLE,
        gateway: str = "gw-1",
    ) -> int:
        row = QuarantineRow(
            topic=f"hl/v1/{self.clinic.name}/{gateway}/readings",
            scope="reading",
            payload=payload,
            reason=reason,
            detail="systolic_mmhg is 999",
            clinic=self.clinic.name,
            gateway=gateway,
            device=CUFF,
            measured_at=NOW - HOUR,
        )
        await write_batch(self.ingest, readings=[], quarantined=[row])
        (found,) = await (await self.admin.execute("SELECT max(id) FROM quarantine")).fetchone()
        return int(found)

    async def report(self, gateway: str, at: datetime, state: str = "online", **told: Any) -> None:
        status = GatewayStatus(state=state, at=at, version="1.0", **told)
        await store_status(
            self.ingest,
            clinic=self.clinic.name,
            gateway=gateway,
            state=state,
            at=at,
            payload_json=msgspec.json.encode(status).decode(),
        )

    async def at(self, device: str) -> str:
        """Where the console shows a device: by a key, never by its Bluetooth address."""
        key = await self.value("SELECT key FROM device WHERE address = %s", device)
        return f"/devices/{key}"

    async def value(self, query: str, *values: Any) -> Any:
        row = await (await self.admin.execute(query, values or None)).fetchone()
        return row[0] if row else None


@pytest.fixture
async def street(database: Any, admin: Any, north: Clinic) -> AsyncIterator[Street]:
    by: dict[str, Any] = {"staff": north.staff["admin"], "now": NOW}
    zone = "America/New_York"
    elm, oak = [
        await homes.register_home(admin, "north", HomeWords(label=label, zone=zone), **by)
        for label in ("12 Elm Street", "7 Oak Lane")
    ]
    await homes.register_gateway(admin, "north", elm, "gw-1", **by)
    await homes.register_gateway(admin, "north", oak, "gw-2", **by)
    ann, ben = [
        await fixtures.register_patient(admin, "north", family_name="Example", given_name=name)
        for name in ("Ann", "Ben")
    ]
    for device, kind in ((CUFF, "blood_pressure"), (FAR, "weight")):
        await fixtures.register_device(admin, "north", device, kind=kind)
    since = NOW - 240 * HOUR
    await fixtures.assign(admin, "north", device=CUFF, patient=ann, starts_at=since)
    url = database.urls["hl_ingest"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as ingest:
        made = Street(admin=admin, ingest=ingest, clinic=north, elm=elm, oak=oak, ann=ann, ben=ben)
        said = DeviceStatus(device=CUFF, last_seen=NOW, battery_pct=80, clock_offset_s=-18_000.0)
        await made.report("gw-1", NOW, devices=[said])
        await made.report("gw-2", NOW - 5 * HOUR, state="offline", spool_depth=4)
        await made.measure(CUFF, 2)
        yield made


@pytest.fixture
async def nurse(browser: Browser, north: Clinic) -> Browser:
    await browser.sign_in(north.email("nurse"))
    return browser


def doubtful(hours: float) -> ClockCorrection:
    return ClockCorrection(certainty=Certainty.HOME_ZONE, uncertainty_s=hours * 3600)
