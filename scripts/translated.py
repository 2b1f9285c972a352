"""The catalogues of what the box says to people: collected from the code, merged, compiled.

The code speaks English and is the source; `gateway/locale/CODE/LC_MESSAGES/gateway.po` holds one
other language each, beside the `.mo` that is read at run time.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
GATEWAY: Final = ROOT / "gateway"
LANGUAGES: Final = ("es",)
WIDTH: Final = 96
_KEYWORDS: Final[dict[str, Any]] = {"_": None, "gettext": None, "ngettext": (1, 2)}
_NEVER: Final = datetime(2026, 1, 1, tzinfo=UTC)
METHODS: Final = [("**.py", "python"), ("portal/templates/**.html", "jinja2")]


def collected() -> Catalog:
    """All that the code and the templates say, where it stands."""
    catalog = Catalog(project="hearthline", charset="utf-8", fuzzy=False)
    found = extract_from_dir(str(GATEWAY), METHODS, keywords=_KEYWORDS)
    for path, _line, message, comments, context in found:
        # Without line numbers: a change elsewhere in the file is none of the catalogue's business.
        catalog.add(
            message, locations=[(f"gateway/{path}", 0)], auto_comments=comments, context=context
        )
    return catalog


def po_path(language: str) -> Path:
    return GATEWAY / "locale" / language / "LC_MESSAGES" / "gateway.po"


def merged(language: str) -> Catalog:
    """The catalogue as it is on disk, with every text of today and none of yesterday."""
    path = po_path(language)
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
    else:
        catalog = Catalog(locale=language, project="hearthline", charset="utf-8", fuzzy=False)
    catalog.update(collected(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.version, catalog.msgid_bugs_address = "1", ""
    catalog.creation_date = catalog.revision_date = _NEVER  # the history of the file is git's
    catalog.last_translator, catalog.language_team = "", ""
    catalog.header_comment = (
        f"# What the box says to people: {language}. Merged by scripts/translate."
    )
    return catalog


def untranslated(catalog: Catalog) -> Iterator[Message]:
    for message in catalog:
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and not all(forms):
            yield message


def written(catalog: Catalog) -> tuple[bytes, bytes]:
    """The bytes of the .po and of the .mo."""
    po, mo = io.BytesIO(), io.BytesIO()
    write_po(po, catalog, width=WIDTH, sort_output=True, omit_header=False)
    write_mo(mo, catalog)
    return po.getvalue(), mo.getvalue()


def main() -> int:
    check = "--check" in sys.argv[1:]
    wrong = 0
    for language in LANGUAGES:
        catalog = merged(language)
        for message in untranslated(catalog):
            sys.stderr.write(f"hearthline: no {language} for {message.id!r}\n")
            wrong = 1
        po = po_path(language)
        for path, made in zip((po, po.with_suffix(".mo")), written(catalog), strict=True):
            if check and (not path.exists() or path.read_bytes() != made):
                sys.stderr.write(f"hearthline: {path.relative_to(ROOT)} is not up to date\n")
                wrong = 1
            elif not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(made)
    return wrong if check else 0


if __name__ == "__main__":
    raise SystemExit(main())
