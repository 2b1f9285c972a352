"""Percentiles, the plan of the rounds, links of a page: what the figures of a benchmark rest on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import pages
from bench.latency import ROOM, Round, Wish
from bench.report import show, table
from bench.spread import Spread, percentile, spread
from bench.stream import Load, growth, plan
from bench.ward import Bed
from vitals import wire

seconds = st.floats(min_value=0, max_value=100, allow_nan=False)


@pytest.mark.parametrize(
    ("per_cent", "found"), [(0, 1.0), (1, 1.0), (50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0)]
)
def test_percentiles_are_nearest_rank(per_cent, found):
    assert percentile([float(n) for n in range(1, 101)], per_cent) == found


def test_p99_of_few_values_is_the_greatest_of_them():
    assert percentile([1.0, 2.0, 9.0], 99) == 9.0
    assert percentile([4.0], 50) == 4.0


def test_no_values_have_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)
    assert spread([]) is None


@given(st.lists(seconds, min_size=1), st.integers(1, 100))
def test_a_percentile_was_measured_and_enough_lie_below_it(values, per_cent):
    ordered = sorted(values)
    found = percentile(ordered, per_cent)
    assert found in values
    assert 100 * sum(value <= found for value in values) >= per_cent * len(values)
    assert 100 * sum(value < found for value in values) < per_cent * len(values)


def test_a_spread_is_in_milliseconds_and_does_not_care_for_the_order():
    assert spread([0.3, 0.1, 0.2]) == Spread(
        n=3, p50_ms=200.0, p95_ms=300.0, p99_ms=300.0, max_ms=300.0
    )


@given(
    rate=st.integers(1, 60), length=st.integers(1, 20), share=st.floats(min_value=0, max_value=1)
)
def test_every_crisis_is_another_patients_and_fits_into_its_round(rate, length, share):
    wish = Wish(rate=rate, seconds=length, share=share)
    beds = [Bed(number=n) for n in range(wish.crises + 2)]
    rounds = [Round(beds, number, wish) for number in range(wish.rounds)]
    ill = [bed for one in rounds for _, bed, is_ill in one.turns() if is_ill]
    assert len(ill) == len(set(ill)) == wish.crises
    assert all(len(one.crises) <= ROOM for one in rounds)


def test_a_round_keeps_to_the_rate_and_to_the_share():
    wish = Wish(rate=50, seconds=20, share=0.08)
    (turns,) = [list(Round([Bed(number=n) for n in range(82)], 0, wish).turns())]
    assert (wish.crises, wish.rounds) == (80, 2)
    assert len(turns) == 500
    assert turns[-1][0] == pytest.approx(499 / 50)
    assert sum(ill for _, _, ill in turns) == 40


def test_a_round_on_the_stream_is_sealed_beforehand_and_every_crisis_is_another_patients():
    load = Load(rate=40, seconds=5, share=0.1)
    beds = [Bed(number=n) for n in range(1, 81)]
    begin = datetime(2026, 11, 24, 12, tzinfo=UTC)
    turns = list(plan(load, "north", beds[20:], beds[:20], begin=begin, seed="7"))
    assert (load.readings, load.crises) == (200, 20)
    assert [turn.due for turn in turns] == [place / 40 for place in range(200)]
    assert {turn.bed for turn in turns if turn.ill} == set(beds[:20])
    assert sum(turn.ill for turn in turns) == 20
    assert len({turn.sealed.ids for turn in turns}) == 200
    opened = [wire.open_envelope(turn.sealed.payload) for turn in turns]
    said = [wire.open_reading(envelope.readings[0]).measured_at for envelope in opened]
    assert all(
        abs(at - begin - timedelta(seconds=t.due)) < timedelta(seconds=1)
        for at, t in zip(said, turns, strict=True)
    )


def test_growth_compares_the_medians_of_the_rounds():
    base, grown = {"p99_ms_of_rounds": [90.0, 100.0, 800.0]}, {"p99_ms_of_rounds": [120.0]}
    assert growth(base, grown) == 1.2
    assert growth(base, {"p99_ms_of_rounds": []}) is None


def test_addresses_of_devices_and_gateways_of_many_beds_are_different():
    beds = [Bed(number=n) for n in range(1, 600)]
    assert len({bed.address for bed in beds}) == 599
    assert len({bed.gateway for bed in beds}) == 4


def test_links_are_local_and_met_once():
    text = (
        '<a href="/queue?tab=mine&amp;x=1#top">a</a><a href="/queue?tab=mine&amp;x=1">b</a>'
        '<a href="https://elsewhere.example/">c</a><div hx-get="/queue/figures"></div>'
    )
    assert pages.links(text) == ["/queue?tab=mine&x=1", "/queue/figures"]


def test_an_address_is_filed_under_the_template_that_answers_it():
    found = pages.Found(routes=pages.get_routes())
    assert found.template("/patients/new") == "/patients/new"
    assert found.template("/patients/0b9b7b32-8f9e-4d3e-8a56-0d1a3f3c1d11?x=1") == (
        "/patients/{patient_id}"
    )
    assert found.template("/static/app.css") is None


def test_empty_pages_of_a_template_are_not_timed_beside_full_ones():
    found = pages.Found(routes=pages.get_routes())
    for month, length in (("2026-11", 9000), ("2026-10", 8000), ("2020-01", 900)):
        found.keep(f"/month?month={month}", length)
    assert found.addresses() == {"/month": ["/month?month=2026-11", "/month?month=2026-10"]}


def test_the_last_line_is_one_object_of_figures_and_ratios(capsys):
    show({"a": spread([0.1]), "b": {"c": 1}, "d": None}, {"p99_ms": 100.0}, as_json=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["ratios"] == {"p99_ms": 100.0}
    assert told["figures"]["a"]["p99_ms"] == 100.0
    assert told["figures"]["b"] == {"c": 1}


def test_a_table_has_a_line_for_every_figure():
    lines = table({"a": spread([0.1]), "b": {"c": 1}})
    assert [line.split()[0] for line in lines] == ["a", "b", "c"]
    assert "p99 100" in lines[0]
