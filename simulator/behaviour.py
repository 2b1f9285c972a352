"""How one product behaves: what its name says, and in what it departs from its services' word.

Each departure was seen in a public issue; `devices.quirk_table` names them. These rows are written
for themselves: a mistake in that table must not hide itself here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulator.patients.records import USUAL, Frame, Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One product."""

    name: str  # advertised
    model: str
    manufacturer: str = "Hearthline Simulator"
    slots: tuple[int, ...] = (1,)  # its users; none: it tells nobody apart
    wording: Wording = USUAL
    on_air_s: float | None = None  # after a measurement or a broken link; None: until it is read
    beacons: bool = True  # on the air now and then without news as well
    powers_off_when_explored: bool = False  # E10 when somebody walks through all of its services
    indicates_early: bool = False  # once bonded it indicates as soon as the link is encrypted
    says_twice: bool = False
    contexts_last: bool = False  # the contexts come after all records
    pins: Mapping[int, int] = field(default_factory=dict)  # user slot -> PIN; silent without


AND_CUFF = Behaviour(
    name="A&D_UA-651BLE_1A2B3C",
    model="UA-651BLE",
    manufacturer="A&D Medical",
    powers_off_when_explored=True,
)
OMRON_CUFF = Behaviour(
    name="BLEsmart_0000021F0011223344",
    model="HEM-7322T",
    manufacturer="OMRON HEALTHCARE",
    on_air_s=8.0,
    beacons=False,
    indicates_early=True,
    slots=(1, 2),
)
BEURER_CUFF = Behaviour(
    name="Beurer BM85",
    model="BM85",
    manufacturer="Beurer GmbH",
    wording=Wording(frame=Frame.SWAPPED_PRESSURE),
    slots=(0, 1),
)
ACCU_CHEK = Behaviour(
    name="meter+01234567",
    model="Accu-Chek Guide",
    manufacturer="Roche",
    wording=Wording(offset_min=339),
)
CONTOUR = Behaviour(
    name="Contour7830H6000001", model="Contour Next One", manufacturer="Ascensia", says_twice=True
)
LATE_CONTEXTS = Behaviour(name="Glucose 42", model="Slow Meter", contexts_last=True)
AND_SCALE = Behaviour(
    name="A&D_UC-352BLE_4D5E6F",
    model="UC-352BLE",
    manufacturer="A&D Medical",
    powers_off_when_explored=True,
    slots=(1, 2),
)
BEURER_SCALE = Behaviour(
    name="BF720", model="BF720", manufacturer="Beurer GmbH", slots=(1, 2), pins={1: 1234, 2: 77}
)
XIAOMI_SCALE = Behaviour(
    name="MI_SCALE", model="XMTZC01HM", wording=Wording(frame=Frame.XIAOMI_WEIGHT)
)
XIAOMI_SCALE_2 = Behaviour(
    name="MIBFS", model="XMTZC05HM", wording=Wording(frame=Frame.XIAOMI_COMPOSITION)
)
OXIMETER = Behaviour(name="Nonin3230_501234567", model="3230", manufacturer="Nonin Medical")
THERMOMETER = Behaviour(
    name="A&D_UT201BLE_7A8B9C", model="UT-201BLE", manufacturer="A&D Medical", slots=()
)
STRAP = Behaviour(name="Polar H10 12345678", model="H10", manufacturer="Polar Electro Oy")
