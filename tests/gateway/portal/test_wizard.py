"""The wizard over the real socket: the same steps as text, typed and waited for."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway import pair_socket, wizard
from gateway.kinds import DeviceKind
from gateway.pair_socket import Ask, NobodyThere
from gateway.pairing_events import Chose, Opened
from gateway.pairing_state import Step
from tests.gateway.portal.conftest import CUFF, found, reading


class Terminal:
    """A pipe to type into, and what was written."""

    def __init__(self) -> None:
        reading_end, writing_end = os.pipe()
        self.stdin = os.fdopen(reading_end)
        self._keys = os.fdopen(writing_end, "w")
        self.stdout = io.StringIO()

    def type(self, line: str) -> None:
        self._keys.write(line + "\n")
        self._keys.flush()

    def hang_up(self) -> None:
        self._keys.close()

    def close(self) -> None:
        self.hang_up()
        for thread in threading.enumerate():
            if thread.name == "typed":
                thread.join(5)
        self.stdin.close()

    async def shows(self, text: str) -> str:
        async with asyncio.timeout(10):
            while text not in self.stdout.getvalue():
                await asyncio.sleep(0.01)
        written = self.stdout.getvalue()
        self.stdout.seek(0)
        self.stdout.truncate()
        return written


@pytest.fixture
def terminal():
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
async def path(tmp_path, desk, clock) -> AsyncIterator[Path]:
    where = tmp_path / "spool.pair"

    def invite():
        return "http://192.168.1.7:8080/open/once", "12345678"

    async with pair_socket.serve(where, desk, clock, invite):
        yield where
    assert not where.exists()


def number_of(written: str, label: str) -> str:
    line = next(line for line in written.splitlines() if label in line and "[" in line)
    return line.split("[")[1].split("]")[0]


async def test_the_whole_way_with_a_passkey(path, desk, clock, terminal):
    running = asyncio.create_task(wizard.run(path, "en", terminal.stdin, terminal.stdout))
    menu = await terminal.shows("[1] Blood pressure cuff")
    terminal.type("nonsense")
    await terminal.shows("Type one of the numbers")
    terminal.type(number_of(menu, "Blood sugar meter"))
    await terminal.shows("Put the meter in pairing mode")
    found(desk, clock, service=0x1808)
    await terminal.shows("Connecting")
    desk.connecting(CUFF)
    asking = asyncio.create_task(desk.passkey(CUFF))
    await terminal.shows("Type the six numbers and press Enter.")
    terminal.type("12345")
    await terminal.shows("Type all six numbers, like 123456")
    terminal.type("012 345")
    assert await asking == 12345
    desk.connected(CUFF)
    await terminal.shows("Measure your blood sugar")
    desk.spooled(CUFF, reading(clock()))
    await terminal.shows("128/82 mmHg")
    desk.receipted(["a"])
    done = await terminal.shows("[3] This is not my device: forget it")
    assert "Your clinic has it" in done
    terminal.type(number_of(done, "Finish"))
    assert await running == 0
    assert desk.look().step is Step.CLOSED


async def test_in_spanish_and_only_what_changed_is_written_again(path, desk, clock, terminal):
    running = asyncio.create_task(wizard.run(path, "es", terminal.stdin, terminal.stdout))
    await terminal.shows("¿Qué quiere conectar?")
    terminal.type("1")
    await terminal.shows("Buscándolo…")
    found(desk, clock)
    await terminal.shows("Conectando")
    clock.passes(61)
    told = await terminal.shows("Lo veo, pero no contesta")
    assert told.count("Ponga el tensiómetro en modo de conexión") == 1
    terminal.hang_up()
    assert await running == 1
    assert desk.look().is_open  # whoever hung up may come back


async def test_an_agent_that_ends_is_noticed(tmp_path, desk, clock, terminal):
    where = tmp_path / "spool.pair"
    async with pair_socket.serve(where, desk, clock):
        running = asyncio.create_task(wizard.run(where, "en", terminal.stdin, terminal.stdout))
        await terminal.shows("What do you want to connect?")
    with pytest.raises(NobodyThere):
        await running


async def test_the_socket_is_its_owner_s_and_refuses_nonsense(path, desk):
    assert path.stat().st_mode & 0o777 == 0o600
    async with pair_socket.connect(path) as line:
        answer = await line.ask(Ask(act="format"))
        assert (answer.problem, answer.screen.step) == ("format", Step.CLOSED)
        assert (await line.ask(Ask(act="forget"))).problem == "not_now"
        assert (await line.ask(Ask(invite=True))).pin == "12345678"
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"no json\n")
    assert await reader.read() == b""
    writer.close()


async def test_nobody_there(tmp_path):
    with pytest.raises(NobodyThere):
        async with pair_socket.connect(tmp_path / "none.pair"):
            pass


async def test_a_box_that_cannot_make_the_socket_goes_on(tmp_path, desk, clock):
    too_long = tmp_path / ("x" * 120)
    async with pair_socket.serve(too_long, desk, clock):
        await desk.act(Opened())
        await desk.act(Chose(DeviceKind.CUFF))
    assert not too_long.exists()
