"""MQTT topics, built and parsed in this one place: `hl/v1/{clinic}/{gateway}/{branch}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from vitals.errors import TopicError

_PREFIX = "hl/v1"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

#: Ingest workers share one subscription, so more workers need no change anywhere.
SHARED_READINGS = f"$share/ingest/{_PREFIX}/+/+/readings"
SHARED_STATUS = f"$share/ingest/{_PREFIX}/+/+/status"


class Branch(StrEnum):
    """The last level of a topic."""

    READINGS = "readings"  # up, not retained
    RECEIPTS = "receipts"  # down, not retained
    STATUS = "status"  # up, retained, last will
    DESIRED = "desired"  # down, retained


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A parsed topic; `str()` gives it back."""

    clinic: str
    gateway: str
    branch: Branch

    def __str__(self) -> str:
        return f"{_PREFIX}/{self.clinic}/{self.gateway}/{self.branch}"


def is_name(text: str) -> bool:
    """Clinic and gateway names: lower-case letters, digits and hyphens, 64 at most."""
    return _NAME.fullmatch(text) is not None


@lru_cache(maxsize=65_536)
def build(clinic: str, gateway: str, branch: Branch) -> str:
    """The topic of a branch.

    Raises:
        TopicError: a name that no topic may hold.
    """
    if not (is_name(clinic) and is_name(gateway)):
        raise TopicError("clinic and gateway names are lower-case letters, digits and hyphens")
    return str(Topic(clinic=clinic, gateway=gateway, branch=branch))


@lru_cache(maxsize=65_536)
def parse(topic: str) -> Topic:
    """The levels of a topic. Remembered: gateways say the same few again and again.

    Raises:
        TopicError: not one of this system's.
    """
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != _PREFIX:  # noqa: PLR2004 -- the five levels above
        raise TopicError("not a topic of this system")
    _, _, clinic, gateway, branch = parts
    if not (is_name(clinic) and is_name(gateway)) or branch not in set(Branch):
        raise TopicError("not a topic of this system")
    return Topic(clinic=clinic, gateway=gateway, branch=Branch(branch))
