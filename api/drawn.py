"""An answer that is drawn after the database connection was given back."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ccm_link.press import Press, PressFailed


class Drawn(Response):
    """A packet's PDF. It takes seconds, and pages need the connections meanwhile."""

    def __init__(self, press: Press, packet: bytes, headers: dict[str, str]) -> None:
        super().__init__(media_type="application/pdf", headers=headers)
        self._press, self._packet, self._named = press, packet, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            made = await self._press.pdf(self._packet)
        except PressFailed:
            answer = Response(
                "The PDF could not be drawn. The same packet can be had as JSON.",
                503,
                media_type="text/plain",
            )
        else:
            answer = Response(made, media_type="application/pdf", headers=self._named)
        await answer(scope, receive, send)
