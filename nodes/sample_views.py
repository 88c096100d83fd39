"""Serves pictures of the packaged samples, which are outside the folders that the front end can read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from .folders import sample_path

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["show_samples"]

VIEWS = ("/view", "/api/view")
"""Addresses at which the front end requests pictures."""


def show_samples(app: web.Application) -> None:
    """Answer requests for the picture of a sample; all others go to the host."""
    from aiohttp import web

    @web.middleware
    async def serve(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        name = request.query.get("filename", "") if request.path in VIEWS else ""
        path = sample_path(name)
        return web.FileResponse(path) if path else await handler(request)

    app.middlewares.append(serve)
