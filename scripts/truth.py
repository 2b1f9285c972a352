"""Holds what is stored against what was measured: ids, values, instants; none lost or doubled."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from vitals.identity import reading_id

#: Device clocks show whole seconds, and reading one over the air takes a moment.
CLOCK_TOLERANCE = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One line of the simulator's journal."""

    reading_id: str  # what the contents of the measurement give
    address: str
    kind: str
    measured_at: datetime
    raw: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One reading as the database has it."""

    reading_id: str
    address: str
    kind: str
    measured_at: datetime
    raw: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How many of each; `strangers` are stored, but were never measured.

    `values_changed` also counts a wrong id, kind or instant.
    """

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
        reading_id=reading_id(
            device=line["address"],
            user_slot=line["user_slot"],
            sequence=line["sequence"],
            device_time=datetime.fromisoformat(line["device_time"]),
            payload_hex=line["raw"],
        ),
        address=line["address"].upper(),
        kind=line["kind"],
        measured_at=datetime.fromisoformat(line["measured_at"]),
        raw=line["raw"].lower(),
        values={name: value for name, value in line["values"].items() if value is not None},
    )


def compare(
    taken: list[Taken], stored: list[Stored], *, refused: Collection[str] = ()
) -> Comparison:
    """A measurement is recognised by its device and its bytes; its values must be equal.

    `refused`: ids that lie in quarantine. What is there is not lost, and not stored either.
    """
    truth = Counter((t.address, t.raw) for t in taken)
    kept = Counter((t.address, t.raw) for t in taken if t.reading_id in refused)
    found = Counter((s.address, s.raw) for s in stored)
    truths = {(t.address, t.raw): t for t in taken}
    return Comparison(
        taken=len(taken),
        stored=len(stored),
        lost=sum((truth - found - kept).values()),
        doubled=sum(count - truth[key] for key, count in found.items() if 0 < truth[key] < count),
        values_changed=sum(
            not _same(truths[s.address, s.raw], s) for s in stored if (s.address, s.raw) in truths
        ),
        strangers=sum(count for key, count in found.items() if key not in truth),
    )


def _same(truth: Taken, stored: Stored) -> bool:
    """Every measured value is there; floating-point noise of a unit conversion is not a change."""
    return (
        (truth.reading_id, truth.kind) == (stored.reading_id, stored.kind)
        and abs(truth.measured_at - stored.measured_at) <= CLOCK_TOLERANCE
        and all(
            name in stored.values
            and abs(stored.values[name] - value) <= 1e-6 * max(1.0, abs(value))
            for name, value in truth.values.items()
        )
    )
