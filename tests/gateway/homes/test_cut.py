"""A link that breaks at every packet of a conversation loses nothing and doubles nothing.

For each product: somebody measures, the gateway comes, and its link breaks at packet 1; it comes
again and reads the rest. Then the same with packet 2, and so on, until a whole conversation went
through before the link could break. Quick: every so many packets; `--full`: every one.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.gateway.homes import rig

STRIDE = 9  # packets; no divisor of how many a step of the conversation has
NEVER_SET = timedelta(days=-9_600)  # a clock that says 1999 or 2000
PRODUCTS = ("and-cuff", "omron-cuff", "contour", "beurer-scale", "oximeter", "thermometer")
MOST = 600  # packets of one conversation


async def cut_everywhere(
    folder: Path, name: str, *, first: int, stride: int, offset: timedelta | None = None
) -> int:
    """Returns how many packets the longest conversation had."""
    offsets = {} if offset is None else {name: offset}
    async with rig.world(folder, [name], offsets) as home:
        address = home.address(name)
        async with rig.gateway(home, agent=rig.Patient(), revisit_s=0.05) as running:
            for packets in range(first, MOST, stride):
                if offset is not None:
                    home.devices[name].clock.lose(offset)
                home.air.break_after(address, packets)
                home.measure(name, 2)
                measured = home.entries()
                await running.until(lambda truth=measured: running.clinic.has(truth))
                if home.air.mend(address):
                    break
            clinic = running.clinic
        assert clinic.raws() == rig.truth(home.entries())
        entries = {(entry.address, entry.raw): entry for entry in home.entries()}
        for key, reading in rig.by_raw(list(clinic.got.values())).items():
            rig.assert_told(entries[key], reading)
        assert packets < MOST - stride
        return packets


@pytest.mark.parametrize("name", PRODUCTS)
async def test_a_link_cut_here_and_there(tmp_path: Path, name: str) -> None:
    assert await cut_everywhere(tmp_path, name, first=5, stride=STRIDE) > 2 * STRIDE


@pytest.mark.slow
@pytest.mark.parametrize("name", PRODUCTS)
async def test_a_link_cut_at_every_packet(tmp_path: Path, name: str) -> None:
    assert await cut_everywhere(tmp_path, name, first=0, stride=1) > 2 * STRIDE
