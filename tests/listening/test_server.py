"""Over real connections, on this machine's own address."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from urllib.request import Request, urlopen

import pytest
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.errors import SettingError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.listening.design import QUESTIONS
from art2mus_core.listening.material import Material
from art2mus_core.listening.server import application, serve

from .making import ARTWORKS, SYSTEMS, listening

SECRETS = [name.encode() for name in (*SYSTEMS, *ARTWORKS, "music", "gain", "repeat")]


class Listener:
    """Talks to a server; keeps all that was said to it, headers too."""

    def __init__(self, client):
        self.client, self.said = client, []

    async def get(self, address, **headers):
        return await self._kept(await self.client.get(address, headers=headers))

    async def post(self, call, /, status=200, **body):
        response, content = await self._kept(await self.client.post(f"/api/{call}", json=body))
        assert response.status == status, content
        return json.loads(content)

    async def _kept(self, response):
        content = await response.read()
        self.said.append(repr(sorted(response.headers.items())).encode() + content)
        return response, content


@pytest.fixture
def visit(open_one, music, tmp_path):
    """Runs a conversation with the server of a study."""

    def run(conversation, **settings):
        store, sounds = open_one(**{"rounds": 1, **settings})
        (tmp_path / "copies").mkdir(exist_ok=True)
        material = Material(dict(read_collection(music).artworks), sounds, tmp_path / "copies")

        async def converse():
            async with TestClient(TestServer(application(store, material))) as client:
                await conversation(Listener(client))

        asyncio.run(converse())
        return store

    return run


def test_a_whole_test_names_no_system_no_artwork_and_no_kind(visit, tmp_path):
    media = []

    async def conversation(listener):
        for address in ("/", "/style.css", "/listening.js", "/player.js", "/element.js", "/texts.js", "/api/study"):
            response, _ = await listener.get(address)
            assert response.status == 200
        listener.said.clear()
        turn = await listener.post("begin", consent=True)
        who = turn["listener"]
        while page := turn["page"]:
            for name in ("artwork", *map(str, range(1, page["sounds"] + 1))):
                response, content = await listener.get(f"/media/{page['token']}/{name}")
                assert {"ETag", "Last-Modified", "Content-Disposition"}.isdisjoint(response.headers)
                media.append((response.url.path, content))
            answers = dict.fromkeys(QUESTIONS[page["part"]], 1)
            turn = await listener.post(
                "answer", listener=who, page=page["token"], answers=answers, heard=[1] * page["sounds"]
            )
        assert turn["done"] == turn["total"]
        said = b"".join(listener.said)
        assert [secret for secret in SECRETS if secret in said] == []

    visit(conversation, mode="both")
    assert max(Counter(path for path, _ in media).values()) == 1
    for path, content in media:
        file = tmp_path / "seen"
        file.write_bytes(content)
        if path.endswith("artwork"):
            with Image.open(file) as picture:
                assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        else:
            assert set(read_tags(file)) <= {"encoder"}
            assert read_audio(file).sample_rate == 8000


def test_the_estimate_counts_every_page(visit):
    async def conversation(listener):
        _, content = await listener.get("/api/study")
        assert json.loads(content) == {"pages": 9, "minutes": 2, "mode": "both", "share": 0.8}
        assert (await listener.post("begin", consent=True))["total"] == 9

    visit(conversation, mode="both")


def test_headers_allow_nothing_but_the_page_itself(visit):
    async def conversation(listener):
        for address in ("/", "/nothing", "/media/x/artwork", "/api/study"):
            response, _ = await listener.get(address)
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'")
            assert "unsafe" not in policy
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["Server"] == "art2mus"

    visit(conversation)


def test_sounds_come_in_ranges(visit):
    async def conversation(listener):
        page = (await listener.post("begin", consent=True))["page"]
        address = f"/media/{page['token']}/1"
        response, whole = await listener.get(address)
        assert (response.status, response.headers["Accept-Ranges"]) == (200, "bytes")
        assert response.content_type == "audio/flac"
        size = len(whole)
        for wanted, part in (
            ("bytes=0-99", slice(0, 100)),
            ("bytes=10-", slice(10, size)),
            ("bytes=-7", slice(size - 7, size)),
            (f"bytes=5-{size + 9}", slice(5, size)),
        ):
            response, content = await listener.get(address, Range=wanted)
            assert (response.status, content) == (206, whole[part])
            assert response.headers["Content-Range"] == f"bytes {part.start}-{part.stop - 1}/{size}"
        response, content = await listener.get(address, Range=f"bytes={size}-")
        assert (response.status, content) == (416, b"")
        response, content = await listener.get(address, Range="lines=1-2")
        assert (response.status, content) == (200, whole)

    visit(conversation)


def test_bad_requests_are_refused_in_one_sentence(visit):
    async def conversation(listener):
        who = (await listener.post("begin", consent=True))["listener"]
        for name, body in (
            ("begin", {}),
            ("begin", {"consent": False}),
            ("begin", {"consent": "yes"}),
            ("begin", {"consent": True, "name": "Ada"}),
            ("next", {"listener": 3}),
            ("answer", {"listener": who, "page": "x", "answers": [], "heard": []}),
        ):
            said = await listener.post(name, status=400, **body)
            assert set(said) == {"error"}
            assert "; expected " in said["error"]
        await listener.post("next", status=404, listener="nobody")
        await listener.post("answer", status=404, listener=who, page="nothing", answers={}, heard=[])
        client = listener.client
        for data, kind in (
            (b'{"consent": true}', "text/plain"),
            (b"{", "application/json"),
            (b"[]", "application/json"),
        ):
            response = await client.post("/api/begin", data=data, headers={"Content-Type": kind})
            assert response.status == 400
        response = await client.post("/api/begin", json={"consent": "x" * 20_000})
        assert response.status == 413
        assert (await client.get("/api/begin")).status == 405

    store = visit(conversation)
    assert store.answers() == []
    assert list(store.listeners()) == [1]


def test_only_the_media_of_pages_are_served(visit):
    async def conversation(listener):
        token = (await listener.post("begin", consent=True))["page"]["token"]
        for address in (
            f"/media/{token}/2",
            f"/media/{token}/3",
            f"/media/{token}/artwork/x",
            "/media/nothing/1",
            "/media/../store.py",
            "/media/%2e%2e/%2e%2e/1",
            f"/media/{token}/..%2f..%2fstudy.sqlite",
            "/study.sqlite",
            "/page/index.html",
        ):
            response, content = await listener.get(address)
            assert response.status == 404, address
            assert set(json.loads(content)) == {"error"}

    visit(conversation)


def test_a_server_that_was_killed_goes_on(music, tmp_path):
    options = ("--answers", str(tmp_path / "killed.sqlite"), "--rounds", "1")

    def call(address, name, **body):
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{address}api/{name}", json.dumps(body).encode(), headers)) as response:
            return json.load(response)

    with listening(music, *options) as (address, process):
        turn = call(address, "begin", consent=True)
        who, page = turn["listener"], turn["page"]["token"]
        answers = dict.fromkeys(QUESTIONS["rating"], 2)
        turn = call(address, "answer", listener=who, page=page, answers=answers, heard=[0.9])
        process.kill()
    with listening(music, *options) as (address, _):
        assert call(address, "next", listener=who) == {key: turn[key] for key in ("done", "total", "page")}
        assert turn["done"] == 1


def test_an_address_that_is_taken(open_one):
    store, sounds = open_one()

    async def twice():
        ready = asyncio.Event()
        addresses = []

        def on_ready(address):
            addresses.append(address)
            ready.set()

        first = asyncio.create_task(serve(store, {}, sounds, port=0, on_ready=on_ready))
        await ready.wait()
        port = int(addresses[0].rstrip("/").rpartition(":")[2])
        with pytest.raises(SettingError, match=f"{port} cannot be used"):
            await serve(store, {}, sounds, port=port, on_ready=on_ready)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(twice())
