"""How long a chunk should be: the same readings in chunks of different lengths, side by side.

A database for each length, filled with the same two years; charts go to and fro between them, and
so do batches of late readings, so that whatever else the machine does meets all of them. Filling
cannot: there the server's own processor time is the figure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from bench import charts, machine, settings
from bench.charts import Held, Wish
from bench.spread import spread
from store import measure

LENGTHS = (1, 7, 30)  # days
BASE = 7


def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Figures by length, ratios to `BASE`, and what went wrong."""
    admin_url = settings.environment()[settings.DATABASE_URL]
    with ExitStack() as stack:
        held = {
            days: charts.filled(stack, admin_url, replace(wish, chunk_days=days), wish.patients)
            for days in LENGTHS
        }
        asyncio.run(charts.rounds(list(held.values())))
        asyncio.run(charts.late(list(held.values())))
        facts = machine.facts(held[BASE].database.admin_url)
        figures: dict[str, Any] = {"machine": facts}
        told = {days: _told(one) for days, one in held.items()}
        figures |= {f"days_{days}": one for days, one in told.items()}
    ratios = {
        f"{name}_{days}_days": _ratio(told[days][key], told[BASE][key])
        for days in LENGTHS
        if days != BASE
        for name, key in (
            ("fill", "fill_server_us_a_row"),
            ("chart", "chart_p50_ms"),
            ("planning", "planning_ms"),
            ("late", "late_batch_ms"),
            ("fresh", "fresh_batch_ms"),
        )
    }
    return figures, ratios, _problems(list(held.values()))


def _told(held: Held) -> dict[str, Any]:
    admin_url = held.database.admin_url
    rows = held.patients * charts.A_PATIENT
    found = {
        name: value for name, value in held.told().items() if name not in {"page", "chart_cold"}
    }
    warm = spread(seconds for one in held.warm for seconds in one)
    cpu = held.server_cpu_s
    return {
        "chunks": measure.chunks(admin_url),
        "fill_server_us_a_row": None if cpu is None else round(cpu / rows * 1e6, 1),
        "chart_p50_ms": warm and warm.p50_ms,
        **found,
        "bytes_a_reading": round(sum(measure.sizes(admin_url).values()) / rows, 1),
    }


def _ratio(one: float | None, other: float | None) -> float | None:
    return round(one / other, 2) if one and other else None


def _problems(held: Sequence[Held]) -> list[str]:
    same = all(one.lengths == held[0].lengths for one in held)
    return [] if same else ["the charts are not equally long"]
