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
from ccm_link.calendar_month import Month
from ccm_link.codes import Reason, Role
from ccm_link.evaluate import evaluate
from ccm_link.facts import Facts, decode
from ccm_link.rules import (
    CodeRow,
    Conflict,
    Gate,
    NoRules,
    Row,
    Table,
    WrongTable,
    check,
    in_force,
    rules_for,
    shipped,
)
from ccm_link.view import as_json
from tests.ccm_link.engine.make import ALL_ELEMENTS, CASES, days, enrolled, entry, month, rpm_month

TABLE, _ = shipped()
TALK = ["2026-03-10T09:05:00-04:00"]
G0506 = {"with_initiating_visit": True, "personally_by_billing_practitioner": True}
STRANGER = "99214"  # an office visit, which no row names
EARLY = {**enrolled()["consent"], "at": "2024-06-01T10:00:00-04:00"}

Months = Iterator[dict[str, Any]]


def months_of_codes() -> Months:
    for code in ("G0556", "G0557", "G0558"):
        for conditions in (0, 1, 2):
            yield month(apcm=[code], enrollments=[enrolled(qualifying_conditions=conditions)])
    yield from _everything()
    yield from months_of_devices()
    yield from months_of_reviews()
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
    for staff, doctors in ((3600, 1800), (1200, 3600), (5400, 1800)):
        both = [
            entry(staff),
            entry(doctors, "2026-03-11T09:00:00-04:00", name="t2", role="qhp"),
        ]
        for programme in ("CCM", "PCM"):
            mine = [one | {"program": programme} for one in both]
            yield month(*mine, enrollments=[enrolled(programme)])
    both = [entry(5400), entry(5400, "2026-03-11T09:00:00-04:00", name="t2", role="qhp")]
    yield month(*both, enrollments=[enrolled(complex_mdm="high")])
    for role in ROLES:
        alone = entry(3600, program="PCM", role=role)
        yield month(alone, enrollments=[enrolled("PCM")], **switch)
        yield rpm_month(entry(1200, program="RPM", role=role), rpm={"interactive": TALK})
        yield rpm_month(entry(600, program="RPM", role=role), rpm={"interactive": TALK})
    yield month(*[one | {"program": "PCM"} for one in both], enrollments=[enrolled("PCM")])
    yield _plain_month("2026-01")


def months_of_never() -> Months:
    for row in TABLE.never:
        never = entry(1200, activity=row.activity)
        yield month(never)
        yield month(never, entry(1200, name="t2"))


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
    changes.append({"consent": {**EARLY, "elements": []}})
    changes.append({"qualifying_conditions": 0})
    for programme in ("CCM", "PCM", "RPM"):
        for change in changes:
            who = [enrolled(programme, **change)]
            time = entry(1800, program=programme)
            yield month(time, enrollments=who, rpm={"interactive": TALK})
            yield month(time, enrollments=who, rpm={"established_patient": False})


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
    ends = {code for item in items for code in item.split("-")}
    outside = {_next(item.split("-")[0], -1) for item in items if "-" in item}
    outside |= {_next(item.split("-")[1], 1) for item in items if "-" in item}
    for claimed in sorted({*ends, *outside, STRANGER}):
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
    for claimed in ("99454", "99457"):
        claims = {"other_claims": [{"code": claimed, "practitioner": "A"}]}
        yield _plain_month("2026-01", **claims)


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
        refused = {(r.subject, r.reason) for r in found.rejections}
        return found.billable, refused, found.notes


@cache
def answers(section: str, *, early: bool) -> list[tuple[Facts, object]]:
    """`early`: the same months, moved to the first that the table covers."""
    judged = Judge(TABLE)
    probes = [*PROBES[section](), *(case["input"] for case in CASES)]
    texts = [json.dumps(probe) for probe in probes]
    if early:
        texts = [_moved(text) for text in texts if _moved(text) != text]
    return [(facts, judged(facts)) for facts in map(decode, texts)]


def _moved(text: str) -> str:
    agreed = text.replace("2026-01-15", "2024-06-15").replace("2026-04", "2025-02")
    return agreed.replace("2026-03", "2025-01")


#: Who says so, and how it is shown, is no behaviour. Ranks are turned round below.
SAID = {"source", "confidence", "label", "why", "rank"}
ROLES = (Role.CLINICAL_STAFF, Role.QHP)
DAY, MONTH = timedelta(days=1), timedelta(days=31)


def changed(row: Row) -> Iterator[tuple[str, Row | None]]:
    """The row gone, and the row with one field off by the least step."""
    yield "gone", None
    for name, value in msgspec.structs.asdict(row).items():
        if name in SAID or (type(row).__name__, name) in NOWHERE:
            continue
        for number, other in enumerate(_neighbours(row, name, value)):
            yield f"{name}.{number}", msgspec.structs.replace(row, **{name: other})


