"""The box in the home: how soon a reading is safe, how fast a backlog drains, what it weighs.

Each part is a module of its own that gives figures, ratios and what went wrong.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from bench import gateway_backlog, gateway_visits, machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """`rounds` homes are visited one after the other, all devices of a home at once.

    `backlog` readings drain `drains` times; 0: the visits only.
    """

    rounds: int
    backlog: int = 100_000
    drains: int = 3


def run(wish: Wish) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    figures: dict[str, Any] = {"load_before": machine.load()}
    ratios: dict[str, Any] = {}
    visits, problems = asyncio.run(gateway_visits.run(wish.rounds))
    figures |= visits
    if wish.backlog:
        backlog = gateway_backlog.Wish(backlog=wish.backlog, rounds=wish.drains)
        drained, ratios, more = asyncio.run(gateway_backlog.run(backlog))
        figures |= drained
        problems += more
    return figures, ratios, problems
