"""`python -m alerts`: judge readings until SIGTERM, then finish the set in hand and leave."""

from __future__ import annotations

import asyncio
from functools import partial

from alerts.metrics import REGISTRY
from alerts.rulebook import load
from alerts.service import Service
from alerts.settings import Settings
from store import health
from store.pool import is_ready, open_pool
from store.process import configure_logging, stop_at_signal
from vitals.clock import utc_now


async def serve(settings: Settings) -> None:
    stop = stop_at_signal()
    url = settings.database_url.get_secret_value()
    async with open_pool(url, max_size=2, fresh_plans=True) as pool:
        service = Service(settings, pool, load(), utc_now)
        ready = partial(is_ready, pool)
        async with health.serve(settings.metrics_host, settings.metrics_port, ready, REGISTRY):
            await service.run(stop)


def main() -> None:
    configure_logging()
    asyncio.run(serve(Settings()))


if __name__ == "__main__":
    main()
