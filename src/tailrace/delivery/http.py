"""The only module that knows the HTTP library; it sorts errors by whether anything may have been sent."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tailrace.delivery.verdict import MaybeApplied, NotSent
from tailrace.destinations.define import Answer, Request

if TYPE_CHECKING:
    import aiohttp

CONNECT_SECONDS = 10.0
_CHUNK = 1 << 16


class HttpClient:
    """Keeps connections alive, verifies TLS, follows no redirect, keeps no cookies, asks no proxy.

    Must be entered in the event loop that uses it.
    """

    def __init__(self, connections: int, timeout: float) -> None:
        self._connections = connections
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        import aiohttp

        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=15),
            timeout=aiohttp.ClientTimeout(
                total=self._timeout, sock_connect=min(CONNECT_SECONDS, self._timeout)
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "Tailrace", "Accept-Encoding": "identity"},
            max_line_size=16_384,
            max_field_size=16_384,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def exchange(self, request: Request, headers: dict[str, str], body: bytes, most: int) -> Answer:
        """Send once and give the answer, of whose body at most `most` bytes are read.

        Raises NotSent where nothing can have reached the destination, MaybeApplied where something may have.
        """
        import aiohttp

        assert self._session is not None
        try:
            async with self._session.request(
                request.method, request.url, data=body, headers=headers, allow_redirects=False
            ) as response:
                length = response.content_length
                try:
                    if length is not None and length <= most:
                        return Answer(response.status, response.headers, await response.read())
                    content, complete = await _read(response, most)
                except (aiohttp.ClientError, TimeoutError):
                    content, complete = b"", False
                return Answer(response.status, response.headers, content, complete)
        except aiohttp.ConnectionTimeoutError:
            raise NotSent("connect_timeout", "The destination did not accept a connection in time.") from None
        except aiohttp.ClientConnectorDNSError:
            raise NotSent("dns", "The destination's host name could not be resolved.") from None
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch) as error:
            raise NotSent("tls", f"The TLS connection failed: {_tls_reason(error)}.") from None
        except aiohttp.ClientConnectorError as error:
            reason = (
                "connection_refused" if isinstance(error.os_error, ConnectionRefusedError) else "unreachable"
            )
            detail = error.os_error.strerror or type(error.os_error).__name__
            raise NotSent(reason, f"No connection to the destination could be made: {detail}.") from None
        except TimeoutError:
            raise MaybeApplied("timeout", f"No answer came within {self._timeout:g} seconds.") from None
        except aiohttp.ClientResponseError:
            raise MaybeApplied("malformed", "The answer was not HTTP.") from None
        except (aiohttp.ClientError, ConnectionError, asyncio.IncompleteReadError):
            raise MaybeApplied("reset", "The connection was closed before an answer came.") from None


async def _read(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """At most `most` bytes, and whether that was all; the rest of a longer answer is not read."""
    content = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > most:
            response.close()
            return bytes(content[:most]), False
    return bytes(content), True


def _tls_reason(error: Exception) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    return getattr(inner, "verify_message", None) or getattr(inner, "reason", None) or "handshake refused"
