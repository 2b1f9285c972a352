"""Retire a worker: end its session at the broker, so that the shared group no longer feeds it.

A session outlives its worker for days, and the broker goes on giving an absent member of a shared
subscription its part. Gateways would send that part again, but only after their patience.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiomqtt


async def retire(url: str, *, ca: Path | None, client_id: str) -> None:
    """Connect once with a clean start and no expiry: the broker forgets session and queue."""
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    async with aiomqtt.Client(
        parts.hostname or "127.0.0.1",
        parts.port or (8883 if secure else 1883),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        identifier=client_id,
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=True,
        tls_context=ssl.create_default_context(cafile=ca) if secure else None,
    ):
        pass
