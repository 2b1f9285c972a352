"""Who this box is: the file that enrolment writes, 0600, whole or as it was.

The password is made here and leaves the box only towards its broker. While one credential takes
the place of another both stand in the file, the newer first; the older goes once the newer has
connected.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from vitals import enrolment
from vitals.enrolment import Granted


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A password and what a server may know of it; made before `server` is asked."""

    server: str
    password: str
    verifier: str


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker lets in."""

    user: str
    password: str
    issued_at: datetime
    expires_at: datetime


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`pending`: a secret under way to the server; asking again with it is harmless."""

    server: str
    server_ca: str | None = None  # PEM, where that is no public one
    clinic: str = ""
    gateway: str = ""
    broker: str = ""  # mqtts://host:port
    ca: str | None = None
    credentials: list[Credential] = []
    pending: Secret | None = None

    @property
    def is_enrolled(self) -> bool:
        return bool(self.credentials)

    def urls(self) -> list[str]:
        """The broker's URL with each credential, the newest first."""
        parts = urlsplit(self.broker)
        return [
            f"{parts.scheme}://{quote(c.user, safe='')}:{c.password}@{parts.netloc}"
            for c in self.credentials
        ]

    def asking(self, server: str) -> tuple[Identity, Secret]:
        """With a secret to ask with; the one under way to that server, if there is one."""
        if self.pending is not None and self.pending.server == server:
            return self, self.pending
        password = enrolment.new_password()
        verifier = enrolment.verifier_of(password)
        secret = Secret(server=server, password=password, verifier=verifier)
        return msgspec.structs.replace(self, pending=secret), secret

    def granted(self, answer: Granted, secret: Secret, *, keep: int) -> Identity:
        """As the server answered; `keep` of the credentials stand until the new one connected."""
        new = Credential(
            user=answer.user,
            password=secret.password,
            issued_at=answer.issued_at,
            expires_at=answer.expires_at,
        )
        older = [c for c in self.credentials if c.user != new.user][:keep]
        return Identity(
            server=secret.server,
            server_ca=self.server_ca,
            clinic=answer.clinic,
            gateway=answer.gateway,
            broker=answer.broker,
            ca=answer.ca,
            credentials=[new, *older],
        )

    def refused(self) -> Identity:
        """The secret is done with: the next try has one of its own."""
        return msgspec.structs.replace(self, pending=None)

    def connected_as(self, user: str) -> Identity:
        """Credentials older than the one that connected are done with."""
        users = [c.user for c in self.credentials]
        if user not in users:
            return self
        return msgspec.structs.replace(self, credentials=self.credentials[: users.index(user) + 1])


def load(path: Path) -> Identity | None:
    """None: this box has not been enrolled, nor has it begun.

    Raises:
        ValueError: the file is there and cannot be read as one.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Identity)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ValueError(f"{path} is damaged: enrol this box anew") from exc


def save(path: Path, identity: Identity) -> None:
    """Durable on return. The CA stands beside it, for whatever wants it as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if identity.ca is not None:
        _write(ca_path(path), identity.ca.encode())
    _write(path, msgspec.json.format(msgspec.json.encode(identity)))


def ca_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.ca.crt")


def _write(path: Path, content: bytes) -> None:
    """The new file is on the disk before it takes the old one's name."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():  # enrolled by root, run by a user of its own
        owner = path.stat()
        os.chown(new, owner.st_uid, owner.st_gid)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
