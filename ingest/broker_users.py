"""The broker's lists, from the credentials in the database: who may come in, and which topics.

Mosquitto reads them again on SIGHUP, and disconnects whoever is not in them any more. Users that
are not credentials of enrolled gateways (ingest itself, gateways made by hand) are left alone. The
whole ACL follows from the list of users, as scripts/lib/services-mosquitto.sh and
deploy/mosquitto/prepare.sh write it. Pure, but for the two functions at the end.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vitals.enrolment import read_user, user_name

INGEST = "hl-ingest"


def passwords(lines: Iterable[str], credentials: Iterable[dict[str, Any]]) -> str:
    """The password file: what was in it by other hands, and every credential in force."""
    kept = [line.strip() for line in lines if line.strip() and read_user(_user(line)) is None]
    granted = [
        f"{user_name(c['clinic_id'], c['gateway'], c['number'])}:{c['verifier']}"
        for c in credentials
    ]
    return "".join(f"{line}\n" for line in [*kept, *granted])


def acl(users: Iterable[str]) -> str:
    """Ingest has the far ends of all branches, a gateway the near ends of its own."""
    far_ends = (
        f"user {INGEST}\n"
        "topic read hl/v1/+/+/readings\ntopic read hl/v1/+/+/status\n"
        "topic write hl/v1/+/+/receipts\ntopic write hl/v1/+/+/desired\n"
    )
    blocks = [far_ends]
    for user in users:
        parts = user.split("/")
        if len(parts) in {2, 3}:
            branch = f"hl/v1/{parts[0]}/{parts[1]}"
            blocks.append(
                f"user {user}\n"
                f"topic write {branch}/readings\ntopic write {branch}/status\n"
                f"topic read {branch}/receipts\ntopic read {branch}/desired\n"
            )
    return "\n".join(blocks)


def users(text: str) -> list[str]:
    return [_user(line) for line in text.splitlines() if line.strip()]


def _user(line: str) -> str:
    return line.strip().partition(":")[0]


def bring_up_to_date(
    password_file: Path, acl_file: Path, credentials: Iterable[dict[str, Any]]
) -> bool:
    """Write both lists where they differ; whether the broker has to read them again."""
    with _alone(password_file):
        before = password_file.read_text("utf-8") if password_file.exists() else ""
        wanted = passwords(before.splitlines(), credentials)
        rules = acl(users(wanted))
        known = acl_file.read_text("utf-8") if acl_file.exists() else ""
        if wanted == before and rules == known:
            return False
        _write(acl_file, rules)  # first: nobody is let in before their rights are there
        _write(password_file, wanted)
    return True


@contextmanager
def _alone(password_file: Path) -> Iterator[None]:
    """scripts/services takes the same lock: neither undoes what the other adds."""
    with password_file.with_name(f"{password_file.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, text: str) -> None:
    """In one step, for the same owner: the broker reads it whole or as it was."""
    new = path.with_name(f"{path.name}.new")
    owner = path.stat() if path.exists() else path.parent.stat()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
