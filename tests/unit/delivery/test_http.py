"""How much of an answer is read, over real HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tailrace.delivery.http import HttpClient
from tailrace.destinations.define import Answer, Request

BODY = b"0123456789"


class _Answers(BaseHTTPRequestHandler):
    """Ten bytes, with their length where the path is /told, else until the connection ends."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("X-Seen", "Yes")
        if self.path == "/told":
            self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def _asked(url: str, most: int) -> Answer:
    async with HttpClient(1, 30.0) as http:
        return await http.exchange(Request("POST", url), {}, b"{}", most)


@pytest.mark.parametrize("path", ["/told", "/untold"])
@pytest.mark.parametrize("most", [8, 9, 10, 11])
def test_an_answer_is_whole_up_to_the_most_that_is_read(address: str, path: str, most: int) -> None:
    answer = asyncio.run(_asked(address + path, most))
    assert (answer.status, answer.headers["x-seen"]) == (200, "Yes")
    assert (answer.body, answer.complete) == (BODY[:most], most >= len(BODY))
