"""Service UUIDs, from the Bluetooth SIG's Assigned Numbers (section 3.4)."""

from __future__ import annotations

_SHORT_MAX = 0xFFFF
_SHORT_DIGITS = 4


def short(n: int) -> str:
    """The 128-bit form of a 16-bit UUID (Core Specification, Vol 3, Part B, 2.5.1)."""
    if not 0 <= n <= _SHORT_MAX:
        raise ValueError(f"0x{n:X} is not a 16-bit UUID")
    return f"0000{n:04x}-0000-1000-8000-00805f9b34fb"


def whole(uuid: str) -> str:
    """The 128-bit form of a UUID of either length, in small letters."""
    return short(int(uuid, 16)) if len(uuid) == _SHORT_DIGITS else uuid.lower()


CURRENT_TIME_SERVICE = short(0x1805)
GLUCOSE_SERVICE = short(0x1808)
HEALTH_THERMOMETER_SERVICE = short(0x1809)
DEVICE_INFORMATION_SERVICE = short(0x180A)
HEART_RATE_SERVICE = short(0x180D)
BATTERY_SERVICE = short(0x180F)
BLOOD_PRESSURE_SERVICE = short(0x1810)
BODY_COMPOSITION_SERVICE = short(0x181B)
USER_DATA_SERVICE = short(0x181C)
WEIGHT_SCALE_SERVICE = short(0x181D)
CGM_SERVICE = short(0x181F)
PULSE_OXIMETER_SERVICE = short(0x1822)
