"""A clinic's own amounts: a file is looked through before it is kept; what was loaded stays.

What is looked through is what is kept: the file travels in the form, packed, so that its hash is
the uploaded file's.
"""

from __future__ import annotations

import binascii
import zlib
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, UploadFile
from fastapi.responses import Response

from api import rates_view
from api.billing_month import running_month
from api.middleware import LARGEST_FILE
from api.page import SigningPage
from ccm_link.calendar_month import Month
from ccm_link.rates import Found, RatesError
from ccm_link.rates_service import Upload, load, read_upload
from ccm_link.rulebook import rulebook_for
from ccm_link.rules import NoRules, Rules
from store import rates as stored
from store.tenancy import clinic_session

router = APIRouter()

Text = Annotated[str, Form(max_length=200)]
LONGEST_NAME = 80  # characters
YEARS = range(2025, 2100)


def _form(
    year: Text = "", locality: Text = "", name: Text = "", first: Text = "", last: Text = ""
) -> dict[str, str]:
    """Everything that is typed."""
    return {"year": year, "locality": locality, "name": name, "first": first, "last": last}


Typed = Annotated[dict[str, str], Depends(_form)]


@router.get("/rates")
async def rates(page: SigningPage) -> Response:
    return await _rates(page, {"year": str(page.now.year)}, {})


@router.post("/rates/preview")
async def preview(
    page: SigningPage, form: Typed, file: Annotated[UploadFile | str, Form()] = ""
) -> Response:
    """What the file brings, changes and lacks; nothing is kept yet."""
    upload, problems = _upload(form)
    if isinstance(file, str) or not file.filename:
        problems["file"] = "Choose a file"
    if problems or upload is None or isinstance(file, str):
        return await _rates(page, form, problems, status=422)
    upload = replace(upload, data=await file.read(), file_name=_name_of(file.filename or ""))
    try:
        found = read_upload(upload)
    except RatesError as wrong:
        return await _rates(page, form, {"file": f"This file cannot be used: {wrong}"}, status=422)
    return await _preview(page, upload, found, form)


async def _preview(
    page: SigningPage, upload: Upload, found: Found, form: dict[str, str]
) -> Response:
    rules = await _rules(page, Month.of(upload.days[0]))
    rows = rates_view.compared(found.amounts, rules) if rules else []
    return await page.html(
        "rules/rates_preview.html",
        form=form,
        file_name=upload.file_name,
        packed=b64encode(zlib.compress(upload.data, 9)).decode(),
        found=found,
        days=upload.days,
        rows=rows,
        missing=rates_view.missing(rows),
    )


async def _rules(page: SigningPage, month: Month) -> Rules | None:
    """With the amounts that hold now; None: the table has no rules for that month."""
    try:
        async with clinic_session(page.conn, page.clinic):
            return (await rulebook_for(page.conn, page.clinic, month)).rules
    except NoRules:
        return None


@router.post("/rates")
async def keep(
    page: SigningPage,
    form: Typed,
    packed: Annotated[str, Form(max_length=LARGEST_FILE)] = "",
    file_name: Text = "",
) -> Response:
    upload, problems = _upload(form)
    if problems or upload is None:
        return await _rates(page, form, problems, status=422)
    upload = replace(upload, data=_unpacked(packed), file_name=_name_of(file_name))
    try:
        done = await load(page.conn, page.clinic, upload, by=page.viewer.staff_id, now=page.now)
    except RatesError as wrong:
        return await _rates(page, form, {"file": f"This file cannot be used: {wrong}"}, status=422)
    return page.to("/rates", flash=f"{len(done.found.amounts)} amounts are loaded.")


def _unpacked(packed: str) -> bytes:
    """The file as it was uploaded."""
    try:
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(b64decode(packed, validate=True), LARGEST_FILE)
    except (binascii.Error, zlib.error, ValueError) as wrong:
        raise HTTPException(422) from wrong
    if unpacking.unconsumed_tail:
        raise HTTPException(413)
    if not unpacking.eof:
        raise HTTPException(422)
    return data


def _upload(form: dict[str, str]) -> tuple[Upload | None, dict[str, str]]:
    """All but the file."""
    problems = {}
    year = int(form["year"]) if form["year"].isascii() and form["year"].isdigit() else 0
    if year not in YEARS:
        problems["year"] = f"Enter a year from {YEARS[0]} on"
    if len(form["name"]) > LONGEST_NAME or "\0" in form["name"]:
        problems["name"] = f"Enter a name of {LONGEST_NAME} characters at most"
    days: dict[str, date | None] = {}
    for key in ("first", "last"):
        try:
            days[key] = date.fromisoformat(form[key]) if form[key] else None
        except ValueError:
            problems[key] = "Enter a date"
    if problems:
        return None, problems
    upload = Upload(
        data=b"",
        file_name="",
        year=year,
        locality=form["locality"].strip() or None,
        name=form["name"].strip(),
        first=days["first"],
        last=days["last"],
    )
    if upload.days[1] < upload.days[0]:
        return None, {"last": "The last day is before the first"}
    return upload, {}


def _name_of(path: str) -> str:
    """Some browsers send where the file lay as well."""
    return path.replace("\\", "/").rpartition("/")[2][:LONGEST_NAME]


async def _rates(
    page: SigningPage, form: dict[str, str], problems: dict[str, str], *, status: int = 200
) -> Response:
    async with clinic_session(page.conn, page.clinic):
        tables = await stored.tables(page.conn)
        standing = await stored.for_month(page.conn, page.clinic, running_month(page).first)
    blank = dict.fromkeys(("year", "locality", "name", "first", "last"), "")
    return await page.html(
        "rules/rates.html",
        status=status,
        tables=tables,
        standing=standing.id if standing else None,
        month=running_month(page),
        form=blank | form,
        problems=problems,
    )
