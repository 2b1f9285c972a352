"""The month's benchmark, small: everybody is evaluated and stored, and its figures are whole."""

from __future__ import annotations

import pytest

from bench import month


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.parametrize("processes", [1, 2])
def test_a_small_month(processes):
    wish = month.Wish(people=130, entries=6, days=35, rounds=1, processes=processes)
    figures, ratios, problems = month.run(wish)
    assert problems == []
    told = figures["told"]
    assert (told["enrolled"], told["signed"]) == (130, 0)
    assert told["units"]["99454"] == 130, "a period of 30 days with a reading each ends in it"
    assert figures["rss_mb"] > 20 * processes
    assert ratios["month_s"] == figures["month_s"] > 0
    assert set(ratios) >= {"month_s", "rss_mb", "engine_ms"}
    assert figures["engine_ms"] > 0
    assert figures["result_kb_each"] > 1
