"""The whole way of a reading as real processes on this machine: for the demo and for fault tests.

    simulator ─HCI over TCP─ gateway ─MQTT/TLS─ ingest ─ TimescaleDB (a database of its own per run)
        homes (ninety days at once) ──┘                    ├─ alerts ─ sweep
                                                           └─ console

The simulator's journal is the truth: `compare` holds every id and value in the database against it.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

from ingest.retire import retire
from scripts.truth import Comparison, Stored, compare, read_journal
from store.audit_keys import add_key

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
CLINIC = "demo-clinic"
GATEWAY = "gw-1"
HOME_ZONE = "America/New_York"
WORKERS = ("ingest", "ingest-2")  # one is enough for all but the fault run
PROCESSES = ("sealer", *WORKERS, "sweep", "alerts", "simulator", "homes", "gateway", "console")
START_TIMEOUT_S = 60.0
LOCK_TIMEOUT_S = 120.0  # a test run may be about to end


class SpineError(Exception):
    """A process of the spine did not do what it should; the message says where to look."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def services(*arguments: str) -> dict[str, str]:
    """`scripts/services …`, its KEY=value lines as a dict."""
    done = subprocess.run(
        [str(ROOT / "scripts" / "services"), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=_plain_environment(),
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def gateway_url() -> str:
    """The gateway's broker address: given, where the broker is somebody else's, or made here."""
    given = os.environ.get("HEARTHLINE_GATEWAY_MQTT_URL")
    return given or services("add-gateway", CLINIC, GATEWAY)["HEARTHLINE_GATEWAY_MQTT_URL"]


@dataclass(kw_only=True)
class Spine:
    """One run. A context manager: leaving it ends every process that it started."""

    work: Path
    environment: dict[str, str]  # the services' URLs, as `scripts/services env` prints them
    database: Any  # scripts.database.Database
    broker_url: str | None = None  # ingest's, where it is not the services' own
    ports: dict[str, int] = field(default_factory=dict)
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _lock: IO[str] | None = None

    def __enter__(self) -> Self:
        # `scripts/test` holds it for a whole run.
        self._lock = None if os.environ.get("HEARTHLINE_BROKER_HELD") else alone()
        self.work.mkdir(parents=True, exist_ok=True)
        for name in (*PROCESSES, "air", "console-metrics"):
            self.ports.setdefault(name, free_port())
        self._retire_workers()
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(PROCESSES):
            self.stop(name)
        self._retire_workers()
        if self._lock is not None:
            self._lock.close()

    @property
    def _broker(self) -> str:
        return self.broker_url or self.environment["HEARTHLINE_MQTT_URL"]

    def _retire_workers(self) -> None:
        """No message of one run reaches the next."""
        ca = Path(self.environment["HEARTHLINE_MQTT_CA"])
        for name in WORKERS:
            asyncio.run(retire(self._broker, ca=ca, client_id=f"hl-{name}"))

    @property
    def journal(self) -> Path:
        """Of the simulated home on the air."""
        return self.work / "journal.jsonl"

    @property
    def history(self) -> Path:
        """The journal of the other homes."""
        return self.work / "history.jsonl"

    def _spawn(self, name: str, *arguments: str, environment: dict[str, str]) -> None:
        with (self.work / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                [PYTHON, "-m", *arguments],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**_plain_environment(), **environment},
            )

    def start_module(self, name: str, *arguments: str) -> None:
        """A process that needs nothing of the services' environment."""
        self._spawn(name, *arguments, environment={})

    def stop(self, name: str, *, how: signal.Signals = signal.SIGTERM) -> bool:
        """Whether it lived until then."""
        child = self.children.pop(name, None)
        if child is None or child.poll() is not None:
            return False
        child.send_signal(how)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return True

    def kill(self, name: str) -> bool:
        """SIGKILL; whether it lived until then."""
        return self.stop(name, how=signal.SIGKILL)

    def start_simulator(self, *arguments: str) -> list[dict[str, str]]:
        """Returns the virtual devices: address and kind."""
        self._spawn(
            "simulator",
            "simulator",
            "--listen",
            f"127.0.0.1:{self.ports['air']}",
            "--journal",
            str(self.journal),
            *arguments,
            environment={},
        )
        line = self._first_line("simulator", '"listening"')
        devices: list[dict[str, str]] = json.loads(line)["devices"]
        return devices

    def start_ingest(self, name: str = WORKERS[0]) -> None:
        self._spawn(
            name,
            "ingest",
            environment={
                "HEARTHLINE_DATABASE_URL": self.database.ingest_url,
                "HEARTHLINE_MQTT_URL": self._broker,
                "HEARTHLINE_MQTT_CA": self.environment["HEARTHLINE_MQTT_CA"],
                "HEARTHLINE_CLIENT_ID": f"hl-{name}",
                "HEARTHLINE_METRICS_PORT": str(self.ports[name]),
            },
        )
        self._until_ready(name)

    def start_worker(self, name: str, *module: str) -> None:
        """A service of the clinic that works on the database alone: `alerts`, the sweep."""
        self._spawn(
            name,
            *module,
            environment={
                "HEARTHLINE_DATABASE_URL": self.database.urls["hl_worker"],
                "HEARTHLINE_METRICS_PORT": str(self.ports[name]),
            },
        )
        self._until_ready(name)

    def start_alerts(self) -> None:
        self.start_worker("alerts", "alerts")

    def start_sweep(self) -> None:
        """Ends timers whose owner is gone."""
        self.start_worker("sweep", "ccm_link", "run")

    def start_sealer(self) -> None:
        """Chains the audit trail; its key and the exported heads lie in this run's folder."""
        keys = self.work / "audit.keys"
        add_key(keys)
        self._spawn(
            "sealer",
            *("store", "audit-seal", "--every", "1"),
            environment={
                "HEARTHLINE_DATABASE_URL": self.database.urls["hl_sealer"],
                "HEARTHLINE_AUDIT_KEYS_FILE": str(keys),
                "HEARTHLINE_AUDIT_HEAD_FILE": str(self.work / "audit-heads.jsonl"),
                "HEARTHLINE_METRICS_PORT": str(self.ports["sealer"]),
            },
        )
        self._until_ready("sealer")

    def start_console(self) -> None:
        self._spawn(
            "console",
            "api",
            environment={
                "HEARTHLINE_DATABASE_URL": self.database.urls["hl_api"],
                "HEARTHLINE_API_PORT": str(self.ports["console"]),
                "HEARTHLINE_API_METRICS_PORT": str(self.ports["console-metrics"]),
                "HEARTHLINE_API_SECURE_COOKIES": "false",  # plain HTTP on loopback
            },
        )
        self._until_ready("console", port="console-metrics")

    def start_homes(self, urls: dict[str, str], *, seed: int, now: datetime) -> None:
        """The gateways of the homes whose ninety days are to arrive; `urls`: by gateway."""
        file = self.work / "gateways.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(urls), "utf-8")
        self.start_module(
            "homes",
            "scripts.homes",
            *("--urls", str(file), "--work", str(self.work), "--clinic", CLINIC),
            *("--ca", self.environment["HEARTHLINE_MQTT_CA"]),
            *("--seed", str(seed), "--now", now.isoformat()),
        )

    def arrived(self) -> int:
        """How many of those homes have a receipt for every reading; one may say so twice."""
        self._check_alive("homes")
        return len(set(self.told("homes", '{"arrived"')))

    def told(self, name: str, mark: str) -> list[str]:
        """Lines of a process's log, over all its lives."""
        log = (self.work / f"{name}.log").read_text("utf-8", "replace")
        return [line for line in log.splitlines() if line.startswith(mark)]

    def start_gateway(self, url: str, *, radio: str | None = None, **settings: str) -> None:
        prefix = "HEARTHLINE_GATEWAY_"
        wanted = {
            "CLINIC": CLINIC,
            "NAME": GATEWAY,
            "MQTT_URL": url,
            "MQTT_CA": self.environment["HEARTHLINE_MQTT_CA"],
            "RADIO": radio or f"bumble:tcp-client:127.0.0.1:{self.ports['air']}",
            "SPOOL": str(self.work / "spool.sqlite3"),
            "KEYS": str(self.work / "keys.json"),
            "HOME_ZONE": HOME_ZONE,
            "METRICS_PORT": str(self.ports["gateway"]),
            **settings,
        }
        self._spawn(
            "gateway",
            "gateway",
            "run",
            environment={prefix + key: value for key, value in wanted.items()},
        )

    def wait_gateway(self, timeout_s: float) -> int:
        """Until the gateway has heard nothing new for a while and leaves; how many it spooled."""
        spooled = 0
        deadline = time.monotonic() + timeout_s
        child = self.children["gateway"]
        while child.poll() is None:
            if time.monotonic() > deadline:
                raise SpineError(f"the gateway is still busy after {timeout_s:.0f} s: {self.work}")
            spooled = max(spooled, self.counter("gateway", "readings_spooled_total"))
            time.sleep(0.2)
        if child.returncode != 0:
            raise SpineError(f"the gateway failed: {self.work / 'gateway.log'}")
        return spooled

    def counter(self, name: str, metric: str) -> int:
        """The sum of a counter over its labels; 0 while the process cannot be asked."""
        try:
            text = _get(self.ports[name], "/metrics")
        except OSError:
            return 0
        lines = [
            line for line in text.splitlines() if line.startswith(f"hearthline_{name}_{metric}")
        ]
        return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines))

    def stored(self) -> list[Stored]:
        rows: list[Stored] = self.database.stored(CLINIC)
        return rows

    def compare(self) -> Comparison:
        journals = [path for path in (self.journal, self.history) if path.exists()]
        return compare(
            [taken for path in journals for taken in read_journal(path)],
            self.stored(),
            refused=self.database.refused(CLINIC),
        )

    def _first_line(self, name: str, mark: str) -> str:
        deadline = time.monotonic() + START_TIMEOUT_S
        log = self.work / f"{name}.log"
        while time.monotonic() < deadline:
            for line in log.read_text("utf-8", "replace").splitlines():
                if mark in line:
                    return line
            self._check_alive(name)
            time.sleep(0.05)
        raise SpineError(f"{name} did not start: {log}")

    def wait_until(self, name: str, done: Callable[[], bool]) -> None:
        """Until a process that was started shows by its log that it works."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not done():
            if time.monotonic() > deadline:
                raise SpineError(f"{name} did not start: {self.work / f'{name}.log'}")
            self._check_alive(name)
            time.sleep(0.05)

    def _until_ready(self, name: str, *, port: str | None = None) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                _get(self.ports[port or name], "/readyz")
            except OSError:
                self._check_alive(name)
                time.sleep(0.1)
            else:
                return
        raise SpineError(f"{name} is not ready: {self.work / f'{name}.log'}")

    def _check_alive(self, name: str) -> None:
        if self.children[name].poll() is not None:
            raise SpineError(f"{name} ended at once: {self.work / f'{name}.log'}")


def alone(folder: Path = ROOT / ".local", *, wait_s: float = LOCK_TIMEOUT_S) -> IO[str]:
    """One run at a time in this clone: two would take each other's messages from the broker.

    Held until closed, by the end of the process too.
    """
    file = folder / "broker.lock"
    file.parent.mkdir(exist_ok=True)
    lock = file.open("w", encoding="utf-8")
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                lock.close()
                raise SpineError(
                    "another demo or test run uses this clone's broker; end it first"
                ) from None
            time.sleep(0.5)
        else:
            return lock


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
        body: bytes = answer.read()
        return body.decode()


def _plain_environment() -> dict[str, str]:
    """Ours without the administrator's URLs: a child gets only what it needs."""
    return {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")}