#: What the code of another field already says, so that no month can tell it apart.
NOWHERE = {
    ("CodeRow", "programme"),  # only pages read it
}


def _neighbours(row: Row, name: str, value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [] if _says_nothing(row, name) else [not value]
    if isinstance(value, int):
        asked = isinstance(row, Gate) or (isinstance(row, CodeRow) and row.programme == "APCM")
        return [value + 1, *([value - 1] if value else [])] if value or asked else []
    by_name = {
        "valid_from": lambda: [
            value + DAY,
            *([value - MONTH] if value > TABLE.covers_from else []),
        ],
        "valid_to": lambda: [value - DAY, value + MONTH] if value else [],
        "with_": lambda: [*_without_one(value), *_widened(value)],
        "consent_elements": lambda: [
            *(value - {element} for element in sorted(value)),
            value | {"another"},
        ],
        "counts": lambda: [value ^ {role} for role in ROLES if value != {role}],
        "reason": lambda: [
            Reason.CODE_RETIRED if value is Reason.ONCE_PER_EPISODE else Reason.ONCE_PER_EPISODE
        ],
        "addon": lambda: [None] if value else [],
        "dollars": lambda: [value + 1, value - 1],
    }
    return by_name.get(name, list)()


def _says_nothing(row: Row, name: str) -> bool:
    """Flags that another field of the same row already decides."""
    of_devices = isinstance(row, Conflict) and row.subject in {"99453", "99454", "99445"}
    return of_devices and name != "other_practitioner"  # another's claim refuses all of RPM


def _without_one(items: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for n, item in enumerate(items):
        low, _, high = item.partition("-")
        inside = [f"{_next(low, 1)}-{high}", f"{low}-{_next(high, -1)}"] if high else []
        yield from (items[:n] + left + items[n + 1 :] for left in [(), *((i,) for i in inside)])


def _widened(items: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A code more, and each range a code longer at either end."""
    yield (*items, STRANGER)
    for n, item in enumerate(items):
        low, _, high = item.partition("-")
        if high:
            before, after = _next(low, -1), _next(high, 1)
            for code, wider in ((before, f"{before}-{high}"), (after, f"{low}-{after}")):
                if code not in items:
                    yield (*items[:n], wider, *items[n + 1 :])


def _next(code: str, step: int) -> str:
    letters = code.rstrip("0123456789")
    digits = code[len(letters) :]
    return f"{letters}{int(digits) + step:0{len(digits)}}"


def mutants() -> Iterator[Any]:
    for section in PROBES:
        rows = getattr(TABLE, section)
        for at, row in enumerate(rows):
            for what, other in changed(row):
                kept = () if other is None else (other,)
                mutated = {section: (*rows[:at], *kept, *rows[at + 1 :])}
                table = msgspec.structs.replace(TABLE, **mutated)
                yield pytest.param(section, table, id=f"{section}[{at}].{what}")


def notices(section: str, table: Table, *, early: bool) -> bool:
    judged = Judge(table)
    return any(judged(facts) != before for facts, before in answers(section, early=early))


@pytest.mark.parametrize(("section", "table"), list(mutants()))
def test_a_changed_row_changes_some_month(section: str, table: Table) -> None:
    try:
        check(table)
    except WrongTable:
        return  # such a table is not even read
    assert notices(section, table, early=False) or notices(section, table, early=True)


@pytest.mark.parametrize("programme", ["CCM", "PCM"])
def test_ranks_turned_round_change_some_month(programme: str) -> None:
    tracks = tuple(
        msgspec.structs.replace(t, rank=-t.rank) if t.programme == programme else t
        for t in TABLE.track
    )
    table = msgspec.structs.replace(TABLE, track=tracks)
    assert notices("track", table, early=False)


def test_the_table_begins_where_it_says() -> None:
    assert rules_for(Month.parse("2025-01")).codes
    with pytest.raises(NoRules):
        rules_for(Month.parse("2024-12"))


@pytest.mark.parametrize(
    "section", ["code", "track", "never", "gate", "device", "review", "amount"]
)
def test_two_rows_of_one_thing_never_hold_at_once(section: str) -> None:
    rows = getattr(TABLE, section)
    with pytest.raises(WrongTable, match="two rows hold on 2025-01-01"):
        check(msgspec.structs.replace(TABLE, **{section: (*rows, rows[0])}))


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
    for facts, _ in answers(section, early=False):
        said = as_json(evaluate(facts, in_force(TABLE, facts.month, version=""), today=today))
        texts = [e["text"] for e in said["explanations"]] + [
            r["detail"] for r in said["rejections"]
        ]
        assert all(text and "{" not in text for text in texts)
