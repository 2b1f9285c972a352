"""Between pages and care work: who acts, and how a refusal of the work becomes an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.errors import Conflict, NotFound
from api.page import Page
from ccm_link import errors as care
from ccm_link.acting import Actor


def actor_of(page: Page) -> Actor:
    return Actor(id=page.viewer.staff_id, role=page.viewer.role.value)


@contextmanager
def careful(*passed_on: type[care.CareError]) -> Iterator[None]:
    """A refusal becomes a page that says so; those `passed_on` are the form's own business."""
    try:
        yield
    except passed_on:
        raise
    except care.NotFound as missing:
        raise NotFound from missing
    except care.AlreadyTaken as beaten:
        raise Conflict(f"{beaten.by_name} has this task") from beaten
    except care.AlreadyDone as beaten:
        raise Conflict(f"{beaten.by_name} has closed this task") from beaten
    except care.CareError as refusal:
        raise Conflict(str(refusal)) from refusal
