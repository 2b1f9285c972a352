"""Holds what is stored against what was measured: ids and values, nothing lost or doubled."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One line of the simulator's journal."""

    address: str
    kind: str
    raw: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One reading as the database has it."""

    reading_id: str
    address: str
    kind: str
    measured_at: str
    raw: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How many of each; `strangers` are stored, but were never measured."""

    taken: int
    stored: int
    lost: int
    doubled: int
    values_changed: int
    strangers: int

    @property
    def exact(self) -> bool:
        return not (self.lost or self.doubled or self.values_changed or self.strangers)


def read_journal(path: Path) -> list[Taken]:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [_taken(line) for line in lines]


def _taken(line: dict[str, Any]) -> Taken:
    return Taken(
        address=line["address"].upper(),
        kind=line["kind"],
        raw=line["raw"].lower(),
        values={name: value for name, value in line["values"].items() if value is not None},
    )


def compare(taken: list[Taken], stored: list[Stored]) -> Comparison:
    """A measurement is recognised by its device and its bytes; its values must be equal."""
    truth = Counter((t.address, t.raw) for t in taken)
    found = Counter((s.address, s.raw) for s in stored)
    values = {(t.address, t.raw): t.values for t in taken}
    return Comparison(
        taken=len(taken),
        stored=len(stored),
        lost=sum((truth - found).values()),
        doubled=sum(count - truth[key] for key, count in found.items() if 0 < truth[key] < count),
        values_changed=sum(
            not _equal(values[s.address, s.raw], s.values)
            for s in stored
            if (s.address, s.raw) in values
        ),
        strangers=sum(count for key, count in found.items() if key not in truth),
    )


def _equal(truth: dict[str, float], stored: dict[str, float]) -> bool:
    """Every measured value is there; floating-point noise of a unit conversion is not a change."""
    return all(
        name in stored and abs(stored[name] - value) <= 1e-6 * max(1.0, abs(value))
        for name, value in truth.items()
    )
