"""`python -m ingest replay`: the operator's way to the quarantine, judged by a running ingest."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest
from typer.testing import CliRunner

from ingest.replay_command import app
from store.fixtures import counts, register_clinic, register_gateway, register_home
from tests.ingest.test_ends import reasons, send
from tests.ingest.test_service import sealed, site
from tests.store.make import reading

__all__ = ["site"]
pytestmark = pytest.mark.services


async def run(site, *arguments):
    environment = {"HEARTHLINE_DATABASE_URL": site.database.urls["hl_api"]}
    called = [str(one) for one in arguments]
    return await asyncio.to_thread(CliRunner().invoke, app, called, env=environment)


@pytest.fixture
async def unknown(site, admin):
    """Two envelopes of a gateway that nobody has registered, and ingest is running."""
    await admin.execute("DELETE FROM gateway WHERE clinic_id = %s", [site.clinic])
    await send(site, sealed(reading(1)), sealed(reading(2), name="e-2"))
    assert await reasons(admin) == ["unknown_gateway"] * 2
    rows = await (await admin.execute("SELECT id FROM quarantine ORDER BY id")).fetchall()
    return [number for (number,) in rows]


async def registered(site, admin):
    home = await register_home(admin, site.clinic, zone="America/New_York")
    await register_gateway(admin, site.clinic, "gw-1", home=home)


async def audited(admin, clinic):
    rows = await admin.execute(
        "SELECT actor, action, subject FROM audit_event WHERE clinic_id = %s ORDER BY seq", [clinic]
    )
    return await rows.fetchall()


async def test_one_and_then_all_of_a_reason(site, admin, unknown):
    first, second = unknown
    done = await run(site, "one", first, "--clinic", site.clinic)
    assert (done.exit_code, "1 refused as before" in done.output) == (1, True), done.output
    await registered(site, admin)
    done = await run(site, "one", first, "--clinic", site.clinic)
    assert (done.exit_code, "1 settled" in done.output) == (0, True), done.output
    done = await run(site, "one", first, "--clinic", site.clinic)
    assert (done.exit_code, done.stderr.strip()) == (
        2, f"{first} is not waiting in {site.clinic}'s quarantine",
    )  # fmt: skip
    done = await run(site, "reason", "unknown_gateway", "--all-clinics")
    assert done.exit_code == 0, done.output
    assert f"{site.clinic}: 1 asked, 1 settled" in done.output
    assert (await counts(admin, site.clinic))["readings"] == 2
    done = await run(site, "reason", "unknown_gateway", "--clinic", site.clinic)
    assert done.exit_code == 0
    assert "nothing of it waits" in done.output
    assert ("operator", "quarantine.replay", f"quarantine:{first}") in await audited(
        admin, site.clinic
    )
    assert ("operator", "quarantine.replay", "unknown_gateway") in await audited(admin, site.clinic)
    assert second != first


async def test_ingest_that_does_not_run_is_said(site, admin, unknown):
    for process in site.processes:
        process.terminate()
        await process.wait()
    done = await run(site, "reason", "unknown_gateway", "--clinic", site.clinic, "--wait", "0")
    assert done.exit_code == 3
    assert "2 still waiting" in done.stdout
    assert "is ingest running?" in done.stderr


async def test_lists_and_shows_and_says_who_looked(site, admin, unknown):
    await register_clinic(admin, "elsewhere", name="E", zone="UTC")
    done = await run(site, "list", "--all-clinics")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["clinic", "reason", "state", "number"], [site.clinic, "unknown_gateway", "open", "2"],
    ]  # fmt: skip
    done = await run(site, "show", unknown[0], "--clinic", site.clinic)
    assert done.exit_code == 0
    assert f"hl/v1/{site.clinic}/gw-1/readings" in done.stdout
    assert "systolic" not in done.stdout.replace("\n", "")
    shown = await run(site, "show", unknown[0], "--clinic", site.clinic, "--show-bytes")
    assert "7b 22" in shown.stdout, "the JSON's first bytes"
    assert await audited(admin, site.clinic) == [
        ("operator", "quarantine.list", site.clinic),
        ("operator", "quarantine.read", f"quarantine:{unknown[0]}"),
        ("operator", "quarantine.read", f"quarantine:{unknown[0]}"),
    ]
    done = await run(site, "show", unknown[0], "--clinic", "elsewhere")
    assert done.exit_code == 2


async def test_bytes_cannot_steer_a_terminal(site, admin):
    await send(site, b"\x1b[2J\x00never json")
    (number,) = await (await admin.execute("SELECT id FROM quarantine")).fetchone()
    done = await run(site, "show", number, "--clinic", site.clinic, "--show-bytes")
    assert "1b 5b 32 4a 00" in done.stdout
    assert ".[2J.never json" in done.stdout
    assert "\x1b" not in done.stdout


async def test_a_clinic_has_to_be_named(site, admin):
    for wrong in (["list"], ["list", "--clinic", "x", "--all-clinics"], ["list", "--clinic", "x"]):
        assert (await run(site, *wrong)).exit_code == 2


async def test_it_is_a_part_of_ingest(site, admin):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HEARTHLINE_")}
    environment["HEARTHLINE_DATABASE_URL"] = site.database.urls["hl_api"]
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearthline", "ingest", "replay", "list", "--all-clinics",
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await child.communicate()
    assert child.returncode == 0
    assert told.split() == [b"clinic", b"reason", b"state", b"number"]
