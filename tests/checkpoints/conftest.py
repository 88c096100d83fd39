"""A real server on this machine, with the faults of real servers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Shelf:
    """What the server offers, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    documents: dict[str, object] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    lengths: bool = True
    mark: str = "one"
    status: int = 200
    gate: threading.Event | None = None
    url: str = ""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def gets(self, path: str) -> list[str | None]:
        """The ranges asked for in the GET requests of a path."""
        return [headers.get("range") for method, asked, headers in self.asked if (method, asked) == ("GET", path)]


class Handler(BaseHTTPRequestHandler):
    shelf: Shelf

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = self.path.split("?")[0]
        self.shelf.asked.append((self.command, path, {key.lower(): value for key, value in self.headers.items()}))
        if self.shelf.status != 200:
            self.say(self.shelf.status)
        elif path in self.shelf.moved:
            self.say(302, {"Location": self.shelf.moved[path]})
        elif path in self.shelf.documents:
            self.give(json.dumps(self.shelf.documents[path]).encode(), {"Content-Type": "application/json"})
        elif path in self.shelf.files:
            self.part(self.shelf.files[path])
        else:
            self.say(404, {"X-Error-Code": "RepoNotFound"} if path.startswith("/api/") else None)

    def part(self, content):
        mark, asked = f'"{self.shelf.mark}"', self.headers.get("Range")
        same = self.headers.get("If-Range", mark) == mark
        if not (asked and self.shelf.ranges and same):
            self.give(content, {"ETag": mark}, cuts=self.shelf.cut_after)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(content):
            self.say(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.give(content[start:], {"ETag": mark, "Content-Range": span}, 206, self.shelf.cut_after)

    def give(self, body, headers, status=200, cuts=()):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.shelf.lengths:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            if self.shelf.gate:
                self.wfile.write(body[:1])
                self.wfile.flush()
                self.shelf.gate.wait(20)
                body = body[1:]
            whole = cuts.pop(0) if cuts else len(body)
            self.wfile.write(body[:whole])

    def say(self, status, headers=None):
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server that is up, empty and honest."""
    found = Shelf()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OfThisShelf", (Handler,), {"shelf": found}))
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()
