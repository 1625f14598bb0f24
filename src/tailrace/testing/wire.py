"""Just enough HTTP/1.1 for a receiver that is faster than what it tests, and can break off anywhere."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COUNTED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True, slots=True)
class Message:
    """One request, whole."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


def answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of an answer; what is not text is sent as JSON."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    own = {"Content-Type": "application/json", "Content-Length": str(len(content))} | dict(headers or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in own.items())
    return f"HTTP/1.1 {status} {phrase}\r\n{lines}\r\n".encode() + content


class Connection(asyncio.Protocol):
    """Parses requests with a Content-Length and handles them one after another."""

    def __init__(
        self,
        register: set[Connection],
        handle: Callable[[Message, Connection], Awaitable[None]],
        count: Callable[[int], None] | None,
    ) -> None:
        self._register = register
        self._handle = handle
        self._count = count
        self._buffer = bytearray()
        self._missing = 0
        self._waiting: deque[Message] = deque()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._register.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._register.discard(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) < self._missing:
            return
        self._missing = 0
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._buffer, 0, end + 2)
            size = int(found.group(1)) if found else 0
            whole = end + 4 + size
            if len(self._buffer) < whole:
                if b"100-continue" in self._buffer[:end].lower():
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._missing = whole
                return
            if self._count is not None and not self._buffer.startswith((b"GET /__", b"POST /__")):
                self._count(size)
                self._transport.write(_COUNTED)
            else:
                self._waiting.append(
                    _message(bytes(self._buffer[:end]), bytes(self._buffer[end + 4 : whole]))
                )
            del self._buffer[:whole]
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def write(self, data: bytes) -> None:
        """Send bytes, if the other side is still there."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close in good order after what was written."""
        self._transport.close()

    def abort(self) -> None:
        """Break off, so that the other side sees a reset."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    async def trickle(self, data: bytes, seconds: float) -> None:
        """Send bytes in ten pieces over that time."""
        step = max(1, len(data) // 10)
        for start in range(0, len(data), step):
            self.write(data[start : start + step])
            await asyncio.sleep(seconds / 10)

    async def _work(self) -> None:
        try:
            while self._waiting and not self._transport.is_closing():
                await self._handle(self._waiting.popleft(), self)
        finally:
            self._task = None


def _message(head: bytes, body: bytes) -> Message:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    pairs = (line.partition(":") for line in lines)
    return Message(
        method, rest.partition(" ")[0], {name.strip().lower(): text.strip() for name, _, text in pairs}, body
    )
