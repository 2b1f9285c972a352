"""The languages that the box speaks to people in. English is what the code says."""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

DOMAIN: Final = "gateway"
FOLDER: Final = Path(__file__).parent / "locale"

#: Code -> what its speakers call it.
LANGUAGES: Final = {"en": "English", "es": "Español"}
DEFAULT: Final = "en"


@cache
def words(language: str) -> gettext.NullTranslations:
    """The catalogue of `language`; English for one that we do not have."""
    return gettext.translation(DOMAIN, FOLDER, languages=[language], fallback=True)


def best(preferred: str) -> str:
    """Of our languages, the one that an Accept-Language header or a locale (es_MX.UTF-8) wants."""
    for code in _by_preference(preferred):
        if code in LANGUAGES:
            return code
    return DEFAULT


def _by_preference(header: str) -> Iterable[str]:
    weighed = []
    for number, part in enumerate(header[:200].split(",")):
        tag, _, quality = part.partition(";q=")
        code = re.split(r"[-_.@]", tag.strip().lower())[0]
        try:
            weight = float(quality or 1)
        except ValueError:
            weight = 0.0
        weighed.append((-weight, number, code))
    return (code for _, _, code in sorted(weighed))
