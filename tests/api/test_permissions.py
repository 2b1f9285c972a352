"""Every route of the running application, for every role, in one's own and another clinic.

The table says who may; the routes come from the application itself, so that a new one fails here
until somebody has decided who may use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from fastapi.routing import APIRoute

from api.auth import tokens
from ccm_link import signing
from ccm_link.acting import Actor
from ccm_link.calendar_month import Month
from ccm_link.enrolments import NewConsent, NewEnrolment, enrol, record_consent
from ccm_link.months_service import patient_month
from ccm_link.stated import Kind
from ccm_link.statements import Statement, state
from ccm_link.work import log_time
from store import quarantine, retention
from store import staff as people
from store.batch import write_batch
from store.rows import QuarantineRow
from tests.api.conftest import ROLES, open_browser
from tests.api.world import Home
from vitals.clock import utc_now
from vitals.errors import QuarantineReason

NEW_YORK = ZoneInfo("America/New_York")
ANYBODY = "anybody"
SIGNED_IN = "signed in"
ALL = frozenset(ROLES)
CARE = frozenset({"nurse", "provider"})
CHART = CARE | {"biller"}
HOMES = CARE | {"admin"}
SIGNS = frozenset({"biller", "admin"})
ADMIN = frozenset({"admin"})
LIMITS = frozenset({"provider", "admin"})
PROVIDER = frozenset({"provider"})

MAY: dict[str, dict[str, Any]] = {
    "/sign-in": {"GET": ANYBODY, "POST": ANYBODY},
    "/join/{token}": {"GET": ANYBODY, "POST": ANYBODY},
    "/sign-out": {"POST": SIGNED_IN},
    "/": {"GET": SIGNED_IN},
    "/clinics": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "/account": {"GET": ALL},
    "/account/password": {"POST": ALL},
    "/events": {"GET": ALL},
    "/queue": {"GET": CARE},
    "/queue/rows": {"GET": CARE},
    "/queue/figures": {"GET": CARE},
    "/alerts/{alert_id}": {"GET": CARE},
    "/tasks/{task_id}": {"GET": CARE},
    "/tasks/{task_id}/preview": {"GET": CARE},
    "/tasks/{task_id}/claim": {"POST": CARE},
    "/tasks/{task_id}/pause": {"POST": CARE},
    "/tasks/{task_id}/release": {"POST": CARE},
    "/tasks/{task_id}/take-over": {"POST": CARE},
    "/tasks/{task_id}/snooze": {"POST": CARE},
    "/tasks/{task_id}/unsnooze": {"POST": CARE},
    "/tasks/{task_id}/checklist": {"POST": CARE},
    "/tasks/{task_id}/contacts": {"POST": CARE},
    "/tasks/{task_id}/resolve": {"POST": CARE},
    "/tasks/{task_id}/undo": {"POST": CARE},
    "/tasks/{task_id}/confirm": {"POST": CARE},
    "/tasks/{task_id}/reviewed": {"POST": CARE},
    "/timers/{entry_id}/beat": {"POST": CARE},
    "/timers/{entry_id}/pause": {"POST": CARE},
    "/patients": {"GET": ALL, "POST": HOMES},
    "/patients/search": {"POST": ALL},
    "/patients/new": {"GET": HOMES},
    "/patients/{patient_id}": {"GET": CHART},
    "/patients/{patient_id}/edit": {"GET": HOMES, "POST": HOMES},
    "/patients/{patient_id}/readings": {"GET": CHART},
    "/patients/{patient_id}/alerts": {"GET": CHART},
    "/patients/{patient_id}/devices": {"GET": CHART},
    "/patients/{patient_id}/time": {"GET": CHART, "POST": CARE},
    "/patients/{patient_id}/plan": {"GET": CHART},
    "/patients/{patient_id}/enrolments": {"POST": CARE},
    "/patients/{patient_id}/consents": {"POST": CARE},
    "/patients/{patient_id}/limits": {"POST": PROVIDER},
    "/patients/{patient_id}/billing": {"GET": CHART, "POST": CHART},
    "/patients/{patient_id}/billing/set-up": {"POST": CARE},
    "/patients/{patient_id}/billing/decisions": {"POST": PROVIDER},
    "/billing-facts/{fact_id}/end": {"POST": CHART},
    "/billing-facts/{fact_id}/reverse": {"POST": CHART},
    "/time": {"GET": HOMES},
    "/time/{entry_id}/confirm": {"POST": CARE},
    "/time/{entry_id}/correct": {"GET": HOMES, "POST": HOMES},
    "/time/{entry_id}/decide": {"GET": HOMES, "POST": HOMES},
    "/time/{entry_id}/reverse": {"POST": HOMES},
    "/enrolments/{enrolment_id}/end": {"POST": CARE},
    "/enrolments/{enrolment_id}/care-plan": {"POST": CARE},
    "/consents/{consent_id}/stop": {"POST": CARE},
    "/month": {"GET": ALL},
    "/month/sign": {"GET": SIGNS, "POST": SIGNS},
    "/month/lock": {"POST": SIGNS},
    "/month/unlock": {"POST": SIGNS},
    "/month/{patient_id}": {"GET": ALL},
    "/month/{patient_id}/lines/{code}": {"GET": ALL},
    "/month/{patient_id}/sign": {"POST": SIGNS},
    "/month/{patient_id}/reopen": {"POST": SIGNS},
    "/month/{patient_id}/signed/{signing_id}": {"GET": ALL},
    "/month/export.csv": {"GET": SIGNS},
    "/month/export.claims.json": {"GET": SIGNS},
    "/month/{patient_id}/packet.json": {"GET": SIGNS},
    "/month/{patient_id}/packet.pdf": {"GET": SIGNS},
    "/rules": {"GET": ALL},
    "/rates": {"GET": SIGNS, "POST": SIGNS},
    "/rates/preview": {"POST": SIGNS},
    "/homes": {"GET": HOMES},
    "/homes/search": {"POST": HOMES},
    "/homes/new": {"GET": HOMES, "POST": HOMES},
    "/homes/{home_id}": {"GET": HOMES},
    "/homes/{home_id}/edit": {"POST": HOMES},
    "/homes/{home_id}/gateways": {"GET": HOMES, "POST": HOMES},
    "/homes/{home_id}/gateways/{gateway_name}": {"GET": HOMES},
    "/homes/{home_id}/gateways/{gateway_name}/code": {"POST": HOMES},
    "/homes/{home_id}/gateways/{gateway_name}/withdraw": {"POST": HOMES},
    "/homes/{home_id}/gateways/{gateway_name}/renew": {"POST": HOMES},
    "/homes/{home_id}/gateways/{gateway_name}/forget": {"POST": HOMES},
    "/homes/{home_id}/gateways/{gateway_name}/wish": {"POST": HOMES},
    "/gateways/enrol": {"POST": ANYBODY},  # a code, or a credential, says who
    "/gateways/renew": {"POST": ANYBODY},
    "/devices/new": {"GET": HOMES},
    "/devices": {"POST": HOMES},
    "/devices/{device_key}": {"GET": HOMES},
    "/devices/{device_key}/edit": {"POST": HOMES},
    "/devices/{device_key}/forget": {"POST": HOMES},
    "/devices/{device_key}/assign": {"GET": HOMES, "POST": HOMES},
    "/assignments/{assignment_id}/reassign": {"GET": HOMES, "POST": HOMES},
    "/assignments/{assignment_id}/end": {"POST": HOMES},
    "/unassigned": {"GET": HOMES},
    "/unassigned/decide": {"POST": HOMES},
    "/unassigned/set-aside": {"POST": HOMES},
    "/quarantine": {"GET": HOMES},
    "/quarantine/{number}": {"GET": HOMES},
    "/quarantine/{number}/progress": {"GET": HOMES},
    "/quarantine/replay": {"GET": HOMES, "POST": HOMES},
    "/quarantine/replays/{replay_id}": {"GET": HOMES},
    "/quarantine/replays/{replay_id}/progress": {"GET": HOMES},
    "/quarantine/{number}/replay": {"POST": HOMES},
    "/quarantine/{number}/discard": {"POST": HOMES},
    "/quarantine/{number}/keep": {"POST": HOMES},
    "/staff": {"GET": ADMIN},
    "/staff/invitations": {"POST": ADMIN},
    "/staff/invitations/{handle}/withdraw": {"POST": ADMIN},
    "/staff/{staff_id}/role": {"POST": ADMIN},
    "/staff/{staff_id}/end": {"POST": ADMIN},
    "/settings": {"GET": LIMITS, "POST": ADMIN},
    "/settings/limits": {"GET": LIMITS, "POST": PROVIDER},
    "/settings/billing": {"GET": LIMITS, "POST": ADMIN},
    "/settings/retention": {"GET": ADMIN, "POST": ADMIN},
    "/settings/retention/holds": {"POST": ADMIN},
    "/settings/retention/holds/{hold_id}/release": {"POST": ADMIN},
}

#: What a form needs so that the answer is about the key in the address and not about the form.
FORMS: dict[str, dict[str, str]] = {
    "/tasks/{task_id}/take-over": {"reason": "Away"},
    "/tasks/{task_id}/reviewed": {"note": "Looked"},
    "/tasks/{task_id}/snooze": {"minutes": "60", "reason": "Asleep"},
    "/tasks/{task_id}/checklist": {"step": "call", "done": "yes"},
    "/tasks/{task_id}/contacts": {"channel": "phone", "reached": "yes"},
    "/tasks/{task_id}/resolve": {
        "outcome": "patient_advised",
        "note": "Called",
        "programme": "RPM",
        "activity": "alert_review",
    },
    "/patients/{patient_id}/edit": {"given_name": "A", "family_name": "B"},
    "/patients/{patient_id}/time": {
        "programme": "CCM",
        "activity": "call",
        "start": "2026-11-02T09:00",
        "end": "2026-11-02T09:10",
        "note": "Called",
    },
    "/patients/{patient_id}/limits": {
        "rule": "systolic.high",
        "act": "set",
        "value": "150",
        "reason": "Usual",
    },
    "/patients/{patient_id}/billing": {"kind": "inpatient_stay", "first_day": "2026-11-02"},
    "/patients/{patient_id}/billing/set-up": {
        "kind": "device_setup",
        "first_day": "2026-11-02",
        "fda_device": "yes",
        "by_staff": "00000000-0000-0000-0000-000000000000",
    },
    "/patients/{patient_id}/billing/decisions": {
        "kind": "complex_decision",
        "month": "2026-11",
        "level": "high",
        "by_staff": "00000000-0000-0000-0000-000000000000",
    },
    "/billing-facts/{fact_id}/end": {"last_day": "2026-11-04"},
    "/billing-facts/{fact_id}/reverse": {"reason": "Wrong patient"},
    "/time/{entry_id}/correct": {
        "programme": "CCM",
        "activity": "call",
        "start": "2026-11-02T09:00",
        "end": "2026-11-02T09:10",
        "note": "Called",
        "reason": "Typed wrong",
    },
    "/time/{entry_id}/decide": {"stands": "this", "reason": "Asked her"},
    "/time/{entry_id}/confirm": {"note": "Called"},
    "/time/{entry_id}/reverse": {"reason": "Wrong"},
    "/enrolments/{enrolment_id}/end": {"on": "2026-12-01", "ends_on": "2026-12-01"},
    "/enrolments/{enrolment_id}/care-plan": {"care_plan_on": "2026-11-01", "on": "2026-11-01"},
    "/month/{patient_id}/sign": {"month": "2026-01"},
    "/homes/{home_id}/edit": {"label": "Flat 2", "zone": "America/New_York"},
    "/homes/{home_id}/gateways": {"name": "gw-99"},
    "/homes/{home_id}/gateways/{gateway_name}/forget": {"device": "no-such-key"},
    "/homes/{home_id}/gateways/{gateway_name}/wish": {"mode": "any", "revisit_s": "30"},
    "/assignments/{assignment_id}/end": {"ends_at": "2026-11-20T09:00"},
    "/quarantine/replay": {"reason": "not_json"},
    "/quarantine/{number}/discard": {"reason": "Seen"},
    "/staff/{staff_id}/role": {"role": "biller"},
    "/settings/retention/holds/{hold_id}/release": {"reason": "Settled"},
}


QUERIES = {
    "/tasks/{task_id}/preview": "?programme=RPM",
    "/quarantine/replay": "?reason=not_json",
    "/month/{patient_id}/lines/{code}": "?month={month}",
}
ELEMENTS = frozenset({"availability", "cost_sharing", "one_practitioner", "right_to_stop"})


def routes_of(routes: Any) -> Iterator[APIRoute]:
    """Routes of routers that were included are met inside of them."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from routes_of(inner.routes)
        else:
            assert getattr(route, "path", "") == "/static", f"{route} is no route of a page"


