"""Each Claim is judged twice beside fhir.resources: by HL7's own R4 schema, and by fhirkit.

fhirkit is generated from the R4 definitions and knows what has to be there; the schema is HL7's.
"""

from __future__ import annotations

import json
from pathlib import Path

import fhirkit
import jsonschema

SCHEMA = json.loads((Path(__file__).parent / "fhir-r4.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft6Validator(SCHEMA)


def problems(resource):
    """What either of the two finds wrong, as text."""
    found = [f"{list(e.absolute_path)}: {e.message[:200]}" for e in VALIDATOR.iter_errors(resource)]
    return found + [str(issue) for issue in fhirkit.validate(resource)]
