"""A browser without a screen: it keeps cookies, reads forms, and posts them as they stand.

Only what a page offers can be sent: a form that is not there, or a choice that it does not have,
is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx

TIMEOUT_S = 20.0
_REFUSED = 400


class ConsoleError(Exception):
    """The console answered with something that a person could not work with."""


@dataclass(slots=True, kw_only=True)
class Form:
    """Where it goes, what it holds, and what its choices allow."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, set[str]] = field(default_factory=dict)

    def filled(self, values: dict[str, str]) -> dict[str, str]:
        for name, value in values.items():
            if name in self.choices and value not in self.choices[name]:
                raise ConsoleError(f"{self.action}: {name} has no choice {value!r}")
        return self.fields | values


class _Reader(HTMLParser):
    """Collects forms, meta values and data attributes of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.meta: dict[str, str] = {}
        self.data: dict[str, str] = {}
        self._form: Form | None = None
        self._select: str | None = None
        self._text: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.data |= {k: v for k, v in found.items() if k.startswith("data-")}
        if tag == "meta" and "name" in found:
            self.meta[found["name"]] = found.get("content", "")
        elif tag == "form":
            self._form = Form(action=found.get("action", ""))
            self.forms.append(self._form)
        elif self._form is not None:
            self._control(self._form, tag, found)

    def _control(self, form: Form, tag: str, found: dict[str, str]) -> None:
        name = found.get("name", "")
        if tag == "option" and self._select:
            self._option(form, self._select, found)
        elif tag == "select":
            self._select = name
        elif tag == "textarea":
            self._text = name
            form.fields.setdefault(name, "")
        elif tag == "input" and name and "disabled" not in found:
            self._input(form, name, found)

    @staticmethod
    def _option(form: Form, name: str, found: dict[str, str]) -> None:
        form.choices.setdefault(name, set()).add(found.get("value", ""))
        if "selected" in found or name not in form.fields:
            form.fields[name] = found.get("value", "")

    @staticmethod
    def _input(form: Form, name: str, found: dict[str, str]) -> None:
        value = found.get("value", "")
        if found.get("type") == "radio":
            form.choices.setdefault(name, set()).add(value)
        if found.get("type") not in {"radio", "checkbox"} or "checked" in found:
            form.fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._text:
            self._form.fields[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._text = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer, read."""

    path: str
    text: str
    forms: list[Form]
    meta: dict[str, str]
    data: dict[str, str]

    def forms_to(self, path: str) -> list[Form]:
        return [form for form in self.forms if urlsplit(form.action).path == path]


class Browser:
    """One person's browser. A context manager."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, follow_redirects=True, timeout=TIMEOUT_S)
        self._client.headers["Origin"] = address

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str) -> Page:
        return _page(self._client.get(path))

    def fetch(self, path: str) -> bytes:
        """What a link to a file brings."""
        answer = self._client.get(path)
        _check(answer)
        return answer.content

    def submit(
        self, page: Page, path: str, *, where: dict[str, str] | None = None, **values: str
    ) -> Page:
        """Post the form of `page` that goes to `path`, filled in; the page that follows.

        `where` tells forms to the same path apart by what they hold.
        """
        holds = (where or {}).items()
        forms = [form for form in page.forms_to(path) if holds <= form.fields.items()]
        if not forms:
            raise ConsoleError(f"{page.path} offers no form to {path}")
        return _page(self._client.post(urljoin(page.path, path), data=forms[0].filled(values)))

    def call(self, page: Page, path: str, **values: str) -> Any:
        """What a page's script posts by itself; the JSON that comes back."""
        answer = self._client.post(
            path, data=values, headers={"X-CSRF-Token": page.meta.get("csrf-token", "")}
        )
        _check(answer)
        return answer.json()


def _page(answer: httpx.Response) -> Page:
    _check(answer)
    reader = _Reader()
    reader.feed(answer.text)
    return Page(
        path=answer.url.path,
        text=answer.text,
        forms=reader.forms,
        meta=reader.meta,
        data=reader.data,
    )


def _check(answer: httpx.Response) -> None:
    if answer.status_code >= _REFUSED:
        raise ConsoleError(
            f"{answer.request.method} {answer.url.path} answered {answer.status_code}"
        )
