"""Templates: one Jinja environment, its filters, and the words for times and units."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from api import times, units

HERE = Path(__file__).parent
STATIC = HERE / "static"


@cache
def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # templates and code are of one release
    )
    env.filters.update(
        ago=times.ago,
        full=times.full,
        short=times.short,
        day=_day,
        shortday=_short_day,
        monthname=_month,
        clock=times.clock,
        duration=times.duration,
        minutes=times.minutes,
        number=units.number,
        glucose=units.glucose,
        weight=units.weight,
        together=units.together,
    )
    env.globals["asset"] = asset
    return env


@cache
def asset(path: str) -> str:
    """The address of a static file, with its version, so that browsers may keep it for ever."""
    stamp = int((STATIC / path).stat().st_mtime)
    return f"/static/{path}?v={stamp:x}"


def render(template: str, context: dict[str, Any]) -> str:
    return environment().get_template(template).render(context)


def _day(value: date | datetime, zone: ZoneInfo | None = None) -> str:
    local = value.astimezone(zone) if isinstance(value, datetime) and zone else value
    return f"{local:%b} {local.day}, {local.year}"


def _short_day(day: date) -> str:
    return f"{day:%b} {day.day}"


def _month(day: date) -> str:
    return f"{day:%B %Y}"
