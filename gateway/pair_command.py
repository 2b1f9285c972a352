"""`hearthline gateway pair`: finds the running agent, or has one run as long as the wizard lasts.

One agent, one radio, one spool: the wizard never opens the adapter beside a running agent.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway import pair_socket, wizard

START_S = 20.0


async def pair(path: Path, spoken: str, serve: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """The exit code. `serve` runs an agent that answers at `path`."""
    try:
        if await _answers(path):
            return await wizard.run(path, spoken, sys.stdin, sys.stdout)
        return await _with_an_agent(path, spoken, serve)
    except pair_socket.NobodyThere:
        sys.stderr.write("The gateway has ended.\n")
        return 1


async def print_link(path: Path) -> int:
    """Where the pages are, with a link that opens them once, and the PIN."""
    try:
        async with pair_socket.connect(path) as line:
            answer = await line.ask(pair_socket.Ask(invite=True))
    except pair_socket.NobodyThere:
        sys.stderr.write("The gateway does not run, or this user may not ask it.\n")
        return 1
    if not answer.invitation:
        sys.stderr.write("There are no pairing pages: set HEARTHLINE_GATEWAY_PORTAL_PORT.\n")
        return 1
    sys.stdout.write(f"Once, within 15 minutes: {answer.invitation}\nPIN: {answer.pin}\n")
    return 0


async def _answers(path: Path) -> bool:
    try:
        async with pair_socket.connect(path):
            return True
    except pair_socket.NobodyThere:
        return False


async def _with_an_agent(
    path: Path, spoken: str, serve: Callable[[], Coroutine[Any, Any, None]]
) -> int:
    agent = asyncio.create_task(serve(), name="agent")
    try:
        await _until_it_answers(path, agent)
        return await wizard.run(path, spoken, sys.stdin, sys.stdout)
    finally:
        agent.cancel()
        with suppress(asyncio.CancelledError):
            await agent


async def _until_it_answers(path: Path, agent: asyncio.Task[None]) -> None:
    async with asyncio.timeout(START_S):
        while not await _answers(path):
            if agent.done():
                agent.result()  # why it could not start
                raise pair_socket.NobodyThere
            await asyncio.sleep(0.1)
