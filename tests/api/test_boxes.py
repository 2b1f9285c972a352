"""Where boxes come in: a code brings one credential to one box; a credential brings the next."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import psycopg
import pytest

from api import boxes
from api.service import create_app
from api.settings import Settings
from store import gateway_credentials as credentials
from store import homes
from store.homes import HomeWords
from tests.api.conftest import NOW, open_browser
from vitals import enrolment
from vitals.enrolment import Granted, verifier_of

pytestmark = pytest.mark.services

BROKER = "mqtts://broker.example.org:8883"
PASSWORD = enrolment.new_password()
VERIFIER = verifier_of(PASSWORD)


def hash_of(code: str) -> bytes:
    return boxes.code_hash(enrolment.typed(code) or "")


@pytest.fixture
async def gateway(admin, north):
    by = {"staff": north.staff["admin"], "now": NOW}
    words = HomeWords(label="12 Elm Street", zone="America/New_York")
    home = await homes.register_home(admin, "north", words, **by)
    await homes.register_gateway(admin, "north", home, "gw-1", **by)
    return home


@pytest.fixture
async def code(admin, north, gateway):
    text = enrolment.new_code()
    hashed = hash_of(text)
    await credentials.issue_code(
        admin, "north", "gw-1", hashed, staff=north.staff["nurse"], now=NOW
    )
    return text


@pytest.fixture
async def door(database, clock, tmp_path):
    """The server's side, as a box meets it."""
    ca = tmp_path / "ca.crt"
    ca.write_text("-----BEGIN CERTIFICATE-----\n")
    settings = Settings.model_validate(
        {
            "HEARTHLINE_DATABASE_URL": database.urls["hl_api"],
            "gateway_broker": BROKER,
            "gateway_broker_ca": ca,
            "pool_size": 2,
        }
    )
    app = create_app(settings, clock=clock)
    async with app.router.lifespan_context(app), open_browser(app) as browser:

        async def post(path, **fields):
            return await browser.client.post(f"/gateways/{path}", json=fields)

        yield post


def granted(answer):
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Granted)


async def value(admin, query):
    row = await (await admin.execute(query)).fetchone()
    return row[0] if row else None


async def test_a_code_brings_all_that_a_box_needs(door, code, admin, clock):
    answer = granted(await door("enrol", code=code.lower().replace("-", " "), verifier=VERIFIER))
    assert (answer.clinic, answer.gateway, answer.user) == ("north", "gw-1", "north/gw-1/1")
    assert (answer.broker, answer.ca) == (BROKER, "-----BEGIN CERTIFICATE-----\n")
    assert answer.expires_at - answer.issued_at == timedelta(days=365)
    assert PASSWORD not in await value(admin, "SELECT string_agg(c::text, '') FROM gateway_code c")
    action = "SELECT count(*) FROM audit_event WHERE action = 'gateway.enrol'"
    assert await value(admin, action) == 1


async def test_asked_again_it_is_the_same_answer_to_the_same_box_and_none_to_another(
    door, code, admin, clock
):
    """A box that lost its power before it had the answer asks again."""
    first = granted(await door("enrol", code=code, verifier=VERIFIER))
    clock.forward(hours=20)
    assert granted(await door("enrol", code=code, verifier=VERIFIER)) == first
    other = verifier_of("another box")
    assert (await door("enrol", code=code, verifier=other)).status_code == 403
    clock.forward(hours=5)
    assert (await door("enrol", code=code, verifier=VERIFIER)).status_code == 403
    assert await value(admin, "SELECT count(*) FROM gateway_credential") == 1


async def test_a_code_ends_after_two_days_and_with_the_next_one(door, code, admin, north, clock):
    clock.forward(hours=49)
    assert (await door("enrol", code=code, verifier=VERIFIER)).status_code == 403
    newer = enrolment.new_code()
    hashed = hash_of(newer)
    by = {"staff": north.staff["nurse"], "now": clock.now}
    await credentials.issue_code(admin, "north", "gw-1", hashed, **by)
    newest = enrolment.new_code()
    hashed = hash_of(newest)
    await credentials.issue_code(admin, "north", "gw-1", hashed, **by)
    assert (await door("enrol", code=newer, verifier=VERIFIER)).status_code == 403
    assert granted(await door("enrol", code=newest, verifier=VERIFIER)).user == "north/gw-1/1"


async def test_guessing_is_slowed_down(door, code, clock):
    for _ in range(boxes.PER_SOURCE):
        answer = await door("enrol", code=enrolment.new_code(), verifier=VERIFIER)
        assert answer.status_code == 403
    assert (await door("enrol", code=code, verifier=VERIFIER)).status_code == 429
    clock.forward(minutes=16)
    assert (await door("enrol", code=code, verifier=VERIFIER)).status_code == 200


async def test_what_cannot_be_read_is_said_so(door, code):
    for fields in ({}, {"code": code}, {"code": code, "verifier": "$7$101$x$y\nevil:1"}):
        assert (await door("enrol", **fields)).status_code == 422


async def test_a_server_that_names_no_broker_enrols_nobody(browser, code):
    answer = await browser.client.post("/gateways/enrol", json={"code": code, "verifier": VERIFIER})
    assert answer.status_code == 503


async def test_a_credential_brings_the_next_and_ends_when_that_one_has_connected(
    database, door, code, admin, clock
):
    first = granted(await door("enrol", code=code, verifier=VERIFIER))
    asked = {"user": first.user, "password": PASSWORD, "verifier": verifier_of("next")}
    second = granted(await door("renew", **asked))
    assert second.user == "north/gw-1/2"
    assert granted(await door("renew", **asked)) == second
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_ingest"], autocommit=True
    ) as ingest:

        async def let_in():
            rows = await credentials.broker_users(ingest, now=clock.now)
            return [row["number"] for row in rows]

        assert await let_in() == [1, 2]
        await credentials.used(ingest, "north", "gw-1", 1, now=clock.now)
        assert await let_in() == [1, 2]
        await credentials.used(ingest, "north", "gw-1", 2, now=clock.now)
        assert await let_in() == [2]
        clock.forward(days=366)
        assert await let_in() == []
    assert (await door("renew", **asked)).status_code == 403


async def test_a_wrong_password_renews_nothing(door, code, admin):
    first = granted(await door("enrol", code=code, verifier=VERIFIER))
    for user, password in ((first.user, "guess"), ("south/gw-1/1", PASSWORD), ("", "")):
        answer = await door("renew", user=user, password=password, verifier=verifier_of("x"))
        assert answer.status_code == 403
    assert await value(admin, "SELECT count(*) FROM gateway_credential") == 1


async def test_a_lost_box_is_locked_out(door, code, admin, north, clock):
    first = granted(await door("enrol", code=code, verifier=VERIFIER))
    await credentials.withdraw(admin, "north", "gw-1", staff=north.staff["admin"], now=NOW)
    asked = {"user": first.user, "password": PASSWORD, "verifier": verifier_of("x")}
    assert (await door("renew", **asked)).status_code == 403
    assert (await door("enrol", code=code, verifier=VERIFIER)).status_code == 403
    assert await credentials.broker_users(admin, now=NOW) == []
