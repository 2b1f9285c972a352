"""Telling systemd that the gateway is ready, alive or leaving (sd_notify(3)): one datagram each."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Notifier:
    """`address`: NOTIFY_SOCKET; without one nobody asked."""

    address: str | None = None

    def ready(self) -> None:
        self._send("READY=1")

    def alive(self, status: str) -> None:
        """Sent from the event loop, after the spool's thread has answered: both of them live."""
        self._send(f"WATCHDOG=1\nSTATUS={status}")

    def leaving(self) -> None:
        self._send("STOPPING=1")

    def _send(self, text: str) -> None:
        if not self.address:
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), address)
