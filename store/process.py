"""What every service does at its start: JSON logs, and leaving in peace when told to."""

from __future__ import annotations

import asyncio
import signal

import structlog


def configure_logging() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ]
    )


def stop_at_signal() -> asyncio.Event:
    """Set at SIGTERM or SIGINT: the service finishes what is in hand and leaves."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
