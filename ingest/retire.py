"""Retire a worker: end its session at the broker, so that the shared group no longer feeds it.

A session outlives its worker for days, and the broker goes on giving an absent member of a shared
subscription its part. Gateways would send that part again, but only after their patience.
"""

from __future__ import annotations

from pathlib import Path

from ingest.subscriber import connect


async def retire(url: str, *, ca: Path | None, client_id: str) -> None:
    """Connect once with a clean start and no expiry: the broker forgets session and queue."""
    async with connect(url, ca=ca, client_id=client_id, forget=True):
        pass
