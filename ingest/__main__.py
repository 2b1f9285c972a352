"""`python -m ingest`: serve until SIGTERM, then finish the batch in hand and leave."""

from __future__ import annotations

import asyncio
import signal

import structlog

from ingest import health
from ingest.service import Service
from ingest.settings import Settings
from store.errors import Unavailable
from store.pool import is_ready, open_pool


async def serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_pool(settings.database_url.get_secret_value()) as pool:
        service = Service(settings, pool)

        async def ready() -> bool:
            try:
                return service.connected and await is_ready(pool)
            except Unavailable:
                return False

        async with health.serve(settings.metrics_host, settings.metrics_port, ready):
            await service.run(stop)


def main() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ]
    )
    asyncio.run(serve(Settings()))


if __name__ == "__main__":
    main()
