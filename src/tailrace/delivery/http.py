"""The only module that knows the HTTP library; it sorts errors by whether anything may have been sent.

The library's exception classes do not tell a connection that never stood from one that broke (a reset after sending
is a ConnectError, too); only the chain of causes does. So NotSent is raised where that chain says in so many words
that connecting failed, and everything else is MaybeApplied: should the words change, outcomes get vaguer, never wrong.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from types import TracebackType
from typing import Self

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import DecodeError, DetailedPyreqwestError, PyreqwestError, RequestTimeoutError
from pyreqwest.http import Url
from pyreqwest.response import Response

from tailrace.delivery.verdict import MaybeApplied, NotSent
from tailrace.destinations.define import Answer, Request

CONNECT_SECONDS = 10.0
_NEVER_CONNECTED = "client error (Connect)"
_REFUSALS = (
    ("Connection refused", "connection_refused", "The destination refused the connection."),
    ("dns error", "dns", "The destination's host name could not be resolved."),
    ("timed out", "connect_timeout", "The destination did not accept a connection in time."),
)


class HttpClient:
    """Keeps connections alive, verifies TLS, follows no redirect, keeps no cookies, asks no proxy.

    Must be entered in the event loop that uses it.
    """

    def __init__(self, connections: int, timeout: float) -> None:
        self._connections = connections
        self._timeout = timeout
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        self._client = (
            ClientBuilder()
            .user_agent("Tailrace")
            .no_proxy()
            .follow_redirects(False)
            .referer(False)
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .timeout(timedelta(seconds=self._timeout))
            .connect_timeout(timedelta(seconds=min(CONNECT_SECONDS, self._timeout)))
            .pool_max_idle_per_host(self._connections)
            .pool_idle_timeout(timedelta(seconds=15))
            .build()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()

    async def exchange(self, request: Request, headers: dict[str, str], body: bytes, most: int) -> Answer:
        """Send once and give the answer, of whose body at most `most` bytes are read.

        Raises NotSent where nothing can have reached the destination, MaybeApplied where something may have.
        """
        assert self._client is not None
        answered: Response | None = None
        sending = (
            self._client.request(request.method, _address(request.url)).headers(headers).body_bytes(body)
        )
        try:
            async with sending.build_streamed() as answered:
                content, complete = await _read(answered, most)
                return Answer(answered.status, answered.headers, content, complete)
        except DetailedPyreqwestError as error:
            if answered is not None:
                return Answer(answered.status, answered.headers, b"", complete=False)
            raise self._sorted(error) from None
        except (PyreqwestError, TimeoutError):
            raise MaybeApplied("reset", "The connection was closed before an answer came.") from None

    def _sorted(self, error: DetailedPyreqwestError) -> NotSent | MaybeApplied:
        causes = [cause["message"] for cause in error.details.get("causes") or ()]
        if _NEVER_CONNECTED in causes:
            text = " ".join(causes)
            for words, reason, message in _REFUSALS:
                if words in text:
                    return NotSent(reason, message)
            if "certificate" in text or "tls" in text.lower():
                return NotSent("tls", f"The TLS connection failed: {causes[-1]}.")
            return NotSent("unreachable", f"No connection to the destination could be made: {causes[-1]}.")
        if isinstance(error, RequestTimeoutError):
            return MaybeApplied("timeout", f"No answer came within {self._timeout:g} seconds.")
        if isinstance(error, DecodeError):
            return MaybeApplied("malformed", "The answer was not HTTP.")
        return MaybeApplied("reset", "The connection was closed before an answer came.")


async def _read(response: Response, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes, and whether that was all; the rest of a longer answer is not read."""
    reader = response.body_reader
    length = response.get_header("content-length")
    said = int(length) if length is not None and length.isdecimal() else most
    first = bytes(await reader.read(min(said, most) + 1) or b"")
    if length is not None and len(first) == said <= most:
        return first, True
    content = bytearray(first)
    while len(content) <= most and (chunk := await reader.read(most + 1)):
        content += bytes(chunk)
    return bytes(content[:most]), len(content) <= most


@lru_cache(maxsize=16)
def _address(url: str) -> Url:
    """Taken apart once: doing so costs a tenth of a small request."""
    return Url(url)
