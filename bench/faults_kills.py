"""SIGKILL at random moments, each victim by itself, so that several may be down at once.

The moments and the time that a victim stays down come from the seed. A kill counts only if the
victim lived and had work before it. A victim that ended without us is a failure of its own.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from bench.report import say
from scripts.spine import SpineError, services

DOWN_S = 1.5  # a victim stays down for so long at most, besides its start


@dataclass(slots=True, kw_only=True)
class Victim:
    """One process. `kill`: whether it lived until then; `has_work`: its death may do harm.

    `window_s`: of the time in which it is killed; later it may have nothing left to do.
    """

    name: str
    kill: Callable[[], bool]
    start: Callable[[], None]
    has_work: Callable[[], bool]
    window_s: float
    kills: int = 0


@dataclass(slots=True, kw_only=True)
class Killing:
    """All victims; `log` says when each was killed, in seconds since the beginning.

    Nothing is killed before everything has begun to work, and nobody in the act of starting.
    """

    victims: Sequence[Victim]
    moments: int  # of each victim
    seed: int
    first_s: float = 4.0
    rest_s: float = 2.0  # between a start and the next kill
    log: list[tuple[float, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _began: float = 0.0

    async def run(self) -> None:
        """Until every victim has had its moments; all of them are up again then."""
        self._began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for victim in self.victims:
                group.create_task(self._torment(victim), name=victim.name)

    @property
    def kills(self) -> dict[str, int]:
        return {victim.name: victim.kills for victim in self.victims}

    async def _torment(self, victim: Victim) -> None:
        chance = Random(f"{self.seed}:{victim.name}")  # noqa: S311 -- a dice, not a secret
        moments = sorted(chance.uniform(self.first_s, victim.window_s) for _ in range(self.moments))
        for moment in moments:
            down_s = chance.uniform(0, DOWN_S)
            await asyncio.sleep(max(self.rest_s, self._began + moment - time.monotonic()))
            if victim.has_work():
                await self._kill(victim)
                await asyncio.sleep(down_s)
                await self._start(victim)
            else:
                say(f"  {victim.name} has no work left and is not killed")

    async def _start(self, victim: Victim) -> None:
        try:
            await asyncio.to_thread(victim.start)
        except SpineError as failure:
            self.problems.append(str(failure))

    async def _kill(self, victim: Victim) -> None:
        if not await asyncio.to_thread(victim.kill):
            self.problems.append(f"{victim.name} had ended by itself")
            return
        victim.kills += 1
        self.log.append((round(time.monotonic() - self._began, 1), victim.name))
        say(f"  {self.log[-1][0]:6.1f} s  kill -9 {victim.name}")


def service(name: str, *, has_work: Callable[[], bool], window_s: float) -> Victim:
    """Mosquitto or PostgreSQL."""

    def start() -> None:
        services("start", name)

    return Victim(
        name=name,
        kill=lambda: _killed(name),
        start=start,
        has_work=has_work,
        window_s=window_s,
    )


def _killed(name: str) -> bool:
    try:
        services("kill", name)
    except subprocess.CalledProcessError:  # it says on stderr that there was nothing to kill
        return False
    return True
