"""An operator opens a clinic; its first admin comes in by the link that is printed."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.api.conftest import PASSWORD, found
from vitals.clock import utc_now

COMMAND = [sys.executable, "-m", "api", "open-clinic", "east-side", "--name", "East Side"]
ADMIN = ["--admin-email", "ada@east.example", "--admin-name", "Ada Opener"]


def run(database, *arguments):
    return subprocess.run(
        [*COMMAND, *arguments, *ADMIN],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HEARTHLINE_DATABASE_URL": database.admin},
    )


async def test_the_first_admin_comes_in(browser, database, clock):
    clock.now = utc_now()
    done = run(database, "--zone", "America/Chicago")
    assert done.returncode == 0, done.stderr
    path = found(r"(/join/\S+)", done.stdout)
    assert "Join East Side" in (await browser.get(path)).text
    await browser.post(path, password=PASSWORD, again=PASSWORD)
    assert "Admin at East Side" in (await browser.get("/account")).text


def test_a_wrong_zone_is_refused_in_one_line(database):
    done = run(database, "--zone", "Mars/Olympus")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "open-clinic: 'Mars/Olympus' is no time zone; one is America/New_York"
    )
