"""Facts as bytes that stay: what a signature is given for, and what a replay reads again.

The same facts are the same bytes, however their lists happened to be ordered, in whatever zone an
instant was written, and whatever fields a later release adds (what is as by default is left out).
`ccm_link.facts.decode` reads them back equal to `canonical(facts)`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import inspect

from ccm_link.facts import Facts

_NO_OFFSET = timedelta(0)
#: Defaults that are left out whoever made them: there is only one of each.
_SINGLE = (msgspec.NODEFAULT, None, False, True)
_PLAIN = (
    inspect.NoneType,
    inspect.BoolType,
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.EnumType,
    inspect.DateType,
)


def canonical(facts: Facts) -> Facts:
    """Equal in meaning: lists sorted, instants in UTC. Whatever is evaluated and kept is this."""
    found: Facts = _canonical(facts)
    return found


def frozen(facts: Facts) -> bytes:
    """Canonical JSON of the facts."""
    return encoded(canonical(facts))


def encoded(facts: Facts) -> bytes:
    """`frozen` of facts that are canonical already."""
    return _encode(facts)


def sha256(data: bytes) -> str:
    """In hexadecimal: what a reviewer looked at, and what was signed."""
    return hashlib.sha256(data).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, list):
        return _sorted(value)
    if isinstance(value, msgspec.Struct):
        return _struct(value)
    return value


def _sorted(values: list[Any]) -> list[Any]:
    if all(isinstance(value, str | date) and not isinstance(value, datetime) for value in values):
        return sorted(values)
    return sorted(map(_canonical, values), key=_encode)


def _utc(at: datetime) -> datetime:
    """What has no offset stays as it is: an entry that says so is a finding, not an instant."""
    return at if at.utcoffset() in {None, _NO_OFFSET} else at.astimezone(UTC)


def _struct(value: Any) -> Any:
    changed = {}
    kind: type[msgspec.Struct] = type(value)
    for name, default in _fields(kind):
        old = getattr(value, name)
        if old is None or old is default:
            continue
        alike = type(old) is type(default) and old == default
        new = default if alike else _canonical(old)
        if new is not old:
            changed[name] = new
    return msgspec.structs.replace(value, **changed) if changed else value


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    """Names and defaults of the fields that may have two forms of one meaning."""
    told = {field.name: field.type for field in inspect.type_info(kind).fields}  # type: ignore[attr-defined]
    return tuple(
        (field.name, field.default)
        for field in msgspec.structs.fields(kind)
        if not (field.default in _SINGLE and _has_one_form(told[field.name]))
    )


def _has_one_form(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return all(map(_has_one_form, kind.types))
    return isinstance(kind, _PLAIN)


def _plain(value: object) -> str:
    """Types of our own, written as `ccm_link.facts` reads them."""
    return value.key if isinstance(value, ZoneInfo) else str(value)


_encode = msgspec.json.Encoder(enc_hook=_plain, order="sorted").encode
