"""E2E-CRC: the checksum at the end of a CGM record.

Continuous Glucose Monitoring Service 1.0.2, under "E2E-CRC": polynomial x16 + x12 + x5 + 1, begun
with 0xFFFF, bits of each byte from the lowest, sent low byte first.
"""

from __future__ import annotations

_SEED = 0xFFFF
_POLYNOMIAL = 0x8408  # 0x1021, its bits reversed


def of(payload: bytes) -> int:
    """The 16-bit checksum of these bytes."""
    crc = _SEED
    for byte in payload:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc
