"""Additions to the host's web server: pictures of the samples, sorted workflows and links to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from .folders import sample_path
from .templates import keep_links, order_templates

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["extend_server"]

VIEWS = ("/view", "/api/view")
"""Addresses at which the front end requests pictures."""


def extend_server() -> None:
    """Install the additions, unless there is no server or it has already started."""
    from server import PromptServer

    instance = getattr(PromptServer, "instance", None)
    if instance is not None and not instance.app.frozen:
        _show_samples(instance.app)
        order_templates(instance.app)
        keep_links(instance.routes)


def _show_samples(app: web.Application) -> None:
    """Answer requests for the picture of a packaged sample, which is outside the host's folders."""
    from aiohttp import web

    @web.middleware
    async def serve(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        name = request.query.get("filename", "") if request.path in VIEWS else ""
        path = sample_path(name)
        return web.FileResponse(path) if path else await handler(request)

    app.middlewares.append(serve)
