"""What a running server tells the front end of one client, over its websocket."""

from __future__ import annotations

import json
import socket
import struct
import uuid
from collections.abc import Iterator
from itertools import takewhile
from typing import Self

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
"""Every client sends sixteen bytes in base64; the server proves with them that it speaks the protocol."""
SIZES = {126: ">H", 127: ">Q"}
"""How a longer size is written behind these."""
ENDS = {"execution_success", "execution_interrupted", "execution_error"}


class Listener:
    """One connection. Prompts with its name as their `client_id` are heard of."""

    def __init__(self, port: int) -> None:
        self.name = uuid.uuid4().hex
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._stream = self._socket.makefile("rb")
        wishes = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}"
        asked = f"GET /ws?clientId={self.name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{wishes}\r\n\r\n"
        self._socket.sendall(asked.encode())
        assert b" 101 " in self._stream.readline()
        while self._stream.readline().strip():
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()

    def messages(self) -> Iterator[tuple[str, dict | bytes]]:
        """Kind and body; pictures have no kind."""
        while True:
            first, size = self._stream.read(2)
            if size in SIZES:
                (size,) = struct.unpack(SIZES[size], self._stream.read(struct.calcsize(SIZES[size])))
            body = self._stream.read(size)
            if first & 15 == 1:
                message = json.loads(body)
                yield message["type"], message["data"]
            elif first & 15 == 2:
                yield "", body

    def until_the_end(self) -> list[tuple[str, dict | bytes]]:
        """All messages up to the one that says how a prompt ended."""
        return list(takewhile(lambda message: message[0] not in ENDS, self.messages()))
