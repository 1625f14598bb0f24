"""A receiver in a process of its own, which honours idempotency keys and outlives every sync."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen


@dataclass(frozen=True)
class ReceiverProcess:
    """Where it listens, and what it says of itself."""

    url: str

    def state(self) -> dict[str, Any]:
        """The records it holds, by key."""
        return self._ask("/__state")["collections"].get("/hook", {})

    def stats(self) -> dict[str, Any]:
        """Counts of all that came."""
        return self._ask("/__stats")

    def fail(self, *faults: dict[str, Any]) -> None:
        """Replace the rules by which it misbehaves."""
        self._ask("/__faults", json.dumps(faults).encode())

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        with urlopen(Request(self.url.replace("/hook", path), data=body), timeout=60) as answer:
            return json.load(answer)


@contextmanager
def receiver_process() -> Iterator[ReceiverProcess]:
    """Start one on a free port; it is ended at the end."""
    command = [sys.executable, "-m", "tailrace.testing.receiver", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield ReceiverProcess(process.stdout.readline().strip())
        finally:
            process.kill()
