"""The demo as a visitor or a check from outside meets it: one pass, its figures, its exit code."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from datetime import UTC, datetime

import pytest

from scripts.browser import ConsoleError, Form
from scripts.demo_run import _free_or_other
from scripts.opening import CRISIS, differences
from scripts.spine import ROOT, SpineError, alone, free_port
from simulator.patients.events import Expected
from simulator.patients.plan import plan

KEYS = {
    "readings_taken", "readings_stored", "duplicates", "lost", "quarantined", "alerts", "tasks",
    "minutes", "codes", "seconds",
}  # fmt: skip


@pytest.mark.services
@pytest.mark.usefixtures("services")
def test_one_pass_prints_every_key_and_what_the_plan_promises():
    done = subprocess.run(
        [str(ROOT / "scripts" / "demo"), "--once", "--json"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    wanted = plan(seed=7, now=datetime.now(UTC))
    assert report.keys() >= KEYS
    assert report["readings_taken"] == report["readings_stored"]
    assert report["readings_taken"] > 7000
    assert (report["lost"], report["duplicates"]) == (0, 0)
    assert report["quarantined"] == wanted.refused == 1
    assert report["alerts"] == report["tasks"] == len(wanted.expected) + 1
    assert report["minutes"] == 20
    assert report["codes"]["99490"] == 1
    assert report["seconds"] > 0


def rows(*alerts):
    names = ("patient", "lineage", "severity", "late")
    return [{name: getattr(alert, name) for name in names} for alert in alerts]


def test_every_difference_from_the_plan_is_named():
    other = Expected(patient="DEMO-009", lineage="pulse.high", severity="warning")
    assert differences(rows(CRISIS), frozenset({CRISIS})) == []
    assert differences(rows(), frozenset({CRISIS})) == [
        "missing: DEMO-001 blood_pressure.high (critical)"
    ]
    assert differences(rows(CRISIS, other), frozenset({CRISIS})) == [
        "not expected: DEMO-009 pulse.high (warning)"
    ]
    assert differences(rows(CRISIS, CRISIS), frozenset({CRISIS})) == [
        "twice: DEMO-001 blood_pressure.high (critical)"
    ]


def test_a_taken_port_gives_way_to_a_free_one(capsys):
    free = free_port()
    assert _free_or_other(free) == free
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        assert _free_or_other(taken) != taken
    assert f"port {taken} is taken" in capsys.readouterr().err


def test_the_browser_sends_only_what_a_form_offers():
    form = Form(action="/x", fields={"csrf": "c"}, choices={"outcome": {"advised"}})
    assert form.filled({"outcome": "advised"}) == {"csrf": "c", "outcome": "advised"}
    with pytest.raises(ConsoleError, match="no choice"):
        form.filled({"outcome": "invented"})


def test_two_runs_never_share_a_broker(tmp_path):
    """The second waits for the first, and says why when that goes on."""
    with alone(tmp_path), pytest.raises(SpineError, match="another demo"):
        alone(tmp_path, wait_s=0)
    alone(tmp_path).close()