def running(app: Any) -> set[tuple[str, str]]:
    return {
        (method, route.path) for route in routes_of(app.routes) for method in route.methods or ()
    }


def test_the_table_is_the_application(app):
    decided = {(method, path) for path, methods in MAY.items() for method in methods}
    assert running(app) - decided == set(), "decide who may use these"
    assert decided - running(app) == set(), "these are gone: take them out of the table"


async def furnish(database, admin, clinic, *, number):
    """One of everything that has a key, in one clinic."""
    now = utc_now()
    home = await Home.make(database, admin, clinic, number=number)
    await home.pressure(191, 124, at=now)
    await home.judge(now=now)
    provider = Actor(id=clinic.staff["provider"], role="provider")
    key = home.patient
    new = NewEnrolment(
        programme="CCM",
        practitioner=provider.id,
        starts_on=(now - timedelta(days=80)).date(),
        qualifying_conditions=("a", "b"),
        care_plan_on=(now - timedelta(days=80)).date(),
    )
    enrolment = await enrol(admin, clinic.name, provider, key, new, now=now)
    given = NewConsent(
        programme="CCM",
        practitioner=provider.id,
        given_at=now - timedelta(days=79),
        method="verbal",
        elements=ELEMENTS,
    )
    consent = await record_consent(admin, clinic.name, provider, key, given, now=now)
    entry = await log_time(
        admin, clinic.name, provider, key, "CCM", "call",
        now - timedelta(hours=2), now - timedelta(hours=1), False, "Called", now=now,
    )  # fmt: skip
    signed = await signed_month(admin, clinic, provider, key, now=now)
    long_ago = now.date() - timedelta(days=200)
    stay = Statement(kind=Kind.INPATIENT_STAY, first_day=long_ago, last_day=long_ago)
    fact = await state(admin, clinic.name, provider, key, stay, now=now)
    row = QuarantineRow(
        topic=f"hl/v1/{clinic.name}/gw-{number}/readings",
        scope="envelope",
        payload=b"not json",
        reason=QuarantineReason.NOT_JSON,
        detail="not JSON",
        clinic=clinic.name,
        gateway=f"gw-{number}",
    )
    async with await psycopg.AsyncConnection.connect(
        database.urls["hl_ingest"], autocommit=True
    ) as conn:
        await write_batch(conn, readings=[], quarantined=[row])
    replay = await quarantine.replay_all(
        admin, clinic.name, quarantine.Filter(reason="not_json"), staff=None, now=now
    )
    await admin.execute("UPDATE quarantine SET state = 'open'")
    token = tokens.new_token()
    who = people.NewStaff(email=f"x{number}@x.example", name="X", credential="", role="nurse")
    await people.invite(
        admin,
        clinic.name,
        who,
        token_hash=tokens.hashed(token),
        by=None,
        now=now,
        expires_at=now + timedelta(days=7),
    )

    async def one(query):
        return (await (await admin.execute(query, [clinic.name])).fetchone())[0]

    return {
        "token": "no-such-token",
        "patient_id": key,
        "alert_id": await one("SELECT id FROM alert WHERE clinic_id = %s"),
        "task_id": await one("SELECT id FROM care_task WHERE clinic_id = %s"),
        "home_id": await one("SELECT home_id FROM gateway WHERE clinic_id = %s"),
        "gateway_name": f"gw-{number}",
        "device_key": await one("SELECT key FROM device WHERE clinic_id = %s"),
        "assignment_id": await one("SELECT id FROM assignment WHERE clinic_id = %s"),
        "number": await one("SELECT id FROM quarantine WHERE clinic_id = %s"),
        "replay_id": replay.id,
        "enrolment_id": enrolment,
        "consent_id": consent,
        "entry_id": entry.entry_id,
        "signing_id": signed.id,
        "before": f"{signed.month:%Y-%m}",
        "code": "99491",  # what the provider's hour bills
        "month": f"{(now - timedelta(hours=1.5)).astimezone(NEW_YORK):%Y-%m}",  # of most of it
        "fact_id": fact,
        "handle": tokens.hashed(token).hex(),
        "staff_id": clinic.staff["nurse"],
        "hold_id": await retention.place_hold(
            admin, clinic.name, key, reason="Court", by=clinic.staff["admin"], now=now
        ),
    }


