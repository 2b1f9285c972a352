"""What no browser of ours sends: none of it is a bug's page, and none of it stays behind."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

import httpx
import psycopg
import pytest
from psycopg import sql

from api.middleware import LARGEST_BODY
from store.batch import write_batch
from store.rows import QuarantineRow
from tests.api.conftest import Browser
from tests.api.test_permissions import address_of, furnish
from vitals.clock import utc_now
from vitals.errors import QuarantineReason

NUL, HALF = "a\x00b", "\ud800"
FIRST, LAST = "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"


@pytest.fixture
async def stranger(app):
    """Sees a bug as its page, as a browser would."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:
        yield Browser(client)


@pytest.fixture
async def keys(database, admin, north, clock, stranger):
    clock.now = utc_now()
    made = await furnish(database, admin, north, number=1)
    await stranger.sign_in(north.email("provider"))
    return made


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/patients/search", "q"),
        ("/clinics", "clinic"),
        ("/tasks/{task_id}/contacts", "note"),
        ("/quarantine/{number}/discard", "why"),
        ("/homes/{home_id}/edit", "label"),
    ],
)
@pytest.mark.parametrize("bytes_", [NUL.encode(), rb"\ud800"], ids=["nul", "half a pair"])
async def test_text_that_no_column_holds(stranger, keys, path, field, bytes_):
    """Half a surrogate pair comes by a charset that the sender names."""
    form = {"csrf": stranger.csrf, "channel": "phone", "reached": "no", "zone": "America/New_York"}
    parts = {**form, field: bytes_}
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in parts.items()
    )
    charset = "unicode_escape" if bytes_.startswith(b"\\") else "utf-8"
    answer = await stranger.client.post(
        address_of(path, keys),
        content=body + b"--x--\r\n",
        headers={"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"},
    )
    assert (answer.status_code, "could not be read" in answer.text) == (422, True)


@pytest.mark.parametrize(
    "path",
    [
        "/patients/{patient_id}/readings?part=1000000000000000000",
        "/quarantine?skip=9223372036854775808",
        "/quarantine/9223372036854775808",
        "/quarantine/%00",
        "/patients/%ff%fe",
        "/devices/{device_key}/assign?check=yes&slot=" + "9" * 5000,
        "/month?skip=-1",
        "/month?skip=" + "9" * 5000,
        "/month?show=everything",
        "/month?programme=%00",
        "/month/{patient_id}/lines/%00%00%00%00%00",
        "/month/{patient_id}/lines/00000",
        "/month/{patient_id}/signed/00000000-0000-0000-0000-000000000000",
        "/rules?month=%00",
        f"/devices/{{device_key}}/assign?check=yes&starts={quote(FIRST)}",
        f"/devices/{{device_key}}/assign?check=yes&starts=2026-01-01T00:00&ends={quote(LAST)}",
    ],
)
async def test_addresses_that_nobody_links_to(stranger, keys, path):
    answer = await stranger.get(address_of(path, keys))
    assert answer.status_code in {404, 422}


@pytest.mark.parametrize(("starts", "ends"), [(FIRST, ""), ("2026-01-01T00:00", LAST)])
async def test_a_period_beyond_every_calendar_is_given_to_nobody(stranger, keys, starts, ends):
    """It would be kept, and no page that lists devices could be read again."""
    form = {"patient": "nobody", "starts": starts, "ends": ends, "seen": "0.0.0.0.0.0"}
    await stranger.post(address_of("/devices/{device_key}/assign", keys), **form)
    for path in ("/homes", "/devices/{device_key}", "/patients/{patient_id}/devices"):
        assert (await stranger.get(address_of(path, keys))).status_code == 200


@pytest.mark.parametrize("flash", ["[" * 60_000, json.dumps({"text": HALF}), "%ff", "[]", "5"])
async def test_a_notice_that_somebody_else_put_there(stranger, keys, flash):
    stranger.client.cookies.set("hl_flash", quote(flash))
    answer = await stranger.get("/account")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/month/sign", {"month": "2026-01", "seen": "nobody"}, 422),
        ("/month/sign", {"month": "2026-01", "seen": "x:y"}, 422),
        ("/month/{patient_id}/sign", {"month": "{month}", "facts": "[" * 60_000}, 409),
        ("/month/{patient_id}/sign", {"month": "{before}", "seen": "f" * 65}, 422),
        ("/month/{patient_id}/sign", {"month": "2026-01"}, 404),
        ("/month/{patient_id}/reopen", {"month": "{month}", "reason": "x"}, 404),
        ("/month/{patient_id}/reopen", {"month": "{before}", "reason": " "}, 409),
    ],
)
async def test_signing_takes_nothing_else(stranger, keys, north, path, form, status):
    await stranger.sign_in(north.email("biller"))
    filled = {name: value.replace("{month}", keys["month"]) for name, value in form.items()}
    filled = {name: v.replace("{before}", keys["before"]) for name, v in filled.items()}
    answer = await stranger.post(address_of(path, keys), **filled)
    assert answer.status_code == status


async def test_a_body_in_pieces_is_as_bounded(stranger):
    sent = 0

    async def pieces():
        nonlocal sent
        while sent < 100 * LARGEST_BODY:
            sent += 65_536
            yield b"x" * 65_536

    answer = await stranger.client.post(
        "/sign-in",
        content=pieces(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    assert sent < 2 * LARGEST_BODY


async def test_quarantined_bytes_are_shown_whatever_they_are(stranger, keys, database, admin):
    """Half a surrogate pair is good JSON, and no text that a page could send."""
    payloads = [rb'{"a": "\ud800"}', b"[" * 100_000, b"9" * 5000, rb'"</script><script>x()"', b"\0"]
    rows = [
        QuarantineRow(
            topic="hl/v1/north/gw-1/readings", scope="envelope", payload=payload,
            reason=QuarantineReason.NOT_JSON, detail="", clinic="north", gateway="gw-1",
        )
        for payload in payloads
    ]  # fmt: skip
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_ingest"], autocommit=True
    ) as conn:
        await write_batch(conn, readings=[], quarantined=rows)
    for (number,) in await (await admin.execute("SELECT id FROM quarantine")).fetchall():
        answer = await stranger.get(f"/quarantine/{number}")
        assert (answer.status_code, "<script>x()" in answer.text) == (200, False)


async def test_a_database_that_goes_away_and_comes_back(stranger, keys, database, services):
    async with await psycopg.AsyncConnection.connect(services.admin_url, autocommit=True) as conn:
        name = sql.Identifier(database.name)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        await conn.execute(end, [database.name])
        assert (await stranger.get("/queue")).status_code == 200  # a restart is not noticed
        await conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        await conn.execute(end, [database.name])
        away = await stranger.get("/queue")
        assert (away.status_code, "does not answer" in away.text) == (503, True)
        await conn.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
        async with asyncio.timeout(30):
            while (await stranger.get("/queue")).status_code != 200:
                await asyncio.sleep(0.2)
