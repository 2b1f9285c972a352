"""`python -m bench …`: figures and ratios, with the machine they were measured on; never a verdict.

Exit 1: something that was sent did not arrive. No figure is wrong because it is slow.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Any, NoReturn

import typer

from bench import charts as charts_bench
from bench import chunks as chunks_bench
from bench import faults as fault_run
from bench import gateway as gateway_bench
from bench import ingest as ingest_bench
from bench import judging as judging_bench
from bench import latency as latency_bench
from bench import month as month_bench
from bench.report import say, show, tell
from bench.stream import Load

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on the last line")]
#: Figures, ratios, and what did not arrive or was not measured.
Outcome = tuple[dict[str, Any], dict[str, Any], list[str]]


@app.callback()
def main() -> None:
    """Benchmarks of the whole pipeline as real processes."""


@app.command()
def latency(  # noqa: PLR0913 -- one option each
    *,
    as_json: AsJson = False,
    rate: Annotated[float, typer.Option(help="readings a second", min=1)] = 50.0,
    seconds: Annotated[
        float, typer.Option(help="of publishing, all rounds together", min=1)
    ] = 60.0,
    share: Annotated[
        float, typer.Option(help="of the readings that are a crisis", min=0, max=1)
    ] = 0.08,
    requests: Annotated[int, typer.Option(help="of each page", min=1)] = 40,
    stream_rate: Annotated[
        float, typer.Option(help="readings a second while event streams are read", min=1)
    ] = 200.0,
    stream_seconds: Annotated[float, typer.Option(help="of each of its rounds", min=1)] = 20.0,
    rounds: Annotated[int, typer.Option(help="of each size of the store", min=1)] = 3,
    streams: Annotated[int, typer.Option(help="nurses with an open queue", min=0)] = 20,
    open_tasks: Annotated[int, typer.Option(help="in that queue", min=0)] = 500,
    stored: Annotated[
        int, typer.Option(help="readings in the store; then ten times as many", min=0)
    ] = 200_000,
) -> None:
    """Publish to event stream and to row; and the console's time for each of its pages."""
    load = Load(
        rate=stream_rate,
        seconds=stream_seconds,
        rounds=rounds,
        streams=streams,
        open_tasks=open_tasks,
        stored=stored,
    )
    wish = latency_bench.Wish(rate=rate, seconds=seconds, share=share, requests=requests, load=load)
    _end(latency_bench.run(wish), as_json=as_json)


@app.command()
def charts(
    *,
    as_json: AsJson = False,
    readings: Annotated[
        int, typer.Option(help="in the large database; a tenth in the small one", min=20_000)
    ] = 20_000_000,
    chunk_days: Annotated[
        int | None, typer.Option(help="of a chunk; without it as the migrations say", min=1)
    ] = None,
    pages: Annotated[bool, typer.Option(help="the whole page over HTTP as well")] = True,
) -> None:
    """One patient's chart of a year, with ten times as many readings stored as well."""
    wish = charts_bench.Wish(readings=readings, chunk_days=chunk_days, pages=pages)
    _end(charts_bench.run(wish), as_json=as_json)


@app.command()
def faults(  # noqa: PLR0913 -- the command line
    *,
    as_json: AsJson = False,
    seed: Annotated[int | None, typer.Option(help="of values and moments; else a new one")] = None,
    readings: Annotated[int, typer.Option(help="all together", min=1)] = 50_500,
    over_gatt: Annotated[int, typer.Option(help="of them from the simulated meter", min=1)] = 1200,
    homes: Annotated[int, typer.Option(help="that bring the rest", min=1)] = 24,
    seconds: Annotated[float, typer.Option(help="that it takes them", min=1)] = 100.0,
    moments: Annotated[int, typer.Option(help="of killing, for each process", min=1)] = 6,
    impossible: Annotated[int, typer.Option(help="readings for the quarantine", min=0)] = 0,
) -> None:
    """Kill -9 of every process at random moments; then, is anything lost, doubled or changed?"""
    wish = fault_run.Wish(
        readings=readings,
        over_gatt=over_gatt,
        homes=homes,
        seconds=seconds,
        moments=moments,
        impossible=impossible,
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
    )
    report, problems = fault_run.run(wish)
    for problem in problems:
        say(f"bench: {problem}")
    tell(report, as_json=as_json)
    raise typer.Exit(1 if problems else 0)


