"""The arithmetic of the benchmarks: pure. Each percentile is a value that was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a set of durations lies, in milliseconds."""

    n: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


def percentile(ordered: list[float], per_cent: int) -> float:
    """The smallest of the sorted values that so many per cent of all do not exceed."""
    if not ordered:
        raise ValueError("no values")
    rank = -(-len(ordered) * per_cent // 100)
    return ordered[max(rank, 1) - 1]


def spread(seconds: Iterable[float]) -> Spread | None:
    """None: nothing was measured, which is not the same as zero."""
    ordered = sorted(seconds)
    if not ordered:
        return None
    p50, p95, p99, most = (_ms(percentile(ordered, q)) for q in (50, 95, 99, 100))
    return Spread(n=len(ordered), p50_ms=p50, p95_ms=p95, p99_ms=p99, max_ms=most)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
