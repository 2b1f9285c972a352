"""The products that a home can hold, by name: a kind of device and how this one behaves."""

from __future__ import annotations

from dataclasses import replace

from simulator import behaviour
from simulator.body_scale import BodyScale
from simulator.broadcaster import Broadcaster
from simulator.cuff import Cuff
from simulator.meter import Meter
from simulator.oximeter import Oximeter
from simulator.peripheral import Peripheral, Setting
from simulator.scale import Scale
from simulator.strap import Strap
from simulator.thermometer import Thermometer

_PRODUCTS: dict[str, tuple[type[Peripheral], behaviour.Behaviour]] = {
    "and-cuff": (Cuff, behaviour.AND_CUFF),
    "omron-cuff": (Cuff, behaviour.OMRON_CUFF),
    "beurer-cuff": (Cuff, behaviour.BEURER_CUFF),
    "accu-chek": (Meter, behaviour.ACCU_CHEK),
    "contour": (Meter, behaviour.CONTOUR),
    "late-contexts": (Meter, behaviour.LATE_CONTEXTS),
    "and-scale": (Scale, behaviour.AND_SCALE),
    "beurer-scale": (BodyScale, behaviour.BEURER_SCALE),
    "xiaomi-scale": (Broadcaster, behaviour.XIAOMI_SCALE),
    "xiaomi-scale-2": (Broadcaster, behaviour.XIAOMI_SCALE_2),
    "oximeter": (Oximeter, behaviour.OXIMETER),
    "thermometer": (Thermometer, behaviour.THERMOMETER),
    "strap": (Strap, behaviour.STRAP),
}
NAMES = tuple(_PRODUCTS)
WITH_PASSKEY = frozenset({"accu-chek"})


def make(name: str, setting: Setting) -> Peripheral:
    """A new one, with an empty memory. KeyError: there is no such product."""
    kind, how = _PRODUCTS[name]
    return kind(replace(setting, behaviour=how))
