"""The comparison of chunk lengths, with few readings."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scripts.spine import ROOT


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.usefixtures("services")
def test_the_same_charts_are_drawn_from_fewer_and_from_more_chunks():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "chunks", "--json", "--readings", "20000"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=ROOT,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    figures, ratios = report["figures"], report["ratios"]
    days = [figures[f"days_{days}"] for days in (1, 7, 30)]
    assert days[0]["chunks"] > days[1]["chunks"] > days[2]["chunks"] > 20
    assert len({tuple(one["rows_a_chart"]) for one in days}) == 1
    assert all(ratio > 0 for ratio in ratios.values())
    assert {"chart_1_days", "chart_30_days", "planning_30_days", "late_1_days"} <= ratios.keys()
