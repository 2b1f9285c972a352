"""The judging benchmark on a small clinic: everything is judged, and it says so."""

from __future__ import annotations

import pytest

from bench import judging

pytestmark = [pytest.mark.slow, pytest.mark.services]


def test_every_reading_is_judged_once_and_the_share_fires():
    wish = judging.Wish(people=60, rounds=2, history_days=2, share=0.1)
    figures, ratios, problems = judging.run(wish)
    assert problems == []
    assert figures["readings_a_round"] == 60 * 4
    assert 0 < figures["findings_share"] < 0.3
    assert len(figures["judged_per_s_all"]) == 2
    assert ratios["judged_per_s"] == figures["judged_per_s"] > 0
    assert figures["worker_cpu_us_per_reading"] > 0
