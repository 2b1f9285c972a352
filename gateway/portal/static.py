"""The few files that a browser needs, named by their contents so that it may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@cache
def names() -> frozenset[str]:
    return frozenset(path.name for path in FOLDER.iterdir() if path.suffix in _TYPES)


@cache
def address(name: str) -> str:
    """Where a page finds the file; another content has another address."""
    digest = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


async def serve(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in names():
        return Response(status_code=404)
    path = FOLDER / name
    headers = {"Cache-Control": _FOR_EVER} if "v" in request.query_params else {}
    return Response(path.read_bytes(), media_type=_TYPES[path.suffix], headers=headers)
