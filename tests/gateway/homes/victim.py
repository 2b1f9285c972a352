# ruff: noqa: ARG002 -- the protocol's
"""Gateways that are made to be killed: `python -m tests.gateway.homes.victim`.

This process has everything imported; each line of its input, a JSON object, is a gateway in a child
of its own: the whole service with the radio that it names, until a visit has ended. `steps` says
when it gets its SIGKILL: at the so-manieth callback that its event loop is given after its first
reading is durable. Answers each line with whether the child was killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any, TypeVarTuple

import structlog

from gateway.link import Failure, Nobody
from gateway.metrics import Metrics
from gateway.outbox import Outbox
from gateway.publisher import Publisher
from gateway.radio import bumble_radio as _warm  # noqa: F401 -- imported before any child is made
from gateway.radio import open_radio
from gateway.service import Gateway
from gateway.settings import Settings
from gateway.spool import open_spool
from vitals.clock import utc_now
from vitals.reading import Reading

Ts = TypeVarTuple("Ts")


class MortalLoop(asyncio.SelectorEventLoop):
    """Counts the callbacks that it is given, once it is told to, and dies of the last."""

    steps: int | None = None
    counting = False

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._count()
        return super().call_soon(callback, *args, context=context)

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        self._count()
        return super().call_soon_threadsafe(callback, *args, context=context)

    def _count(self) -> None:
        if not self.counting or self.steps is None:
            return
        if self.steps == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.steps -= 1


class Witness(Nobody):
    """Starts the count with the first reading on disk, and ends the gateway with its visit."""

    def __init__(self, loop: MortalLoop, done: asyncio.Event) -> None:
        self._loop = loop
        self._done = done

    def spooled(self, address: str, reading: Reading) -> None:
        self._loop.counting = True

    def ended(self, address: str, new: int) -> None:
        self._done.set()

    def failed(self, address: str, reason: Failure) -> None:
        if self._loop.counting:
            self._done.set()


async def live(settings: Settings, loop: MortalLoop) -> None:
    done = asyncio.Event()
    async with (
        open_spool(settings.spool, utc_now()) as spool,
        open_radio(settings.radio, settings.keys) as radio,
    ):
        metrics = Metrics()
        outbox = Outbox(spool=spool, metrics=metrics, gateway=settings.name, clock=utc_now)
        gateway = Gateway(
            settings=settings,
            radio=radio,
            spool=spool,
            publisher=Publisher(
                broker=settings.broker,
                clinic=settings.clinic,
                gateway=settings.name,
                version="test",
                outbox=outbox,
                clock=utc_now,
            ),
            metrics=metrics,
            clock=utc_now,
            watcher=Witness(loop, done),
        )
        running = asyncio.create_task(gateway.run(), name="gateway")
        async with asyncio.timeout(30):
            await done.wait()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def child(order: dict[str, Any]) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    loop = MortalLoop()
    loop.steps = order.pop("steps")
    settings = Settings.model_validate_json(json.dumps(order))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(live(settings, loop))


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                child(json.loads(line))
                os._exit(0)
            finally:
                os._exit(1)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        answer = {"killed": killed, "well": killed or status == 0}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
