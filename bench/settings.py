"""The only reader of the environment in this package."""

from __future__ import annotations

import os
import shlex

from scripts.spine import services

DATABASE_URL, MQTT_URL = "HEARTHLINE_DATABASE_URL", "HEARTHLINE_MQTT_URL"


def environment() -> dict[str, str]:
    """The services that are named there, or this clone's own, started where they are not up."""
    if DATABASE_URL in os.environ and MQTT_URL in os.environ:
        return dict(os.environ)
    services("up", "--quiet")
    found = {name: "".join(shlex.split(value)) for name, value in services("env").items()}
    return {**os.environ, **found}
