"""Named SQL, read from `store/sql`: `-- name: x` opens a block."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(source: str) -> dict[str, LiteralString]:
    """The statements of `store/sql/{source}.sql` by name."""
    parts = _NAME.split(script(source))
    return dict(zip(parts[1::2], cast("list[LiteralString]", parts[2::2]), strict=True))


def script(source: str) -> LiteralString:
    # Our own file: no part of it comes from outside.
    return (files("store") / "sql" / f"{source}.sql").read_text("utf-8")
