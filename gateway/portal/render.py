"""Templates -> pages: Jinja with the component macros of GOV.UK Frontend, in one language."""

from __future__ import annotations

from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader

from gateway import language
from gateway.portal import static

_GOVUK = "govuk_frontend_jinja"


class Renderer:
    """Templates are compiled once, when they are first used."""

    def __init__(self) -> None:
        loaders = {
            _GOVUK: PackageLoader(_GOVUK),
            "portal": PackageLoader("gateway.portal"),
        }
        self._environment = Environment(
            loader=PrefixLoader(loaders),
            autoescape=True,
            undefined=ChainableUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals["asset"] = static.address

    def page(self, template: str, code: str, **values: Any) -> str:
        words = language.words(code)
        return self._environment.get_template(f"portal/{template}").render(
            _=words.gettext,
            language=code,
            languages=language.LANGUAGES,
            **values,
        )
