"""Who works here: invite, change a role, end a membership."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from fastapi import APIRouter, Form
from fastapi.responses import Response

from api.auth import tokens
from api.auth.viewer import Role
from api.errors import NotFound
from api.opening import INVITATION_LASTS
from api.page import AdminPage
from api.settings import Settings
from store import staff as people

router = APIRouter()
_FIELDS = ("email", "name", "credential", "role")

Text = Annotated[str, Form()]


@router.get("/staff")
async def members(page: AdminPage) -> Response:
    return await _members(page)


@router.post("/staff/invitations")
async def invite(
    page: AdminPage, email: Text = "", name: Text = "", role: Text = "", credential: Text = ""
) -> Response:
    """Shows the link once: only its hash is kept."""
    typed = {"email": email.strip(), "name": name.strip(), "credential": credential.strip()}
    problems = _problems(typed, role)
    if problems:
        form = {**typed, "role": role}
        return await _members(page, status=422, problems=problems, form=form)
    token = tokens.new_token()
    who = people.NewStaff(**typed, role=role)
    await people.invite(
        page.conn,
        page.clinic,
        who,
        token_hash=tokens.hashed(token),
        by=page.viewer.staff_id,
        now=page.now,
        expires_at=page.now + INVITATION_LASTS,
    )
    settings: Settings = page.request.app.state.settings
    base = settings.public_url.rstrip("/") or str(page.request.base_url).rstrip("/")
    link = base + page.request.app.url_path_for("invitation", token=token)
    return await _members(page, link=link)


@router.post("/staff/invitations/{handle}/withdraw")
async def withdraw(page: AdminPage, handle: str) -> Response:
    try:
        token_hash = bytes.fromhex(handle)
        await people.withdraw_invitation(
            page.conn, page.clinic, token_hash, by=page.viewer.staff_id, now=page.now
        )
    except (ValueError, people.InvitationGone) as gone:
        raise NotFound from gone
    return page.to("/staff", flash="The invitation is withdrawn. Its link no longer works.")


@router.post("/staff/{staff_id}/role")
async def set_role(page: AdminPage, staff_id: UUID, role: Text = "") -> Response:
    if role not in set(Role):
        return page.to("/staff", flash="Choose one of the roles.", kind="error")
    return await _change(page, staff_id, role)


@router.post("/staff/{staff_id}/end")
async def end(page: AdminPage, staff_id: UUID) -> Response:
    return await _change(page, staff_id, None)


async def _change(page: AdminPage, staff_id: UUID, role: str | None) -> Response:
    """`role` None: they leave."""
    by, now = page.viewer.staff_id, page.now
    try:
        if role is None:
            await people.end_membership(page.conn, page.clinic, staff_id, by=by, now=now)
        else:
            await people.set_role(page.conn, page.clinic, staff_id, role, by=by, now=now)
    except people.NoSuchMember as missing:
        raise NotFound from missing
    except people.LastAdmin:
        text = "This is the clinic's only admin. Make somebody else an admin first."
        return page.to("/staff", flash=text, kind="error")
    done = "They no longer have access." if role is None else "The role is changed."
    return page.to("/staff", flash=done)


async def _members(
    page: AdminPage,
    *,
    status: int = 200,
    problems: dict[str, str] | None = None,
    form: dict[str, str] | None = None,
    link: str = "",
) -> Response:
    return await page.html(
        "staff/members.html",
        status=status,
        members=await people.members(page.conn, page.clinic),
        invitations=await people.open_invitations(page.conn, page.clinic),
        roles=list(Role),
        problems=problems or {},
        form=form or dict.fromkeys(_FIELDS, ""),
        link=link,
    )


def _problems(typed: dict[str, str], role: str) -> dict[str, str]:
    problems = {}
    try:
        validate_email(typed["email"], check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        problems["email"] = "Enter an email address, like name@clinic.org"
    if not typed["name"] or len(typed["name"]) > 100:  # noqa: PLR2004 -- a long name
        problems["name"] = "Enter the person's name, 100 characters at most"
    if len(typed["credential"]) > 20:  # noqa: PLR2004
        problems["credential"] = "Enter 20 characters at most, like RN or MD"
    if role not in set(Role):
        problems["role"] = "Choose a role"
    return problems
