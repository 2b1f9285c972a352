"""`python -m ingest`: serve until SIGTERM, then finish the batch in hand and leave.

`python -m ingest replay …`: the operator's look into the quarantine, ingest/replay_command.py.
`python -m ingest broker-users …`: who the broker lets in, ingest/broker_command.py.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from ingest.metrics import REGISTRY
from ingest.service import Service
from ingest.settings import Settings
from store import health
from store.pool import is_ready, open_pool
from store.process import configure_logging, stop_at_signal


async def serve(settings: Settings) -> None:
    stop = stop_at_signal()
    async with open_pool(settings.database_url.get_secret_value(), checked=False) as pool:
        service = Service(settings, pool)

        async def ready() -> bool:
            return service.connected and await is_ready(pool)

        async with health.serve(settings.metrics_host, settings.metrics_port, ready, REGISTRY):
            await service.run(stop)


def main() -> None:
    if sys.argv[1:2] == ["replay"]:
        from ingest import replay_command  # noqa: PLC0415 -- a worker does without it

        replay_command.app(args=sys.argv[2:], prog_name="ingest replay")
    if sys.argv[1:2] == ["broker-users"]:
        from ingest import broker_command  # noqa: PLC0415 -- a worker does without it

        broker_command.app(args=sys.argv[2:], prog_name="ingest broker-users")
    configure_logging()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Settings()))


if __name__ == "__main__":
    main()
