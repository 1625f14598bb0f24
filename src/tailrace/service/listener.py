"""A destination on this machine, which takes every record and remembers what it took."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Listener:
    """Bodies of requests in their order of arrival, by idempotency key: a repeated request counts once."""

    url: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)

    def take(self) -> list[bytes]:
        """What arrived since the last time."""
        taken = list(self.bodies.values())
        self.bodies.clear()
        return taken


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen on a free port of the loopback interface until the end."""
    listener = Listener()

    class Take(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            listener.bodies.setdefault(self.headers.get("Idempotency-Key", ""), body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the terminal is the command's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    listener.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
