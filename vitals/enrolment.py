"""How a blank box becomes a clinic's gateway: the code, the messages, the verifier. Pure.

The box makes its own password and tells the server only how to check it, in the form of
Mosquitto's password file: PBKDF2-SHA512, salted. So asking twice, after a loss of power say, gives
the same answer, and nobody but the box ever holds the password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from datetime import datetime

import msgspec

from vitals.topics import is_name

#: No 0/O, 1/I/L, 5/S, 8/B, 2/Z, U/V: what people read out and type.
ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
CODE_LENGTH = 12  # letters: 54 bits
_GROUP = 4
ITERATIONS = 101  # Mosquitto's own; the passwords are 256 random bits, not a person's
MOST_ITERATIONS = 210_000
_SALT_BYTES, _HASH_BYTES = 12, 64
_VERIFIER = re.compile(r"\$7\$([0-9]{1,6})\$([A-Za-z0-9+/]{16})\$([A-Za-z0-9+/]{86}==)")
_USER = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+)/([1-9][0-9]{0,8})")


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """From a box that has nothing yet but a code."""

    code: str
    verifier: str


class RenewRequest(msgspec.Struct, frozen=True, kw_only=True):
    """From a gateway that proves itself by the credential that it has."""

    user: str
    password: str
    verifier: str


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway needs to speak to its broker, but for the password, which it has made."""

    clinic: str
    gateway: str
    user: str
    broker: str  # mqtts://host:port
    ca: str | None  # PEM of the CA that signed the broker's certificate; none: a public one
    issued_at: datetime
    expires_at: datetime


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why not, in words for whoever sets up the box."""

    error: str


def new_code() -> str:
    """`ABCD-EFGH-JKMN`, out of letters that cannot be taken for one another."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(letters[at : at + _GROUP] for at in range(0, CODE_LENGTH, _GROUP))


def typed(text: str) -> str | None:
    """A code as it was meant, however it was typed; none where it cannot be one."""
    letters = re.sub(r"[\s.–—-]", "", text).upper()  # noqa: RUF001 -- dashes that phones make
    right = len(letters) == CODE_LENGTH and set(letters) <= set(ALPHABET)
    return letters if right else None


def new_password() -> str:
    return secrets.token_hex(32)


def verifier_of(password: str, *, salt: bytes | None = None) -> str:
    """What a server may know of a password."""
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, _HASH_BYTES)
    return f"$7${ITERATIONS}${_text(salt)}${_text(digest)}"


def is_verifier(text: str) -> bool:
    """A line of nothing else: it goes into the broker's password file."""
    found = _VERIFIER.fullmatch(text)
    if found is None or not ITERATIONS <= int(found[1]) <= MOST_ITERATIONS:
        return False
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in found.groups()[1:])
    except binascii.Error:
        return False
    return (len(salt), len(digest)) == (_SALT_BYTES, _HASH_BYTES)


def matches(password: str, verifier: str) -> bool:
    found = _VERIFIER.fullmatch(verifier)
    if found is None:
        return False
    salt, digest = base64.b64decode(found[2]), base64.b64decode(found[3])
    given = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, int(found[1]), _HASH_BYTES)
    return secrets.compare_digest(given, digest)


def user_name(clinic: str, gateway: str, number: int) -> str:
    """A credential's user: a gateway has two for as long as one takes the other's place."""
    return f"{clinic}/{gateway}/{number}"


def read_user(user: str) -> tuple[str, str, int] | None:
    """Clinic, gateway and number of a credential."""
    found = _USER.fullmatch(user)
    if found is None or not (is_name(found[1]) and is_name(found[2])):
        return None
    return found[1], found[2], int(found[3])


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
