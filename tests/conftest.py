"""What every test may ask for: the real local services, by URL from the environment.

`scripts/test` starts them. Without them such a test fails in CI and is skipped elsewhere.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import admin, database, home, template

__all__ = ["admin", "database", "home", "services", "template"]

pytest_plugins = ["tests.browser"]

LOCAL = "HEARTHLINE_LOCAL"  # where these services live, which the script has to know too
ROOT = Path(__file__).resolve().parent.parent
#: Folders that make a second run beside the first, so that each takes about half of the time.
BESIDE = {"api", "ccm_link", "devices", "vitals"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(ROOT / "tests").parts[0] in BESIDE:
            item.add_marker("beside")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the real database and broker are."""

    admin_url: str
    mqtt_url: str
    mqtt_ca: str

    def run(self, *arguments: str) -> str:
        return subprocess.run(
            [str(ROOT / "scripts" / "services"), *arguments],
            check=True,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={
                k: v for k, v in os.environ.items() if k == LOCAL or not k.startswith("HEARTHLINE_")
            },
        ).stdout

    def add_gateway(self, clinic: str, gateway: str) -> str:
        """Make broker credentials; returns the gateway's mqtts:// URL."""
        line = self.run("add-gateway", clinic, gateway).strip().splitlines()[-1]
        return line.partition("=")[2]


@pytest.fixture(scope="session")
def services() -> Services:
    try:
        return Services(
            admin_url=os.environ["HEARTHLINE_DATABASE_URL"],
            mqtt_url=os.environ["HEARTHLINE_MQTT_URL"],
            mqtt_ca=os.environ["HEARTHLINE_MQTT_CA"],
        )
    except KeyError as missing:
        message = f"{missing} is not set: run scripts/test, which starts the services"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
