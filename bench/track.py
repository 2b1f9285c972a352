"""What a race needs: a plain broker that both sides use, a publisher, and processes that tell.

One reading in a message from each of many homes in turn, or a hundred in one as after a night
without network. The bytes of the readings are a cuff's.
"""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from bench import publisher, stored
from gateway.normalise import Provenance, normalise
from scripts.spine import ROOT, SpineError, free_port
from simulator import bytes as device_bytes
from store.rows import ReadingRow
from vitals import topics, wire
from vitals.clock import utc_now
from vitals.reading import Kind, Reading

CLINIC = "race"
HOMES = 200
PEER_FILTER, OUR_FILTER = "peer/+/reading", topics.SHARED_READINGS
_UTC = ZoneInfo("UTC")
_SLOT = 1
_APART_S = 61  # between two readings of a patient
PATIENCE_S = 120.0


class Telling:
    """A child process that says one line when it is ready and one when it is done."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(  # noqa: S603 -- our own modules
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.line("ready")

    def go(self) -> float:
        """The stopwatch at that moment."""
        assert self.process.stdin is not None  # noqa: S101 -- a pipe, as asked for
        started = time.perf_counter()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return started

    def line(self, word: str) -> list[float]:
        """The numbers after `word` in the next line."""
        assert self.process.stdout is not None  # noqa: S101
        said = self.process.stdout.readline().split()
        if not said or said[0] != word:
            self.process.kill()
            raise SpineError(f"{self.process.args!r} said {said!r} instead of {word!r}")
        return [float(number) for number in said[1:]]

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def plain_broker() -> Iterator[int]:
    """The port of a Mosquitto without TLS, passwords and persistence: both sides use it."""
    port = free_port()
    broker = subprocess.Popen(  # noqa: S603
        [str(ROOT / "scripts" / "services"), "plain-broker", str(port)], cwd=ROOT
    )
    try:
        _listening(port, broker)
        yield port
    finally:
        broker.terminate()
        broker.wait(10)


def _listening(port: int, broker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while broker.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SpineError("the plain broker did not start")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`count` readings of `HOMES` patients in turn, `each` in a message."""

    count: int
    each: int
    seed: int
    until: datetime

    @property
    def since(self) -> datetime:
        """All of it was measured from then on and before `until`: another load ends here."""
        turns = -(-self.count // (HOMES * self.each)) * self.each
        return self.until - timedelta(seconds=(turns + 1) * _APART_S)

    def readings(self) -> Iterator[tuple[int, Reading]]:
        """(number of the home, reading); all different, a second and more apart in each home."""
        chance = random.Random(self.seed)  # noqa: S311 -- no secret
        for place in range(self.count):
            message, within = divmod(place, self.each)
            home = message % HOMES + 1
            turn = (message // HOMES) * self.each + within
            at = self.until - timedelta(seconds=_APART_S * (turn + 1))
            yield home, _measured(home, at, chance)

    def rows(self) -> list[ReadingRow]:
        return [
            ReadingRow(clinic=CLINIC, gateway=stored.gateway(home), envelope_id="e", reading=one)
            for home, one in self.readings()
        ]

    def ours(self) -> Iterator[tuple[str, bytes]]:
        """Topic and envelope of each message."""
        held: list[bytes] = []
        for home, one in self.readings():
            held.append(wire.encode_reading(one))
            if len(held) == self.each:
                name = stored.gateway(home)
                topic = topics.build(CLINIC, name, topics.Branch.READINGS)
                yield (
                    topic,
                    wire.seal(
                        envelope_id=str(uuid.uuid4()),
                        gateway=name,
                        sent_at=self.until,
                        readings=held,
                    ),
                )
                held = []

    def peers(self) -> Iterator[tuple[str, bytes]]:
        """The same, flat, as a flow of the peer takes it."""
        for place, (home, one) in enumerate(self.readings()):
            flat = {
                "measured_at": one.measured_at,
                "patient": stored.patient_id(CLINIC, home),
                "kind": one.kind,
                "value": one.values[0].value,
                "device": one.device,
                "seq": place,
                "id": one.id,
            }
            yield f"peer/{home}/reading", msgspec.json.encode(flat)


def _measured(home: int, at: datetime, chance: random.Random) -> Reading:
    systolic, diastolic = chance.randint(108, 136), chance.randint(64, 84)
    payload = device_bytes.blood_pressure(
        pressures=(systolic, diastolic, diastolic + (systolic - diastolic) // 3),
        pulse=chance.randint(58, 88),
        shown=at.replace(tzinfo=None, microsecond=0),
        user_slot=_SLOT,
    )
    origin = Provenance(
        device=stored.address(Kind.BLOOD_PRESSURE, home),
        received_at=at + timedelta(seconds=4),
        zone=_UTC,
        offset_s=0.0,
    )
    return normalise("2A35", payload, origin)


def publishing(file: Path, port: int) -> Telling:
    """Ready to go: the packets are in memory, the broker is connected."""
    return Telling("bench.publisher", str(file), "--port", str(port))


def packed(folder: Path, name: str, messages: Iterator[tuple[str, bytes]]) -> Path:
    file = folder / name
    publisher.store(file, messages)
    return file


def midnight() -> datetime:
    return utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
