"""Passwords: argon2id by pwdlib; a good one is long (NIST SP 800-63B: no composition rules)."""

from __future__ import annotations

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST, LONGEST = 12, 128  # characters

_hasher = PasswordHash((Argon2Hasher(),))
#: Verified against when there is no such account, so that both answers take as long.
_NOBODY = _hasher.hash("nobody has this password")
#: The start of every list of stolen passwords that is long enough to be typed here.
_COMMON = frozenset({"passwordpassword", "123456789012", "qwertyuiop12", "password1234"})


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Whether it matches, and a newer hash to keep where the parameters have moved on."""
    matches, renewed = _hasher.verify_and_update(password, password_hash or _NOBODY)
    return matches and password_hash is not None, renewed


async def verified(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """`verify` beside the event loop: it takes a tenth of a second, and everybody's pages wait."""
    return await asyncio.to_thread(verify, password, password_hash)


async def hashed(password: str) -> str:
    return await asyncio.to_thread(hash_password, password)


def problem(password: str, *, email: str) -> str | None:
    """What is wrong with a new password, for the person who chose it."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. Three or four words in a row work well."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    lowered = password.lower()
    if lowered in _COMMON or lowered == email.lower() or len(set(lowered)) < 5:  # noqa: PLR2004
        return "This password is too easy to guess. Choose another one."
    return None
