"""The columnstore command on the edition that is here: it changes nothing and says so."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest

from scripts.spine import ROOT
from store import columnstore
from store.batch import write_batch
from store.queries import load
from tests.store.make import row

pytestmark = pytest.mark.services


@pytest.fixture
async def apache(admin):
    (found,) = await (await admin.execute("SHOW timescaledb.license")).fetchone()
    if found != "apache":
        pytest.skip("this server has the columnstore")


async def jobs(admin):
    query = "SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_name = 'reading'"
    return await (await admin.execute(query)).fetchall()


def command(database):
    return subprocess.run(
        [sys.executable, "-m", "store", "columnstore"],
        capture_output=True, text=True, check=True, cwd=ROOT, timeout=60,
        env={"HEARTHLINE_DATABASE_URL": database.admin},
    )  # fmt: skip


@pytest.mark.usefixtures("apache")
async def test_on_apache_nothing_changes_and_it_says_so(database, admin, home):
    await write_batch(admin, readings=[row()], quarantined=[])
    done = command(database)
    assert 'timescaledb.license is "apache"' in done.stdout
    assert "Nothing was changed" in done.stdout
    assert await jobs(admin) == []
    outcome = await write_batch(admin, readings=[row(1)], quarantined=[])
    assert len(outcome.stored) == 1


@pytest.mark.usefixtures("apache")
def test_it_may_be_asked_again(database):
    assert columnstore.enable(database.admin) == columnstore.enable(database.admin) == "apache"


@pytest.mark.usefixtures("apache")
@pytest.mark.parametrize("name", ["enable", "add_policy"])
async def test_the_statements_fail_by_the_licence_and_by_nothing_else(admin, name):
    """This server knows their names and arguments; only the other edition can show the rest."""
    values = {"days": 120} if name == "add_policy" else None
    with pytest.raises(psycopg.errors.FeatureNotSupported, match=r"under the current \"apache\""):
        await admin.execute(load("columnstore")[name], values)
