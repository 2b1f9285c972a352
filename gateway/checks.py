"""What the doctor looks at, one check each: what it found, and what to do about it.

Each check bears with whatever it meets; a check that cannot be made says so. Nothing is changed:
the spool is opened for reading only, and the broker is asked with a client id of its own.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import sqlite3
import ssl
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from gateway import identity
from gateway.identity import Identity
from gateway.link import AdapterState, Health
from gateway.publisher import try_credentials
from gateway.settings import Broker, Settings
from gateway.spool_salvage import kept_aside

LOW_DISK_BYTES = 200_000_000
OLD_READING = timedelta(hours=24)
LONGEST_PATIENCE_S = 10.0
_EPOCH_OF_THIS_RELEASE = 2026  # a clock that says an earlier year was never set


class Verdict(StrEnum):
    """How a check came out; `bad` makes the doctor's exit code 1."""

    GOOD = "good"
    NOTICE = "notice"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the doctor's; `do` says what helps, where something is to be done."""

    check: str
    verdict: Verdict
    found: str
    do: str = ""


def good(check: str, found: str) -> Finding:
    return Finding(check=check, verdict=Verdict.GOOD, found=found)


def bad(check: str, found: str, do: str) -> Finding:
    return Finding(check=check, verdict=Verdict.BAD, found=found, do=do)


def notice(check: str, found: str, do: str = "") -> Finding:
    return Finding(check=check, verdict=Verdict.NOTICE, found=found, do=do)


def enrolment(path: Path, now: datetime) -> Finding:
    """Whether this box is anybody's gateway, and for how long its credential is good."""
    try:
        known = identity.load(path)
    except ValueError as exc:
        return bad("enrolment", str(exc), "Ask the clinic for a code: hearthline gateway enrol.")
    if known is None or not known.is_enrolled:
        do = "Ask the clinic for a code, then: hearthline gateway enrol --server https://… CODE"
        return bad("enrolment", "this box is nobody's gateway yet", do)
    if path.stat().st_mode & 0o077:
        return bad("enrolment", f"{path} can be read by others", f"chmod 600 {path}")
    return _until_when(known, now)


def _until_when(known: Identity, now: datetime) -> Finding:
    ends = known.credentials[0].expires_at
    whose = f"{known.gateway} of {known.clinic}"
    if ends <= now:
        do = "Ask the clinic for a code, then enrol anew. Readings in the spool stay."
        return bad("enrolment", f"the credential of {whose} has ended", do)
    return good("enrolment", f"{whose}, credential good until {ends:%Y-%m-%d}")


_ADAPTER_ADVICE = {
    Health.OFF: "bluetoothctl power on; to have it on at each start: AutoEnable=true in"
    " /etc/bluetooth/main.conf",
    Health.BLOCKED: "rfkill unblock bluetooth",
    Health.ABSENT: "Plug in a Bluetooth adapter; on a Raspberry Pi look for dtoverlay=disable-bt in"
    " config.txt",
    Health.GONE: "systemctl enable --now bluetooth; if it is missing: apt install bluez",
    Health.STUCK: "systemctl restart bluetooth, or unplug the box for a minute",
}
_OLDEST_BLUEZ = (5, 66)


def adapter(state: AdapterState) -> list[Finding]:
    """The adapter, and the version of what drives it."""
    if state.health is not Health.READY:
        return [bad("adapter", f"Bluetooth is {state.health.value}", _ADAPTER_ADVICE[state.health])]
    findings = [good("adapter", f"{state.name or 'an adapter'} is ready")]
    if state.stack and state.stack.startswith("BlueZ "):
        findings.append(_bluez(state.stack))
    return findings


def _bluez(stack: str) -> Finding:
    try:
        major, minor = (int(part) for part in stack.removeprefix("BlueZ ").split(".")[:2])
    except ValueError:
        return notice("bluez", "its version is not known")
    if (major, minor) < _OLDEST_BLUEZ:
        return notice("bluez", f"{stack} is old", "Upgrade the system: 5.66 or later is tested.")
    return good("bluez", stack)


def bus_refused(error: Exception) -> Finding:
    """The radio could not be opened at all: rights, or nothing there."""
    words = str(error) or type(error).__name__
    if any(hint in words for hint in ("AccessDenied", "Permission", "rejected")):
        do = f"Let the user {_user()} use Bluetooth: usermod -aG bluetooth {_user()}, log in anew"
        return bad("adapter", "the system bus refuses Bluetooth to this user", do)
    do = "systemctl enable --now dbus bluetooth; if they are missing: apt install dbus bluez"
    return bad("adapter", f"Bluetooth cannot be reached ({type(error).__name__})", do)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


