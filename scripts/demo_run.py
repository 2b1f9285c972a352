"""`scripts/demo`: one pass of the pipeline with its figures, or a clinic that stays open."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
import time
import uuid
from datetime import timedelta
from typing import Any

from scripts import nurse
from scripts.browser import Browser, ConsoleError
from scripts.clinic import BILLER, LONG_AGO, NURSE, PASSWORD, STAFF
from scripts.console import Clock, served
from scripts.database import Database
from scripts.opening import (
    CRISIS,
    Opened,
    await_history,
    await_judged,
    differences,
    say,
    set_up,
    start_homes,
    start_services,
)
from scripts.spine import CLINIC, GATEWAY, ROOT, Spine, SpineError, free_port

ONCE_TIMEOUT_S = 300.0
QUIET_OWN_S = 4.0  # our own devices answer at once
QUIET_AIR_S = 10.0  # an outside air may take its time
CONSOLE_PORT = 8080
WORKED = timedelta(minutes=20, seconds=20)  # a little more than a claim line needs
FIRST_CALLED = "DEMO-002"  # whose crisis the nurse deals with; enrolled, with consent, in CCM
LIVE_EVERY_S, CRISIS_AFTER_S = "30", "60"


def main() -> int:
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):  # started with & a shell has it ignore SIGINT
        signal.signal(number, signal.default_int_handler)  # no child is left behind
    started = time.monotonic()
    try:
        with Database.fresh(os.environ["HEARTHLINE_DATABASE_URL"], _run_name()) as database:
            report = _once(database, options) if options.once else _stay(database, options)
    except (SpineError, ConsoleError) as failure:
        say(f"hearthline: {failure}")
        return 1
    except KeyboardInterrupt:
        return 0
    problems = report.pop("problems")
    report["seconds"] = round(time.monotonic() - started, 1)
    _print(report, as_json=options.json)
    for problem in problems:
        say(f"hearthline: {problem}")
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one pass, then the figures")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    parser.add_argument("--air", metavar="tcp-client:HOST:PORT", help="devices behind this HCI")
    parser.add_argument("--seed", type=int, default=7, help="of the patients and the live home")
    parser.add_argument("--port", type=int, default=CONSOLE_PORT, help="of the console")
    options = parser.parse_args()
    if options.air and not options.once:
        parser.error("--air goes with --once")
    return options


def _spine(database: Database) -> Spine:
    work = ROOT / ".local" / "runs" / database.name
    return Spine(work=work, environment=dict(os.environ), database=database)


def _once(database: Database, options: argparse.Namespace) -> dict[str, Any]:
    with _spine(database) as spine:
        opened = set_up(database, seed=options.seed, bare=options.air is not None)
        start_services(spine)
        if options.air:
            return _air(spine, opened, options.air)
        return _own(spine, opened, options.seed)


def _own(spine: Spine, opened: Opened, seed: int) -> dict[str, Any]:
    start_homes(spine, opened, seed=seed, live=("--crisis-after", "0"))
    say("its gateway reads them over GATT")
    spine.start_gateway(
        opened.urls[GATEWAY], QUIET_EXIT_S=str(QUIET_OWN_S), REVISIT_S="2", QUIET_S="2"
    )
    spine.wait_gateway(ONCE_TIMEOUT_S)
    await_history(spine, opened)
    found = spine.compare()
    problems = differences(spine.database.alerts(CLINIC), opened.wanted.expected | {CRISIS})
    problems += [] if found.exact else [f"readings differ from the journal: {found}"]
    whom = FIRST_CALLED if FIRST_CALLED in opened.made.patients else CRISIS.patient
    return {
        # The plan's impossible value is no reading that could be stored: it counts as quarantined.
        "readings_taken": found.taken - opened.wanted.refused,
        "readings_stored": found.stored,
        "duplicates": found.doubled,
        "lost": found.lost,
        "values_changed": found.values_changed,
        **_work(spine, whom),
        "problems": problems,
    }


def _air(spine: Spine, opened: Opened, air: str) -> dict[str, Any]:
    say(f"the gateway reads what is on the air behind {air}")
    spine.start_gateway(
        opened.urls[GATEWAY],
        radio=f"bumble:{air}",
        QUIET_EXIT_S=str(QUIET_AIR_S),
        REVISIT_S="3",
        QUIET_S="3",
    )
    taken = spine.wait_gateway(ONCE_TIMEOUT_S)
    patient = opened.made.patients[CRISIS.patient]
    spine.database.hand_over_all(CLINIC, patient=patient, since=opened.now - LONG_AGO)
    await_judged(spine)
    stored = spine.stored()
    lost = max(0, taken - len(stored) - spine.database.quarantined(CLINIC))
    return {
        "readings_taken": taken,
        "readings_stored": len(stored),
        "duplicates": len(stored) - len({row.reading_id for row in stored}),
        "lost": lost,
        "values_changed": 0,
        **_work(spine, CRISIS.patient),
        "problems": [f"{lost} readings are lost"] if lost else [],
        "readings": [
            {
                "address": row.address,
                "kind": row.kind,
                "measured_at": row.measured_at.isoformat(),
                "values": row.values,
                "raw": row.raw,
            }
            for row in stored
        ],
    }


def _work(spine: Spine, whom: str) -> dict[str, Any]:
    """The nurse deals with the first alert of one patient, if there is one; what it comes to."""
    clock, database = Clock(), spine.database
    tasks = [row["task"] for row in database.alerts(CLINIC) if row["patient"] == whom]
    url, port = database.urls["hl_api"], spine.ports["console"]
    with served(url, port=port, clock=clock) as address:
        for task in tasks[:1]:
            say("a nurse signs in, claims an alert, works on it and resolves it")
            with Browser(address) as browser:
                nurse.sign_in(browser, NURSE)
                nurse.work_off(browser, clock, str(task), lasting=WORKED)
        counted = database.month(CLINIC, clock())
        with Browser(address) as browser:
            nurse.sign_in(browser, BILLER)
            unseen = nurse.unseen(browser, counted.codes)
    if unseen:
        raise ConsoleError(f"the month's page does not show {', '.join(unseen)}")
    counts = database.counts(CLINIC)
    return {
        "quarantined": counts["quarantined"],
        "alerts": counts["alerts"],
        "tasks": counts["tasks"],
        "minutes": counted.minutes,
        "codes": counted.codes,
    }


def _stay(database: Database, options: argparse.Namespace) -> dict[str, Any]:
    """A clinic that is open until Ctrl-C; one home goes on measuring."""
    with _spine(database) as spine:
        opened = set_up(database, seed=options.seed)
        spine.ports["console"] = _free_or_other(options.port)
        start_services(spine)
        live = ("--every", LIVE_EVERY_S, "--crisis-after", CRISIS_AFTER_S)
        start_homes(spine, opened, seed=options.seed, live=live)
        spine.start_gateway(opened.urls[GATEWAY], REVISIT_S="5", QUIET_S="2")
        spine.start_console()
        await_history(spine, opened)
        _tell(spine)
        while True:
            _tell_counts(database.counts(CLINIC))
            time.sleep(10)


def _tell(spine: Spine) -> None:
    say("")
    say(f"The console   http://127.0.0.1:{spine.ports['console']}/")
    for member in STAFF:
        say(f"  {member.role:9} {member.email:22} {PASSWORD}")
    say("")
    for name in ("ingest", "gateway", "alerts", "sweep", "console-metrics"):
        say(f"  figures of {name:16} http://127.0.0.1:{spine.ports[name]}/metrics")
    say("")
    say(
        f"All people are invented. Synthia Testperson's home measures every {LIVE_EVERY_S} s;"
        " within a minute or two her cuff shows a crisis. Ctrl-C ends it."
    )


def _tell_counts(counts: dict[str, int]) -> None:
    say(
        f"{counts['readings']} readings, {counts['quarantined']} in quarantine,"
        f" {counts['alerts']} alerts, {counts['tasks']} tasks"
    )


def _free_or_other(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            other = free_port()
            say(f"port {port} is taken by another program; the console uses {other} (or --port)")
            return other
    return port


def _run_name() -> str:
    return f"hl_run_{uuid.uuid4().hex[:12]}"


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report) + "\n")
        return
    for name, value in report.items():
        if name != "readings":
            sys.stdout.write(f"{name:16} {value}\n")


if __name__ == "__main__":
    sys.exit(main())