async def signed_month(admin, clinic, provider, patient, *, now):
    """An hour of the month before, and that month signed."""
    before = now.replace(day=1, hour=15) - timedelta(days=15)
    await log_time(
        admin, clinic.name, provider, patient, "CCM", "call",
        before, before + timedelta(hours=1), False, "Called", now=now,
    )  # fmt: skip
    month = Month.of(before.date())
    biller = Actor(id=clinic.staff["biller"], role="biller")
    found = await patient_month(admin, clinic.name, patient, month, now=now)
    assert found is not None
    return await signing.sign(
        admin, clinic.name, biller, patient, month, seen=found.seen, note="", now=now
    )


def address_of(path, keys):
    return re.sub(r"\{(\w+)\}", lambda m: str(keys[m[1]]), path)


def in_order(app):
    """Reading first, so that no act changes what is read."""
    return sorted(running(app) - {("GET", "/events"), ("POST", "/sign-out")})


async def ask(browser, method, path, keys):
    address = address_of(path, keys)
    if method == "GET":
        return await browser.client.get(address + QUERIES.get(path, "").format(**keys))
    return await browser.post(address, **FORMS.get(path, {}))


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_what(app, database, admin, north, south, clock, role):
    clock.now = utc_now()
    own = await furnish(database, admin, north, number=1)
    theirs = await furnish(database, admin, south, number=2)
    wrong = []
    async with open_browser(app) as browser:
        await browser.sign_in(north.email(role))
        for method, path in in_order(app):
            if MAY[path][method] not in {ANYBODY, SIGNED_IN}:
                allowed = role in MAY[path][method]
                found = await look(browser, method, path, own, theirs, allowed=allowed)
                wrong += [(method, path, what) for what in found]
    assert wrong == []


