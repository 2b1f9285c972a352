"""Array literals: thousands of plain values as one parameter, quicker than the driver adapts each.

For numbers, instants, days, keys and plain words of our own; never for text from outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def literal(values: Iterable[Any]) -> str:
    """For a cast in the statement, `%(days)s::date[]`; None becomes null."""
    words = list(map(str, values))
    return ('{"' + '","'.join(words) + '"}').replace('"None"', "NULL") if words else "{}"
