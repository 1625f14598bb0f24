"""The demo's business tool: keeps what it is sent, and refuses addresses without an @.

Runs as a process of its own: `python -m tailrace.cli.demo.receiver`. Prints its address as the first line,
and ends when its input is closed, so that it never outlives the demo unless asked to.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LOCK = threading.Lock()


class Kept:
    """What the receiver holds: records by key, and counts of what it saw."""

    def __init__(self) -> None:
        self.records: dict[str, Any] = {}
        self.counts: Counter[str] = Counter()
        self.refused: dict[str, str] = {}

    def take(self, change: dict[str, Any]) -> dict[str, str] | None:
        """Apply one change; gives the result of a record that is refused."""
        key, operation, record = change["key"], change["operation"], change["record"]
        if operation == "deleted":
            self.records.pop(key, None)
            self.refused.pop(key, None)
        elif "@" not in (record.get("email") or ""):
            self.counts["refused"] += 1
            self.refused[key] = str(record.get("email"))
            message = f"'{record.get('email')}' is no e-mail address"
            return {"key": key, "status": "rejected", "code": "invalid_email", "message": message}
        else:
            self.records[key] = record
            self.refused.pop(key, None)
        self.counts[operation] += 1
        return None

    def summary(self) -> dict[str, Any]:
        """Counts since the start."""
        return {"records": len(self.records), **self.counts, "refused_keys": sorted(self.refused)}


class Receiver(ThreadingHTTPServer):
    """An HTTP server around what is kept."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.kept = Kept()
        self.token = os.environ.get("TAILRACE_DEMO_TOKEN", "")


class Conversation(BaseHTTPRequestHandler):
    """POST /crm takes records; GET /summary and /records tell; POST /stop ends it, with the demo's token."""

    protocol_version = "HTTP/1.1"
    server: Receiver  # pyright: ignore[reportIncompatibleVariableOverride]
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/stop":
            allowed = bool(self.server.token) and self.headers.get("X-Token") == self.server.token
            self._answer({"stopping": allowed}, 200 if allowed else 403)
            if allowed:
                threading.Thread(target=self.server.shutdown).start()
            return
        try:
            changes = _changes(json.loads(body))
        except (ValueError, TypeError) as error:
            self._answer({"error": str(error)}, 400)
            return
        with _LOCK:
            self.server.kept.counts["requests"] += bool(changes)
            results = [self.server.kept.take(change) for change in changes]
        self._answer({"results": [result for result in results if result]})

    def do_GET(self) -> None:
        with _LOCK:
            answers = {"/summary": self.server.kept.summary(), "/records": dict(self.server.kept.records)}
        if self.path in answers:
            self._answer(answers[self.path])
        else:
            self._answer({"error": "there is /summary and /records"}, 404)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the demo's own output is what people look at."""

    def _answer(self, document: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _changes(message: Any) -> list[dict[str, Any]]:
    """The changes of a request: none of a test message; raises ValueError for what the demo does not send."""
    if not isinstance(message, dict):
        raise ValueError("the demo's receiver takes JSON objects, with `envelope: records`")
    if message.get("type") == "tailrace.test":
        return []
    changes = message.get("records", [message])
    if any(not {"operation", "key", "record"} <= change.keys() for change in changes):
        raise ValueError("a change has an operation, a key and a record")
    return changes


def serve() -> None:
    """Serve until stopped; without --keep, until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    receiver = Receiver(options.port)
    print(f"http://127.0.0.1:{receiver.server_address[1]}", flush=True)
    if not options.keep:
        threading.Thread(target=_until_input_ends, args=(receiver,), daemon=True).start()
    receiver.serve_forever(poll_interval=0.1)


def _until_input_ends(receiver: Receiver) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    receiver.shutdown()


if __name__ == "__main__":
    serve()
