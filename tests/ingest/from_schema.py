"""Messages as the published JSON Schema allows them: a Hypothesis strategy made of the schema.

A field that is added to the contract is drawn from the next run on. `refined` says more than the
schema can, by (definition, property): what makes a message one that ingest has to take.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

Json = Any
Refined = Mapping[tuple[str, str], st.SearchStrategy[Any]]

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[2] / "docs" / "envelope.schema.json").read_text()
)
#: No lone surrogates, which UTF-8 cannot write. U+0000 and all else that a string may hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXTS,
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70),
    "integer": st.integers(-(2**70), 2**70),
    "boolean": st.booleans(),
    "null": st.none(),
}


def from_schema(name: str, refined: Refined | None = None) -> st.SearchStrategy[Json]:
    """What the definition `name` allows."""
    return _of({"$ref": f"#/$defs/{name}"}, refined or {})


def _of(schema: Json, refined: Refined) -> st.SearchStrategy[Json]:
    if "$ref" in schema:
        return _of(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], refined)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([_of(part, refined) for part in schema["anyOf"]])
    if schema["type"] == "array":
        return st.lists(_of(schema["items"], refined), max_size=3)
    return _object(schema, refined) if schema["type"] == "object" else _SIMPLE[schema["type"]]


def _object(schema: Json, refined: Refined) -> st.SearchStrategy[Json]:
    if "properties" not in schema:
        return st.dictionaries(TEXTS, _of(schema["additionalProperties"], refined), max_size=3)
    fields = {
        name: refined.get((schema["title"], name), _of(part, refined))
        for name, part in schema["properties"].items()
    }
    needed = {name: fields[name] for name in schema["required"]}
    return st.fixed_dictionaries(
        needed, optional={name: s for name, s in fields.items() if name not in needed}
    )
