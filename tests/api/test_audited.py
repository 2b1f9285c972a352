"""Opening anything about a patient leaves a trace: who, what, when, and no value of it."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import open_browser
from tests.api.test_permissions import MAY, ask, furnish, in_order
from vitals.clock import utc_now

#: Parts of a page that was opened, and a redirect to one.
PARTS = {"/tasks/{task_id}/preview", "/quarantine/{number}/progress", "/alerts/{alert_id}"}
KEYS = ("patient_id", "task_id", "number")


def charts(app):
    """GET routes that are about one patient, task or quarantined value."""
    return [
        path
        for method, path in in_order(app)
        if method == "GET" and path not in PARTS and any(f"{{{key}}}" in path for key in KEYS)
    ]


@pytest.mark.parametrize("role", ["nurse", "biller"])
async def test_every_chart_read_is_audited(app, database, admin, north, clock, role):
    clock.now = utc_now()
    own = await furnish(database, admin, north, number=1)
    latest = "SELECT coalesce(max(seq), 0) FROM audit_event"
    since = "SELECT actor, at, subject, detail FROM audit_event WHERE seq > %s"
    async with open_browser(app) as browser:
        await browser.sign_in(north.email(role))
        opened = [path for path in charts(app) if role in MAY[path]["GET"]]
        assert len(opened) >= 5
        for path in opened:
            (before,) = await (await admin.execute(latest)).fetchone()
            assert (await ask(browser, "GET", path, own)).status_code == 200
            rows = await (await admin.execute(since, [before])).fetchall()
            assert [str(north.staff[role])] * len(rows) == [row[0] for row in rows], path
            assert rows, f"{path} was read and nobody will know"
            assert {row[1] for row in rows} == {clock.now}
            assert "Testperson" not in json.dumps([[row[2], row[3]] for row in rows])
