"""Times in words: "12 min ago", the full instant with its zone, durations as a timer shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400  # seconds


def ago(instant: datetime | None, now: datetime) -> str:
    """How long since; an instant that lies ahead says "in"."""
    if instant is None:
        return "never"
    seconds = (now - instant).total_seconds()
    words = _span(abs(seconds))
    if words == "now":
        return "just now"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


def _span(seconds: float) -> str:
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    return f"{int(seconds // _DAY)} days"


def span(length: timedelta) -> str:
    """'12 min', '3 h', '2 days'."""
    words = _span(max(length.total_seconds(), 0))
    return "under 1 min" if words == "now" else words


def full(instant: datetime, zone: ZoneInfo) -> str:
    """'Tue, Nov 24, 2026, 9:05 AM EST'."""
    local = instant.astimezone(zone)
    return f"{local:%a, %b} {local.day}, {local.year}, {clock(instant, zone)} {local:%Z}"


def short(instant: datetime, zone: ZoneInfo, now: datetime | None = None) -> str:
    """'Nov 24, 9:05 AM'; with its year where `now` is in another one."""
    local = instant.astimezone(zone)
    year = f", {local.year}" if now and now.astimezone(zone).year != local.year else ""
    return f"{local:%b} {local.day}{year}, {clock(instant, zone)}"


def clock(instant: datetime, zone: ZoneInfo) -> str:
    local = instant.astimezone(zone)
    return f"{local.hour % 12 or 12}:{local:%M %p}"


def duration(seconds: float | timedelta) -> str:
    """'12:03', '1:02:03': whole seconds, as a timer shows them."""
    total = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    hours, rest = divmod(max(total, 0), _HOUR)
    minutes_, seconds_ = divmod(rest, _MINUTE)
    return f"{hours}:{minutes_:02}:{seconds_:02}" if hours else f"{minutes_}:{seconds_:02}"


def minutes(seconds: float | timedelta) -> str:
    """'12 min 3 s': exact, for sentences about what counts."""
    total = int(seconds.total_seconds() if isinstance(seconds, timedelta) else seconds)
    whole, rest = divmod(total, _MINUTE)
    parts = [f"{whole} min"] if whole or not rest else []
    return " ".join(parts + ([f"{rest} s"] if rest else []))
