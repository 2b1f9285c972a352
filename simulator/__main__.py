"""`python -m simulator`: one home on the air until SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from simulator.air import Air, serve
from simulator.home import Home, Plan
from simulator.journal import Journal
from simulator.products import NAMES

app = typer.Typer(add_completion=False)


@app.command()
def main(  # noqa: PLR0913, PLR0917 -- the command line
    listen: Annotated[str, typer.Option(help="HOST:PORT for the gateway's HCI; port 0: any")],
    journal: Annotated[Path, typer.Option(help="Append what is measured to this file.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same home.")] = 1,
    glucose_records: int = 20,
    cuff_readings: int = 5,
    scale_readings: int = 3,
    every: Annotated[float | None, typer.Option(help="Seconds between new measurements.")] = None,
    glucose_gap: Annotated[float, typer.Option(help="Seconds between two glucose records.")] = 0.0,
    meter_passkey: Annotated[int | None, typer.Option(help="Six digits the meter shows.")] = None,
    *,
    steady: Annotated[bool, typer.Option(help="Values that give no reason to act.")] = False,
    crisis_after: Annotated[float | None, typer.Option(help="Seconds until a 190/125.")] = None,
    product: Annotated[
        list[str] | None, typer.Option(help=f"instead of cuff, meter, scale: {', '.join(NAMES)}")
    ] = None,
    each: Annotated[int, typer.Option(help="Readings that each product holds.")] = 3,
    zone: Annotated[str, typer.Option(help="Whose time the devices' clocks show.")] = "UTC",
) -> None:
    plan = Plan(
        seed=seed,
        cuff_readings=cuff_readings,
        glucose_records=glucose_records,
        scale_readings=scale_readings,
        every_s=every,
        gap_s=glucose_gap,
        passkey=meter_passkey,
        steady=steady,
        crisis_after_s=crisis_after,
        zone=zone,
        products=tuple(product or ()),
        each=each,
    )
    asyncio.run(run(listen, journal, plan))


async def run(listen: str, journal_path: Path, plan: Plan) -> None:
    host, _, port = listen.rpartition(":")
    air = Air()
    with Journal(journal_path) as journal:
        home = Home(air, journal, plan)
        async with serve(air, host, int(port)) as listening:
            life = asyncio.create_task(home.live(), name="home")
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, life.cancel)
            ready = {"listening": listening, "devices": home.described()}
            sys.stdout.write(json.dumps(ready) + "\n")
            sys.stdout.flush()
            await asyncio.wait([life])
    if not life.cancelled():
        life.result()


if __name__ == "__main__":
    app()
