"""What an alert can be about. One open alert stands for one lineage of one patient (I6)."""

from __future__ import annotations

from enum import StrEnum


class Lineage(StrEnum):
    """The set is closed: it is a metric label, and every member has a protocol."""

    BLOOD_PRESSURE_HIGH = "blood_pressure.high"
    BLOOD_PRESSURE_LOW = "blood_pressure.low"
    PULSE_HIGH = "pulse.high"
    PULSE_LOW = "pulse.low"
    GLUCOSE_HIGH = "glucose.high"
    GLUCOSE_LOW = "glucose.low"
    WEIGHT_GAIN = "weight.gain"
    WEIGHT_WHOSE = "weight.whose"  # a jump so large that it may be somebody else's
    READING_QUARANTINED = "reading.quarantined"  # a value that could not become a reading


#: What an alert is called where people read of it.
LABELS = {
    Lineage.BLOOD_PRESSURE_HIGH: "High blood pressure",
    Lineage.BLOOD_PRESSURE_LOW: "Low blood pressure",
    Lineage.PULSE_HIGH: "Fast pulse",
    Lineage.PULSE_LOW: "Slow pulse",
    Lineage.GLUCOSE_HIGH: "High glucose",
    Lineage.GLUCOSE_LOW: "Low glucose",
    Lineage.WEIGHT_GAIN: "Weight gain",
    Lineage.WEIGHT_WHOSE: "Whose weight is it?",
    Lineage.READING_QUARANTINED: "A value was set aside",
}


class Severity(StrEnum):
    """How soon a person has to look."""

    NOTICE = "notice"  # for review
    WARNING = "warning"  # the same day
    CRITICAL = "critical"  # at once

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def worst(*severities: Severity) -> Severity:
    return max(severities, key=_RANKS.__getitem__)
