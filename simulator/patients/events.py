"""What went wrong in the last day, and what must follow from it: the demo's expectations, as data.

Each event stands with the alert that it must raise, or with none. The words of lineages and
severities are those of the product's contract; how the product gets there is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.patients.records import GlucoseTaken, PressureTaken, Taken, WeightTaken


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Expected:
    """One alert: whose, which lineage, how severe, and whether a review item of a backlog."""

    patient: str
    lineage: str
    severity: str
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Measurements beside the ordinary ones; what must follow, if anything."""

    patient: int
    taken: tuple[Callable[[datetime], Taken], ...]
    lineage: str | None = None
    severity: str = ""
    arrives_late: bool = False  # the device held it back until now
    stored: bool = True  # False: quarantined
    stranger: bool = False  # measured on a device that nobody is assigned to
    instead: str | None = None  # ordinary measurements of this kind are left out of the last day

    @property
    def expected(self) -> Expected | None:
        if self.lineage is None:
            return None
        return Expected(
            patient=f"DEMO-{self.patient:03}",
            lineage=self.lineage,
            severity=self.severity,
            late=self.arrives_late,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nothing has come from this patient for so long."""

    patient: int
    since: timedelta


def _bp(ago: timedelta, systolic: int, diastolic: int, pulse: int) -> Callable[[datetime], Taken]:
    return lambda now: PressureTaken(
        at=now - ago, systolic=systolic, diastolic=diastolic, pulse=pulse
    )


def _sugar(
    ago: timedelta, mg_dl: int | None, meal: int | None = None
) -> Callable[[datetime], Taken]:
    return lambda now: GlucoseTaken(at=now - ago, mg_dl=mg_dl, meal=meal)


def _kg(ago: timedelta, kg: float) -> Callable[[datetime], Taken]:
    return lambda now: WeightTaken(at=now - ago, kg=kg)


def _ago(hours: float = 0, minutes: float = 0) -> timedelta:
    return timedelta(hours=hours, minutes=minutes)


EVENTS: tuple[Event, ...] = (
    Event(  # a crisis, and its repeat
        patient=2, lineage="blood_pressure.high", severity="critical",
        taken=(_bp(_ago(minutes=25), 191, 124, 92), _bp(_ago(minutes=18), 188, 121, 90)),
    ),
    Event(  # the meter says LO
        patient=3, lineage="glucose.low", severity="critical",
        taken=(_sugar(_ago(minutes=11), None),),
    ),
    Event(
        patient=4, lineage="glucose.high", severity="warning",
        taken=(_sugar(_ago(hours=2, minutes=40), 268, 2),),
    ),
    Event(  # 1.9 kg in a day on top of a slow creep
        patient=5, lineage="weight.gain", severity="warning", instead="weight",
        taken=(_kg(_ago(hours=21), 94.1), _kg(_ago(minutes=50), 96.0)),
    ),
    Event(  # three weeks of rising, and now over the line
        patient=6, lineage="blood_pressure.high", severity="warning",
        taken=(_bp(_ago(hours=1, minutes=20), 146, 91, 73),),
    ),
    Event(
        patient=8, lineage="pulse.low", severity="warning",
        taken=(_bp(_ago(hours=3, minutes=5), 116, 70, 46),),
    ),
    Event(  # three days in the cuff's memory
        patient=9, lineage="blood_pressure.high", severity="notice", arrives_late=True,
        taken=(_bp(_ago(hours=74), 154, 95, 71),),
    ),
    Event(  # her husband stepped onto the scale in her slot
        patient=13, lineage="weight.whose", severity="warning", instead="weight",
        taken=(_kg(_ago(hours=20), 68.4), _kg(_ago(hours=1), 84.5)),
    ),
    Event(  # no living person has this; her emergency may still hide there
        patient=15, lineage="reading.quarantined", severity="warning", stored=False,
        taken=(_bp(_ago(hours=5), 372, 98, 80),),
    ),
    Event(  # high, but nobody knows whose
        patient=17, stranger=True, taken=(_bp(_ago(hours=6), 165, 101, 77),),
    ),
    Event(
        patient=18, lineage="blood_pressure.low", severity="warning",
        taken=(_bp(_ago(hours=1, minutes=45), 86, 54, 81),),
    ),
    Event(
        patient=19, lineage="glucose.low", severity="warning",
        taken=(_sugar(_ago(minutes=35), 63, 3),),
    ),
    Event(
        patient=20, lineage="glucose.high", severity="notice",
        taken=(_sugar(_ago(hours=4), 196, 2),),
    ),
    Event(  # enrolled in nothing, and still looked after
        patient=21, lineage="blood_pressure.high", severity="warning",
        taken=(_bp(_ago(hours=2), 152, 94, 77),),
    ),
)  # fmt: skip

SILENT = Silence(patient=7, since=timedelta(days=6))
OFFLINE = Silence(patient=16, since=timedelta(days=2))  # the whole home, its gateway too
REPLACED = Silence(patient=1, since=timedelta(hours=36))  # since then, the live home's new devices
