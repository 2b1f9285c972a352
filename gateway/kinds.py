"""The devices as people name them, and how one is told from what it advertises."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from devices.uuids import short


class DeviceKind(StrEnum):
    """What somebody holds in their hand, the commonest first: the order on the pairing page."""

    CUFF = "cuff"  # blood pressure
    METER = "meter"  # blood glucose, by finger
    SCALE = "scale"
    OXIMETER = "oximeter"
    THERMOMETER = "thermometer"
    STRAP = "strap"  # heart rate
    SENSOR = "sensor"  # continuous glucose


#: Service UUIDs of Bluetooth SIG Assigned Numbers, 3.4.
_BY_SERVICE = {
    short(0x1810): DeviceKind.CUFF,
    short(0x1808): DeviceKind.METER,
    short(0x181D): DeviceKind.SCALE,
    short(0x181B): DeviceKind.SCALE,  # body composition
    short(0x1822): DeviceKind.OXIMETER,
    short(0x1809): DeviceKind.THERMOMETER,
    short(0x181F): DeviceKind.SENSOR,
    short(0x180D): DeviceKind.STRAP,  # last: other devices tell a heart rate besides
}


def kind_of(services: Collection[str]) -> DeviceKind | None:
    """The kind by the services in an advertisement (128-bit UUIDs); None: none that we read."""
    for service, kind in _BY_SERVICE.items():
        if service in services:
            return kind
    return None
