"""A clinic whose November is over: patients with time in it, and what a biller does with that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ccm_link import signing
from ccm_link.acting import Actor
from ccm_link.calendar_month import Month
from ccm_link.corrections import reverse_entry
from ccm_link.months_service import month_of_clinic, patient_month, read_months
from ccm_link.rulebook import rulebook_for
from store.batch import write_batch
from store.fixtures import assign, register_device, register_gateway, register_home
from store.tenancy import clinic_session
from tests.ccm_link.engine.test_month import Books
from tests.store.make import CUFF, row

NOVEMBER = Month.parse("2026-11")
OVER = datetime(2026, 12, 2, 15, tzinfo=UTC)


class Closed(Books):
    async def billing(self, *minutes, name="Ann", clinic="north", nurse=None):
        """A new patient in CCM with so many confirmed minutes, on days of their own."""
        patient = await self.patient(name, clinic)
        await self.join(patient, clinic=clinic)
        nurse = nurse or await self.staff(f"{name}s Nurse", "nurse", (clinic,))
        for day, length in enumerate(minutes, 2):
            await self.worked(patient, nurse, length, day=day, clinic=clinic)
        return patient, nurse

    async def measuring(self, patient, days=20):
        """A reading on each of so many days of November, of a cuff of the patient's."""
        home = await register_home(self.admin, "north", zone="America/New_York")
        await register_gateway(self.admin, "north", "gw-1", home=home)
        await register_device(self.admin, "north", CUFF, kind="blood_pressure")
        start = datetime(2026, 11, 3, 15, tzinfo=UTC)
        await assign(self.admin, "north", device=CUFF, patient=patient, starts_at=start)
        rows = [
            row(measured_at=at, device_time=at.replace(tzinfo=None), received_at=at)
            for at in (start + timedelta(days=day, minutes=1) for day in range(days))
        ]
        ingest = await self.connect("hl_ingest")
        await write_batch(ingest, readings=rows, quarantined=[])
        return [made.reading.id for made in rows]

    async def shown(self, api, patient, month=NOVEMBER, now=OVER, clinic="north"):
        """As the page shows it."""
        found = await patient_month(api, clinic, patient, month, now=now)
        assert found is not None
        return found

    async def sign(self, api, biller, patient, *, now=OVER, month=NOVEMBER, **more):
        """After looking at it."""
        seen = more.pop("seen", None) or await self.seen(
            api, patient, month, now, more.get("table")
        )
        note = more.pop("note", "")
        return await signing.sign(
            api, "north", biller, patient, month, seen=seen, note=note, now=now, **more
        )

    async def seen(self, api, patient, month, now, table=None):
        """What the page's form carries; `table`: by another rule table than today's."""
        async with clinic_session(api, "north"):
            rules = (await rulebook_for(api, "north", month, table=table)).rules
            (found,) = await read_months(api, "north", [patient], month, now=now, rules=rules)
        return found.seen

    async def reverse(self, api, nurse, index=0, *, clinic="north"):
        """Take the nurse's entry back."""
        found = await self.all(
            "SELECT id FROM time_entry WHERE staff_id = %s AND status = 'active'"
            " ORDER BY lower(during)",
            nurse.id,
        )
        (key,) = found[index]
        actor = Actor(id=nurse.id, role="nurse")
        await reverse_entry(api, clinic, actor, key, "Wrong patient", now=OVER)
        return str(key)

    async def everybody(self, api, clinic="north", **page):
        found = month_of_clinic(api, clinic, NOVEMBER, now=OVER, **page)
        return [one async for one in found]
