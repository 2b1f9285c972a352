"""A gateway's page in words: how its box is, and whether it does what the clinic wants. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.signs import Sign, disk_signs, radio_signs
from store.homes import Gateway

SLOW_TO_OBEY = timedelta(minutes=15)

_FIELDS = {
    "accept": "the devices to accept",
    "forget": "the devices to forget",
    "names": "the names",
    "settings": "a setting",
    "renew_before": "the order for a new credential",
    "version": "the version",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayView:
    """What the page says of the box; `signs` lead to what to do."""

    gateway: Gateway
    signs: tuple[Sign, ...]
    obeys: str  # whether the clinic's wish is in force


def look(gateway: Gateway, wish: dict[str, Any], *, now: datetime) -> GatewayView:
    return GatewayView(
        gateway=gateway,
        signs=tuple(disk_signs(gateway) + radio_signs(gateway) + _of_wish(gateway)),
        obeys=_obeys(gateway, wish, now),
    )


def _of_wish(gateway: Gateway) -> list[Sign]:
    desired = gateway.said.desired if gateway.said else None
    signs = []
    for problem in desired.problems if desired else []:
        what = _FIELDS.get(problem.field.split("[")[0].split(".")[0], "part of what you asked for")
        advice = f"{problem.field or 'the message'}: {problem.reason}. The rest is in force."
        signs.append(Sign(tone="notice", word=f"It could not apply {what}", advice=advice))
    return signs


def _obeys(gateway: Gateway, wish: dict[str, Any], now: datetime) -> str:
    if wish["version"] is None:
        return "nothing asked for"
    desired = gateway.said.desired if gateway.said else None
    if desired is not None and desired.version == str(wish["version"]):
        return "in force"
    if wish["sent_at"] is None or wish["sent_at"] < wish["changed_at"]:
        return "not sent yet"
    waited = now - wish["changed_at"]
    return "sent, not confirmed yet" if waited < SLOW_TO_OBEY else "not confirmed by the box"
