"""A server that speaks as OpenAI's chat completions do, and misbehaves when told to."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NOW = {"retry-after-ms": "1"}


def completion(content: str | None, tokens: tuple[int, int] | None = (700, 30)) -> dict:
    usage = tokens and {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def rating(feeling: int, reason: str = "Both are calm.") -> dict:
    return completion(json.dumps({"reason": reason, "feeling": feeling}))


class Answering(ThreadingHTTPServer):
    """What it is asked is in `asked`: path, headers by their names in lower case, and body. It answers from `replies`, then with `usual`.

    A reply is a body; or a status, headers and a body; or a number of seconds to stay silent.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked, self.replies, self.usual = [], [], lambda body: rating(4)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Answering = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        reply = server.replies.pop(0) if server.replies else server.usual(body)
        if isinstance(reply, float):
            time.sleep(reply)
            reply = rating(1)
        status, headers, document = reply if isinstance(reply, tuple) else (200, {}, reply)
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": len(content), **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering() -> Iterator[Answering]:
    with Answering() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def parts(body):
    """What a request shows: the picture's bytes, and the other part of the message."""
    picture, music = body["messages"][1]["content"]
    return base64.b64decode(picture["image_url"]["url"].removeprefix("data:image/jpeg;base64,")), music
