"""A database that has been in use for years: many patients, and millions of readings of theirs.

    with Database.fresh(admin_url, name) as database:
        fill(database.admin_url, "bench", patients=1_000, readings=2_000_000, days=730)
        fill(database.admin_url, "bench", patients=9_000, readings=18_000_000, days=730,
             first=1_001)

Every patient has a home with a gateway, a cuff, a meter and a scale, and measures in turn with all
the others, so that rows lie in the order in which they would have come. Rows are those that ingest
writes of the same bytes: the ids are the true ones, so a resend is a duplicate. Nothing waits to be
judged. Columns are made as matrices, a batch at a time: memory does not grow with the readings.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha1
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from bench import machine, tuples
from bench.payloads import CHARACTERISTICS, SENDERS, SLOTS, Instants, Sent, Whole
from bench.tuples import Column, Matrix
from gateway.normalise import Provenance, normalise
from store import bulk
from store.rows import NO_SLOT
from vitals.clock import utc_now
from vitals.identity import NAMESPACE
from vitals.reading import Kind, Measure, Reading

ZONE = "America/New_York"
FAMILY = "Stored"
#: What a patient measures with, one after the other.
TURNS = (Kind.BLOOD_PRESSURE, Kind.GLUCOSE, Kind.BLOOD_PRESSURE, Kind.WEIGHT)
BATCH = 100_000  # readings of one transaction
MOST_PATIENTS = 1 << 20  # as many addresses as there are
RECEIVED_AFTER, STORED_AFTER = np.timedelta64(7, "s"), np.timedelta64(7_020, "ms")
_SEED = 11
_PREFIX = {Kind.BLOOD_PRESSURE: "C2", Kind.GLUCOSE: "C6", Kind.WEIGHT: "CA"}
_BATTERY, _RSSI = 84, -61
_UTC = ZoneInfo("UTC")
Batch = tuple[bytes, list[bytes]]  # keys, and readings by kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What was stored, and how fast: `seconds` of the readings alone."""

    patients: int
    readings: int
    seconds: float
    since: datetime
    until: datetime
    server_cpu_s: float | None  # of the one connection; None where the server is elsewhere

    @property
    def rows_per_s(self) -> int:
        return round(self.readings / self.seconds)


def patient_id(clinic: str, number: int) -> UUID:
    """The key of the patient with that number, from 1."""
    return uuid5(NAMESPACE, f"{clinic} patient {number}")


def record_number(number: int) -> str:
    return f"ST-{number:07}"


def address(kind: Kind, number: int) -> str:
    """Of the patient's device of that kind."""
    return f"{_PREFIX[kind]}:5D:00:{number >> 16:02X}:{number >> 8 & 0xFF:02X}:{number & 0xFF:02X}"


def gateway(number: int) -> str:
    return f"gw-stored-{number:07}"


def fill(  # noqa: PLR0913 -- how many, whose and when
    admin_url: str,
    clinic: str,
    *,
    patients: int,
    readings: int,
    days: int,
    until: datetime | None = None,
    first: int = 1,
) -> Filled:
    """Patients `first`, `first` + 1, …, who have measured `readings` times in turn until `until`.

    `until`: the present day's beginning (UTC) where none is given. Call it again with other numbers
    for more patients of the same clinic.

    Raises:
        ValueError: more than one reading a second of one patient, or more patients than addresses.
        DataRefused: some of these patients are there already.
    """
    end = until or utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    ward = _Ward(clinic, first, patients, readings, end - timedelta(days=days), end)
    with bulk.bulk_connection(admin_url) as conn:
        bulk.ensure_clinic(conn, clinic, zone=ZONE)
        for table, people in ward.people():
            bulk.copy_tuples(conn, table, [people])
        conn.commit()
        started = time.perf_counter()
        for keys, by_kind in _ahead(ward.batches()):
            bulk.copy_tuples(conn, "reading_key", [keys])
            bulk.copy_tuples(conn, "reading", by_kind)
            conn.commit()
        seconds = time.perf_counter() - started
        cpu_s = machine.server_cpu_s(bulk.server_process(conn))
    return Filled(
        patients=patients,
        readings=readings,
        seconds=seconds,
        since=ward.since,
        until=end,
        server_cpu_s=cpu_s,
    )


