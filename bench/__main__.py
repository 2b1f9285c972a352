"""`python -m bench …`: figures and ratios, with the machine they were measured on; never a verdict.

Exit 1: something that was sent did not arrive. No figure is wrong because it is slow.
"""

from __future__ import annotations

from typing import Annotated

import typer

from bench import latency as latency_bench
from bench.report import say, show

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Benchmarks of the whole pipeline as real processes."""


@app.command()
def latency(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON object on the last line")
    ] = False,
    rate: Annotated[float, typer.Option(help="readings a second", min=1)] = 50.0,
    seconds: Annotated[
        float, typer.Option(help="of publishing, all rounds together", min=1)
    ] = 60.0,
    share: Annotated[
        float, typer.Option(help="of the readings that are a crisis", min=0, max=1)
    ] = 0.08,
    requests: Annotated[int, typer.Option(help="of each page", min=1)] = 40,
) -> None:
    """Publish to row in a nurse's open queue; and the console's time for each of its pages."""
    wish = latency_bench.Wish(rate=rate, seconds=seconds, share=share, requests=requests)
    figures, ratios, problems = latency_bench.run(wish)
    for problem in problems:
        say(f"bench: {problem}")
    show(figures, ratios, as_json=as_json)
    raise typer.Exit(1 if problems else 0)


if __name__ == "__main__":
    app()
