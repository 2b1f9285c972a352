"""Device Information strings (0x2A29, 0x2A24 to 0x2A28): who made this, and which one.

Device Information Service 1.1, sections 3.1 to 3.6: UTF-8. Devices pad with NULs; they go.
"""

from __future__ import annotations

from devices.errors import DecodeError
from devices.uuids import short

MODEL_NUMBER = short(0x2A24)
SERIAL_NUMBER = short(0x2A25)
FIRMWARE_REVISION = short(0x2A26)
HARDWARE_REVISION = short(0x2A27)
SOFTWARE_REVISION = short(0x2A28)
MANUFACTURER_NAME = short(0x2A29)
CHARACTERISTICS = {
    MODEL_NUMBER: "model number",
    SERIAL_NUMBER: "serial number",
    FIRMWARE_REVISION: "firmware revision",
    MANUFACTURER_NAME: "manufacturer name",
}
#: What a visit has no use for, but a person who looks at a device may.
FURTHER = {HARDWARE_REVISION: "hardware revision", SOFTWARE_REVISION: "software revision"}
CHARACTERISTIC = MANUFACTURER_NAME  # the one codec serves them all


def decode(payload: bytes) -> str:
    try:
        return payload.decode("utf-8").strip("\0")
    except UnicodeDecodeError as exc:
        raise DecodeError(
            f"device information: byte {exc.start}: not UTF-8 ({exc.reason})"
        ) from exc


def encode(text: str) -> bytes:
    return text.encode("utf-8")
