"""Eight products of six kinds on the air at once, and the other quirks: each arrives once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.gateway.homes import rig

EIGHT = (
    "and-cuff",
    "omron-cuff",
    "accu-chek",
    "contour",
    "beurer-scale",
    "oximeter",
    "thermometer",
    "strap",
)
OTHERS = ("beurer-cuff", "late-contexts", "and-scale", "xiaomi-scale", "xiaomi-scale-2")


async def test_eight_at_once_of_six_kinds(tmp_path: Path) -> None:
    async with rig.world(tmp_path, EIGHT) as home:
        for name in EIGHT:
            home.measure(name, 1 if name == "strap" else 3)
        async with rig.gateway(home, agent=rig.Patient()) as running:
            strap = home.address("strap")

            def all_is_there() -> bool:
                stored = [entry for entry in home.entries() if entry.address != strap]
                got = running.clinic.raws()
                return strap in {device for device, _ in got} and running.clinic.has(stored)

            await running.until(all_is_there)
            clinic = running.clinic
        entries = {(entry.address, entry.raw): entry for entry in home.entries()}
        assert max(clinic.raws().values()) == 1
        assert set(clinic.raws()) <= set(entries)
        assert sum(device == strap for device, _ in clinic.raws()) == 1  # of many a second
        for key, reading in rig.by_raw(list(clinic.got.values())).items():
            rig.assert_told(entries[key], reading, dated=key[0] != strap)
        kinds = {reading.kind for reading in clinic.got.values()}
        assert len(kinds) == 6
        assert {device.errors for device in home.devices.values()} == {0}


async def test_the_other_quirks_at_once(tmp_path: Path) -> None:
    # Nobody can ask a clock that is only heard: such a reading is as wrong as its device.
    right = {name: timedelta() for name in OTHERS if name.startswith("xiaomi")}
    async with rig.world(tmp_path, OTHERS, right) as home:
        for name in OTHERS:
            home.measure(name, 1 if name.startswith("xiaomi") else 3)
        async with rig.gateway(home) as running:

            def all_is_there() -> bool:
                entries = home.entries()
                whose = {entry.address for entry in entries}
                return len(whose) == len(OTHERS) and running.clinic.has(entries)

            await running.until(all_is_there)
            clinic = running.clinic
        assert rig.truth(home.entries()) == clinic.raws()
        entries = {(entry.address, entry.raw): entry for entry in home.entries()}
        for key, reading in rig.by_raw(list(clinic.got.values())).items():
            rig.assert_told(entries[key], reading)
