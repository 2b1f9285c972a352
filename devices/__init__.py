"""Bytes of a Bluetooth SIG characteristic <-> measurement: pure functions, no I/O, no clock."""

from __future__ import annotations
