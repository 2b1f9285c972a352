"""Where boxes come in, not browsers: enrolment by a one-time code, renewal of a credential. JSON.

A box has no session and no form's token: it proves itself by a code, or by the credential that it
has. Wrong ones are counted by where they come from, as wrong passwords are. Answers tell nobody
whether a code was mistyped, used or too old.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from http import HTTPStatus

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import metrics
from api.auth import throttle
from api.deps import Db, Now
from api.settings import Settings
from store import gateway_credentials as credentials
from store import staff as people
from store.gateway_credentials import Grant
from store.tenancy import Connection
from vitals import enrolment
from vitals.enrolment import EnrolRequest, Granted, Refused, RenewRequest

router = APIRouter()

PER_SOURCE = 10  # wrong codes from one network address within throttle.WINDOW
_ACCOUNT = throttle.account_key("gateway enrolment")

_NOT_SET_UP = "This server does not enrol gateways: HEARTHLINE_API_GATEWAY_BROKER is not set."
_UNREADABLE = "The request could not be read. Is the gateway's software as new as the server's?"
_WRONG_CODE = "This code is not valid: mistyped, used already, or older than two days. Ask for one."
_WRONG_PROOF = "The credential is not in force any more. Enrol the gateway anew with a code."
_TOO_MANY = "Too many wrong codes from here. Wait 15 minutes, then try again."


def code_hash(letters: str) -> bytes:
    """What the database keeps of a code: slow to compute, since a code is short."""
    salt = b"hearthline gateway enrolment"
    return hashlib.scrypt(letters.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


@router.post("/gateways/enrol")
async def enrol(request: Request, conn: Db, now: Now) -> Response:
    if not _settings(request).gateway_broker:
        return _refused(HTTPStatus.SERVICE_UNAVAILABLE, _NOT_SET_UP)
    try:
        asked = msgspec.json.decode(await request.body(), type=EnrolRequest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, _UNREADABLE)
    if not enrolment.is_verifier(asked.verifier):
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, _UNREADABLE)
    if await _too_many(request, conn, now):
        return _refused(HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY)
    letters = enrolment.typed(asked.code)
    grant = None
    if letters is not None:
        hashed = await asyncio.to_thread(code_hash, letters)
        grant = await credentials.redeem(conn, hashed, asked.verifier, now=now)
    if grant is None:
        await _count_failure(request, conn, now)
        return _refused(HTTPStatus.FORBIDDEN, _WRONG_CODE)
    return _granted(request, grant)


@router.post("/gateways/renew")
async def renew(request: Request, conn: Db, now: Now) -> Response:
    try:
        asked = msgspec.json.decode(await request.body(), type=RenewRequest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, _UNREADABLE)
    if not enrolment.is_verifier(asked.verifier):
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, _UNREADABLE)
    if await _too_many(request, conn, now):
        return _refused(HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY)
    who = enrolment.read_user(asked.user)
    known = await credentials.verifier_in_force(conn, *who, now=now) if who else None
    if who is None or known is None or not enrolment.matches(asked.password, known):
        await _count_failure(request, conn, now)
        return _refused(HTTPStatus.FORBIDDEN, _WRONG_PROOF)
    clinic, gateway, _ = who
    return _granted(
        request, await credentials.renew(conn, clinic, gateway, asked.verifier, now=now)
    )


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _granted(request: Request, grant: Grant) -> Response:
    settings = _settings(request)
    authority = settings.gateway_broker_ca
    answer = Granted(
        clinic=grant.clinic,
        gateway=grant.gateway,
        user=enrolment.user_name(grant.clinic, grant.gateway, grant.number),
        broker=settings.gateway_broker,
        ca=None if authority is None else authority.read_text("utf-8"),
        issued_at=grant.issued_at,
        expires_at=grant.expires_at,
    )
    metrics.ENROLMENTS.labels(outcome="granted").inc()
    return _json(HTTPStatus.OK, answer)


def _refused(status: HTTPStatus, why: str) -> Response:
    metrics.ENROLMENTS.labels(outcome="refused").inc()
    return _json(status, Refused(error=why))


def _json(status: HTTPStatus, answer: Granted | Refused) -> Response:
    body = msgspec.json.encode(answer)
    return Response(body, status_code=status, media_type="application/json")


def _source(request: Request) -> bytes:
    client = request.client
    return throttle.source_key(f"box {client.host if client else ''}")


async def _too_many(request: Request, conn: Connection, now: datetime) -> bool:
    _, by_source = await people.sign_in_failures(
        conn, account=_ACCOUNT, source=_source(request), since=now - throttle.WINDOW
    )
    return by_source >= PER_SOURCE


async def _count_failure(request: Request, conn: Connection, now: datetime) -> None:
    await people.record_sign_in_failure(conn, account=_ACCOUNT, source=_source(request), now=now)
