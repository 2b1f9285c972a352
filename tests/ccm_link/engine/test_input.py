"""What is no case is refused with the path of the wrong field: each field, however it is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ccm_link.__main__ import app
from ccm_link.facts import Facts, decode
from ccm_link.raw_case import InputError
from tests.ccm_link.engine.make import CASES, billed, entry, month, rpm_month

#: Every field that a case may have, with a value that is right.
FULL: dict[str, Any] = {
    "month": "2026-03",
    "practice_tz": "America/New_York",
    "patient_tz": "America/Los_Angeles",
    "billing_practitioner": "A",
    "policy": {"qhp_time_counts_as_staff": True, "caps": {"99439": 3}},
    "enrollments": [
        {
            "program": "CCM",
            "practitioner": "A",
            "qualifying_conditions": 2,
            "high_risk_condition": True,
            "care_plan": True,
            "access_24_7": True,
            "new_or_not_seen_12m": True,
            "initiating_visit": "2026-01-15",
            "complex_mdm": "moderate",
            "consent": {
                "at": "2026-01-15T10:00:00-05:00",
                "method": "verbal",
                "elements": ["availability"],
            },
            "since": "2026-01-15",
            "until": "2026-12-31",
        }
    ],
    "time_entries": [
        {
            "id": "t1",
            "program": "CCM",
            "staff": "RN1",
            "role": "clinical_staff",
            "activity": "call",
            "start": "2026-03-10T09:00:00-04:00",
            "end": "2026-03-10T09:20:00-04:00",
            "minutes": 20,
        }
    ],
    "staff_other_patient": [
        {"staff": "RN1", "start": "2026-03-11T09:00:00Z", "end": "2026-03-11T09:20:00Z"}
    ],
    "inpatient_stays": [{"from": "2026-03-01", "to": "2026-03-02"}],
    "other_claims": [{"code": "99214", "practitioner": "A"}],
    "apcm": ["G0557"],
    "g0506": {
        "already_billed": False,
        "with_initiating_visit": True,
        "personally_by_billing_practitioner": True,
    },
    "request_g0511": True,
    "rpm": {
        "established_patient": True,
        "fda_device": True,
        "period_starts": ["2026-03-01"],
        "reading_days": ["2026-03-01"],
        "readings": [{"at": "2026-03-02T08:00:00Z", "device": "cuff", "manual": False}],
        "setup": {"date": "2026-03-01", "already_billed_this_episode": False},
        "interactive": ["2026-03-10T09:05:00-04:00"],
        "qhp_interpretation_seconds": 60,
    },
}

REQUIRED = [
    "$.month",
    "$.practice_tz",
    "$.billing_practitioner",
    "$.enrollments[0].program",
    "$.enrollments[0].practitioner",
    "$.enrollments[0].consent.at",
    "$.enrollments[0].consent.method",
    "$.time_entries[0].id",
    "$.time_entries[0].program",
    "$.time_entries[0].staff",
    "$.time_entries[0].role",
    "$.time_entries[0].activity",
    "$.staff_other_patient[0].staff",
    "$.staff_other_patient[0].start",
    "$.staff_other_patient[0].end",
    "$.inpatient_stays[0].from",
    "$.inpatient_stays[0].to",
    "$.other_claims[0].code",
    "$.other_claims[0].practitioner",
    "$.rpm.readings[0].at",
    "$.rpm.setup.date",
]

Keys = tuple[str | int, ...]


def fields(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """Every place in a case, the inside ones too."""
    if keys:
        yield keys
    inside: dict[str, Any] | dict[int, Any] = value if isinstance(value, dict) else {}
    if isinstance(value, list):
        inside = dict(enumerate(value))
    for key, one in inside.items():
        yield from fields(one, (*keys, key))


def path_of(keys: Keys) -> str:
    return "$" + "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in keys)


def at(value: Any, keys: Keys) -> Any:
    for key in keys:
        value = value[key]
    return value


def with_value(keys: Keys, value: Any) -> dict[str, Any]:
    case = copy.deepcopy(FULL)
    at(case, keys[:-1])[keys[-1]] = copy.deepcopy(value)
    return case


#: In place of each kind of value: what it can never be.
WRONG = {
    str: [7, True, [], {}, 1.5],
    bool: ["true", 1, [], {}, None],
    int: ["2", True, 1.5, -1, [], {}],
    list: ["2026-03-01", 7, {}, True, None],
    dict: ["CCM", 7, [], True],
}


def wrong() -> Iterator[Any]:
    for keys in fields(FULL):
        path = path_of(keys)
        right = at(FULL, keys)
        for value in WRONG[type(right)]:
            if path == "$.time_entries[0].minutes" and value in (1.5, -1):
                continue  # minutes are a number and never used
            yield pytest.param(path, with_value(keys, value), id=f"{path}={value!r}")


def texts() -> Iterator[Any]:
    """Text where it must be a certain text."""
    free = {"device", "activity"}
    for keys in fields(FULL):
        if not isinstance(at(FULL, keys), str) or keys[-1] in free:
            continue
        yield pytest.param(path_of(keys), with_value(keys, ""), id=f"{path_of(keys)} empty")
        if {"staff", "practitioner", "billing_practitioner", "id", "elements"} & {*keys}:
            continue
        for value in ("nonsense", "2026-13-01", "0001-01-01", "9999-12-31T23:59:59Z"):
            yield pytest.param(
                path_of(keys), with_value(keys, value), id=f"{path_of(keys)} {value}"
            )


def unknown() -> Iterator[Any]:
    places = [(), *(keys for keys in fields(FULL) if isinstance(at(FULL, keys), dict))]
    for keys in places:
        path = path_of((*keys, "unheard_of"))
        yield pytest.param(path, with_value((*keys, "unheard_of"), True), id=path)


def missing() -> Iterator[Any]:
    for keys in fields(FULL):
        if path_of(keys) in REQUIRED:
            case = copy.deepcopy(FULL)
            del at(case, keys[:-1])[keys[-1]]
            yield pytest.param(path_of(keys), case, id=path_of(keys))


def refused(case: Any) -> str:
    with pytest.raises(InputError) as caught:
        decode(json.dumps(case))
    assert "\n" not in str(caught.value)
    return caught.value.path


def test_the_full_case_is_right_and_holds_every_field() -> None:
    decode(json.dumps(FULL))
    here = {keys[-1] for keys in fields(FULL)}
    assert {"from" if name == "from_" else name for name in Facts.__struct_fields__} <= here


@pytest.mark.parametrize(("path", "case"), [*wrong(), *texts(), *unknown(), *missing()])
def test_a_wrong_field_is_named(path: str, case: Any) -> None:
    assert refused(case) == path


def test_every_required_field_was_left_out_once() -> None:
    assert [param.id for param in missing()] == [
        path for path in map(path_of, fields(FULL)) if path in REQUIRED
    ]
    assert len(list(missing())) == len(REQUIRED)


@pytest.mark.parametrize(
    "keys", [k for k in fields(FULL) if path_of(k) not in REQUIRED], ids=path_of
)
def test_whatever_is_not_required_may_be_absent(keys: Keys) -> None:
    case = copy.deepcopy(FULL)
    del at(case, keys[:-1])[keys[-1]]
    decode(json.dumps(case))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("$.month", {"month": "2019-01"}),
        ("$.month", {"month": "2026-3"}),
        ("$.month", {"month": "2026-03-01"}),
        ("$.enrollments[0].program", {"enrollments": [{"program": "XYZ", "practitioner": "A"}]}),
        ("$.policy.caps.99439", {"policy": {"caps": {"99439": -1}}}),
        ("$.policy.caps.9943", {"policy": {"caps": {"9943": 1}}}),
        ("$.policy.max_99439", {"policy": {"max_99439": "three"}}),
        ("$.policy.unheard_of", {"policy": {"unheard_of": {"how": 1}}}),
        ("$.apcm[1]", {"apcm": ["G0557", "G0559"]}),
        ("$.other_claims[0].code", {"other_claims": [{"code": "9921", "practitioner": "A"}]}),
        ("$.inpatient_stays[0].to", {"inpatient_stays": [
            {"from": "2026-03-09", "to": "2026-03-08"}]}),
        ("$.rpm.period_starts[0]", {"rpm": {"period_starts": ["2026-02-30"]}}),
        ("$.rpm.readings[0].at", {"rpm": {"readings": [{"at": "2026-03-09T08:00:00"}]}}),
        ("$.rpm.interactive[0]", {"rpm": {"interactive": ["2026-03-09T08:00:00"]}}),
        ("$.staff_other_patient[0].start", {"staff_other_patient": [
            {"staff": "RN1", "start": "2026-03-09T08:00:00", "end": "2026-03-09T09:00:00Z"}]}),
        ("$.staff_other_patient[0].end", {"staff_other_patient": [
            {"staff": "RN1", "start": "2026-03-09T08:00:00Z", "end": "2026-03-09T08:00:00Z"}]}),
        ("$.time_entries[1].id", {"time_entries": [entry(60), entry(61)]}),
    ],
)  # fmt: skip
def test_what_is_wrong_in_its_own_way(path: str, change: dict[str, Any]) -> None:
    done = CliRunner().invoke(app, ["evaluate"], input=json.dumps(month() | change))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{path}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"x"',
        "[" * 100_000,
        '{"month": "\\ud800"}',
        "\xff",
        '{"a": NaN}',
    ],
    ids=range(10),
)
def test_what_is_no_case_at_all(text: str) -> None:
    done = CliRunner().invoke(app, ["evaluate"], input=text.encode("latin-1"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("$")
    assert done.stderr.count("\n") == 1


PLACES = list(fields(FULL))
#: What a field may hold: any JSON, and the values that are right elsewhere in a case.
ANYTHING = st.one_of(
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=9)
        ),
        lambda inside: st.one_of(
            st.lists(inside, max_size=2), st.dictionaries(st.text(max_size=9), inside, max_size=2)
        ),
        max_leaves=4,
    ),
    st.sampled_from([at(FULL, keys) for keys in PLACES]),
    st.datetimes(timezones=st.just(UTC)).map(str),
    st.dates().map(str),
    st.sampled_from(sorted(available_timezones())),
)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=2), st.booleans()
)
def test_whatever_stands_in_a_field_is_evaluated_or_refused(
    changes: list[tuple[Keys, Any]], with_today: bool
) -> None:
    case: Any = copy.deepcopy(FULL)
    for keys, value in changes:
        try:
            at(case, keys[:-1])[keys[-1]] = copy.deepcopy(value)
        except (TypeError, KeyError, IndexError):  # the first change took its place away
            continue
    options = ["--today", "2026-03-20"] if with_today else []
    done = CliRunner().invoke(app, ["evaluate", *options], input=json.dumps(case))
    assert done.exit_code in {0, 2}
    assert not done.exception or isinstance(done.exception, SystemExit)
    if done.exit_code:
        assert done.stderr.startswith("$")
        assert done.stderr.count("\n") == 1
    else:
        assert json.loads(done.stdout)["rules_version"]


# What is unusual and right ------------------------------------------------------------------------

EMPTY: dict[str, Any] = {
    "policy": {"caps": {}},
    "patient_tz": None,
    "time_entries": [],
    "staff_other_patient": [],
    "inpatient_stays": [],
    "other_claims": [],
    "apcm": [],
    "g0506": None,
    "request_g0511": False,
    "rpm": None,
}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_defaults_written_out_change_nothing(case: dict[str, Any]) -> None:
    rpm: dict[str, Any] = {"readings": [], "reading_days": [], "interactive": [], "setup": None}
    rpm |= {"period_starts": [], "established_patient": True, "qhp_interpretation_seconds": 0}
    plain = case["input"]
    written = EMPTY | plain
    if plain.get("rpm"):
        written["rpm"] = rpm | plain["rpm"]
    assert billed(written) == billed(plain)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-10T13:00:00Z", "2026-03-10T13:20:00z"),
        ("2026-03-10T09:00-04:00", "2026-03-10T09:20-04:00"),
        ("2026-03-10 09:00:00-0400", "2026-03-10 09:20:00-0400"),
        ("20260310T090000-0400", "20260310T092000-0400"),
        ("2026-03-10T09:00:00.25-04:00", "2026-03-10T09:20:00.250000-04:00"),
        ("2026-03-10T09:00:30-03:59:30", "2026-03-10T09:20:30-03:59:30"),
        ("2026-03-11T03:00:00+14:00", "2026-03-10T13:20:00+00:00"),
    ],
)
def test_instants_in_any_spelling(start: str, end: str) -> None:
    case = month(entry(0, start=start, end=end))
    assert billed(case) == {"99490": 1}
    early = entry(0, start=start, end=end) | {"id": "t2", "activity": "training"}
    assert billed(month(early)) == {}


def test_a_reading_is_quoted_as_it_was_written() -> None:
    written = "2026-03-09T08:00:00.0Z"
    rpm = {"readings": [{"at": written, "manual": True}]}
    done = CliRunner().invoke(app, ["evaluate"], input=json.dumps(rpm_month(rpm=rpm)))
    assert written in {r["subject"] for r in json.loads(done.stdout)["rejections"]}
