"""How a home is, in signs that lead to what to do. Pure: three kinds of silence are told apart.

Nobody measured · the gateway is away · a battery is empty: each has its own next step, and a home
whose gateway is away says nothing about who measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api import vocabulary
from api.auth.viewer import Role, Viewer
from api.kind_words import number_words
from api.signs import Sign, disk_signs, radio_signs
from api.times import ago
from api.units import glucose, number, weight
from store.homes import Device, Gateway, Home
from store.rows import NO_SLOT

NO_NEWS = timedelta(minutes=15)  # a gateway reports every minute
SILENCE = timedelta(days=3)
LOW_BATTERY = 20  # percent
WRONG_CLOCK = 300.0  # seconds

KINDS = {
    "blood_pressure": "Blood-pressure cuff",
    "glucose": "Glucose meter",
    "weight": "Scale",
    "body_composition": "Body composition scale",
    "pulse_oximetry": "Pulse oximeter",
    "temperature": "Thermometer",
    "heart_rate": "Heart-rate strap",
    "continuous_glucose": "Glucose sensor",
    "undecoded": "Device of an unknown kind",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """A home with its signs, the worst first; never without one."""

    home: Home
    signs: tuple[Sign, ...]

    @property
    def worst(self) -> Sign:
        return self.signs[0]

    @property
    def needs_attention(self) -> bool:
        return self.worst.tone != "good"

    @property
    def name(self) -> str:
        return self.home.label or "Home without a label"


def look(home: Home, *, now: datetime) -> HomeView:
    signs = _of_gateways(home.gateways, now) + _of_devices(home, now)
    order = {"warning": 0, "notice": 1}
    signs.sort(key=lambda sign: order.get(sign.tone, 2))
    return HomeView(home=home, signs=tuple(signs) or (Sign(tone="good", word="Working"),))


def is_away(gateway: Gateway, *, now: datetime) -> bool:
    return gateway.state == "offline" or (gateway.at is not None and now - gateway.at > NO_NEWS)


def gateway_sign(gateway: Gateway, *, now: datetime) -> Sign:
    """The one word for a gateway."""
    if gateway.at is None:
        advice = "Give its box the credentials and switch it on."
        return Sign(tone="notice", word="Not heard yet", advice=advice)
    if is_away(gateway, now=now):
        advice = (
            f"Its last word came {ago(gateway.at, now)}. Readings wait in the box and the devices:"
            " ask whether it has power and network."
        )
        return Sign(tone="warning", word="Gateway offline", advice=advice)
    return Sign(tone="good", word="Online")


def _of_gateways(gateways: Sequence[Gateway], now: datetime) -> list[Sign]:
    if not gateways:
        advice = "Register a gateway for this home."
        return [Sign(tone="notice", word="No gateway", advice=advice)]
    signs = [s for g in gateways if (s := gateway_sign(g, now=now)).tone != "good"]
    rejected = sum(g.said.rejected for g in gateways if g.said)
    signs += [sign for g in gateways for sign in disk_signs(g) + radio_signs(g)]
    waiting = sum(g.said.spool_depth for g in gateways if g.said)
    if rejected:
        advice = "They are kept in the box. See Quarantine for the reason."
        signs.append(Sign(tone="warning", word=f"{_readings(rejected)} refused", advice=advice))
    if waiting:
        signs.append(Sign(tone="notice", word=f"{_readings(waiting)} to be sent"))
    return signs


def _of_devices(home: Home, now: datetime) -> list[Sign]:
    signs = [sign for device in home.devices for sign in device_signs(device, home.zone)]
    heard = [g for g in home.gateways if g.at is not None]
    if heard and all(not is_away(g, now=now) for g in heard):
        signs += _of_silence(home.devices, now)
    return signs


def _of_silence(devices: Sequence[Device], now: datetime) -> list[Sign]:
    """Only of a home whose gateway is there: else silence says nothing about its people."""
    held = [d for d in devices if d.holders]
    if not held:
        return [] if devices else [Sign(tone="notice", word="No device heard")]
    measured = [d.last_measured_at for d in held if d.last_measured_at]
    if not measured:
        return [Sign(tone="notice", word="Nothing measured yet")]
    if now - max(measured) > SILENCE:
        advice = "The gateway works. Ask how they are, and whether the device is at hand."
        word = f"Nobody measured for {(now - max(measured)).days} days"
        return [Sign(tone="warning", word=word, advice=advice)]
    return []


def device_signs(device: Device, zone: str | None) -> list[Sign]:
    """`zone` is its home's; without a home nobody knows what its clock should show."""
    signs = []
    if device.battery_pct is not None and device.battery_pct <= LOW_BATTERY:
        word = f"Battery low: {device_name(device)} {device.battery_pct} %"
        signs.append(Sign(tone="warning", word=word, advice="Ask them to change the batteries."))
    wrong = clock_error(device, zone)
    if wrong is not None and abs(wrong) > WRONG_CLOCK:
        word = f"Clock of {device_name(device)} {clock_words(wrong)}"
        signs.append(Sign(tone="notice", word=word, advice="Times are corrected as they come in."))
    return signs


def clock_error(device: Device, zone: str | None) -> float | None:
    """Seconds that it is ahead of the wall clock of its home, which is what people set it by.

    `clock_offset_s` is against UTC: five hours behind is right in New York in winter.
    """
    heard = device.last_seen or device.last_measured_at
    if device.clock_offset_s is None or heard is None or zone is None:
        return None
    wall = heard.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return device.clock_offset_s - wall.total_seconds()


def clock_words(offset_s: float | None) -> str:
    """'12 min fast', 'right'."""
    if offset_s is None:
        return "not read"
    seconds = abs(offset_s)
    if seconds < 60:  # noqa: PLR2004 -- within a minute
        return "right"
    span = f"{seconds / 60:.0f} min" if seconds < 7200 else _long(seconds)  # noqa: PLR2004 -- two h
    return f"{span} {'fast' if offset_s > 0 else 'slow'}"


def _long(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"  # noqa: PLR2004


def _readings(count: int) -> str:
    return "1 reading" if count == 1 else f"{count} readings"


def device_name(device: Device) -> str:
    return device.label or name_of_kind(device.kind)


def name_of_kind(kind: str | None) -> str:
    return KINDS.get(kind or "", "Device of an unknown kind")


def slot_name(slot: int) -> str:
    return "no user slots" if slot == NO_SLOT else f"user {slot}"


def reading_words(row: dict[str, Any], viewer: Viewer) -> str:
    """What was measured, in the reader's units; an admin looks after devices, not charts."""
    if viewer.role is Role.ADMIN:
        return "value not shown to admins"
    return "failed measurement" if row["failed"] else _value_words(row, viewer)


def _value_words(row: dict[str, Any], viewer: Viewer) -> str:
    if row["kind"] == "glucose" and row["comparator"]:
        return "Glucose HI" if row["comparator"] == ">" else "Glucose LO"
    if row["kind"] == "glucose":
        return f"Glucose {glucose(row['glucose_mg_dl'], viewer.glucose_unit)}"
    if row["kind"] == "weight":
        return f"Weight {weight(row['weight_kg'], viewer.weight_unit)}"
    if row["kind"] == "blood_pressure":
        return f"BP {number(row['systolic_mmhg'])}/{number(row['diastolic_mmhg'])}"
    words = number_words(row, viewer.glucose_unit)
    return f"{vocabulary.KINDS[row['kind']]} {words}" if words else "bytes that could not be read"
