"""Months as Hypothesis draws them: every role, programme and switch, both years, crowded days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.ccm_link.engine.make import ALL_ELEMENTS, days, month

PROGRAMMES = ["TCM", "RPM", "CCM", "PCM", "BHI"]
STAFF = {
    "RN1": "clinical_staff",
    "RN2": "clinical_staff",
    "MD1": "qhp",
    "MD2": "qhp",
    "CLERK": "non_clinical",
}
MONTHS = ["2025-03", "2025-12", "2026-01", "2026-03", "2026-11"]
ZONES = ["America/New_York", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kolkata"]
CLAIMS = ["99490", "99439", "99424", "99426", "99454", "99457", "99091", "G0181", "G0557", "98977"]

ENROLLED = [["CCM", "PCM", "RPM"], ["CCM", "RPM"], ["CCM"], ["PCM", "RPM"], ["CCM", "CCM", "PCM"]]

Drawn = dict[str, Any]

#: Seconds since a day before the month: whole minutes often, so that entries meet exactly.
_moments = st.one_of(
    st.integers(0, 33 * 24 * 60).map(lambda minute: minute * 60),
    st.integers(36 * 3600, 40 * 3600),  # many on one morning
    st.integers(600, 720).map(lambda minute: minute * 60),
)
_lengths = st.one_of(st.integers(1, 7200), st.sampled_from([600, 1200, 1800, 3600, 5400]))
#: What is rarely otherwise: most months have something that bills.
_rarely: st.SearchStrategy[bool] = st.sampled_from([*[False] * 7, True])


def start_of(number: str) -> datetime:
    """A day before the month begins anywhere."""
    return datetime.fromisoformat(f"{number}-01").replace(tzinfo=UTC) - timedelta(days=1)


def at(number: str, seconds: float) -> str:
    return (start_of(number) + timedelta(seconds=seconds)).isoformat()


@st.composite
def logged(draw: st.DrawFn, number: str, programmes: list[str]) -> list[Drawn]:
    """Entries of the month, some of which cannot count, some of which are there twice."""
    found: list[Drawn] = []
    for index in range(draw(st.integers(4, 14))):
        staff = draw(st.sampled_from(["RN1", "RN1", "RN1", "RN2", "MD1", "MD2", "CLERK"]))
        start = draw(_moments) + draw(st.sampled_from([0, 0, 0.25]))
        entry: Drawn = {
            "id": f"t{index}",
            "program": draw(st.sampled_from([*programmes, "CCM", "CCM"])),
            "staff": staff,
            "role": STAFF[staff],
            "activity": "training"
            if draw(_rarely)
            else draw(st.sampled_from(["call", "care_plan"])),
            "start": at(number, start),
            "end": at(number, start + draw(_lengths)),
        }
        again = draw(_rarely)
        if found and again:
            entry = {**draw(st.sampled_from(found)), "id": f"t{index}"}
        if draw(_rarely) and draw(_rarely):
            entry |= {"end": None, "minutes": 20}
        found.append(entry)
    return found


@st.composite
def enrolled(draw: st.DrawFn, number: str, programme: str) -> Drawn:
    late = st.one_of(st.integers(0, 34 * 86400), st.just(3600))
    lacking = draw(st.sampled_from(ALL_ELEMENTS)) if draw(_rarely) else ""
    consent = {
        "at": at(number, draw(late) if draw(_rarely) else -30 * 86400),
        "method": "verbal",
        "elements": [element for element in ALL_ELEMENTS if element != lacking],
    }
    return {
        "program": programme,
        "practitioner": draw(st.sampled_from(["A", "A", "B"])),
        "qualifying_conditions": 1 if draw(_rarely) else 2,
        "high_risk_condition": not draw(_rarely),
        "care_plan": not draw(_rarely),
        "complex_mdm": draw(st.sampled_from([None, None, "moderate", "high"])),
        "consent": None if draw(_rarely) else consent,
    }


@st.composite
def monitored(draw: st.DrawFn, number: str) -> Drawn:
    first = str((start_of(number) + timedelta(days=draw(st.integers(-35, 10)))).date())
    rpm: Drawn = {
        "period_starts": draw(st.sampled_from([[first], [], [first, *days(first, 31)[30:]]])),
        "reading_days": days(first, draw(st.integers(0, 40))),
        "interactive": [] if draw(_rarely) else [at(number, draw(_moments))],
        "qhp_interpretation_seconds": draw(st.sampled_from([0, 0, 1799, 1800])),
    }
    rpm["readings"] = [
        {"at": at(number, draw(_moments)), "manual": draw(st.booleans())}
        for _ in range(draw(st.integers(0, 4)))
    ]
    if draw(st.booleans()):
        rpm["setup"] = {"date": first}
    return rpm


@st.composite
def cases(draw: st.DrawFn) -> Drawn:
    """A whole month."""
    number = draw(st.sampled_from(MONTHS))
    present = draw(st.sampled_from(ENROLLED))
    stays, elsewhere = int(draw(_rarely)), draw(st.integers(0, 2))
    case = month(*draw(logged(number, PROGRAMMES)), month=number)
    enrolments = [draw(enrolled(number, programme)) for programme in present]
    if present.count("CCM") > 1:
        enrolments[1]["practitioner"] = "C"
    return case | {
        "practice_tz": draw(st.sampled_from(ZONES)),
        "patient_tz": draw(st.sampled_from([None, *ZONES])),
        "policy": draw(policies()),
        "enrollments": enrolments,
        "staff_other_patient": [_elsewhere(draw, number) for _ in range(elsewhere)],
        "inpatient_stays": [_stay(draw, number) for _ in range(stays)],
        "other_claims": draw(st.lists(_claims(), min_size=1, max_size=3)) if draw(_rarely) else [],
        "apcm": ["G0557"] if draw(_rarely) else [],
        "rpm": draw(st.one_of(st.none(), monitored(number))),
    }


def policies() -> st.SearchStrategy[Drawn]:
    caps = st.dictionaries(st.sampled_from(["99439", "99437", "99427"]), st.integers(0, 4))
    return st.fixed_dictionaries({"qhp_time_counts_as_staff": st.booleans(), "caps": caps})


def _claims() -> st.SearchStrategy[Drawn]:
    code, by = st.sampled_from(CLAIMS), st.sampled_from(["A", "B"])
    return st.fixed_dictionaries({"code": code, "practitioner": by})


def _elsewhere(draw: st.DrawFn, number: str) -> Drawn:
    start = draw(_moments)
    end = start + draw(_lengths)
    staff = draw(st.sampled_from(sorted(STAFF)))
    return {"staff": staff, "start": at(number, start), "end": at(number, end)}


def _stay(draw: st.DrawFn, number: str) -> Drawn:
    first = (start_of(number) + timedelta(days=draw(st.integers(0, 30)))).date()
    return {"from": str(first), "to": str(first + timedelta(days=draw(st.integers(0, 3))))}
