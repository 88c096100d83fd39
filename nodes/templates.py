"""The pack's workflows in the host's template browser, where a file's name is all that is known of it.

The host lists files in the order of the disk, which only some disks keep sorted, and knows no list of ours. Names that are
numbered and read as titles hold spaces, which its links (`?template=NAME&source=art2mus`) do not take.
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
    "image_generation_to_music": "7 Image generation to music",
    "published_audioldm2": "8 Published AudioLDM 2",
}
"""The file behind each name that links use. What runs at once has the first numbers."""


def keep_links(routes: web.RouteTableDef) -> None:
    """Give each workflow a second address, by which links find it."""
    from aiohttp import web

    for name, stem in LINKS.items():

        async def give(_: web.Request, path: Path = FOLDER / f"{stem}.json") -> web.StreamResponse:
            return web.FileResponse(path)

        routes.get(f"/workflow_templates/{PACK}/{name}.json")(give)


def order_templates(app: web.Application) -> None:
    """Have our names sorted in the host's list; every other answer, and all of others in it, stay what they are."""
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
    """The host's list of workflows by pack with ours sorted; what is no such list comes back as it is."""
    try:
        packs = json.loads(listed)
        names = packs[PACK]
        return listed if names == sorted(names) else json.dumps({**packs, PACK: sorted(names)}).encode()
    except (ValueError, LookupError, TypeError):
        return listed
