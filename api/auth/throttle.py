"""How many wrong passwords are too many: pure; the store counts, by hashes."""

from __future__ import annotations

import hashlib
from datetime import timedelta

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 8  # failures of one account in WINDOW, from anywhere
PER_SOURCE = 40  # failures from one network address in WINDOW: a clinic shares one


def is_throttled(*, by_account: int, by_source: int) -> bool:
    return by_account >= PER_ACCOUNT or by_source >= PER_SOURCE


def account_name(email: str) -> str:
    """One spelling for the lookup and for the count: each folds case by tables of its own."""
    return email.strip().lower()


def account_key(email: str) -> bytes:
    return hashlib.sha256(b"account " + account_name(email).encode()).digest()


def source_key(address: str) -> bytes:
    return hashlib.sha256(b"source " + address.encode()).digest()
