"""A clinic's own amounts in the console: looked through, kept, and used at once."""

from __future__ import annotations

import hashlib
import zlib
from base64 import b64encode

import pytest

from api.middleware import LARGEST_BODY, LARGEST_FILE
from ccm_link.rates_service import known_codes
from tests.api.conftest import found
from tests.api.month.conftest import OCTOBER

PLAIN = b"code,amount\n99490,70.10\n99439,50.00\n99454,47.43\n12345,9.99\n"


@pytest.fixture
async def biller(browser, clinic):
    await browser.sign_in(clinic.email("biller"))
    return browser


async def upload(browser, data, *, called="rates.csv", **fields):
    return await browser.client.post(
        "/rates/preview",
        data={"csrf": browser.csrf, "year": "2026", **fields},
        files={"file": (called, data, "text/csv")},
    )


async def keep(browser, page, **fields):
    names = ("packed", "file_name", "year", "locality", "name", "first", "last")
    form = {name: found(rf'name="{name}" value="([^"]*)"', page.text) for name in names}
    return await browser.post("/rates", **form | fields)


async def test_nothing_loaded_says_that_estimates_are_used(biller):
    page = await biller.get("/rates")
    assert "No amounts are loaded" in page.text


async def test_a_file_is_looked_through_kept_and_used(biller, ready, admin):
    page = await upload(biller, PLAIN, called="C:\\mine\\rates.csv")
    assert page.status_code == 200
    assert "+$3.97" in page.text  # 99490, from the estimate 66.13
    assert "the same" in page.text  # 99439
    assert "not in the file: stays as it is" in page.text
    assert ">3</dd>" in page.text.replace(" <small>codes</small>", "")
    count = await (await admin.execute("SELECT count(*) FROM rate_table")).fetchone()
    assert count == (0,)
    answer = await keep(biller, page, name="Ours")
    assert answer.status_code == 303
    page = await biller.get("/rates")
    assert "3 amounts are loaded." in page.text
    assert "Holds in November 2026" in page.text
    assert hashlib.sha256(PLAIN).hexdigest()[:12] in page.text
    assert "rates.csv, plain list" in page.text
    month = await biller.get(f"/month/{ready.key}?month={OCTOBER}")
    assert "$70.10" in month.text
    assert "estimate" not in month.text
    rules = await biller.get("/rules")
    assert "This clinic loaded Ours" in rules.text
    line = await biller.get(f"/month/{ready.key}/lines/99490?month={OCTOBER}")
    assert "$70.10</dd>" in line.text


async def test_what_is_signed_keeps_its_amounts(biller, ready, clock):
    await ready.sign(now=clock.now)
    await keep(biller, await upload(biller, PLAIN))
    page = await biller.get(f"/month/{ready.key}?month={OCTOBER}")
    assert "$70.10" in page.text
    where = found(rf'href="(/month/{ready.key}/signed/[^"]+)"', page.text)
    signed = await biller.get(where)
    assert "$66.13 estimate" in signed.text
    assert "Identical" in signed.text
    assert "$70.10 instead of $66.13" in signed.text


@pytest.mark.parametrize(
    ("data", "fields", "said"),
    [
        (b"", {}, "This file cannot be used"),
        (b"\x00\x01\x02", {}, "This file cannot be used"),
        (b"99490,seventy\n", {}, "line 1"),
        (b"11111,1.00\n", {}, "none of the codes"),
        (PLAIN, {"year": "26"}, "Enter a year"),
        (PLAIN, {"year": "\N{SUPERSCRIPT TWO}026"}, "Enter a year"),
        (PLAIN, {"first": "soon"}, "Enter a date"),
        (PLAIN, {"first": "2026-05-01", "last": "2026-04-01"}, "before the first"),
        (PLAIN, {"name": "x" * 81}, "80 characters at most"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why(biller, data, fields, said):
    page = await upload(biller, data, **fields)
    assert (page.status_code, said in page.text) == (422, True)


async def test_no_file_is_asked_for(biller):
    page = await biller.post("/rates/preview", year="2026")
    assert (page.status_code, "Choose a file" in page.text) == (422, True)


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        ("", 422),
        ("%%%", 422),
        (b64encode(b"not packed").decode(), 422),
        (b64encode(zlib.compress(PLAIN)[:-6]).decode(), 422),
        (b64encode(zlib.compress(b"0" * (LARGEST_FILE + 1))).decode(), 413),
    ],
)
async def test_what_was_not_packed_by_the_preview_is_refused(biller, packed, status):
    answer = await biller.post("/rates", year="2026", packed=packed, file_name="x.csv")
    assert answer.status_code == status


async def test_a_large_file_is_taken_and_a_larger_one_is_not(biller):
    filler = b"".join(b"%05d,1.00\n" % n for n in range(10_000, 60_000))
    assert len(filler) > LARGEST_BODY
    assert not known_codes() & {f"{n:05d}" for n in range(10_000, 60_000)}
    page = await upload(biller, PLAIN + filler)
    assert page.status_code == 200
    assert (await keep(biller, page)).status_code == 303
    assert (await upload(biller, b"0" * LARGEST_FILE)).status_code == 413
    elsewhere = await biller.post("/month/lock", note="x" * LARGEST_BODY)
    assert elsewhere.status_code == 413
