"""Where the terminal meets the running agent: a local socket that only the box's own user may open.

One line of JSON asks, one answers; the screens come ready in the language that was asked for. Who
can open the socket can read the spool beside it, so there is no other key.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from gateway import acts, language
from gateway.desk import PairingDesk
from gateway.pairing_state import NotNow
from gateway.screens import Screen, screen

log = structlog.get_logger(__name__)

LONGEST_LINE = 65_536  # bytes
LONGEST_WAIT_S = 30.0


class Ask(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`act` does something first; with `seen` the answer waits for another revision than that."""

    language: str = language.DEFAULT
    act: str = ""
    value: str = ""
    seen: int | None = None
    wait_s: float = 0.0
    invite: bool = False


class Answer(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`problem`: `not_now`, or the act or field that was not understood."""

    screen: Screen
    revision: int
    problem: str = ""
    invitation: str = ""  # where the portal is, with a link that opens it once; "" without a portal
    pin: str = ""


class NobodyThere(Exception):
    """No agent answers at the socket."""


@asynccontextmanager
async def serve(
    path: Path,
    desk: PairingDesk,
    clock: Callable[[], datetime],
    invite: Callable[[], tuple[str, str]] = lambda: ("", ""),
) -> AsyncIterator[None]:
    """Answer at `path` (mode 0600). A box where it cannot be made goes on without."""
    talk = _Talk(desk, clock, invite)
    try:
        server = await _listen(path, talk)
    except OSError as exc:
        log.warning("pair_socket_unavailable", error=type(exc).__name__)
        yield
        return
    try:
        yield
    finally:
        server.close()
        for task in list(talk.tasks):
            task.cancel()
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _listen(path: Path, talk: _Talk) -> asyncio.Server:
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(talk.handle, path, limit=LONGEST_LINE)
    finally:
        os.umask(before)


class _Talk:
    def __init__(
        self,
        desk: PairingDesk,
        clock: Callable[[], datetime],
        invite: Callable[[], tuple[str, str]],
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._invite = invite
        self.tasks: set[asyncio.Task[None]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        try:
            while line := await reader.readline():
                answer = await self._answer(msgspec.json.decode(line, type=Ask))
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()
        except (OSError, ValueError, msgspec.DecodeError, asyncio.CancelledError):
            pass  # the terminal was closed, said something that is no question, or we end
        finally:
            writer.close()

    async def _answer(self, ask: Ask) -> Answer:
        problem = await self._act(ask) if ask.act else ""
        if ask.seen is not None:
            await self._desk.wait(ask.seen, min(ask.wait_s, LONGEST_WAIT_S))
        where, pin = self._invite() if ask.invite else ("", "")
        told = screen(
            self._desk.look(),
            self._clock(),
            language.words(ask.language),
            online=self._desk.online,
            lost=self._desk.lost,
        )
        return Answer(
            screen=told,
            revision=self._desk.revision,
            problem=problem,
            invitation=where,
            pin=pin,
        )

    async def _act(self, ask: Ask) -> str:
        try:
            await self._desk.act(acts.read(ask.act, ask.value))
        except NotNow:
            return "not_now"
        except acts.NotUnderstood as wrong:
            return wrong.field or "act"
        return ""


class Line:
    """The terminal's end: questions one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, question: Ask) -> Answer:
        """Raises NobodyThere when the agent has ended."""
        try:
            self._writer.write(msgspec.json.encode(question) + b"\n")
            await self._writer.drain()
            line = await self._reader.readline()
        except OSError as exc:
            raise NobodyThere from exc
        if not line:
            raise NobodyThere
        return msgspec.json.decode(line, type=Answer)


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[Line]:
    """A line to the agent at `path`.

    Raises:
        NobodyThere: no agent runs there, or this user may not ask it.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
    except OSError as exc:
        raise NobodyThere from exc
    try:
        yield Line(reader, writer)
    finally:
        writer.close()
