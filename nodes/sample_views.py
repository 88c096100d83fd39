"""Lets the front end show packaged samples, which lie in none of the folders it may look into."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from .folders import sample_path

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["show_samples"]

VIEWS = ("/view", "/api/view")
"""Where the front end asks for the picture of a file name."""


def show_samples(app: web.Application) -> None:
    """Answer the front end's question for a sample's picture; every other question goes on to the host."""
    from aiohttp import web

    @web.middleware
    async def serve(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        wanted = request.query.get("filename", "") if request.path in VIEWS else ""
        path = sample_path(wanted)
        return web.FileResponse(path) if path else await handler(request)

    app.middlewares.append(serve)
