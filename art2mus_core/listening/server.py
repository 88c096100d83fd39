"""The server of a listening test: one static page, four calls, and media under random names.

Calls send and receive JSON:

    GET  /api/study                                    -> pages, minutes, mode, share that must be played
    POST /api/begin   {"consent": true}                -> a listener, and their first page
    POST /api/next    {"listener"}                     -> progress and next page
    POST /api/answer  {"listener", "page", "answers", "heard"}   -> progress and next page
    GET  /media/PAGE/artwork, /media/PAGE/1, /media/PAGE/2
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from ..errors import EvaluationError, SettingError
from .answers import LEAST_PLAYED, UnknownTokenError
from .material import Material
from .store import Store

__all__ = ["application", "serve"]

PAGE = Path(__file__).parent / "page"
STATIC = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in ("listening", "player", "element", "texts")},
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "art2mus",
    "X-Content-Type-Options": "nosniff",
}
LARGEST_BODY = 16_384
SECONDS_TO_JUDGE = 10
"""Time for the answers of a page, for the estimated duration before the test."""

STORE: web.AppKey[Store] = web.AppKey("store", Store)
MATERIAL: web.AppKey[Material] = web.AppKey("material", Material)


def application(store: Store, material: Material) -> web.Application:
    """Build the web application of a study.

    Args:
        store: the open study, which receives the answers.
        material: copies of artworks and sounds.
    """
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_explain])
    app[STORE], app[MATERIAL] = store, material
    app.on_response_prepare.append(_add_headers)
    app.add_routes(
        [
            *(web.get(address, _static) for address in STATIC),
            web.get("/favicon.ico", _nothing),
            web.get("/api/study", _study),
            web.post("/api/begin", _begin),
            web.post("/api/next", _next),
            web.post("/api/answer", _answer),
            web.get("/media/{page}/{name:artwork|1|2}", _media),
        ]
    )
    return app


async def serve(
    store: Store,
    artworks: dict[str, Path],
    sounds: dict[tuple[str, str, str], Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    on_ready: Callable[[str], None],
) -> None:
    """Run the server until it is cancelled.

    Args:
        store: the open study.
        artworks: picture files by id.
        sounds: sound files by the key of their sound.
        host: address to bind to; 127.0.0.1 for this machine only, 0.0.0.0 for all networks.
        port: port to bind to; 0 for any free port.
        on_ready: called with the page's address.

    Raises:
        SettingError: the address cannot be bound.
    """
    with TemporaryDirectory(prefix="listening-") as copies:
        runner = web.AppRunner(application(store, Material(artworks, sounds, Path(copies))), access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise SettingError(
                    f"{host}:{port} cannot be used ({error.strerror})",
                    "an address of this machine and a free port",
                    "Choose another --port, or 0 for any.",
                ) from error
            on_ready(f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}/")
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


@web.middleware
async def _explain(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Return errors as JSON with a message."""
    try:
        return await handler(request)
    except EvaluationError as error:
        status = 404 if isinstance(error, UnknownTokenError) else 400
        return web.json_response({"error": str(error)}, status=status)
    except web.HTTPException as refusal:
        return web.json_response({"error": refusal.reason}, status=refusal.status)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def _nothing(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def _static(request: web.Request) -> web.Response:
    name, kind = STATIC[request.path]
    return web.Response(body=(PAGE / name).read_bytes(), content_type=kind, charset="utf-8")


async def _study(request: web.Request) -> web.Response:
    store = request.app[STORE]
    pages = store.design.length(store.systems)
    seconds = sum(sound.seconds for sound in store.sounds.values()) / len(store.sounds)
    seconds = pages * (seconds * (1 if store.design.mode == "rating" else 2) + SECONDS_TO_JUDGE)
    return web.json_response(
        {"pages": pages, "minutes": max(1, round(seconds / 60)), "mode": store.design.mode, "share": LEAST_PLAYED}
    )


async def _begin(request: web.Request) -> web.Response:
    store, body = request.app[STORE], await _body(request, consent=bool)
    if not body["consent"]:
        raise EvaluationError("no consent", "consent to take part", "Agree first.")
    listener = store.begin()
    return web.json_response({"listener": listener, **_progress(store, listener)})


async def _next(request: web.Request) -> web.Response:
    body = await _body(request, listener=str)
    return web.json_response(_progress(request.app[STORE], body["listener"]))


async def _answer(request: web.Request) -> web.Response:
    store, body = request.app[STORE], await _body(request, listener=str, page=str, answers=dict, heard=list)
    store.answer(body["listener"], body["page"], body["answers"], body["heard"])
    return web.json_response(_progress(store, body["listener"]))


async def _media(request: web.Request) -> web.Response:
    """Return an artwork or a sound; a thread makes its copy, which takes a moment at the first request."""
    name, material = request.match_info["name"], request.app[MATERIAL]
    artwork, sounds = request.app[STORE].media_of(request.match_info["page"])
    if name == "artwork":
        return web.Response(body=await asyncio.to_thread(material.picture, artwork), content_type="image/jpeg")
    if int(name) > len(sounds):
        raise UnknownTokenError
    content = await asyncio.to_thread(material.sound, sounds[int(name) - 1])
    return _ranged(request, content)


def _ranged(request: web.Request, content: bytes) -> web.Response:
    """Return the requested range of a sound (RFC 9110, section 14), which browsers need for seeking."""
    try:
        wanted = request.http_range
    except ValueError:
        wanted = slice(None)
    start, stop, _ = wanted.indices(len(content))
    ranges = {"Accept-Ranges": "bytes"}
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=content, content_type="audio/flac", headers=ranges)
    if start >= stop:
        return web.Response(status=416, headers={**ranges, "Content-Range": f"bytes */{len(content)}"})
    ranges["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    return web.Response(status=206, body=content[start:stop], content_type="audio/flac", headers=ranges)


async def _body(request: web.Request, **kinds: type) -> dict[str, Any]:
    """Return the request's JSON object, which must have exactly these keys.

    Only accepts `application/json`, which pages of other origins cannot send without a preflight request.

    Raises:
        EvaluationError: any other body.
    """
    expected = ", ".join(f"{name} ({kind.__name__})" for name, kind in kinds.items())
    try:
        body = await request.json() if request.content_type == "application/json" else None
    except ValueError:
        body = None
    if not isinstance(body, dict) or set(body) != set(kinds) or any(type(body[key]) is not kinds[key] for key in kinds):
        raise EvaluationError("an invalid request", f"a JSON object of {expected}", "Reload the page.")
    return body


def _progress(store: Store, listener: str) -> dict[str, Any]:
    turn = store.turn(listener)
    return {"done": turn.done, "total": turn.total, "page": turn.page and turn.page._asdict()}