def _ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """One is made while the one before it is stored."""
    with ThreadPoolExecutor(1) as maker:
        coming = maker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = maker.submit(next, batches, None)
            yield batch


class _Ward:
    """Patients `first` … and everything of theirs that is the same in all of their rows."""

    def __init__(
        self,
        clinic: str,
        first: int,
        patients: int,
        readings: int,
        since: datetime,
        until: datetime,
    ) -> None:
        if first + patients > MOST_PATIENTS:
            raise ValueError("more patients than there are addresses")
        if (until - since).total_seconds() * patients < readings:
            raise ValueError("more than one reading a second of one patient")
        self.since = since
        self._clinic = clinic.encode()
        self._patients, self._readings = patients, readings
        self._numbers = range(first, first + patients)
        self._start = np.datetime64(since.replace(tzinfo=None), "us")
        self._span_us = round((until - since).total_seconds() * 1_000_000)
        self._chance = np.random.default_rng([_SEED, first])
        self._ids = self._uuids("patient")
        self._gateways = tuples.texts([gateway(n) for n in self._numbers])
        self._devices = {k: [address(k, n).encode() for n in self._numbers] for k in SENDERS}
        self._assignments = {kind: self._uuids(f"assignment {kind}") for kind in SENDERS}
        self._samples = {kind: _sample(kind, since) for kind in SENDERS}

    def _uuids(self, what: str) -> Matrix:
        clinic = self._clinic.decode()
        found = b"".join(uuid5(NAMESPACE, f"{clinic} {what} {n}").bytes for n in self._numbers)
        return np.frombuffer(found, np.uint8).reshape(-1, 16)

    def people(self) -> Iterator[tuple[str, bytes]]:
        """(table, tuples) of everybody and everything, in the order of their foreign keys."""
        clinic, numbers = self._clinic, tuples.texts([f"{n:07}" for n in self._numbers])
        homes = self._uuids("home")
        yield "home", self._pack(homes, clinic, ZONE.encode(), self._gateways)
        yield "gateway", self._pack(clinic, self._gateways, homes)
        records = tuples.texts([record_number(n) for n in self._numbers])
        born = tuples.day(date(1950, 1, 1))
        people = (self._ids, clinic, FAMILY.encode(), numbers, born, records, b"555-0100")
        yield "patient", self._pack(*people)
        during = tuples.since(self._start - np.timedelta64(1, "D"))
        for kind, devices in self._devices.items():
            worn = tuples.texts(devices)
            yield "device", self._pack(clinic, worn, kind.encode(), None, None)
            ids, slot = self._assignments[kind], tuples.int4(_slot(kind))
            yield "assignment", self._pack(ids, clinic, worn, slot, self._ids, during)

    def _pack(self, *columns: Column) -> bytes:
        return tuples.pack(columns, self._patients)

    def batches(self) -> Iterator[Batch]:
        """(keys, readings by kind), the oldest first. Keys are sorted, for their index's sake."""
        for start in range(0, self._readings, BATCH):
            turn, who = np.divmod(
                np.arange(start, min(start + BATCH, self._readings)), self._patients
            )
            at = self._instants(turn * self._patients + who)
            kinds = dict.fromkeys(TURNS[n % len(TURNS)] for n in range(turn[0], turn[-1] + 1))
            parts = [self._of_kind(kind, turn, who, at) for kind in kinds]
            keys = np.concatenate([keys for keys, _ in parts])
            order = np.argsort(keys.copy().view("S24").ravel())
            columns = (self._clinic, keys[order, :16], keys[order, 16:])
            yield tuples.pack(columns, len(keys)), [rows for _, rows in parts]

    def _instants(self, place: Whole) -> Instants:
        """Evenly over the time, on whole seconds as devices show them."""
        offset = place * (self._span_us / self._readings)
        return self._start + (offset // 1_000_000).astype("m8[s]")

    def _of_kind(self, kind: Kind, turn: Whole, who: Whole, at: Instants) -> tuple[Matrix, bytes]:
        """The 24 bytes (id, instant) of each key, and the tuples of `reading`."""
        turns = np.array([one is kind for one in TURNS])
        chosen = turns[turn % len(TURNS)]
        turn, who, at = turn[chosen], who[chosen], at[chosen]
        sent = SENDERS[kind](self._chance, at, turn)
        raw = np.frombuffer(sent.payload.tobytes().hex().encode(), np.uint8)
        raw = raw.reshape(len(at), -1)
        devices = [self._devices[kind][n] for n in who.tolist()]
        ids = _identities(kind, devices, sent, at, raw)
        instants = tuples.timestamps(at)
        columns = (
            self._clinic, ids, self._ids[who], self._assignments[kind][who], tuples.FALSE,
            tuples.texts(devices), tuples.int4(_slot(kind)), kind.encode(),
            *(tuples.float8(sent.values[m]) if m in sent.values else None for m in Measure),
            *self._sampled(kind, at, instants),
            None if sent.sequence is None else tuples.int8(sent.sequence),
            *self._origin(kind, raw), self._gateways[who], _envelopes(self._chance, len(at)),
        )  # fmt: skip
        return np.concatenate([ids, instants], axis=1), tuples.pack(columns, len(at))

    def _sampled(self, kind: Kind, at: Instants, instants: Matrix) -> tuple[Column, ...]:
        """`comparator` … `clock_uncertainty_s`."""
        sample = self._samples[kind]
        clock = sample.clock
        return (
            None, tuples.FALSE, tuples.text_array(sample.flags), instants,
            tuples.timestamps(at + RECEIVED_AFTER), instants, tuples.timestamps(at + STORED_AFTER),
            clock.certainty.encode(), tuples.float8(np.array([clock.offset_s])).tobytes(),
            tuples.float8(np.array([clock.uncertainty_s])).tobytes(),
        )  # fmt: skip

    def _origin(self, kind: Kind, raw: Matrix) -> tuple[Column, ...]:
        """`minted` … `context`."""
        sample = self._samples[kind]
        head = f'[{{"characteristic":"{CHARACTERISTICS[kind]}","hex":"'.encode()
        return (
            tuples.FALSE, sample.origin.encode(), tuples.int4(_BATTERY),
            tuples.int4(_RSSI), tuples.join([tuples.jsonb(head), raw, b'"}]'], len(raw)),
            tuples.jsonb(msgspec.json.encode(sample.context)),
        )  # fmt: skip


def _slot(kind: Kind) -> int:
    slot = SLOTS[kind]
    return NO_SLOT if slot is None else slot


def _sample(kind: Kind, at: datetime) -> Reading:
    """One payload through the gateway's own rules: what is the same in all of that kind."""
    shown = np.array([np.datetime64(at.replace(tzinfo=None), "us")])
    sent = SENDERS[kind](np.random.default_rng(_SEED), shown, np.zeros(1, np.int64))
    origin = Provenance(device=address(kind, 0), received_at=at, zone=_UTC, offset_s=0.0)
    return normalise(CHARACTERISTICS[kind], sent.payload.tobytes(), origin)


def _identities(kind: Kind, devices: list[bytes], sent: Sent, at: Instants, raw: Matrix) -> Matrix:
    """`vitals.identity.reading_id` of each row; thousands at once, so the sum is done here."""
    slot, width = SLOTS[kind], raw.shape[1]
    middle = b"|" if slot is None else f"|{slot}".encode()
    count = len(devices)
    numbers = [b""] * count if sent.sequence is None else [b"%d" % n for n in sent.sequence]
    shown = np.datetime_as_string(at, unit="s").astype("S").tolist()
    payload, root = raw.tobytes(), sha1(NAMESPACE.bytes, usedforsecurity=False)
    found = bytearray()
    for place, (device, number, instant) in enumerate(zip(devices, numbers, shown, strict=True)):
        one = root.copy()
        hexes = payload[place * width : (place + 1) * width]
        one.update(b"%b%b|%b|%b|%b" % (device, middle, number, instant, hexes))
        found += one.digest()[:16]
    ids = np.frombuffer(found, np.uint8).reshape(count, 16).copy()
    ids[:, 6] = ids[:, 6] & 0x0F | 0x50  # UUID version 5
    ids[:, 8] = ids[:, 8] & 0x3F | 0x80
    return ids


def _envelopes(chance: np.random.Generator, count: int) -> Matrix:
    """Ids of envelopes, one reading in each, as gateways write them."""
    digits = np.frombuffer(chance.bytes(count * 16).hex().encode(), np.uint8).reshape(count, 32)
    parts = [digits[:, a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))]
    pieces: list[Column] = [parts[0]]
    for part in parts[1:]:
        pieces += [b"-", part]
    return tuples.join(pieces, count)
