"""`hearthline gateway pair`: the steps of the pairing page in a terminal, over the same desk.

Two lines to the agent: on one it waits for the step to change, on the other goes what is typed, so
that neither holds up the other. What is on the screen already is not written again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from gettext import NullTranslations
from pathlib import Path
from typing import TextIO

from gateway import language
from gateway.pair_socket import Answer, Ask, Line, connect
from gateway.pairing_state import Step
from gateway.screens import Button, Choice, Screen

WAIT_S = 10.0  # advice opens with time alone
PASSKEY_DIGITS = 6
Typed = asyncio.Queue[str | None]


async def run(path: Path, code: str, stdin: TextIO, stdout: TextIO) -> int:
    """Walk somebody through pairing; 0 once it was ended, 1 when the input ended before.

    Raises:
        gateway.pair_socket.NobodyThere: no agent answers at `path`, or it has ended.
    """
    typed = _lines_of(stdin)
    async with connect(path) as acting, connect(path) as watching:
        wizard = _Wizard(code, acting, lambda text: _write(stdout, text))
        await wizard.begin()
        waiting = asyncio.create_task(wizard.watch(watching), name="watch")
        try:
            return await wizard.obey(typed, waiting)
        finally:
            waiting.cancel()


def _write(stdout: TextIO, text: str) -> None:
    stdout.write(text + "\n")
    stdout.flush()


def _lines_of(stdin: TextIO) -> Typed:
    """Typed lines without holding up the loop; None is the end of them."""
    queue: Typed = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        with suppress(RuntimeError):  # the wizard ended before the line did
            for line in stdin:
                loop.call_soon_threadsafe(queue.put_nowait, line.strip())
            loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="typed", daemon=True).start()
    return queue


class _Wizard:
    def __init__(self, code: str, line: Line, say: Callable[[str], None]) -> None:
        self._code = code
        self._words = language.words(code)
        self._line = line
        self._say = say
        self._shown: Screen | None = None
        self._revision = 0
        self.ended = asyncio.Event()

    async def begin(self) -> None:
        self._show(await self._line.ask(Ask(language=self._code, act="open")))

    async def watch(self, line: Line) -> None:
        while True:
            ask = Ask(language=self._code, seen=self._revision, wait_s=WAIT_S)
            self._show(await line.ask(ask))

    async def obey(self, typed: Typed, waiting: asyncio.Task[None]) -> int:
        """What is typed, until pairing is closed, nothing more comes or the agent has ended."""
        while True:
            next_line = asyncio.create_task(typed.get(), name="next line")
            ended = asyncio.create_task(self.ended.wait(), name="ended")
            await asyncio.wait({next_line, ended, waiting}, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if not next_line.done():
                next_line.cancel()
                if not self.ended.is_set():
                    waiting.result()
                return 0
            line = next_line.result()
            if line is None:
                return 1
            if line:
                await self._do(line)

    async def _do(self, line: str) -> None:
        _ = self._words.gettext
        chosen = read_choice(self._shown, line) if self._shown else None
        if chosen is None:
            self._say(_("Type one of the numbers that are listed."))
            return
        act, value = chosen
        answer = await self._line.ask(Ask(language=self._code, act=act, value=value))
        if answer.problem == "passkey":
            self._say(_("Type all six numbers, like 123456"))
        self._show(answer)

    def _show(self, answer: Answer) -> None:
        told, self._revision = answer.screen, answer.revision
        if told != self._shown:
            for text in news(self._shown, told, self._words):
                self._say(text)
        self._shown = told
        if told.step is Step.CLOSED:
            self.ended.set()


def read_choice(shown: Screen, line: str) -> tuple[str, str] | None:
    """Act and value of what was typed; None: it is nothing that the screen offers."""
    digits = "".join(line.split())
    if shown.passkey and len(digits) == PASSKEY_DIGITS and digits.isdigit():
        return "passkey", digits
    offered = _offered(shown)
    if not digits.isdigit() or not 1 <= int(digits) <= len(offered):
        return ("passkey", digits) if shown.passkey else None
    chosen = offered[int(digits) - 1]
    if isinstance(chosen, Choice):
        return shown.choose, chosen.value
    return chosen.act, chosen.value


def _offered(shown: Screen) -> Sequence[Choice | Button]:
    """What stands in the numbered list; the passkey itself is typed, not chosen."""
    buttons = [button for button in shown.buttons if button.act != "passkey"]
    return [*shown.choices, *buttons]


def news(before: Screen | None, now: Screen, words: NullTranslations) -> list[str]:
    """The lines to write: all of a new step; of the same step only what has changed."""
    if before is None or before.step is not now.step:
        return _whole(now, words)
    lines = []
    if now.alarm and now.alarm != before.alarm:
        lines += _alarm(now)
    if now.status and now.status != before.status:
        lines.append(now.status)
    lines += [note for note in now.notes if note not in before.notes]
    if now.tips_open and not before.tips_open:
        lines += _tips(now)
    if now.choices != before.choices:
        lines += _menu(now, words)
    return lines


def _whole(now: Screen, words: NullTranslations) -> list[str]:
    numbered = now.step in {Step.PREPARE, Step.TEST}
    text = [f"  {n}. {line}" for n, line in enumerate(now.text, 1)] if numbered else now.text
    return [
        "",
        now.title,
        "=" * len(now.title),
        *_alarm(now),
        *text,
        *(f"  {maker}: {way}" for maker, way in now.models),
        *([f"\n    {now.number[:3]} {now.number[3:]}\n"] if now.number else []),
        *(f"  {line.label}: {line.value}" for line in now.reading),
        *now.notes,
        *([now.status] if now.status else []),
        *(_tips(now) if now.tips_open else []),
        *_menu(now, words),
    ]


def _alarm(now: Screen) -> list[str]:
    return [] if now.alarm is None else [f"! {now.alarm[0]}", f"  {now.alarm[1]}"]


def _tips(now: Screen) -> list[str]:
    return [f"  {n}. {tip.title} {tip.text}" for n, tip in enumerate(now.tips, 1)]


def _menu(now: Screen, words: NullTranslations) -> list[str]:
    _ = words.gettext
    lines = [
        f"  [{number}] {item.label}"
        + (f" ({item.hint})" if isinstance(item, Choice) and item.hint else "")
        for number, item in enumerate(_offered(now), 1)
    ]
    if now.passkey:
        lines.insert(0, _("Type the six numbers and press Enter."))
    elif lines:
        lines.append(_("Type a number and press Enter."))
    return lines