async def broker(settings: Settings) -> list[Finding]:
    """The broker by name, by TLS, by credentials: the first failure is the news."""
    where = settings.broker
    try:
        async with asyncio.timeout(LONGEST_PATIENCE_S):
            await _reach(where)
    except ssl.SSLCertVerificationError as exc:
        do = "Is the box's clock right, and does mqtt_ca name the CA that signed the broker?"
        return [bad("broker", f"its certificate is not to be trusted: {exc.verify_message}", do)]
    except (OSError, TimeoutError) as exc:
        do = f"Is the network there, and does its firewall let port {where.port} out?"
        return [bad("broker", f"{where.host}:{where.port} does not answer: {_why(exc)}", do)]
    found = "with TLS" if where.tls else "without TLS"
    refused = await try_credentials(where)
    if refused:
        do = "Ask the clinic for a code and enrol anew, or put the right password into mqtt_url."
        return [
            good("broker", f"{where.host}:{where.port} answers {found}"),
            bad("credentials", f"the broker refuses {where.username}: {refused}", do),
        ]
    if not where.tls:
        do = "Use mqtts:// for anything but a test on one machine."
        return [notice("broker", f"{where.host}:{where.port} answers {found}", do)]
    return [
        good("broker", f"{where.host}:{where.port} answers {found}"),
        good("credentials", f"the broker lets {where.username} in"),
    ]


async def _reach(where: Broker) -> None:
    context = None
    if where.tls:
        ca = None if where.ca is None else str(where.ca)
        context = await asyncio.to_thread(ssl.create_default_context, cafile=ca)
    name = where.host if context else None
    _, writer = await asyncio.open_connection(
        where.host, where.port, ssl=context, server_hostname=name
    )
    writer.close()


def _why(exc: Exception) -> str:
    return "no answer in time" if isinstance(exc, TimeoutError) else (str(exc) or repr(exc))


def clock(now: datetime, synchronised: bool | None) -> Finding:  # noqa: FBT001 -- three answers
    """Times of readings hang on the box's clock."""
    if now.year < _EPOCH_OF_THIS_RELEASE:
        do = "timedatectl set-ntp true, and a network; a Raspberry Pi has no clock of its own"
        return bad("clock", f"it says {now:%Y-%m-%d}: it has not been set", do)
    if synchronised is None:
        return notice("clock", "nobody says whether it is kept right", "timedatectl status")
    if not synchronised:
        return bad("clock", "it is not kept right by NTP", "timedatectl set-ntp true")
    return good("clock", f"{now:%Y-%m-%d %H:%M} UTC, kept right by NTP")


def disk(path: Path) -> Finding:
    """Room and rights where the spool is."""
    folder = path.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError as exc:
        return bad("disk", f"{folder}: {exc.strerror}", f"Make {folder}, writable for the gateway.")
    if not os.access(folder, os.W_OK):
        do = f"chown it to the gateway's user, or remount it for writing: {folder}"
        return bad("disk", f"{folder} cannot be written", do)
    megabytes = free // 1_000_000
    if free < LOW_DISK_BYTES:
        do = "Make room (journalctl --vacuum-size=50M, apt clean), or use a larger card."
        return bad("disk", f"{megabytes} MB left", do)
    return good("disk", f"{megabytes} MB left")


def spool(path: Path, now: datetime) -> list[Finding]:
    """What waits in it, what was refused, what was set aside; read only."""
    if not path.exists():
        return [notice("spool", "there is none yet", "It is made when the gateway first runs.")]
    try:
        with closing(_read_only(path)) as db:
            depth, oldest = db.execute("SELECT count(*), min(added_at) FROM reading").fetchone()
            (refused,) = db.execute("SELECT count(*) FROM quarantine").fetchone()
            last = db.execute("SELECT max(at) FROM receipt").fetchone()[0]
    except sqlite3.Error as exc:
        do = "Is the gateway running as the same user? A damaged spool is set aside when it starts."
        return [bad("spool", f"it cannot be read: {exc}", do)]
    findings = [_depth(depth, oldest, now), _receipts(last, now)]
    if refused:
        do = "They are kept. The clinic sees the reasons under Quarantine."
        findings.append(notice("spool", f"{refused} readings were refused by the clinic", do))
    if aside := kept_aside(path):
        do = "What could be read was taken over. Send these files to whoever supports you."
        findings.append(notice("spool", f"{len(aside)} damaged files are kept", do))
    return findings


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _depth(depth: int, oldest: float | None, now: datetime) -> Finding:
    if not depth or oldest is None:
        return good("spool", "nothing waits to be sent")
    age = timedelta(seconds=max(0.0, now.timestamp() - oldest))
    found = f"{depth} readings wait, the oldest for {age.total_seconds() / 3600:.1f} h"
    if age > OLD_READING:
        return bad("spool", found, "They are safe. Look at the broker's line above.")
    return notice("spool", found)


def _receipts(last: float | None, now: datetime) -> Finding:
    if last is None:
        return notice("receipts", "the clinic has receipted nothing yet")
    ago = timedelta(seconds=max(0.0, now.timestamp() - last))
    return good("receipts", f"the clinic last receipted {ago.total_seconds() / 60:.0f} min ago")


def python() -> Finding:
    return good("software", f"Python {sys.version.split()[0]}")
