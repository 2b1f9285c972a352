"""What can go wrong between bytes and a measurement.

ValueError
  DecodeError     the device's fault: bytes that the specification does not allow
RuntimeError
  ProtocolError   an event that the record-access procedure does not allow now; nothing changed
"""

from __future__ import annotations


class DecodeError(ValueError):
    """The bytes are not what the specification says; the message names the byte and why."""


class ProtocolError(RuntimeError):
    """The event is illegal in this state; the session is as it was before."""
