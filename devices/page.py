"""The tables of docs/devices.md, drawn from the quirk table, the registry and the measures.

`python -m devices page` prints them; a test holds the page against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from devices import registry
from devices.quirks import FAMILIES, STANDARD, Pairing, Quirks, Support
from devices.registry import Codec
from vitals.reading import CODINGS, Kind

KINDS = {
    Kind.BLOOD_PRESSURE: "blood pressure",
    Kind.GLUCOSE: "glucose",
    Kind.WEIGHT: "weight",
    Kind.BODY_COMPOSITION: "body composition",
    Kind.PULSE_OXIMETRY: "oxygen saturation",
    Kind.TEMPERATURE: "temperature",
    Kind.HEART_RATE: "heart rate",
    Kind.CONTINUOUS_GLUCOSE: "glucose sensor",
}
PAIRING = {
    Pairing.NONE: "none",
    Pairing.AS_ASKED: "as it asks",
    Pairing.JUST_WORKS: "without a code",
    Pairing.PASSKEY: "code on its display",
    Pairing.PASSKEY_ON_LABEL: "code on its label",
}
#: What a field of a row says, if it is set.
TRAITS = {
    "needs_consent": "Silent until a user slot is consented to.",
    "advert_only": "Never connected to.",
    "brief": "On the air for seconds after a measurement.",
    "hangs_up": "Ends the link itself.",
    "sends_again": "Sends what it has sent before.",
    "forgets_bond": "May forget its bond.",
}


def page() -> str:
    """All generated tables, each under its heading."""
    parts = (
        ("Families with a row of their own", families()),
        ("Not supported", refused()),
        ("Characteristics that are read", characteristics()),
        ("What a reading carries", measurements()),
    )
    return "\n\n".join(f"## {heading}\n\n{table}" for heading, table in parts) + "\n"


def families() -> str:
    rows = [_family(row) for row in (*FAMILIES, STANDARD) if row.kinds]
    return _table(
        ("Models", "Measures", "Bond", "Tested with", "What differs, and where seen"), rows
    )


def refused() -> str:
    rows = [(row.label, _note(row)) for row in FAMILIES if row.support is Support.NOT_SUPPORTED]
    return _table(("Models", "Why"), rows)


def characteristics() -> str:
    rows = [
        (f"0x{uuid[4:8].upper()}", codec.name, _dialects(uuid))
        for uuid, codec in sorted(registry.CODECS.items(), key=_name)
    ]
    advertised = sorted(registry.SERVICE_DATA.items(), key=_name)
    rows += [(f"service data 0x{name[2:]}", codec.name, "") for name, codec in advertised]
    return _table(("Characteristic", "What it is", "Makers' frames"), rows)


def measurements() -> str:
    rows = [
        (f"`{measure.value}`", coding.loinc, f"`{coding.ucum}`")
        for measure, coding in CODINGS.items()
    ]
    return _table(("Measure", "LOINC", "UCUM"), rows)


def evidence(row: Quirks) -> str:
    """What of it was tried; the weakest is that its services are standard."""
    known = []
    if row.captures:
        noun = "frame" if len(row.captures) == 1 else "frames"
        known.append(f"{len(row.captures)} captured {noun}")
    if row.simulated:
        known.append("simulator")
    if row.on_bluez:
        known.append("real BlueZ")
    return ", ".join(known) or "expected to work"


def _family(row: Quirks) -> tuple[str, ...]:
    kinds = ", ".join(KINDS[kind] for kind in row.kinds)
    label = row.label + (" (partly)" if row.support is Support.PARTLY else "")
    return label, kinds, PAIRING[row.pairing], evidence(row), _note(row)


def _note(row: Quirks) -> str:
    links = ", ".join(f"[{number}]({source})" for number, source in enumerate(row.sources, 1))
    traits = [words for field, words in TRAITS.items() if getattr(row, field)]
    return " ".join(filter(None, [*traits, row.note, f"({links})" if links else ""]))


def _dialects(uuid: str) -> str:
    return ", ".join(dialect.name for dialect in registry.DIALECTS.get(uuid, ()))


def _name(item: tuple[str, Codec]) -> str:
    return item[0]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
