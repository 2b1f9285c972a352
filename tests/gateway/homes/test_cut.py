"""A link that breaks at every packet of a conversation loses nothing and doubles nothing.

For each product, all of them side by side: somebody measures, the gateway comes, and its link
breaks at packet 1; it comes again and reads the rest. Then the same with packet 2, and so on, until
a whole conversation went through before its link could break. Packets are those of the air: ATT,
pairing and encryption. Quick: every so many of them; `--full`: every one.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from simulator.journal import Entry
from simulator.memory import RecordMemory
from tests.gateway.homes import rig

STRIDE = 37  # packets; no divisor of how many a step of the conversation has
LEAST, MOST = 40, 600  # packets of one conversation
HASTY = {"omron-cuff": 8}  # it speaks as soon as the link is encrypted, and hangs up
NEVER_SET = timedelta(days=-9_800)  # a clock that began in January 2000, when the batteries came
KEEPING_TIME = ("and-cuff", "omron-cuff", "contour", "beurer-scale", "thermometer")
WITHOUT = ("and-cuff", "accu-chek", "oximeter", "thermometer")


async def cut_everywhere(folder: Path, names: tuple[str, ...], *, stride: int, lost: bool) -> None:
    offsets = dict.fromkeys(names, NEVER_SET) if lost else {}
    async with rig.world(folder, names, offsets) as home:
        async with rig.gateway(home, agent=rig.Patient(), revisit_s=0.05) as running:
            async with asyncio.TaskGroup() as products:
                for number, name in enumerate(names):
                    first = number % stride
                    products.create_task(cut_one(home, running, name, first, stride, lost=lost))
            clinic = running.clinic
        assert clinic.raws() == rig.truth(home.entries())
        entries = {(entry.address, entry.raw): entry for entry in home.entries()}
        for key, reading in rig.by_raw(list(clinic.got.values())).items():
            rig.assert_told(entries[key], reading)
            assert reading.minted == (lost and reading.sequence is None)


async def cut_one(
    home: rig.World, running: rig.Running, name: str, first: int, stride: int, *, lost: bool
) -> None:
    """At `first`, `first + stride`, … until a conversation had fewer packets than that."""
    address = home.address(name)
    cuts = 0
    for packets in range(first, MOST, stride):
        device = home.devices[name]
        if lost:
            device.clock.lose(NEVER_SET)
            if isinstance(device, RecordMemory):
                device.erase()  # else each conversation is longer than the one before
        home.air.break_after(address, packets)
        home.measure(name, 2)
        measured = home.entries(name)
        # Left alone too: what is measured while a clock is being set has the time of the old one.
        await running.until(partial(_settled, running, address, measured), within_s=60)
        if home.air.mend(address):
            break
        cuts += 1
    assert cuts >= max(1, HASTY.get(name, LEAST) // stride)
    assert packets < MOST - stride


def _settled(running: rig.Running, address: str, measured: list[Entry]) -> bool:
    return running.clinic.has(measured) and running.leaves(address)


@pytest.mark.parametrize(("names", "lost"), [(KEEPING_TIME, False), (WITHOUT, True)])
async def test_a_link_cut_here_and_there(
    tmp_path: Path, names: tuple[str, ...], lost: bool
) -> None:
    await cut_everywhere(tmp_path, names, stride=STRIDE, lost=lost)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("names", "lost"), [(KEEPING_TIME, False), (WITHOUT, True)])
async def test_a_link_cut_at_every_packet(
    tmp_path: Path, names: tuple[str, ...], lost: bool
) -> None:
    await cut_everywhere(tmp_path, names, stride=1, lost=lost)
