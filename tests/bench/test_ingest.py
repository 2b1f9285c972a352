"""The race of ingest as a check from outside runs it, with small numbers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from bench.track import Load, midnight
from scripts.spine import ROOT
from vitals import wire
from vitals.identity import expected_id

SMALL = ("--readings", "600", "--backlog", "2000", "--rounds", "1", "--stall", "3", "--people", "0")
CONTENDERS = {"ours", "two_workers", "backlog", "copy_limit"}


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.usefixtures("services")
def test_everybody_stores_all_and_the_ratios_are_of_the_same_run():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "ingest", "--json", *SMALL],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=ROOT,
        env=os.environ,
    )
    report = json.loads(done.stdout.splitlines()[-1])
    figures, ratios = report["figures"], report["ratios"]
    found = figures["contenders"]
    assert found.keys() >= CONTENDERS | {"bare_aiomqtt", "bare_gmqtt", "bare_mqtt5"}
    assert figures["stalled"]["stored_afterwards"] == 120_000
    assert ratios["vs_copy_limit"] == pytest.approx(
        found["backlog"]["readings_per_s"] / found["copy_limit"]["readings_per_s"], abs=0.01
    )
    with_peer = shutil.which("npm") is not None and shutil.which("node") is not None
    assert (ratios["vs_node_red"] is not None) == with_peer
    assert done.returncode == (0 if with_peer else 1), done.stderr


def test_a_load_is_what_homes_send_and_no_two_are_alike():
    first = Load(count=1000, each=1, seed=1, until=midnight())
    loads = [first, Load(count=1000, each=5, seed=2, until=first.since)]
    found = [wire.open_envelope(payload) for load in loads for _, payload in load.ours()]
    readings = [wire.open_reading(raw) for envelope in found for raw in envelope.readings]
    assert {len(envelope.readings) for envelope in found} == {1, 5}
    assert all(reading.id == expected_id(reading) for reading in readings)
    assert len({reading.id for reading in readings}) == 2000
    for load, some in zip(loads, (readings[:1000], readings[1000:]), strict=True):
        assert all(load.since <= reading.measured_at < load.until for reading in some)
        assert load.peers().__next__()[0].startswith("peer/")
