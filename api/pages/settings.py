"""The clinic's settings: name, zone, units, and whose minutes alert work is."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.auth.viewer import Role
from api.errors import NotFound
from api.page import AdminPage, LimitsPage
from store import clinics

router = APIRouter()

Text = Annotated[str, Form()]
GLUCOSE_UNITS, WEIGHT_UNITS, PROGRAMMES = ("mg/dL", "mmol/L"), ("lb", "kg"), ("CCM", "RPM")
#: What most clinics choose from; any other IANA zone can be typed.
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
)

_FIXED = "A month is signed or locked in the zone of now. Reopen and unlock all months first"


@router.get("/settings")
async def settings(page: LimitsPage) -> Response:
    return await _settings(page, await _current(page), problems={})


@router.post("/settings")
async def change(
    page: AdminPage,
    name: Text = "",
    zone: Text = "",
    glucose_unit: Text = "",
    weight_unit: Text = "",
    alert_programme: Text = "",
) -> Response:
    wanted = clinics.ClinicSettings(
        id=page.clinic,
        name=name.strip(),
        zone=zone.strip(),
        glucose_unit=glucose_unit,
        weight_unit=weight_unit,
        alert_programme=alert_programme,
    )
    if problems := _problems(wanted):
        return await _settings(page, wanted, problems=problems, status=422)
    try:
        await clinics.update_clinic(page.conn, wanted, by=page.viewer.staff_id, now=page.now)
    except clinics.ZoneFixed:
        return await _settings(page, wanted, problems={"zone": _FIXED}, status=422)
    return page.to("/settings", flash="The settings are saved.")


async def _current(page: LimitsPage) -> clinics.ClinicSettings:
    current = await clinics.read_clinic(page.conn, page.clinic)
    if current is None:
        raise NotFound
    return current


async def _settings(
    page: LimitsPage,
    current: clinics.ClinicSettings,
    *,
    problems: dict[str, str],
    status: int = 200,
) -> Response:
    return await page.html(
        "settings/clinic.html",
        status=status,
        current=current,
        problems=problems,
        zones=ZONES,
        glucose_units=GLUCOSE_UNITS,
        weight_units=WEIGHT_UNITS,
        programmes=PROGRAMMES,
        may_change=page.viewer.role is Role.ADMIN,
    )


def _problems(wanted: clinics.ClinicSettings) -> dict[str, str]:
    problems = {}
    if not wanted.name or len(wanted.name) > 100:  # noqa: PLR2004 -- a long name
        problems["name"] = "Enter the clinic's name, 100 characters at most"
    if wanted.zone not in available_timezones():
        problems["zone"] = "Enter a time zone like America/New_York"
    if wanted.glucose_unit not in GLUCOSE_UNITS:
        problems["glucose_unit"] = "Choose a unit"
    if wanted.weight_unit not in WEIGHT_UNITS:
        problems["weight_unit"] = "Choose a unit"
    if wanted.alert_programme not in PROGRAMMES:
        problems["alert_programme"] = "Choose a programme"
    return problems