async def look(browser, method, path, own, theirs, *, allowed):
    """What is not as it should be."""
    found = []
    if not allowed:
        answer = await ask(browser, method, path, own)
        if answer.status_code != 403 or "not for your role" not in answer.text:
            found.append(f"not for this role, and answered {answer.status_code}")
    if allowed and "{" in path:
        answer = await ask(browser, method, path, theirs)
        if answer.status_code != 404:
            found.append(f"another clinic's, and answered {answer.status_code}")
    if allowed and method == "GET":
        answer = await ask(browser, method, path, own)
        if answer.status_code not in {200, 303}:
            found.append(f"one's own, and answered {answer.status_code}")
    return found


async def test_nothing_is_there_for_who_is_not_signed_in(app, database, admin, north, clock):
    clock.now = utc_now()
    own = await furnish(database, admin, north, number=1)
    async with open_browser(app) as browser:
        await browser.get("/sign-in")
        for method, path in [*in_order(app), ("GET", "/events"), ("POST", "/sign-out")]:
            if MAY[path][method] == ANYBODY:
                continue
            answer = await ask(browser, method, path, own)
            where = answer.headers.get("location", "")
            assert (answer.status_code, where.startswith("/sign-in")) == (303, True), path


async def test_other_clinics_things_did_not_change(app, database, admin, north, south, clock):
    """Every act of every role on another clinic's keys leaves that clinic as it was."""
    clock.now = utc_now()
    theirs = await furnish(database, admin, south, number=2)
    tables = (
        "patient", "home", "gateway", "device", "assignment", "alert", "care_task", "contact",
        "enrolment", "consent", "time_entry", "clinical_limit", "quarantine", "staff_membership",
        "staff_invitation", "audit_event", "retention_rule", "legal_hold", "quarantine_replay",
        "signed_month", "month_lock", "gateway_wish", "gateway_forget", "gateway_code",
        "gateway_credential", "desired_outbox",
        "billing_fact", "billing_policy",
    )  # fmt: skip

    async def picture():
        found = {}
        for table in tables:
            query = f"SELECT * FROM {table} WHERE clinic_id = 'south' ORDER BY 1, 2"  # noqa: S608
            found[table] = await (await admin.execute(query)).fetchall()
        return found

    before = await picture()
    for role in ROLES:
        async with open_browser(app) as browser:
            await browser.sign_in(north.email(role))
            for method, path in in_order(app):
                if "{" in path and MAY[path][method] not in {ANYBODY, SIGNED_IN}:
                    await ask(browser, method, path, theirs)
    assert await picture() == before
