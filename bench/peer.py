"""The peer: Node-RED with a PostgreSQL node, as a small team would wire it up.

MQTT in (QoS 1) → function → INSERT, row by row. It acknowledges before it writes, knows no doubles,
attributes and judges nothing. Installed from npm into `.local/peer`, once; it runs with its own
defaults, ten connections to the database.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from scripts.spine import ROOT, SpineError, free_port

FOLDER = ROOT / ".local" / "peer"
PACKAGES = {"node-red": "4.1.1", "node-red-contrib-postgrestor-next": "0.5.2"}
START_S = 90.0
_CONNECTED = "Connected to broker"
_INSERT = "insert into peer_reading values ($1,$2,$3,$4,$5,$6,$7)"
_PARAMETERS = (
    "const r = msg.payload; msg.params ="
    " [r.measured_at, r.patient, r.kind, r.value, r.device, r.seq, r.id]; return msg;"
)


class NoPeer(Exception):
    """The race is not held; the message says what is missing."""


def install() -> None:
    """Raises NoPeer: there is no npm, or it fetched nothing."""
    wanted = json.dumps({"name": "peer", "private": True, "dependencies": PACKAGES})
    file = FOLDER / "package.json"
    if file.exists() and file.read_text("utf-8") == wanted and (FOLDER / "node_modules").exists():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise NoPeer("npm is not installed (apt-get install npm)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    file.write_text(wanted, "utf-8")
    done = subprocess.run(  # noqa: S603
        [npm, "install", "--no-audit", "--no-fund"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        file.unlink()
        raise NoPeer(f"npm could not install Node-RED: {done.stderr.strip()[-300:]}")


@contextmanager
def running(work: Path, *, broker_port: int, database_url: str) -> Iterator[int]:
    """Subscribed to `peer/+/reading` and writing into `peer_reading`; gives its process id.

    Raises:
        NoPeer: Node.js is missing.
        SpineError: it did not start.
    """
    node = shutil.which("node")
    if node is None:
        raise NoPeer("Node.js is not installed (apt-get install nodejs)")
    user = work / "node-red"
    user.mkdir(parents=True, exist_ok=True)
    flow = user / "flow.json"
    flow.write_text(json.dumps(_flow(broker_port, database_url)), "utf-8")
    log = user / "log"
    with log.open("wb") as out:
        peer = subprocess.Popen(  # noqa: S603
            [
                node,
                str(FOLDER / "node_modules" / "node-red" / "red.js"),
                *("-u", str(user), "-p", str(free_port()), str(flow)),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(log, peer)
        yield peer.pid
    finally:
        peer.send_signal(signal.SIGTERM)
        try:
            peer.wait(10)
        except subprocess.TimeoutExpired:
            peer.kill()


def _wait(log: Path, peer: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and peer.poll() is None:
        if _CONNECTED in log.read_text("utf-8", "replace"):
            return
        time.sleep(0.1)
    raise SpineError(f"Node-RED did not connect: {log}")


def _flow(broker_port: int, database_url: str) -> list[dict[str, Any]]:
    """A tab with three nodes, and the two configurations that they share."""
    url = urlsplit(database_url)
    broker = {
        "id": "broker",
        "type": "mqtt-broker",
        "broker": "127.0.0.1",
        "port": str(broker_port),
        "clientid": "node-red-peer",
        "autoConnect": True,
        "protocolVersion": "4",
        "keepalive": "60",
        "cleansession": True,
        "autoUnsubscribe": True,
    }
    database = {
        "id": "database",
        "type": "postgresDB",
        **_as_text("host", url.hostname or "127.0.0.1", "str"),
        **_as_text("port", str(url.port or 5432), "num"),
        **_as_text("database", url.path.lstrip("/"), "str"),
        **_as_text("ssl", "false", "bool"),
        **_as_text("user", unquote(url.username or ""), "str"),
        **_as_text("password", unquote(url.password or ""), "str"),
        **_as_text("max", "10", "num"),
        **_as_text("min", "1", "num"),
        **_as_text("idle", "1000", "num"),
        **_as_text("connectionTimeout", "10000", "num"),
    }
    tab = {"id": "tab", "type": "tab", "label": "peer"}
    heard = {
        "id": "heard",
        "z": "tab",
        "type": "mqtt in",
        "topic": "peer/+/reading",
        "qos": "1",
        "datatype": "json",
        "broker": "broker",
        "wires": [["row"]],
    }
    row = {"id": "row", "z": "tab", "type": "function", "wires": [["insert"]], "func": _PARAMETERS}
    insert = {
        "id": "insert",
        "z": "tab",
        "type": "postgrestor",
        "postgresDB": "database",
        "output": False,
        "query": _INSERT,
        "wires": [[]],
    }
    return [tab, broker, heard, row, insert, database]


def _as_text(name: str, value: str, kind: str) -> dict[str, str]:
    """A field of the node, and the field that says what kind of field it is."""
    return {name: value, f"{name}FieldType": kind}
