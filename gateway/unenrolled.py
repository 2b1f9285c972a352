"""A box that is nobody's gateway yet waits for its enrolment instead of ending again and again."""

from __future__ import annotations

import time

import structlog
from pydantic import ValidationError

from gateway.notify import Notifier
from gateway.settings import Place, Settings

LOOK_S = 2.0
_GRANTED = {"clinic", "name", "mqtt_url"}  # what enrolment brings

log = structlog.get_logger(__name__)


def settings_when_enrolled() -> Settings:
    """The settings, as soon as there are any; blocking.

    Raises:
        ValidationError: something else is wrong with them.
    """
    told = False
    while True:
        try:
            return Settings()
        except ValidationError as exc:
            if not is_unenrolled(exc):
                raise
        if not told:
            log.warning("not_enrolled", do="hearthline gateway enrol --server https://… CODE")
            told = True
        notifier = Notifier(Place().notify_socket)
        notifier.ready()
        notifier.alive("waits to be enrolled")
        time.sleep(LOOK_S)


def is_unenrolled(exc: ValidationError) -> bool:
    """Whether nothing is missing but what a code would bring."""
    return all(e["type"] == "missing" and e["loc"][0] in _GRANTED for e in exc.errors())
