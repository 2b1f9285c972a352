"""The latency benchmark as a check from outside runs it, with small numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scripts.spine import ROOT

SMALL = (
    *("--rate", "20", "--seconds", "4", "--share", "0.1", "--requests", "2"),
    *("--stream-rate", "40", "--stream-seconds", "3", "--rounds", "2", "--streams", "2"),
    *("--open-tasks", "5", "--stored", "1460"),
)


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.usefixtures("services")
def test_every_crisis_is_seen_and_every_page_is_timed():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "latency", "--json", *SMALL],
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
    assert figures["alerts_published"] == figures["alerts_seen"] == 8
    assert figures["readings"] == 80
    assert ratios["p99_ms"] == figures["published_to_row"]["p99_ms"] > 0
    assert {"/queue", "/tasks/{task_id}", "/patients/{patient_id}", "/month", "/staff"} <= (
        figures["pages"].keys()
    )
    assert ratios["pages_p95_ms"] == max(page["p95_ms"] for page in figures["pages"].values())
    assert all(figures["machine"].values())
    assert all(stage["n"] == 8 for stage in figures["stages"].values())
    assert list(figures["stream"]) == ["base", "grown"]
    for size, stored in (("base", 1460), ("grown", 14_600)):
        found = figures["stream"][size]
        assert (found["stored"], found["alerts_published"], found["alerts_heard"]) == (
            stored,
            12,
            12,
        )
        assert found["published_to_stream"]["n"] == found["published_to_last_stream"]["n"] == 12
        assert all(stage["n"] == 12 for stage in found["stages"].values())
        assert {"ingest", "alerts", "console", "bench"} <= found["cpu_ms_per_reading"].keys()
        assert found["queue_asks"]["n"] > 0
    assert ratios["stream_p99_ms"] > 0
    assert ratios["p99_growth_10x"] > 0
