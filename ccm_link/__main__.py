"""`python -m ccm_link evaluate < input.json`: one patient's month; `run`: the service.

`rates`: a clinic's own amounts; `rules`: the rule table as Markdown.
`evaluate-month`: every patient of a clinic, evaluated and stored (`ccm_link.closing`).
`import-time`, `rejected-time`: time of other software (`ccm_link.import_command`).
Exit 2 of `evaluate`: the input is wrong, and stderr says in one line which field.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer

from ccm_link import rules_doc
from ccm_link.evaluate import evaluate as evaluate_month
from ccm_link.facts import decode
from ccm_link.raw_case import InputError
from ccm_link.rules import NoRules, rules_for, shipped
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
def rules(
    *,
    write: Annotated[
        Path | None, typer.Option(help="a page with marks, to put the table between them")
    ] = None,
) -> None:
    """The rule table as Markdown: every row with its dates, source, confidence and switch."""
    table, _ = shipped()
    if write is None:
        sys.stdout.write(rules_doc.markdown(table))
        return
    write.write_text(rules_doc.written_into(write.read_text("utf-8"), table), "utf-8")


@app.command("evaluate-month")
def evaluate_month_of_clinic(
    *,
    clinic: Annotated[str, typer.Option(help="its key")],
    month: Annotated[str, typer.Option(help="YYYY-MM")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
    processes: Annotated[int, typer.Option(help="that share the patients", min=1)] = 2,
) -> None:
    """Evaluate and store everybody enrolled in a clinic's month; tell what it comes to."""
    from ccm_link import closing_command  # noqa: PLC0415 -- the engine needs no database driver

    raise typer.Exit(closing_command.run(clinic, month, as_json=as_json, processes=processes))


@app.command()
def run() -> None:
    """End the running timers whose lease ran out, until SIGTERM."""
    from ccm_link import service  # noqa: PLC0415 -- the engine needs no database driver

    service.main()


@app.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def rates(context: typer.Context) -> None:
    """Load and show a clinic's own amounts."""
    from ccm_link import rates_commands  # noqa: PLC0415 -- as above

    rates_commands.app(context.args, prog_name="python -m ccm_link rates")


@app.command()
def import_time(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV in UTF-8")],
    *,
    clinic: Annotated[str, typer.Option()],
    by: Annotated[str, typer.Option(help="the admin who answers for it: address or key")],
) -> None:
    """Import time that other software measured; the same file twice imports nothing twice."""
    from ccm_link import import_command  # noqa: PLC0415 -- the engine needs no database driver

    raise typer.Exit(import_command.import_file(file, clinic, by))


@app.command()
def rejected_time(import_id: UUID, *, clinic: Annotated[str, typer.Option()]) -> None:
    """Write the lines that were not imported as CSV, to be mended and imported again."""
    from ccm_link import import_command  # noqa: PLC0415

    raise typer.Exit(import_command.write_rejected(import_id, clinic))


if __name__ == "__main__":
    app()
