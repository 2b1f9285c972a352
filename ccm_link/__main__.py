"""`python -m ccm_link evaluate < input.json`: one patient's month; `run`: the service.

Exit 2 of `evaluate`: the input is wrong, and stderr says in one line which field.
"""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated

import msgspec
import typer

from ccm_link.evaluate import evaluate as evaluate_month
from ccm_link.facts import decode
from ccm_link.raw_case import InputError
from ccm_link.rules import NoRules, rules_for
from ccm_link.view import as_json

_REFUSED = 2

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


@app.command()
def evaluate(
    today: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD: what can still be reached on that day")
    ] = None,
) -> None:
    """Evaluate one patient's month, read from stdin as JSON."""
    try:
        facts = decode(sys.stdin.buffer.read())
        on = None if today is None else _day(today)
        result = evaluate_month(facts, rules_for(facts.month), today=on)
    except InputError as exc:
        _refuse(str(exc))
    except NoRules as exc:
        _refuse(f"$.month: {exc}")
    else:
        sys.stdout.write(msgspec.json.encode(as_json(result)).decode() + "\n")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise InputError("--today", f"{text!r} is no date") from exc


def _refuse(line: str) -> None:
    sys.stderr.write(" ".join(line.split()) + "\n")
    raise typer.Exit(_REFUSED)


@app.command()
def run() -> None:
    """End the running timers whose lease ran out, until SIGTERM."""
    from ccm_link import service  # noqa: PLC0415 -- the engine needs no database driver

    service.main()


if __name__ == "__main__":
    app()
