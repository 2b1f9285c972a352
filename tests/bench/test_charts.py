"""The charts benchmark as a check from outside runs it, with few readings."""

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
def test_charts_are_equally_long_and_everything_is_measured():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "charts", "--json", "--readings", "60000"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=ROOT,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report.keys() == {"figures", "ratios"}
    figures, ratios = report["figures"], report["ratios"]
    small, large = figures["small"], figures["large"]
    assert (small["patients"], large["patients"]) == (3, 30)
    assert small["rows_a_chart"] == large["rows_a_chart"]
    assert figures["readings_stored"] == 60_000 + figures["late_readings"]
    assert figures["bytes_a_reading"]["sum"] > figures["bytes_a_reading"]["reading_rows"] > 100
    for held in (small, large):
        assert held["chart_warm"]["n"] == 5 * 3
        assert held["page"]["p95_ms"] > held["chart_warm"]["p50_ms"] > 0
    assert ratios["p95_growth"] > 0
    assert ratios["page_p95_growth"] > 0


@pytest.mark.services
@pytest.mark.usefixtures("services")
def test_other_chunks_can_be_asked_for():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "charts", "--json", "--readings", "20000"),
            *("--chunk-days", "30", "--no-pages"),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=ROOT,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])["figures"]
    assert 24 <= figures["chunks"] <= 27
    assert figures["large"]["page"] is None
