"""`scripts/demo`: one pass of the pipeline with its figures, or a home that goes on measuring."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import uuid
from typing import Any

from scripts.database import Database
from scripts.spine import CLINIC, GATEWAY, HOME_ZONE, ROOT, Spine, SpineError, gateway_url

ONCE_TIMEOUT_S = 300.0
QUIET_OWN_S = 4.0  # our own devices answer at once
QUIET_AIR_S = 10.0  # an outside air may take its time


def main() -> int:
    options = _options()
    started = time.monotonic()
    try:
        report = _once(options) if options.once else _stay()
    except SpineError as problem:
        _say(f"hearthline: {problem}")
        return 1
    except KeyboardInterrupt:
        return 0
    report["seconds"] = round(time.monotonic() - started, 1)
    _print(report, as_json=options.json)
    return 0 if report["lost"] == 0 and report["values_changed"] == 0 else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one pass, then the figures")
    parser.add_argument("--json", action="store_true", help="the figures as one JSON object")
    parser.add_argument("--air", metavar="tcp-client:HOST:PORT", help="devices behind this HCI")
    parser.add_argument("--seed", default="7", help="of the simulated home")
    options = parser.parse_args()
    if options.air and not options.once:
        parser.error("--air goes with --once")
    return options


def _spine(database: Database) -> Spine:
    work = ROOT / ".local" / "runs" / database.name
    return Spine(work=work, environment=dict(os.environ), database=database)


def _once(options: argparse.Namespace) -> dict[str, Any]:
    with Database.fresh(os.environ["HEARTHLINE_DATABASE_URL"], _run_name()) as database:
        database.register(CLINIC, GATEWAY, HOME_ZONE)
        url = gateway_url()
        with _spine(database) as spine:
            _say("starting ingest")
            spine.start_ingest()
            return _air(spine, url, options.air) if options.air else _own(spine, url, options.seed)


def _own(spine: Spine, url: str, seed: str) -> dict[str, Any]:
    _say("starting a simulated home: cuff, glucose meter, scale")
    devices = spine.start_simulator("--seed", seed)
    spine.database.assign_all(CLINIC, devices)
    _say("the gateway reads them over GATT")
    spine.start_gateway(url, QUIET_EXIT_S=str(QUIET_OWN_S), REVISIT_S="2", QUIET_S="2")
    spine.wait_gateway(ONCE_TIMEOUT_S)
    found = spine.compare()
    return {
        "readings_taken": found.taken,
        "readings_stored": found.stored,
        "duplicates": found.doubled,
        "lost": found.lost,
        "values_changed": found.values_changed,
        "quarantined": spine.database.quarantined(CLINIC),
    }


def _air(spine: Spine, url: str, air: str) -> dict[str, Any]:
    _say(f"the gateway reads what is on the air behind {air}")
    spine.start_gateway(
        url, radio=f"bumble:{air}", QUIET_EXIT_S=str(QUIET_AIR_S), REVISIT_S="3", QUIET_S="3"
    )
    taken = spine.wait_gateway(ONCE_TIMEOUT_S)
    stored = spine.stored()
    quarantined = spine.database.quarantined(CLINIC)
    return {
        "readings_taken": taken,
        "readings_stored": len(stored),
        "duplicates": len(stored) - len({row.reading_id for row in stored}),
        "lost": max(0, taken - len(stored) - quarantined),
        "values_changed": 0,
        "quarantined": quarantined,
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


def _stay() -> dict[str, Any]:
    """A home that measures every few seconds; what arrives is counted until Ctrl-C."""
    with Database.fresh(os.environ["HEARTHLINE_DATABASE_URL"], _run_name()) as database:
        database.register(CLINIC, GATEWAY, HOME_ZONE)
        url = gateway_url()
        with _spine(database) as spine:
            spine.start_ingest()
            database.assign_all(CLINIC, spine.start_simulator("--seed", "7", "--every", "10"))
            spine.start_gateway(url, REVISIT_S="5", QUIET_S="2")
            _say(f"ingest metrics   http://127.0.0.1:{spine.ports['ingest']}/metrics")
            _say(f"gateway metrics  http://127.0.0.1:{spine.ports['gateway']}/metrics")
            _say("A simulated home measures every 10 s. Ctrl-C ends it.")
            while True:
                _say(f"readings stored: {len(spine.stored())}")
                time.sleep(5)


def _run_name() -> str:
    return f"hl_run_{uuid.uuid4().hex[:12]}"


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(report) + "\n")
        return
    for name, value in report.items():
        if name != "readings":
            sys.stdout.write(f"{name:16} {value}\n")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
