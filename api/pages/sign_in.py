"""Signing in and out, choosing a clinic, accepting an invitation, changing one's password."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import metrics
from api.auth import passwords, throttle, tokens
from api.auth.guard import COOKIE, SignedIn, check_origin
from api.auth.viewer import Role
from api.deps import Db, Now
from api.errors import BadForm
from api.navigation import home_of
from api.page import AnyPage
from api.render import render
from api.settings import Settings
from store import staff as people
from store.tenancy import Connection

router = APIRouter()
PRE_CSRF = "hl_form"  # before there is a session: the form repeats what the cookie holds
_WRONG = "The email or the password is not right. Check both and try again."
_TOO_MANY = (
    "Too many attempts. Wait 15 minutes, then try again, or ask an admin for a new invitation."
)

Text = Annotated[str, Form()]


@router.get("/sign-in")
async def form(request: Request, next: str = "/") -> Response:  # noqa: A002 -- the query's name
    return _form(request, target=_local(next))


@router.post("/sign-in")
async def sign_in(  # noqa: PLR0913, PLR0917 -- the form
    request: Request,
    conn: Db,
    now: Now,
    email: Text = "",
    password: Text = "",
    csrf: Text = "",
    target: Text = "/",
) -> Response:
    _check_pre_csrf(request, csrf)
    problem = await _throttled(request, conn, email, now)
    found = None if problem else await people.sign_in_lookup(conn, throttle.account_name(email))
    matches, renewed = (False, None)
    if not problem:
        matches, renewed = await passwords.verified(password, found[1] if found else None)
    if problem or found is None or not matches:
        metrics.SIGN_INS.labels(outcome="throttled" if problem else "refused").inc()
        if not problem:
            await _failed(request, conn, email, now)
        return _form(request, target=_local(target), email=email, problem=problem or _WRONG)
    if renewed:
        await people.change_password(conn, found[0], renewed, keep=None, now=now)
    metrics.SIGN_INS.labels(outcome="accepted").inc()
    return await _start(request, conn, found[0], now, target=_local(target))


@router.post("/sign-out")
async def sign_out(row: SignedIn, conn: Db, now: Now) -> Response:
    await people.end_session(conn, row["token_hash"], now=now)
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/")
async def start(row: SignedIn) -> Response:
    where = home_of(Role(row["role"])) if row["role"] else "/clinics"
    return RedirectResponse(where, status_code=303)


@router.get("/clinics")
async def clinics(row: SignedIn, conn: Db) -> Response:
    found = await people.clinics_of_staff(conn, row["staff_id"])
    context = {"clinics": found, "csrf": row["csrf"], "name": row["name"], "flash": None}
    return HTMLResponse(render("sign_in/clinics.html", context))


@router.post("/clinics")
async def choose(row: SignedIn, conn: Db, clinic: Text = "") -> Response:
    if not await people.choose_clinic(conn, row["token_hash"], row["staff_id"], clinic):
        return RedirectResponse("/clinics", status_code=303)
    return RedirectResponse("/", status_code=303)


@router.get("/join/{token}")
async def invitation(request: Request, conn: Db, now: Now, token: str) -> Response:
    return await _invitation(request, conn, now, token)


@router.post("/join/{token}")
async def join(  # noqa: PLR0913, PLR0917 -- the form
    request: Request,
    conn: Db,
    now: Now,
    token: str,
    password: Text = "",
    csrf: Text = "",
    again: Text = "",
) -> Response:
    _check_pre_csrf(request, csrf)
    row = await people.invitation(conn, tokens.hashed(token))
    if row is None or not _is_open(row, now):
        return await _invitation(request, conn, now, token)
    account = await people.sign_in_lookup(conn, row["email"])
    problem = await _join_problem(request, conn, row, account, (password, again), now)
    if problem:
        return await _invitation(request, conn, now, token, problem=problem)
    try:
        staff = await people.accept_invitation(
            conn,
            row["clinic_id"],
            tokens.hashed(token),
            existing=account[0] if account else None,
            password_hash="" if account else await passwords.hashed(password),
            now=now,
        )
    except people.InvitationGone:
        return await _invitation(request, conn, now, token)
    return await _start(request, conn, staff, now, target="/")


@router.get("/account")
async def account(page: AnyPage) -> Response:
    return await page.html("sign_in/account.html", problem=None)


@router.post("/account/password")
async def change_password(
    page: AnyPage, current: Text = "", password: Text = "", again: Text = ""
) -> Response:
    problem = await _password_problem(page, current, password, again)
    if problem:
        return await page.html("sign_in/account.html", status=422, problem=problem)
    await people.change_password(
        page.conn,
        page.viewer.staff_id,
        await passwords.hashed(password),
        keep=page.viewer.token_hash,
        now=page.now,
    )
    await page.audit("staff.password", page.viewer.staff_id)
    return page.to("/account", flash="Your password is changed. You are signed out elsewhere.")


async def _password_problem(page: AnyPage, current: str, password: str, again: str) -> str | None:
    email, stored = await people.credentials(page.conn, page.viewer.staff_id)
    if too_many := await _throttled(page.request, page.conn, email, page.now):
        return too_many
    if not (await passwords.verified(current, stored))[0]:
        await _failed(page.request, page.conn, email, page.now)
        return "Your current password is not right."
    if password != again:
        return "The two new passwords are not the same."
    return passwords.problem(password, email=email)


async def _join_problem(
    request: Request,
    conn: Connection,
    row: dict[str, Any],
    account: tuple[Any, str] | None,
    typed: tuple[str, str],
    now: Now,
) -> str | None:
    """An existing account proves itself with its password; a new one chooses one."""
    if account is None:
        if typed[0] != typed[1]:
            return "The two passwords are not the same."
        return passwords.problem(typed[0], email=row["email"])
    if problem := await _throttled(request, conn, row["email"], now):
        return problem
    if (await passwords.verified(typed[0], account[1]))[0]:
        return None
    await _failed(request, conn, row["email"], now)
    return "This is not the password of your account."


async def _start(
    request: Request, conn: Connection, staff: Any, now: Now, *, target: str
) -> Response:
    settings: Settings = request.app.state.settings
    token = tokens.new_token()
    clinic = await people.open_session(
        conn,
        staff,
        token_hash=tokens.hashed(token),
        csrf=tokens.new_token(),
        now=now,
        expires_at=now + settings.session,
    )
    answer = RedirectResponse(target if clinic else "/clinics", status_code=303)
    answer.set_cookie(
        COOKIE, token, httponly=True, samesite="lax", secure=settings.secure_cookies, path="/"
    )
    return answer


def _form(request: Request, *, target: str, email: str = "", problem: str = "") -> Response:
    context = {"target": target, "email": email, "problem": problem}
    return _public(request, "sign_in/form.html", context, status=401 if problem else 200)


async def _invitation(
    request: Request, conn: Connection, now: Now, token: str, *, problem: str = ""
) -> Response:
    row = await people.invitation(conn, tokens.hashed(token))
    is_open = row is not None and _is_open(row, now)
    known = await people.sign_in_lookup(conn, row["email"]) if row and is_open else None
    context = {"invitation": row if is_open else None, "known": known is not None}
    status = 422 if problem else (200 if is_open else 404)
    return _public(request, "sign_in/join.html", context | {"problem": problem}, status=status)


def _is_open(row: dict[str, Any], now: Now) -> bool:
    return not row["accepted_at"] and not row["withdrawn_at"] and bool(row["expires_at"] > now)


def _public(
    request: Request, template: str, context: dict[str, Any], *, status: int
) -> HTMLResponse:
    token = request.cookies.get(PRE_CSRF) or secrets.token_urlsafe(16)
    page = render(template, {"csrf": token, "flash": None} | context)
    answer = HTMLResponse(page, status_code=status)
    settings: Settings = request.app.state.settings
    answer.set_cookie(
        PRE_CSRF, token, httponly=True, samesite="strict", secure=settings.secure_cookies
    )
    return answer


def _check_pre_csrf(request: Request, csrf: str) -> None:
    check_origin(request)
    held = request.cookies.get(PRE_CSRF, "")
    if not held or not secrets.compare_digest(held.encode(), csrf.encode()):
        raise BadForm


async def _throttled(request: Request, conn: Connection, email: str, now: Now) -> str | None:
    by_account, by_source = await people.sign_in_failures(
        conn,
        account=throttle.account_key(email),
        source=throttle.source_key(_address(request)),
        since=now - throttle.WINDOW,
    )
    too_many = throttle.is_throttled(by_account=by_account, by_source=by_source)
    return _TOO_MANY if too_many else None


async def _failed(request: Request, conn: Connection, email: str, now: Now) -> None:
    await people.record_sign_in_failure(
        conn,
        account=throttle.account_key(email),
        source=throttle.source_key(_address(request)),
        now=now,
    )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _local(target: str) -> str:
    """Only a path of ours: nobody is sent elsewhere by a link."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/"
