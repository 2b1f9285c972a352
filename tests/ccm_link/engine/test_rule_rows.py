"""Each number of a rule row matters: changed by the least step, some month comes out otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest

from ccm_link.activities import ACTIVITIES
from ccm_link.codes import Role
from ccm_link.evaluate import evaluate
from ccm_link.facts import Facts, decode
from ccm_link.rules import Row, Table, in_force, shipped
from ccm_link.view import as_json
from tests.ccm_link.engine.make import ALL_ELEMENTS, CASES, days, enrolled, entry, month, rpm_month

TABLE, _ = shipped()
TALK = ["2026-03-10T09:05:00-04:00"]
G0506 = {"with_initiating_visit": True, "personally_by_billing_practitioner": True}
EARLY = {**enrolled()["consent"], "at": "2024-06-01T10:00:00-04:00"}

Months = Iterator[dict[str, Any]]


def months_of_codes() -> Months:
    for code in ("G0556", "G0557", "G0558"):
        for conditions in (0, 1, 2):
            yield month(apcm=[code], enrollments=[enrolled(qualifying_conditions=conditions)])
    yield from _everything()
    for number in ("2025-01", "2025-09", "2025-10", "2025-12", "2026-01", "2026-03"):
        yield _plain_month(number, request_g0511=True)
        yield _plain_month(number)


def months_of_tracks() -> Months:
    for track in TABLE.track:
        role = Role.QHP if track.counts == {Role.QHP} else Role.CLINICAL_STAFF
        who = [enrolled(track.programme, complex_mdm="high" if track.needs_mdm else None)]
        steps = [track.first_s + n * track.step_s for n in range(track.max_addon + 2)]
        for edge in {*steps, track.below_s or track.first_s}:
            for seconds in (edge - 1, edge):
                time = entry(seconds, program=track.programme, role=role)
                yield month(time, enrollments=who, rpm={"interactive": TALK})
                yield month(time, enrollments=who)
    doctor = entry(3600, role="qhp")
    switch = {"policy": {"qhp_time_counts_as_staff": True}}
    yield month(doctor, enrollments=[enrolled(complex_mdm="high")], **switch)
    yield _plain_month("2026-01")


def months_of_never() -> Months:
    yield from (month(entry(1200, activity=row.activity)) for row in TABLE.never)


def months_of_gates() -> Months:
    changes: list[dict[str, Any]] = [
        {"qualifying_conditions": 1},
        {"qualifying_conditions": 2},
        {"high_risk_condition": False},
        {"care_plan": False},
        {"access_24_7": False},
        {"new_or_not_seen_12m": True},
    ]
    for lacking in ALL_ELEMENTS:
        elements = [element for element in ALL_ELEMENTS if element != lacking]
        changes.append({"consent": {**EARLY, "elements": elements}})
    for programme in ("CCM", "PCM"):
        for change in changes:
            who = [enrolled(programme, **change)]
            yield month(entry(1800, program=programme), enrollments=who)


def months_of_conflicts() -> Months:
    rpm = {
        "interactive": TALK,
        "period_starts": ["2026-03-01"],
        "reading_days": days("2026-03-01", 16),
        "setup": {"date": "2026-03-01"},
        "qhp_interpretation_seconds": 1800,
    }
    few = rpm | {"reading_days": days("2026-03-01", 2)}
    items = {item for conflict in TABLE.conflict for item in conflict.with_}
    for claimed in sorted({code for item in items for code in item.split("-")}):
        for by in ("A", "B"):
            claims = {"other_claims": [{"code": claimed, "practitioner": by}]}
            yield month(entry(1800), g0506=G0506, **claims)
            yield month(entry(1800, role="qhp"), **claims)
            yield month(entry(3600), enrollments=[enrolled(complex_mdm="high")], **claims)
            yield month(entry(1800, program="PCM"), enrollments=[enrolled("PCM")], **claims)
            yield month(apcm=["G0557"], **claims)
            for seconds in (1, 600, 1200):
                yield rpm_month(entry(seconds, program="RPM"), rpm=rpm, **claims)
            yield rpm_month(rpm=few, **claims)


def months_of_devices() -> Months:
    for year in ("2025", "2026"):
        for count in (1, 2, 3, 15, 16, 17):
            rpm = {
                "period_starts": [f"{year}-03-01"],
                "reading_days": days(f"{year}-03-01", count),
                "setup": {"date": f"{year}-03-01"},
            }
            who = [enrolled("RPM", consent=EARLY)]
            yield rpm_month(rpm=rpm, month=f"{year}-03", enrollments=who)
    for start in ("2026-03-01", "2026-03-02", "2026-03-03"):
        yield rpm_month(rpm={"period_starts": [start], "reading_days": days(start, 29)})
        yield rpm_month(rpm={"period_starts": [start], "reading_days": [start, "2026-03-31"]})
    for number in ("2025-12", "2026-01"):
        yield _plain_month(number)


def months_of_reviews() -> Months:
    for spent in (1799, 1800):
        yield rpm_month(rpm={"qhp_interpretation_seconds": spent})


def _everything() -> Months:
    """All that time can bill, so that an amount shows on its line."""
    for programme in ("CCM", "PCM"):
        for role in ("qhp", "clinical_staff"):
            for mdm in ("high", None):
                who = [enrolled(programme, complex_mdm=mdm)]
                yield month(entry(5400, program=programme, role=role), enrollments=who)


def _plain_month(number: str, **changes: Any) -> dict[str, Any]:
    at = f"{number}-10T09:00:00-05:00"
    other = entry(660, f"{number}-11T09:00:00-05:00", name="t2", program="RPM")
    rpm = {
        "interactive": [at],
        "period_starts": [f"{number}-01"],
        "reading_days": [f"{number}-0{n}" for n in range(1, 10)],
    }
    plain = {
        "month": number,
        "enrollments": [enrolled(p, consent=EARLY) for p in ("CCM", "RPM")],
        "rpm": rpm,
    }
    return month(entry(1200, at), other, **(plain | changes))


PROBES = {
    "code": months_of_codes,
    "track": months_of_tracks,
    "never": months_of_never,
    "gate": months_of_gates,
    "conflict": months_of_conflicts,
    "device": months_of_devices,
    "review": months_of_reviews,
    "amount": _everything,
}


class Judge:
    """What a table says of a month, comparable."""

    def __init__(self, table: Table) -> None:
        self._rules = cache(lambda month: in_force(table, month, version=""))

    def __call__(self, facts: Facts) -> object:
        try:
            found = evaluate(facts, self._rules(facts.month))
        except LookupError as exc:  # the row that was needed is gone
            return repr(exc)
        return found.billable, {(r.subject, r.reason) for r in found.rejections}


@cache
def answers(section: str) -> list[tuple[Facts, object]]:
    judged = Judge(TABLE)
    probes = [*PROBES[section](), *(case["input"] for case in CASES)]
    return [(facts, judged(facts)) for facts in (decode(json.dumps(p)) for p in probes)]


def changed(row: Row) -> Iterator[tuple[str, Row]]:
    """The row with one field off by the least step."""
    for name, value in msgspec.structs.asdict(row).items():
        if name in {"source", "confidence", "verified", "label", "why", "rank"}:
            continue
        for number, other in enumerate(_neighbours(name, value)):
            yield f"{name}.{number}", msgspec.structs.replace(row, **{name: other})


def _neighbours(name: str, value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [False] if value else []
    if isinstance(value, int):
        return [value + 1, value - 1] if value > 0 else []
    by_name = {
        # A row that is as old as the table began nowhere that can be asked for.
        "valid_from": lambda: [value + timedelta(days=100)] if value > TABLE.covers_from else [],
        "valid_to": lambda: [value - timedelta(days=40)] if value else [],
        "with_": lambda: [value[:n] + value[n + 1 :] for n in range(len(value))],
        "consent_elements": lambda: [value - {element} for element in sorted(value)],
        "dollars": lambda: [value + 1],
    }
    return by_name.get(name, list)()


def mutants() -> Iterator[Any]:
    for section in PROBES:
        rows = getattr(TABLE, section)
        for at, row in enumerate(rows):
            for what, other in changed(row):
                mutated = {section: (*rows[:at], other, *rows[at + 1 :])}
                table = msgspec.structs.replace(TABLE, **mutated)
                yield pytest.param(section, table, id=f"{section}[{at}].{what}")


@pytest.mark.parametrize(("section", "table"), list(mutants()))
def test_a_changed_row_changes_some_month(section: str, table: Table) -> None:
    judged = Judge(table)
    assert any(judged(facts) != before for facts, before in answers(section))


def test_the_ledgers_activities_and_the_table_agree_on_what_never_counts() -> None:
    assert {row.activity for row in TABLE.never} == {
        activity for activity, kind in ACTIVITIES.items() if not kind.countable
    }


def test_every_code_that_can_bill_has_a_row_with_a_label() -> None:
    known = {row.code for row in TABLE.code}
    device = {c for row in TABLE.device for c in (row.full, row.part, row.setup) if c}
    timed = {c for row in TABLE.track for c in (row.code, row.addon) if c}
    assert device | timed | {row.code for row in TABLE.review} <= known
    assert all(row.label for row in TABLE.code)


@pytest.mark.parametrize("section", PROBES)
@pytest.mark.parametrize("today", [None, date(2025, 1, 1), date(2026, 3, 15), date(2026, 5, 1)])
def test_whatever_comes_out_has_words(section: str, today: date | None) -> None:
    for facts, _ in answers(section):
        said = as_json(evaluate(facts, in_force(TABLE, facts.month, version=""), today=today))
        texts = [e["text"] for e in said["explanations"]] + [
            r["detail"] for r in said["rejections"]
        ]
        assert all(text and "{" not in text for text in texts)
