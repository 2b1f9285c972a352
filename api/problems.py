"""Every refusal as a page that says what happened and what to do. No patient data, no internals."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from api import errors
from api.render import render
from store.errors import DataRefused, Unavailable

log = structlog.get_logger()

_PAGES: dict[int, tuple[str, str]] = {
    403: ("This page is not for your role", "Ask an admin of your clinic if you need it."),
    404: (
        "There is nothing here",
        "It may have been moved, or it belongs to another clinic. Go back to where you came from.",
    ),
    413: ("The form is too large", "Nothing was saved. Shorten what you wrote and try again."),
    405: ("That cannot be done here", "Go back and try again from the page itself."),
    422: (
        "The form could not be read",
        "A field is missing or not in the form that is asked for. Go back and check it.",
    ),
    500: (
        "Something went wrong on our side",
        "Nothing was saved. Try again; if it happens again, tell whoever runs the system.",
    ),
    503: (
        "The database does not answer",
        "Readings are kept safe meanwhile. Try again in a few seconds.",
    ),
}


_SIGNED_OUT = (
    "You were signed out",
    "Copy what you have typed, then open this page again to sign in: it cannot be saved from here.",
)


def install(app: FastAPI) -> None:
    app.add_exception_handler(errors.NotSignedIn, _sign_in)
    app.add_exception_handler(errors.NoClinic, _choose_clinic)
    app.add_exception_handler(errors.Forbidden, _plain(403))
    app.add_exception_handler(errors.NotFound, _plain(404))
    app.add_exception_handler(errors.BadForm, _bad_form)
    app.add_exception_handler(errors.Conflict, _conflict)
    app.add_exception_handler(Unavailable, _plain(503))
    app.add_exception_handler(RequestValidationError, _plain(422))
    app.add_exception_handler(DataRefused, _refused)
    app.add_exception_handler(UnicodeEncodeError, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _bug)


def problem_page(request: Request, status: int, title: str, advice: str) -> Response:
    """As a whole page, or for htmx and scripts as a short notice with the same words."""
    context = {"title": title, "advice": advice, "status": status}
    is_part = "hx-request" in request.headers
    template = "components/notice.html" if is_part else "error.html"
    return HTMLResponse(render(template, context), status_code=status)


def _plain(status: int) -> Any:
    async def answer(request: Request, _problem: Exception) -> Response:
        return problem_page(request, status, *_PAGES[status])

    return answer


async def _refused(request: Request, problem: Exception) -> Response:
    """What no column can hold: U+0000, half a surrogate pair, a number beyond 64 bits."""
    constraint = getattr(problem, "constraint", None)  # named: then a check of ours is missing
    log.warning("refused", route=_route(request), kind=type(problem).__name__, by=constraint)
    return problem_page(request, 422, *_PAGES[422])


def _route(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path", "unmatched"))


async def _http(request: Request, problem: Exception) -> Response:
    status = problem.status_code if isinstance(problem, HTTPException) else 500
    title, advice = _PAGES.get(status, ("That did not work", "Go back and try again."))
    return problem_page(request, status, title, advice)


async def _bug(request: Request, problem: Exception) -> Response:
    log.error("unhandled", route=_route(request), kind=type(problem).__name__, at=_at(problem))
    return problem_page(request, 500, *_PAGES[500])


def _at(problem: Exception) -> list[str]:
    """Where, without the words of the error: they may hold what a person typed or has."""
    frames = traceback.extract_tb(problem.__traceback__)[-8:]
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]


async def _sign_in(request: Request, _problem: Exception) -> Response:
    """Back to the page after signing in, where it is one that can be opened by its address.

    A part of a page is told in words: leaving the page would throw away what is typed there.
    """
    if "hx-request" in request.headers:
        return problem_page(request, 401, *_SIGNED_OUT)
    where = request.url.path if request.method == "GET" else "/"
    target = f"/sign-in?next={quote(where)}" if where != "/" else "/sign-in"
    if request.headers.get("accept", "").startswith("application/json"):
        return Response(status_code=401)
    return RedirectResponse(target, status_code=303)


async def _choose_clinic(_request: Request, _problem: Exception) -> Response:
    return RedirectResponse("/clinics", status_code=303)


async def _bad_form(request: Request, _problem: Exception) -> Response:
    return problem_page(
        request,
        403,
        "This form is too old or comes from elsewhere",
        "Nothing was saved. Open the page again and repeat what you did.",
    )


async def _conflict(request: Request, problem: Exception) -> Response:
    return problem_page(request, 409, str(problem), "Open the queue to see how things stand now.")
