"""The desk where a device is paired: it keeps the one state, and whoever waits for it to change.

The radio asks it (`PairingAgent`), the service tells it (`Watcher`), a page or a terminal acts on
it. What it says is decided in `gateway.pairing`; here is only the waiting.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime

import structlog

from devices import quirks
from gateway.kinds import DeviceKind, kind_of
from gateway.link import Failure, Sighting, short_hash
from gateway.pair_memory import Memory, NoMemory
from gateway.pairing import admits, after
from gateway.pairing_events import (
    Act,
    AskEnded,
    AsksPasskey,
    AsksSame,
    Broke,
    Compared,
    Entered,
    Fact,
    Forgot,
    Linked,
    Linking,
    Receipted,
    Shows,
    Sighted,
    Spooled,
    Ticked,
)
from gateway.pairing_state import Pairing, Step
from gateway.spool import HomeWord
from vitals.reading import Reading

log = structlog.get_logger(__name__)

ANSWER_S = 28.0  # a device gives up pairing 30 s after its last word (Core Vol 3, Part H, 3.4)
TICK_S = 1.0
LONGEST_NAME = 40
RECENT = 200  # receipts
MOST_KINDS = 64  # devices on the air whose kind is remembered

_ASKING = frozenset({Step.PASSKEY, Step.COMPARE})


class PairingDesk:
    """One per gateway; `online`: whether the clinic can be reached now.

    The radio is opened with the desk as its agent, so what it remembers is given to it after that.
    """

    def __init__(self, clock: Callable[[], datetime], online: Callable[[], bool]) -> None:
        self._memory: Memory = NoMemory()
        self._clock = clock
        self._online = online
        self._state = Pairing()
        self._revision = 0
        self._changed = asyncio.Event()
        self._known: frozenset[str] = frozenset()
        self._kinds: OrderedDict[str, DeviceKind] = OrderedDict()
        self._lost: dict[str, DeviceKind] = {}
        self._words: dict[str, HomeWord] = {}
        self._notes: set[asyncio.Task[None]] = set()
        self._receipted: deque[str] = deque(maxlen=RECENT)
        self._answer: asyncio.Future[int | bool | None] | None = None

    async def remember(self, memory: Memory) -> None:
        """What was done with devices before, and from now on."""
        self._memory = memory
        self._words = await memory.words()

    # For a page or a terminal.

    @property
    def online(self) -> bool:
        """Whether the clinic can be reached now."""
        return self._online()

    @property
    def lost(self) -> frozenset[DeviceKind]:
        """Kinds of devices of this home that would not talk to the box any more: to pair anew."""
        return frozenset(
            kind
            for address, kind in self._lost.items()
            if address in self._known or self._wanted_at_home(address)
        )

    def look(self) -> Pairing:
        """The state as it is now, with what the time that went by has changed."""
        self._happened(Ticked())
        return self._state

    @property
    def revision(self) -> int:
        """Grows with every change."""
        return self._revision

    async def wait(self, seen: int, timeout_s: float) -> Pairing:
        """The state once it is another than `seen`, or as it is when the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.look() and self._revision == seen:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(TICK_S):
                            await self._changed.wait()
        return self.look()

    async def act(self, act: Act) -> Pairing:
        """Do what somebody asked for.

        Raises:
            NotNow: it does not fit the step.
        """
        following = after(self._state, act, self._clock())
        if isinstance(act, Forgot) and self._state.address is not None:
            await self._forget(self._state.address)
        if not self._state.is_open or following.step is Step.PREPARE:
            self._known = frozenset(await self._memory.known())
        following = after(self._state, act, self._clock())  # things may have happened meanwhile
        if isinstance(act, Entered):
            self._give(act.passkey)
        elif isinstance(act, Compared):
            self._give(act.same)
        self._become(following)
        return self._state

    async def _forget(self, address: str) -> None:
        await self._memory.forget(address)
        self._lost.pop(address, None)
        self._words[address] = word = HomeWord(at=self._clock(), wanted=False)
        await self._memory.note(address, word)
        log.info("pairing_forgotten", device=short_hash(address))

    # For the radio (`gateway.radio.PairingAgent`).

    async def passkey(self, address: str) -> int | None:
        """The six digits that the device shows; None: nobody is there, or nobody knows."""
        answer = await self._ask(AsksPasskey(_bare(address)), Step.PASSKEY)
        return None if answer is None else int(answer)

    async def confirm(self, address: str, number: int) -> bool:
        """Whether the device shows the same number."""
        return await self._ask(AsksSame(_bare(address), number), Step.COMPARE) is True

    async def show(self, address: str, passkey: int) -> None:
        """Show these six digits, to be typed into the device. Does not wait for that."""
        self._happened(Shows(_bare(address), passkey))

    async def _ask(self, question: AsksPasskey | AsksSame, step: Step) -> int | bool | None:
        self._happened(question)
        if self._state.step is not step or self._state.address != question.address:
            log.info("pairing_unattended", device=short_hash(question.address))
            return None
        self._give(None)
        answer = self._answer = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_S):
                given: int | bool | None = await answer
                return given
        except TimeoutError:
            return None
        finally:
            if self._answer is answer:
                self._answer = None
                self._happened(AskEnded(question.address))

    def _give(self, value: int | bool | None) -> None:  # noqa: FBT001 -- the answer itself
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(value)

    # For the service (`gateway.link.Watcher`).

    def admits(self, sighting: Sighting) -> bool:
        """Whether a device that nobody has accepted may be visited: it is paired now, or was."""
        if admits(self.look(), sighting.address):
            return True
        return self._wanted_at_home(sighting.address) is True

    def refuses(self, sighting: Sighting) -> bool:
        """Whether it was forgotten here and is not being paired anew."""
        if admits(self.look(), sighting.address):
            return False
        return self._wanted_at_home(sighting.address) is False

    def _wanted_at_home(self, address: str) -> bool | None:
        """None: nobody at home said anything, or the clinic has spoken since."""
        word, ruled_at = self._words.get(address), self._memory.ruled_at()
        if word is None or (ruled_at is not None and word.at <= ruled_at):
            return None
        return word.wanted

    def sighted(self, sighting: Sighting) -> None:
        kind = kind_of({*sighting.services, *sighting.service_data})
        if kind is None:
            return
        self._kinds[sighting.address] = kind
        self._kinds.move_to_end(sighting.address)
        if len(self._kinds) > MOST_KINDS:
            self._kinds.popitem(last=False)
        if not self._state.is_open:
            return
        family = quirks.of(
            name=sighting.name,
            services=sighting.services,
            service_data=frozenset(sighting.service_data),
        )
        self._happened(
            Sighted(
                address=sighting.address,
                kind=kind,
                name=_plain(sighting.name),
                rssi_dbm=sighting.rssi_dbm,
                known=sighting.address in self._known,
                passkey_on_label=family.pairing is quirks.Pairing.PASSKEY_ON_LABEL,
            )
        )

    def connecting(self, address: str) -> None:
        known = address in self._known
        self._happened(Linking(address, kind=self._kinds.get(address), known=known))

    def connected(self, address: str) -> None:
        self._lost.pop(address, None)
        self._happened(Linked(address))

    def failed(self, address: str, reason: Failure) -> None:
        if reason is Failure.NOT_PAIRED and address in self._kinds:
            self._lost[address] = self._kinds[address]
            while len(self._lost) > MOST_KINDS:
                self._lost.pop(next(iter(self._lost)))
        self._happened(Broke(address, reason))

    def ended(self, address: str, new: int) -> None:
        """A visit carried through changes nothing here: its readings were told one by one."""

    def spooled(self, address: str, reading: Reading) -> None:
        self._happened(Spooled(address, reading))
        if reading.id in self._receipted:  # the clinic was faster than this word of it
            self._happened(Receipted([reading.id]))

    def receipted(self, ids: Collection[str]) -> None:
        self._receipted.extend(ids)
        self._happened(Receipted(ids))

    def _happened(self, fact: Fact) -> None:
        self._become(after(self._state, fact, self._clock()))

    def _become(self, state: Pairing) -> None:
        if state == self._state:
            return
        before, self._state = self._state, state
        if state.step in {Step.TEST, Step.KEPT} and before.step is not state.step:
            self._note_paired(state.address or "")
        if before.step in _ASKING and state.step not in _ASKING:
            self._give(None)  # nobody answers that any more
        if before.step is not state.step:
            log.info("pairing_step", step=state.step.value, trouble=state.trouble)
        self._revision += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _note_paired(self, address: str) -> None:
        self._words[address] = word = HomeWord(at=self._clock(), wanted=True)
        note = asyncio.get_running_loop().create_task(self._memory.note(address, word))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)


def _bare(address: str) -> str:
    """The identity address alone; some stacks append its type."""
    return address.partition("/")[0].upper()


def _plain(name: str | None) -> str | None:
    """An advertised name is anybody's text: one short line of it."""
    if name is None:
        return None
    return "".join(c for c in name if c.isprintable()).strip()[:LONGEST_NAME] or None
