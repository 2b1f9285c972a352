"""/metrics, /healthz and /readyz of a service, over a tiny HTTP server of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, generate_latest

Ready = Callable[[], Awaitable[bool]]


@asynccontextmanager
async def serve(
    host: str, port: int, ready: Ready, registry: CollectorRegistry
) -> AsyncIterator[None]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                request = (await reader.readline()).split()
                path = request[1] if len(request) > 1 else b""
                status, body = await _answer(path, ready, registry)
                head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n"
                head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        except (OSError, TimeoutError, ValueError):
            pass  # a caller that goes away is its own affair
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, port)
    async with server:
        yield


async def _answer(path: bytes, ready: Ready, registry: CollectorRegistry) -> tuple[str, bytes]:
    if path == b"/metrics":
        return "200 OK", generate_latest(registry)
    if path == b"/healthz":
        return "200 OK", b"alive\n"
    if path == b"/readyz":
        return ("200 OK", b"ready\n") if await ready() else ("503 Unavailable", b"not ready\n")
    return "404 Not Found", b""
