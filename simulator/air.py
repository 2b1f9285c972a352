"""The air of one home, and the socket where a gateway in another process plugs in its host stack.

Each TCP client gets a fresh controller. When it goes, by SIGKILL too, its links drop as if the
gateway had left the room, and the next client starts clean.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from bumble import core, hci, ll
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.common import StreamPacketSource

_GATEWAY_ADDRESS = "F0:F1:F2:F3:F4:F6"


class Air(LocalLink):  # type: ignore[misc]  # Bumble is untyped
    """Bumble's link with two corrections of 0.0.236; delete them when upstream has them.

    And it can be made bad: after so many more packets to or from a device its link breaks.
    """

    def __init__(self) -> None:
        super().__init__()
        self._left: dict[str, int] = {}  # packets until the link of this address breaks
        self.packets: Counter[str] = Counter()  # by address, since it was last set to break

    def break_after(self, address: str, packets: int) -> None:
        """The packet with this number is lost, and the link with it; once."""
        self._left[address] = packets
        self.packets[address] = 0

    def mend(self, address: str) -> bool:
        """Whether it had not come to that."""
        return self._left.pop(address, None) is not None

    def _is_lost(self, *ends: Any) -> bool:
        """Counts a packet between two controllers; True if it is the one that breaks the link."""
        for address in (str(end.random_address).split("/")[0] for end in ends):
            if address not in self._left:
                continue
            self.packets[address] += 1
            if self.packets[address] > self._left[address]:
                del self._left[address]
                self._drop_link(*ends)
                return True
        return False

    def _drop_link(self, one: Any, other: Any) -> None:
        """What is on its way still arrives; from then on both sides hear nothing more."""
        loop = asyncio.get_running_loop()
        for near, far in ((one, other), (other, one)):
            for link in list(near.le_connections.values()):
                if self.find_le_controller(link.peer_address) is far:
                    reason = hci.HCI_CONNECTION_TIMEOUT_ERROR
                    loop.call_soon(near.on_le_disconnected, link, reason)

    def send_acl_data(
        self, sender_controller: Any, destination_address: Any, transport: Any, data: bytes
    ) -> None:
        """Give as source the address of the connection; upstream gives always the random one."""
        receiver = self.find_le_controller(destination_address)
        if receiver is None or transport != core.PhysicalTransport.LE:
            return
        if self._is_lost(sender_controller, receiver):
            return
        link = sender_controller.le_connections.get(destination_address)
        source = link.self_address if link else sender_controller.random_address
        asyncio.get_running_loop().call_soon(receiver.on_link_acl_data, source, transport, data)

    def send_ll_control_pdu(self, sender_address: Any, receiver_address: Any, packet: Any) -> None:
        """Say nothing to a controller that has left; upstream raises."""
        receiver = self.find_le_controller(receiver_address)
        sender = self.find_le_controller(sender_address)
        if receiver is None or sender is None:
            return
        if isinstance(packet, ll.TerminateInd) or not self._is_lost(sender, receiver):
            super().send_ll_control_pdu(sender_address, receiver_address, packet)


class _Nobody:
    def on_packet(self, packet: bytes) -> None:
        """Swallow what a departed host would have received."""


class GatewayPort(asyncio.Protocol):
    """HCI over one TCP connection."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._source = StreamPacketSource()
        self._controller: Any = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._controller = Controller(
            "gateway",
            host_source=self._source,
            host_sink=self,
            link=self._air,
            public_address=_GATEWAY_ADDRESS,
        )

    def on_packet(self, packet: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(packet)

    def data_received(self, data: bytes) -> None:
        self._source.data_received(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._controller.host = _Nobody()
        for link in list(self._controller.le_connections.values()):
            link.send_ll_control_pdu(ll.TerminateInd(hci.HCI_CONNECTION_TIMEOUT_ERROR))
        self._controller.le_connections.clear()
        self._air.remove_controller(self._controller)


@asynccontextmanager
async def serve(air: Air, host: str, port: int) -> AsyncIterator[str]:
    """Accept gateways; gives the address it listens on, with the port that was really taken."""
    server = await asyncio.get_running_loop().create_server(lambda: GatewayPort(air), host, port)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname()[:2])
    finally:
        server.close()
