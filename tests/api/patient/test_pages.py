"""The patients' pages through HTTP: content, audit, roles, other clinics, forms and refusals."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from store import audit, limits
from store.tenancy import clinic_session
from tests.api.conftest import NOW, Browser, Clinic, Clock, open_browser
from tests.api.patient.seed import Home
from vitals.reading import Comparator, Kind, Measure

TABS = ("", "/readings", "/alerts", "/time", "/plan", "/devices")
FORM = {"given_name": "Rosa", "family_name": "Exampleton", "birth_date": "1951-03-14"}


async def seen(admin: Any, action: str) -> list[dict[str, Any]]:
    async with clinic_session(admin, "north"):
        return [row for row in await audit.recent(admin) if row["action"] == action]


@pytest.fixture
async def nurse(browser: Browser, north: Clinic) -> Browser:
    await browser.sign_in(north.email("nurse"))
    return browser


@pytest.fixture
async def provider(browser: Browser, north: Clinic) -> Browser:
    await browser.sign_in(north.email("provider"))
    return browser


@pytest.fixture
async def rosa(home: Home) -> UUID:
    patient = await home.patient(birth_date=date(1951, 3, 14))
    await home.write(home.ninety_days(NOW, days=40))
    return patient


async def test_every_tab_opens_and_is_audited(nurse: Browser, rosa: UUID, admin: Any):
    for tab in TABS:
        answer = await nurse.get(f"/patients/{rosa}{tab}")
        assert answer.status_code == 200, (tab, answer.text[:500])
        assert "Rosa Exampleton" in answer.text

    events = await seen(admin, "chart.read")
    assert [e["subject"] for e in events] == [str(rosa)] * len(TABS)
    assert {e["detail"]["tab"] for e in events} == {
        "overview", "readings", "alerts", "time", "plan", "devices",
    }  # fmt: skip


async def test_the_story_and_the_chart_are_of_this_patient(nurse: Browser, rosa: UUID):
    text = (await nurse.get(f"/patients/{rosa}")).text

    assert "Blood pressure averaged" in text
    assert "No alert is open" in text
    assert re.search(r'"title": ?"Blood pressure"', text)
    assert re.search(r'"from": ?70', text), "the glucose band"
    assert "75 years" in text


async def test_units_are_the_readers(nurse: Browser, rosa: UUID, admin: Any):
    await admin.execute("UPDATE clinic SET glucose_unit = 'mmol/L', weight_unit = 'kg'")

    text = (await nurse.get(f"/patients/{rosa}")).text

    assert "mmol/L over the last 7 days" in text
    assert "Glucose, mmol/L" in text
    assert "Weight, kg" in text


OTHER_KINDS: dict[Kind, tuple[dict[Measure, float], str]] = {
    Kind.PULSE_OXIMETRY: ({Measure.SPO2: 97, Measure.PULSE: 61}, "97 %"),
    Kind.TEMPERATURE: ({Measure.TEMPERATURE: 36.4}, "36.4 °C (97.5 °F)"),
    Kind.HEART_RATE: ({Measure.HEART_RATE: 118}, "118 per min"),
    Kind.CONTINUOUS_GLUCOSE: ({Measure.SENSOR_GLUCOSE: 126}, "126 mg/dL"),
    Kind.BODY_COMPOSITION: ({Measure.BODY_FAT: 21.5}, "21.5 %"),
}


async def test_every_kind_reaches_the_chart_the_list_and_the_days(
    nurse: Browser, home: Home, admin: Any
):
    patient = await home.patient()
    at = [NOW - timedelta(minutes=300 - n) for n in range(len(OTHER_KINDS))]
    kinds = zip(at, OTHER_KINDS.items(), strict=True)
    await home.write([home.of_kind(kind, when, values) for when, (kind, (values, _)) in kinds])
    await home.judge(now=NOW)
    overview = (await nurse.get(f"/patients/{patient}")).text
    for title in ("Oxygen saturation", "Temperature", "Heart rate", "Sensor glucose", "Body fat"):
        assert f'"title": "{title}"' in overview or f'"title":"{title}"' in overview
        assert f"{title}, " in overview  # a column of the table
    for kind, (_, words) in OTHER_KINDS.items():
        listed = (await nurse.get(f"/patients/{patient}/readings?kind={kind.value}")).text
        assert words in listed.replace("\N{NO-BREAK SPACE}", " ")
    days = await admin.execute(
        "SELECT measure, last_value FROM daily_summary WHERE patient_id = %s", [patient]
    )
    assert dict(await days.fetchall()) == {
        "spo2_pct": 97, "temperature_c": 36.4, "heart_rate_per_min": 118,
        "sensor_glucose_mg_dl": 126, "body_fat_pct": 21.5,
    }  # fmt: skip
    alerts = await admin.execute("SELECT count(*) FROM alert WHERE patient_id = %s", [patient])
    assert await alerts.fetchone() == (0,)


async def test_another_clinics_patient_is_not_there(
    nurse: Browser, rosa: UUID, south: Clinic, app: Any
):
    async with open_browser(app) as stranger:
        await stranger.sign_in(south.email("nurse"))
        for tab in (*TABS, "/edit"):
            assert (await stranger.get(f"/patients/{rosa}{tab}")).status_code == 404, tab
        for act in ("time", "enrolments", "consents", "edit"):
            answer = await stranger.post(f"/patients/{rosa}/{act}", **FORM)
            assert answer.status_code == 404, act
        assert "Exampleton" not in (await stranger.get("/patients")).text
        assert "Nobody fits" in (await stranger.post("/patients/search", q="Exampleton")).text
    assert (await nurse.get(f"/patients/{uuid4()}")).status_code == 404


@pytest.mark.parametrize(
    ("role", "chart", "edit"),
    [("nurse", 200, 200), ("provider", 200, 200), ("biller", 200, 403), ("admin", 403, 200)],
)
async def test_who_may_read_a_chart_and_who_may_register(
    browser: Browser, north: Clinic, rosa: UUID, role: str, chart: int, edit: int
):
    await browser.sign_in(north.email(role))

    assert (await browser.get(f"/patients/{rosa}")).status_code == chart
    assert (await browser.get(f"/patients/{rosa}/edit")).status_code == edit
    assert (await browser.get("/patients/new")).status_code == edit
    assert (await browser.get("/patients")).status_code == 200


async def test_an_admin_sees_who_is_registered_and_nothing_of_the_chart(
    browser: Browser, north: Clinic, rosa: UUID, admin: Any
):
    await admin.execute("UPDATE patient SET conditions = '{Gout}', care_note = 'Deaf'")
    await browser.sign_in(north.email("admin"))

    listed = (await browser.get("/patients")).text
    form = (await browser.get(f"/patients/{rosa}/edit")).text
    answer = await browser.post(f"/patients/{rosa}/edit", **FORM, phone="+1 212 555 0101")

    assert "Rosa Exampleton" in listed
    assert answer.status_code == 303
    for secret in ("Gout", "Deaf", "mmHg"):
        assert secret not in listed + form
    cur = await admin.execute("SELECT conditions, care_note, phone FROM patient")
    assert await cur.fetchone() == (["Gout"], "Deaf", "+1 212 555 0101")


async def test_the_list_shows_everybodys_last_readings_and_silence(
    nurse: Browser, home: Home, admin: Any
):
    await home.patient()
    await home.write(
        [
            home.pressure(NOW - timedelta(days=5), 151, 93),
            home.glucose(NOW - timedelta(days=6), None, Comparator.ABOVE),
        ]
    )
    await home.patient(family="Zilent", given="Sam")
    await home.judge(now=NOW)

    text = (await nurse.get("/patients?sort=name")).text

    assert "151/93" in text
    assert ">HI<" in text
    assert "Silent, last 5 days ago" in text
    assert "No reading yet" in text
    assert text.index("Exampleton") < text.index("Zilent")
    assert len(await seen(admin, "patients.read")) == 1


async def test_a_search_is_a_form_and_finds_names_numbers_conditions(
    nurse: Browser, home: Home, admin: Any
):
    await home.patient()
    await home.patient(family="Otherwise", given="Otto")
    await admin.execute(
        "UPDATE patient SET record_number = 'MRN-7', conditions = '{Heart failure}' "
        "WHERE family_name = 'Otherwise'"
    )
    await nurse.get("/patients")

    for typed in ("otto otherw", "mrn-7", "heart"):
        answer = await nurse.post("/patients/search", q=typed)
        assert "Otto Otherwise" in answer.text, typed
        assert "Rosa Exampleton" not in answer.text, typed
    assert "Nobody fits" in (await nurse.post("/patients/search", q="nobody%")).text


async def test_an_empty_clinic_says_what_to_do(nurse: Browser):
    text = (await nurse.get("/patients")).text

    assert "No patients yet" in text
    assert "/patients/new" in text


async def test_registering_keeps_what_was_typed_and_says_what_is_wrong(nurse: Browser, admin: Any):
    await nurse.get("/patients/new")
    wrong = {"given_name": "Rosa", "birth_date": "2031-01-01", "phone": "call me", "zone": "Mars"}

    refused = await nurse.post("/patients", **wrong)
    made = await nurse.post("/patients", **FORM, record_number="7", conditions="Gout\n\nGout\nCOPD")
    twin = await nurse.post("/patients", **FORM, record_number="7")

    assert refused.status_code == 422
    assert 'value="Rosa"' in refused.text
    for field in ("family_name", "birth_date", "phone", "zone"):
        assert f'href="#{field}"' in refused.text
    assert made.status_code == 303
    assert twin.status_code == 422
    assert "Another patient has this record number" in twin.text
    cur = await admin.execute("SELECT family_name, conditions FROM patient")
    assert await cur.fetchall() == [("Exampleton", ["Gout", "COPD"])]
    (event,) = await seen(admin, "patient.register")
    assert event["detail"] == {}


async def test_an_edit_is_audited_by_its_fields_never_its_values(
    nurse: Browser, rosa: UUID, admin: Any
):
    await nurse.get(f"/patients/{rosa}/edit")

    await nurse.post(f"/patients/{rosa}/edit", **FORM, phone="+1 212 555 0199", care_note="Deaf")

    (event,) = await seen(admin, "patient.update")
    assert event["detail"] == {"fields": ["phone", "care_note"]}


async def test_readings_show_bytes_clock_and_assignment_in_parts(nurse: Browser, rosa: UUID):
    first = (await nurse.get(f"/patients/{rosa}/readings")).text
    last = (await nurse.get(f"/patients/{rosa}/readings?part=5&kind=")).text
    weights = (await nurse.get(f"/patients/{rosa}/readings?kind=weight")).text

    assert "1\N{EN DASH}50 of 240 readings" in first
    assert "201\N{EN DASH}240 of 240 readings" in last
    assert "Bytes 2A35" in first
    assert "device clock, corrected" in first
    assert (
        "this patient\N{RIGHT SINGLE QUOTATION MARK}s since Dec 31, 2025" in first
    )  # Jan 1 UTC is the day before in New York
    assert "1\N{EN DASH}40 of 40 readings" in weights


async def test_time_by_hand_is_wall_clock_of_the_clinic_and_counts_by_enrolment(
    nurse: Browser, rosa: UUID
):
    await nurse.get(f"/patients/{rosa}/time")
    fields = {"programme": "RPM", "activity": "call", "note": "Called about salt"}

    made = await nurse.post(
        f"/patients/{rosa}/time", **fields, start="2026-11-20T09:30", end="2026-11-20T09:42"
    )
    text = (await nurse.get(made.headers["location"])).text

    assert made.status_code == 303
    assert "Nov 20, 9:30 AM" in text
    assert "12:00" in text
    assert "not enrolled in RPM then" in text
    assert "no time counts in this month" in text  # nor does the sum above say otherwise


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"start": "2026-11-20T09:30", "end": "2026-11-20T09:20"}, "The end must come after"),
        ({"start": "2026-11-20T09:30", "end": "2026-11-20T23:20"}, "not in the future"),
        ({"start": "yesterday", "end": "2026-11-20T09:20"}, "Enter a date and a time"),
        ({"start": "2026-11-20T09:30", "end": "2026-11-20T09:40", "note": " "}, "Write what was"),
        ({"start": "2026-03-08T02:30", "end": "2026-03-08T03:30"}, "it did not exist"),
        ({"start": "2026-11-01T01:30", "end": "2026-11-01T02:30"}, "came twice that night"),
    ],
)
async def test_wrong_times_are_refused_with_words(
    nurse: Browser, rosa: UUID, fields: dict[str, str], words: str
):
    await nurse.get(f"/patients/{rosa}/time")
    asked = {"programme": "RPM", "activity": "call", "note": "Called", **fields}

    answer = await nurse.post(f"/patients/{rosa}/time", **asked)

    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize(("second", "minutes"), [("no", 90), ("yes", 30)])
async def test_an_hour_that_came_twice_is_asked_for(
    nurse: Browser, rosa: UUID, admin: Any, second: str, minutes: int
):
    await nurse.get(f"/patients/{rosa}/time")
    fields = {"programme": "RPM", "activity": "call", "note": "Called", "start_second": second}

    await nurse.post(
        f"/patients/{rosa}/time", **fields, start="2026-11-01T01:30", end="2026-11-01T02:00"
    )

    cur = await admin.execute("SELECT upper(during) - lower(during) FROM time_entry")
    assert await cur.fetchone() == (timedelta(minutes=minutes),)


async def test_overlapping_time_is_held_and_said_why(nurse: Browser, home: Home, rosa: UUID):
    other = await home.patient(family="Other")
    fields = {"programme": "RPM", "activity": "call", "note": "Called"}
    fields |= {"start": "2026-11-20T09:30", "end": "2026-11-20T09:42"}
    await nurse.get(f"/patients/{rosa}/time")

    await nurse.post(f"/patients/{rosa}/time", **fields)
    await nurse.post(f"/patients/{other}/time", **fields)
    text = (await nurse.get(f"/patients/{other}/time")).text

    assert "Held: Demo Nurse is recorded on another patient then" in text
    assert text.index("Waits for a note or a decision") < text.index("Held:")
    assert "1 time to document" in text


async def test_taking_back_needs_a_reason_and_keeps_the_entry(
    nurse: Browser, rosa: UUID, admin: Any
):
    await nurse.get(f"/patients/{rosa}/time")
    fields = {"programme": "RPM", "activity": "call", "note": "Called"}
    await nurse.post(
        f"/patients/{rosa}/time", **fields, start="2026-11-20T09:30", end="2026-11-20T09:42"
    )
    cur = await admin.execute("SELECT id FROM time_entry")
    (entry,) = await cur.fetchone()

    refused = await nurse.post(f"/time/{entry}/reverse", reason=" ")
    assert "Say why" in (await nurse.get(refused.headers["location"])).text
    done = await nurse.post(f"/time/{entry}/reverse", reason="Wrong patient")
    text = (await nurse.get(done.headers["location"])).text

    assert "Taken back by Demo Nurse: Wrong patient" in text
    assert (await nurse.post(f"/time/{uuid4()}/reverse", reason="x")).status_code == 404


async def test_enrolling_asking_and_stopping(nurse: Browser, north: Clinic, rosa: UUID, admin: Any):
    await admin.execute("UPDATE patient SET conditions = '{Hypertension,COPD}'")
    where, doctor = f"/patients/{rosa}/plan", str(north.staff["provider"])
    await nurse.get(where)

    nothing = await nurse.post(f"/patients/{rosa}/enrolments", programme="CCM")
    await nurse.post(
        f"/patients/{rosa}/enrolments", programme="CCM", practitioner=doctor,
        starts_on="2026-11-02", qualifying_conditions=["Hypertension", "COPD"], access_24_7="yes",
    )  # fmt: skip
    asked = (await nurse.get(where)).text
    await nurse.post(
        f"/patients/{rosa}/consents", programme="CCM", practitioner=doctor, method="verbal",
        given_at="2026-11-02T10:00", elements=["availability", "cost_sharing", "right_to_stop"],
    )  # fmt: skip
    partly = (await nurse.get(where)).text

    assert nothing.status_code == 422
    assert "Choose the practitioner who bills" in nothing.text
    assert "No consent is on record" in asked
    assert "Care plan: No care plan is on record" in asked
    assert "At least 2 chronic conditions: met" in asked
    assert "CCM</strong> no consent" in asked
    assert "The consent lacks:" in partly
    assert "3 of 4" in partly
    assert "consent verbal, Nov 2, 2026" in partly

    (consent,) = re.findall(r"/consents/([0-9a-f-]{36})/stop", partly)
    answer = await nurse.post(f"/consents/{consent}/stop")
    stopped = (await nurse.get(answer.headers["location"])).text
    assert "It holds to November 30" in stopped
    assert "stopped: holds to Nov 30, 2026" in stopped
    again = await nurse.post(f"/consents/{consent}/stop")
    assert "was stopped before" in (await nurse.get(again.headers["location"])).text
    actions = {row["action"] for row in await _actions(admin)}
    assert {"enrolment.begin", "consent.record", "consent.stop"} <= actions


async def _actions(admin: Any) -> list[dict[str, Any]]:
    async with clinic_session(admin, "north"):
        return await audit.recent(admin)


async def test_a_care_plan_and_the_last_day(nurse: Browser, north: Clinic, rosa: UUID):
    where, doctor = f"/patients/{rosa}/plan", str(north.staff["provider"])
    await nurse.get(where)
    await nurse.post(
        f"/patients/{rosa}/enrolments", programme="CCM", practitioner=doctor, starts_on="2026-11-02"
    )
    (entry, *_) = re.findall(r"/enrolments/([0-9a-f-]{36})/end", (await nurse.get(where)).text)

    await nurse.post(f"/enrolments/{entry}/care-plan", on="2026-11-03")
    wrong = await nurse.post(f"/enrolments/{entry}/end", last_day="2026-10-01")
    refused = (await nurse.get(wrong.headers["location"])).text
    await nurse.post(f"/enrolments/{entry}/end", last_day="2026-11-25")
    text = (await nurse.get(where)).text

    assert "Care plan: met" in text
    assert "can only come nearer" in refused
    assert "Nov 25, 2026" in text
    assert (
        await nurse.post(f"/enrolments/{uuid4()}/end", last_day="2026-11-25")
    ).status_code == 404


async def test_a_provider_sets_a_patients_limit_in_their_unit_and_it_is_audited(
    provider: Browser, rosa: UUID, admin: Any
):
    await admin.execute("UPDATE clinic SET glucose_unit = 'mmol/L'")
    await provider.get(f"/patients/{rosa}/plan")
    change = {"rule": "glucose.high", "act": "set", "reason": "Frail"}

    wrong = await provider.post(f"/patients/{rosa}/limits", **change, value="high")
    bare = await provider.post(f"/patients/{rosa}/limits", **{**change, "reason": ""}, value="12.8")
    made = await provider.post(f"/patients/{rosa}/limits", **change, value="12.8")
    text = (await provider.get(f"/patients/{rosa}/plan")).text

    assert (wrong.status_code, bare.status_code, made.status_code) == (422, 422, 303)
    assert "Enter a number" in wrong.text
    found = await limits.effective_limits(admin, "north", rosa, NOW)
    assert found["glucose.high"].value == pytest.approx(12.8 * 18.016)
    assert "12.8 mmol/L" in text
    assert "Frail" in text
    (event,) = await seen(admin, "limit.change")
    assert event["detail"] == {"rule": "glucose.high", "act": "set"}

    await provider.post(f"/patients/{rosa}/limits", **{**change, "act": "default"})
    assert await limits.effective_limits(admin, "north", rosa, NOW) == {}


async def test_a_nurse_sees_limits_and_cannot_set_them(nurse: Browser, rosa: UUID, admin: Any):
    text = (await nurse.get(f"/patients/{rosa}/plan")).text
    answer = await nurse.post(
        f"/patients/{rosa}/limits", rule="pulse.low", act="off", reason="because"
    )

    assert "Providers set limits" in text
    assert answer.status_code == 403
    cur = await admin.execute("SELECT count(*) FROM clinical_limit")
    assert await cur.fetchone() == (0,)


async def test_an_own_limit_moves_the_band_and_the_share(
    provider: Browser, rosa: UUID, clock: Clock
):
    await provider.get(f"/patients/{rosa}/plan")
    for rule, value in (("systolic.high", "100"), ("diastolic.high", "60")):
        await provider.post(
            f"/patients/{rosa}/limits", rule=rule, act="set", value=value, reason="x"
        )
    clock.forward(seconds=1)

    text = (await provider.get(f"/patients/{rosa}")).text

    assert "0 of 18 (0%) were within limits (systolic 90\N{EN DASH}100" in text
    assert "Systolic 100 (own)" in text


async def test_a_patient_without_readings_is_told_what_to_do(nurse: Browser, home: Home):
    patient = await home.patient(family="Silent")

    text = (await nurse.get(f"/patients/{patient}")).text
    readings = (await nurse.get(f"/patients/{patient}/readings")).text

    assert "No reading has come" in text
    assert "No readings in the last 30 days" in text
    assert "No readings yet" in readings


async def test_no_page_carries_a_name_in_an_address(nurse: Browser, rosa: UUID):
    for path in ("/patients", f"/patients/{rosa}", f"/patients/{rosa}/plan"):
        text = (await nurse.get(path)).text
        addresses = re.findall(r'(?:href|action|src)="([^"]*)"', text)
        assert not [a for a in addresses if re.search("rosa|exampleton", a, re.IGNORECASE)]


async def test_too_many_patients_are_cut_and_the_rest_is_found(nurse: Browser, admin: Any):
    await admin.execute(
        "INSERT INTO patient (clinic_id, family_name, given_name) "
        "SELECT 'north', 'Sample' || lpad(n::text, 3, '0'), 'Test' FROM generate_series(1, 205) n"
    )

    text = (await nurse.get("/patients?sort=name")).text
    found = (await nurse.post("/patients/search", q="sample205")).text

    assert "The first 200 of 205 patients are shown" in text
    assert "Sample205" not in text
    assert "Test Sample205" in found


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "Anna"), ("silent", "Silent"), ("days", "Silent"), ("attention", "Silent")],
)
async def test_the_order_is_chosen_by_a_link(nurse: Browser, home: Home, sort: str, first: str):
    await home.patient(family="Able", given="Anna")
    await home.write([home.pressure(NOW - timedelta(hours=n), 120, 80) for n in (1, 30)])
    await home.patient(family="Zilent", given="Silent")
    await home.judge(now=NOW)

    text = (await nurse.get(f"/patients?sort={sort}")).text
    names = re.findall(r">(Anna Able|Silent Zilent)</a>", text)

    assert names[0].startswith(first)


async def test_wholly_unknown_words_in_an_address_change_nothing(nurse: Browser, rosa: UUID):
    for path in ("?days=5000", "/readings?kind=blood&part=-3", "/time?month=1999-99"):
        assert (await nurse.get(f"/patients/{rosa}{path}")).status_code == 200
