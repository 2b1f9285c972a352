"""Asking the clinic's server, over HTTPS: to be enrolled by a code, to have a credential renewed.

Nothing is burnt by a loss of power: the secret is on the disk before the server hears of it, and
the server answers the same secret with the same credential. Only a refusal ends a secret.
"""

from __future__ import annotations

import json
import sqlite3
import ssl
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from gateway import identity
from gateway.identity import Identity
from vitals.enrolment import EnrolRequest, Granted, Refused, RenewRequest

TIMEOUT_S = 20.0
LARGEST_ANSWER = 262_144  # bytes
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class EnrolFailed(Exception):
    """In words for whoever stands beside the box."""


class EnrolRefused(EnrolFailed):
    """The server said no: this code, or this credential, is not good any more."""


class Unreachable(EnrolFailed):
    """No answer; asking again is harmless."""


def enrol(
    path: Path, server: str, code: str, *, ca: Path | None = None, may_take: str | None = None
) -> Identity:
    """Become the gateway that the code was made for; an enrolled box stays what it is until then.

    `may_take`: the clinic that readings on this box wait for; another one is not given them.

    Raises:
        EnrolFailed: nothing is in force that was not before.
    """
    start = identity.load(path) or Identity(server=server)
    if ca is not None:
        start = msgspec.structs.replace(start, server_ca=ca.read_text("utf-8"))
    known, secret = start.asking(server)
    identity.save(path, known)
    request = EnrolRequest(code=code, verifier=secret.verifier)
    try:
        answer = _post(f"{server}/gateways/enrol", request, known.server_ca)
    except EnrolRefused:
        identity.save(path, known.refused())
        raise
    if may_take is not None and answer.clinic != may_take:
        raise EnrolFailed(
            f"readings on this box wait for {may_take}, and {answer.clinic} must not have them:"
            " let them be sent first, or take the spool away"
        )
    enrolled = known.granted(answer, secret, keep=0)
    identity.save(path, enrolled)
    return enrolled


def waiting_for(path: Path, spool: Path) -> str | None:
    """The clinic that what is in the spool was read for; none where nothing is, or nobody's."""
    known = identity.load(path)
    if known is None or not known.is_enrolled or not spool.exists():
        return None
    with closing(sqlite3.connect(f"{spool.absolute().as_uri()}?mode=ro", uri=True)) as db:
        try:
            (depth,) = db.execute("SELECT count(*) FROM reading").fetchone()
        except sqlite3.Error:
            return known.clinic  # nobody knows; it may hold some
    return known.clinic if depth else None


def renew(path: Path) -> Identity:
    """One more credential, beside the one in use.

    Raises:
        EnrolFailed: the credential in use stays in force.
    """
    kept = identity.load(path)
    if kept is None or not kept.is_enrolled:
        raise EnrolFailed("this box has not been enrolled")
    known, secret = kept.asking(kept.server)
    identity.save(path, known)
    used = known.credentials[0]
    request = RenewRequest(user=used.user, password=used.password, verifier=secret.verifier)
    answer = _post(f"{known.server}/gateways/renew", request, known.server_ca)
    renewed = known.granted(answer, secret, keep=1)
    identity.save(path, renewed)
    return renewed


def server_of(text: str) -> str:
    """`https://care.example.org`, however it was typed.

    Raises:
        EnrolFailed: not HTTPS, and not this machine either.
    """
    parts = urlsplit(text if "//" in text else f"https://{text}")
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise EnrolFailed(f"{text} is no https:// address")
    return f"{parts.scheme}://{parts.netloc}"


def _post(url: str, request: EnrolRequest | RenewRequest, ca: str | None) -> Granted:
    asked = urllib.request.Request(  # noqa: S310 -- `server_of` lets https through, and loopback
        url,
        data=msgspec.json.encode(request),
        headers={"Content-Type": "application/json", "User-Agent": "hearthline-gateway"},
    )
    context = ssl.create_default_context(cadata=ca)
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S, context=context) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read(LARGEST_ANSWER), type=Granted)
    except urllib.error.HTTPError as exc:
        raise _refusal(exc) from exc
    except ssl.SSLError as exc:
        raise Unreachable(f"its certificate is not to be trusted ({exc.reason})") from exc
    except OSError as exc:
        raise Unreachable(f"no answer from {urlsplit(url).netloc}: {_cause(exc)}") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise Unreachable(f"{urlsplit(url).netloc} answers, but not as Hearthline does") from exc


def _refusal(exc: urllib.error.HTTPError) -> EnrolFailed:
    try:
        why = msgspec.json.decode(exc.read(LARGEST_ANSWER), type=Refused).error
    except (msgspec.DecodeError, UnicodeDecodeError, OSError):
        return Unreachable(f"the server answered {exc.code}")
    return EnrolRefused(why) if exc.code == 403 else Unreachable(why)  # noqa: PLR2004 -- Forbidden


def _cause(exc: OSError) -> str:
    reason = getattr(exc, "reason", exc)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({reason.verify_message})"
    return str(reason)


def summary(enrolled: Identity) -> str:
    """What was granted, for people and for scripts: no secret in it."""
    newest = enrolled.credentials[0]
    return json.dumps(
        {
            "clinic": enrolled.clinic,
            "gateway": enrolled.gateway,
            "broker": enrolled.broker,
            "user": newest.user,
            "expires_at": newest.expires_at.isoformat(),
        }
    )
