"""What the gateway counts, and the three addresses where it says how it is. No values, no names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gateway.link import Health


class Metrics:
    """One registry per process; tests make as many as they like."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.spool_depth = Gauge(
            "hearthline_gateway_spool_depth", "Readings without a receipt", registry=self.registry
        )
        self.spool_age = Gauge(
            "hearthline_gateway_spool_oldest_seconds",
            "Age of the reading that waits longest",
            registry=self.registry,
        )
        self.spool_state = Gauge(
            "hearthline_gateway_spool_state",
            "1 for what the last write to the disk met",
            ["state"],
            registry=self.registry,
        )
        self.spool_unsaved = Gauge(
            "hearthline_gateway_spool_unsaved",
            "Readings that only memory holds, since the disk did not take them",
            registry=self.registry,
        )
        self.spool_set_aside = Gauge(
            "hearthline_gateway_spool_set_aside",
            "Corrupt spool files that are kept",
            registry=self.registry,
        )
        self.disk_free = Gauge(
            "hearthline_gateway_disk_free_bytes",
            "Of the file system that the spool is on",
            registry=self.registry,
        )
        self.spooled = Counter(
            "hearthline_gateway_readings_spooled",
            "Readings made durable",
            ["kind"],
            registry=self.registry,
        )
        self.amended = Counter(
            "hearthline_gateway_readings_amended",
            "Readings whose context came after them",
            registry=self.registry,
        )
        self.rejected = Counter(
            "hearthline_gateway_readings_rejected",
            "Readings moved to the local quarantine",
            registry=self.registry,
        )
        self.exposed = Histogram(
            "hearthline_gateway_exposed_seconds",
            "From the radio's confirmation of a value, which its device then deletes, to the fsync",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
            registry=self.registry,
        )
        self.receipt_lag = Histogram(
            "hearthline_gateway_receipt_lag_seconds",
            "From fsync into the spool to the receipt, of an envelope's oldest reading",
            registry=self.registry,
        )
        self.sessions = Counter(
            "hearthline_gateway_sessions",
            "Conversations with devices",
            ["outcome"],
            registry=self.registry,
        )
        self.radio_resets = Counter(
            "hearthline_gateway_radio_resets",
            "Resets of the Bluetooth adapter by the watchdog, by what was wrong with it",
            ["reason"],
            registry=self.registry,
        )
        for reason in Health:
            self.radio_resets.labels(reason=reason.value)
        self.connected = Gauge(
            "hearthline_gateway_broker_connected", "1 with a broker", registry=self.registry
        )

    def radio_was_reset(self, reason: Health) -> None:
        self.radio_resets.labels(reason=reason.value).inc()


@asynccontextmanager
async def serve(
    metrics: Metrics, host: str, port: int | None, ready: Callable[[], bool]
) -> AsyncIterator[None]:
    """`/metrics`, `/healthz` and `/readyz` on loopback; nothing if no port is set."""
    if port is None:
        yield
        return

    def answer(path: str) -> tuple[HTTPStatus, bytes]:
        if path == "/metrics":
            return HTTPStatus.OK, generate_latest(metrics.registry)
        if path == "/healthz":
            return HTTPStatus.OK, b"ok\n"
        if path == "/readyz":
            return (
                (HTTPStatus.OK, b"ok\n") if ready() else (HTTPStatus.SERVICE_UNAVAILABLE, b"no\n")
            )
        return HTTPStatus.NOT_FOUND, b""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                request = (await reader.readuntil(b"\r\n\r\n")).split(b" ")
                status, body = answer(request[1].decode() if len(request) > 1 else "")
                writer.write(_head(status, body) + body)
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # the caller went away or sent no request
        finally:
            writer.close()

    async with await asyncio.start_server(handle, host, port):
        yield


def _head(status: HTTPStatus, body: bytes) -> bytes:
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; version=0.0.4\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode()