@app.command()
def gateway(
    *,
    as_json: AsJson = False,
    rounds: Annotated[int, typer.Option(help="homes, one after the other", min=1)] = 5,
    backlog: Annotated[int, typer.Option(help="readings; 0: without", min=0)] = 100_000,
    drains: Annotated[int, typer.Option(help="of the backlog, medians of so many", min=1)] = 3,
) -> None:
    """The box in the home: from connecting to a reading on disk; a backlog's drain; its memory."""
    wish = gateway_bench.Wish(rounds=rounds, backlog=backlog, drains=drains)
    _end(gateway_bench.run(wish), as_json=as_json)


@app.command()
def judging(
    *,
    as_json: AsJson = False,
    people: Annotated[int, typer.Option(help="patients of the clinic", min=1)] = 10_000,
    rounds: Annotated[int, typer.Option(help="days, one after the other", min=1)] = 5,
    share: Annotated[
        float, typer.Option(help="of the readings that are beyond a limit", min=0, max=1)
    ] = 0.02,
) -> None:
    """Readings that one alert worker judges a second, everybody's day at once."""
    wish = judging_bench.Wish(people=people, rounds=rounds, share=share)
    _end(judging_bench.run(wish), as_json=as_json)


@app.command()
def month(
    *,
    as_json: AsJson = False,
    people: Annotated[int, typer.Option(help="enrolled patients", min=1)] = 10_000,
    entries: Annotated[int, typer.Option(help="of each in the month", min=1)] = 30,
    days: Annotated[int, typer.Option(help="with a reading, of each", min=1)] = 40,
    rounds: Annotated[int, typer.Option(help="medians of so many", min=1)] = 3,
    processes: Annotated[int, typer.Option(help="of the command", min=1)] = 2,
) -> None:
    """A clinic's month evaluated and stored, by the command that operators run."""
    wish = month_bench.Wish(
        people=people, entries=entries, days=days, rounds=rounds, processes=processes
    )
    _end(month_bench.run(wish), as_json=as_json)


@app.command()
def chunks(
    *,
    as_json: AsJson = False,
    readings: Annotated[int, typer.Option(help="in each database", min=20_000)] = 2_000_000,
) -> None:
    """The same readings in chunks of 1, 7 and 30 days."""
    _end(chunks_bench.run(charts_bench.Wish(readings=readings)), as_json=as_json)


@app.command()
def ingest(
    *,
    as_json: AsJson = False,
    readings: Annotated[int, typer.Option(help="one in a message, a lap", min=200)] = 20_000,
    backlog: Annotated[int, typer.Option(help="a hundred in a message, a lap", min=200)] = 100_000,
    rounds: Annotated[int, typer.Option(help="medians of so many", min=1)] = 5,
    stall: Annotated[float, typer.Option(help="seconds without a database", min=1)] = 60.0,
    people: Annotated[int, typer.Option(help="for the alert worker; 0: without", min=0)] = 10_000,
) -> None:
    """One worker against Node-RED, a bare loop and COPY; two workers; memory in a stall."""
    wish = ingest_bench.Wish(
        readings=readings, backlog=backlog, rounds=rounds, stall_s=stall, people=people
    )
    _end(ingest_bench.run(wish), as_json=as_json)


def _end(outcome: Outcome, *, as_json: bool) -> NoReturn:
    figures, ratios, problems = outcome
    for problem in problems:
        say(f"bench: {problem}")
    show(figures, ratios, as_json=as_json)
    raise typer.Exit(1 if problems else 0)


if __name__ == "__main__":
    app()
