"""The pack's workflows in the host's template browser, where a file's name is all that is known of it.

The host lists files as the file system gives them, and its links (`?template=NAME&source=art2mus`) take no spaces.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["LINKS", "order_templates"]

FOLDER = Path(__file__).parents[1] / "workflows"
PACK = FOLDER.parent.name

LINKS = {
    "painting_to_music": "1 Painting to music",
    "two_paintings_blended": "2 Two paintings blended",
    "music_from_music": "3 Music from music",
    "painting_and_music_video": "4 Painting and music as video",
    "artwork_folder": "5 Folder of artworks",
    "score_music": "6 Score of the match",
    "image_generation_to_music": "7 Image generation to music",
    "published_audioldm2": "8 Published AudioLDM 2",
}
"""The file behind each name that links use. What runs at once has the first numbers."""


def linked(path: str) -> Path | None:
    """The file that is asked for by a link's name.

    Args:
        path: of the request.
    """
    folder, _, name = path.removeprefix("/api").rpartition("/")
    stem, dot, suffix = name.partition(".")
    known = folder == f"/workflow_templates/{PACK}" and stem in LINKS
    return FOLDER / f"{LINKS[stem]}{dot}{suffix}" if known else None


def order_templates() -> None:
    """Let the host list the workflows by their numbers, and open them by a link's name.

    Without a server, or with one that has begun to serve, they are listed in the file system's order.
    """
    from aiohttp import web
    from server import PromptServer

    @web.middleware
    async def serve(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if (path := linked(request.path)) and path.is_file():
            return web.FileResponse(path)
        answer = await handler(request)
        if request.path.removeprefix("/api") == "/workflow_templates" and isinstance(answer, web.Response):
            listed = json.loads(answer.text or "{}")
            return web.json_response(listed | {PACK: sorted(listed[PACK])} if PACK in listed else listed)
        return answer

    instance = getattr(PromptServer, "instance", None)
    if instance is not None and not instance.app.frozen:
        instance.app.middlewares.append(serve)
