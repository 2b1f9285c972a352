"""The whole clinic as it stands at `now`: homes, devices, every measurement, what must follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from simulator.journal import Entry
from simulator.patients.events import EVENTS, OFFLINE, REPLACED, SILENT, Event, Expected
from simulator.patients.history import ordinary
from simulator.patients.people import PEOPLE, Person
from simulator.patients.records import CHARACTERISTICS, KINDS, Taken, entry

MODELS = {"blood_pressure": "UA-651BLE", "glucose": "Guide SIM", "weight": "UC-352BLE"}
_SINCE = {silence.patient: silence.since for silence in (SILENT, REPLACED)}
_A_DAY = timedelta(hours=26)  # how far back an event displaces ordinary measurements


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device of a home. `wearers`: {slot: patient key}; a meter has no slots."""

    address: str
    kind: str
    wearers: dict[int | None, str]
    drift: timedelta  # its clock against the wall's

    def shown(self, at: datetime, zone: ZoneInfo) -> datetime:
        return (at.astimezone(zone) + self.drift).replace(tzinfo=None, microsecond=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A measurement on its way: what the gateway of the home received, and when."""

    entry: Entry
    received_at: datetime
    battery_pct: int
    stored: bool = True  # False: the door must refuse it

    @property
    def characteristic(self) -> str:
        return CHARACTERISTICS[self.entry.kind]

    @property
    def clock_offset_s(self) -> float:
        """Device clock minus UTC, as the gateway would have read it."""
        shown = self.entry.device_time.replace(tzinfo=UTC)
        return (shown - self.entry.measured_at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One household and its gateway."""

    number: int
    label: str
    zone: str
    devices: tuple[Device, ...]
    sent: tuple[Sent, ...]  # in the order of receipt
    offline_for: timedelta | None

    @property
    def gateway(self) -> str:
        return f"gw-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """What to set up, what to send, what to expect."""

    people: tuple[Person, ...]
    homes: tuple[Home, ...]
    expected: frozenset[Expected]

    def only(self, home: int, *, bare: bool = False) -> Clinic:
        """One home of it; `bare`: as on the day before the first measurement."""
        people = tuple(p for p in self.people if p.home == home)
        homes = tuple(h for h in self.homes if h.number == home)
        keys = {p.key for p in people if not bare}
        return Clinic(
            people=people,
            homes=tuple(replace(h, devices=(), sent=()) for h in homes) if bare else homes,
            expected=frozenset(e for e in self.expected if e.patient in keys),
        )

    @property
    def refused(self) -> int:
        """How many readings must end in quarantine."""
        return sum(not sent.stored for home in self.homes for sent in home.sent)

    @property
    def readings(self) -> int:
        return sum(len(home.sent) for home in self.homes)


def plan(*, seed: int, now: datetime) -> Clinic:
    now = now.replace(microsecond=0)
    by_home: dict[int, list[Person]] = defaultdict(list)
    for person in PEOPLE:
        by_home[person.home].append(person)
    return Clinic(
        people=PEOPLE,
        homes=tuple(_home(n, people, seed, now) for n, people in by_home.items()),
        expected=frozenset(e.expected for e in EVENTS if e.expected is not None),
    )


def _home(number: int, people: list[Person], seed: int, now: datetime) -> Home:
    """Devices are shared by the household, but everybody has a meter of their own."""
    offline_for = OFFLINE.since if any(p.number == OFFLINE.patient for p in people) else None
    zone = people[0].zone
    devices: list[Device] = []
    sent: list[Sent] = []
    for device, taken in _by_device(people, seed, now - (offline_for or timedelta())):
        devices.append(device)
        sent.extend(_sent(device, taken, ZoneInfo(zone), now))
    return Home(
        number=number,
        label=" and ".join(f"{p.given} {p.family}" for p in people) + "'s home",
        zone=zone,
        devices=tuple(d for d in devices if d.wearers),
        sent=tuple(sorted(sent, key=lambda s: (s.received_at, s.entry.measured_at))),
        offline_for=offline_for,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """Somebody measured something. `event`: not an ordinary measurement."""

    slot: int | None
    taken: Taken
    event: Event | None = None


def _by_device(
    people: list[Person], seed: int, until: datetime
) -> Iterator[tuple[Device, list[_Act]]]:
    wearers: dict[str, dict[int | None, str]] = defaultdict(dict)
    acts: dict[str, list[_Act]] = defaultdict(list)
    for person in people:
        for act in _acts(person, seed, until):
            name = _device_name(person, act)
            acts[name].append(act)
            if act.event is None or not act.event.stranger:
                wearers[name][act.slot] = person.key
    for name, found in acts.items():
        chance = Random(f"{seed}:{name}")  # noqa: S311 -- plausible, not secret
        device = Device(
            address=_address(chance),
            kind=KINDS[type(found[0].taken)],
            wearers=wearers[name],
            drift=timedelta(seconds=chance.randint(-90, 180)),
        )
        yield device, sorted(found, key=lambda a: a.taken.at)


def _device_name(person: Person, act: _Act) -> str:
    kind = KINDS[type(act.taken)]
    owner = person.key if kind == "glucose" else f"home {person.home}"
    return f"{owner} {kind}" + (" new" if act.event is not None and act.event.stranger else "")


def _acts(person: Person, seed: int, until: datetime) -> Iterator[_Act]:
    events = [event for event in EVENTS if event.patient == person.number]
    displaced = {event.instead for event in events if event.instead}
    last = until - _SINCE.get(person.number, timedelta())
    for taken in ordinary(person, seed=seed, now=until):
        gone = KINDS[type(taken)] in displaced and taken.at > until - _A_DAY
        if taken.at <= last and not gone:
            yield _Act(slot=_slot(person, taken), taken=taken)
    for event in events:
        for make in event.taken:
            taken = make(until)
            yield _Act(slot=_slot(person, taken), taken=taken, event=event)


def _slot(person: Person, taken: Taken) -> int | None:
    return None if KINDS[type(taken)] == "glucose" else person.slot


def _sent(device: Device, acts: Iterable[_Act], zone: ZoneInfo, now: datetime) -> Iterator[Sent]:
    """With what the device adds: its own time, and a meter its running number."""
    numbered = device.kind == "glucose"
    for number, act in enumerate(acts, start=1):
        at = act.taken.at.astimezone(UTC)
        late = act.event is not None and act.event.arrives_late
        yield Sent(
            entry=entry(
                act.taken,
                address=device.address,
                shown=device.shown(at, zone),
                slot=act.slot,
                sequence=number if numbered else None,
            ),
            received_at=now if late else at + timedelta(seconds=20 + number % 40),
            battery_pct=max(20, 97 - number // 8),
            stored=act.event is None or act.event.stored,
        )


def _address(chance: Random) -> str:
    """A static random address: its two highest bits are set."""
    octets = [0xC0 | chance.randrange(0x3F), *(chance.randrange(256) for _ in range(5))]
    return ":".join(f"{octet:02X}" for octet in octets)
