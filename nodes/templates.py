"""The pack's workflows in the host's template browser.

The host shows workflows by file name, in the order of the file system, so the names are numbered titles and the list is
sorted here. Its links (`?template=NAME&source=art2mus`) do not accept the spaces in those titles, so each workflow also has
a short name.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["LINKS", "in_order", "keep_links", "order_templates"]

FOLDER = Path(__file__).parents[1] / "workflows"
PACK = FOLDER.parent.name
LISTS = ("/workflow_templates", "/api/workflow_templates")

LINKS = {
    "painting_to_music": "1 Painting to music",
    "two_paintings_blended": "2 Two paintings blended",
    "music_from_music": "3 Music from music",
    "painting_and_music_video": "4 Painting and music as video",
    "artwork_folder": "5 Folder of artworks",
    "score_music": "6 Score of the match",
    "painting_and_comment": "7 Painting and comment to music",
    "image_generation_to_music": "8 Image generation to music",
    "published_audioldm2": "9 Published AudioLDM 2",
}
"""Short names and file names. Workflows that run without downloads come first."""


def keep_links(routes: web.RouteTableDef) -> None:
    """Serve each workflow also under its short name."""
    from aiohttp import web

    for name, stem in LINKS.items():

        async def serve(_: web.Request, path: Path = FOLDER / f"{stem}.json") -> web.StreamResponse:
            return web.FileResponse(path)

        routes.get(f"/workflow_templates/{PACK}/{name}.json")(serve)


def order_templates(app: web.Application) -> None:
    """Sort the pack's workflows in the host's list; all other answers pass unchanged."""
    from aiohttp import web

    @web.middleware
    async def sort(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        answer = await handler(request)
        if request.path in LISTS and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            answer.body = in_order(answer.body)
        return answer

    app.middlewares.append(sort)


def in_order(listed: bytes) -> bytes:
    """The host's JSON list of workflows by pack, with this pack's sorted; anything else is returned unchanged."""
    try:
        packs = json.loads(listed)
        names = packs[PACK]
        return listed if names == sorted(names) else json.dumps({**packs, PACK: sorted(names)}).encode()
    except (ValueError, LookupError, TypeError):
        return listed
