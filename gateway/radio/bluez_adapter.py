"""The adapter: how it is, and how it is turned off and on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bleak.exc import BleakDBusError
from dbus_fast import Variant

from gateway.link import AdapterState, Health
from gateway.radio.bluez_line import ADAPTER, PROPERTIES, Line, Listener

RFKILL = Path("/sys/class/rfkill")


class Adapter(Listener):
    """The first adapter that BlueZ shows."""

    def __init__(self, line: Line, rfkill: Path = RFKILL) -> None:
        self._line = line
        self._rfkill = rfkill
        self.path: str | None = None
        self._facts: dict[str, Any] = {}
        self.resets = 0

    async def came(self) -> None:
        for path, interfaces in sorted((await self._line.objects()).items()):
            self.added(path, interfaces)

    def went(self) -> None:
        self.path, self._facts = None, {}

    def added(self, path: str, interfaces: Mapping[str, Mapping[str, Any]]) -> None:
        if ADAPTER in interfaces and self.path in {None, path}:
            self.path, self._facts = path, dict(interfaces[ADAPTER])

    def removed(self, path: str, interfaces: list[str]) -> None:
        if path == self.path and ADAPTER in interfaces:
            self.went()

    def changed(self, path: str, interface: str, properties: Mapping[str, Any]) -> None:
        if path == self.path and interface == ADAPTER:
            self._facts.update(properties)

    @property
    def health(self) -> Health:
        if not self._line.present:
            return Health.GONE
        if self.path is None:
            return Health.BLOCKED if self._is_blocked() else Health.ABSENT
        if self._facts.get("Powered"):
            return Health.READY
        return Health.BLOCKED if self._is_blocked() else Health.OFF

    @property
    def is_discovering(self) -> bool:
        return bool(self._facts.get("Discovering"))

    def state(self, health: Health) -> AdapterState:
        return AdapterState(
            health=health,
            name=self.path.rpartition("/")[2] if self.path else None,
            stack=_stack(self._facts.get("Modalias")) if self._line.present else None,
            resets=self.resets,
        )

    def _is_blocked(self) -> bool:
        return any(switch for kind, switch in self._switches() if kind == "bluetooth")

    def _switches(self) -> list[tuple[str, bool]]:
        """What the kernel says of each transmitter: its kind, and whether it is blocked."""
        try:
            return [
                (
                    (entry / "type").read_text().strip(),
                    "1" in {(entry / name).read_text().strip() for name in ("soft", "hard")},
                )
                for entry in self._rfkill.iterdir()
            ]
        except OSError:
            return []  # no rfkill in this kernel, or a transmitter just went

    async def reset(self) -> None:
        """Power off and on. Where BlueZ is not running, the bus may start it.

        Raises:
            BleakDBusError: BlueZ refused, or is not there.
        """
        self.resets += 1
        if self.path is None:
            await self._line.objects()
            raise BleakDBusError("org.bluez.Error.NotReady", ["no adapter"])
        if self._facts.get("Powered"):
            await self._power(on=False)
        await self._power(on=True)

    async def _power(self, *, on: bool) -> None:
        if self.path is not None:
            body = [ADAPTER, "Powered", Variant("b", on)]
            await self._line.call(self.path, PROPERTIES, "Set", "ssv", body)


def _stack(modalias: object) -> str:
    """BlueZ writes its version into the device id of its adapter: `…d0552` is 5.82."""
    version = str(modalias or "").rpartition("d")[2]
    try:
        return f"BlueZ {int(version[:2], 16)}.{int(version[2:4], 16)}"
    except ValueError:
        return "BlueZ"
