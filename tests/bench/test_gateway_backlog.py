"""The drain of a backlog, in its smallest size: every reading once, in order, and its figures."""

from __future__ import annotations

import asyncio

import pytest

from bench import gateway_backlog

pytestmark = pytest.mark.services


def test_a_small_backlog_drains_in_order_and_is_measured(services) -> None:
    wish = gateway_backlog.Wish(backlog=1_500, rounds=1, rest_s=0.5)
    figures, ratios, problems = asyncio.run(gateway_backlog.run(wish))
    assert problems == []
    assert figures["backlog_readings"] == 1_500
    assert figures["drain_per_s"] > 0
    assert ratios["drain_vs_bare"] > 0
    assert 10 < figures["rss_at_rest_mb"] <= figures["rss_peak_mb"] + 20
