"""The receiver as a process: started, asked, and never left behind by accident."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from decimal import Decimal
from typing import Any

from tailrace.errors import TailraceError

_SECONDS = 10


class ReceiverProcess:
    """The running receiver; closing it ends the process unless it is kept."""

    def __init__(self, *, keep: bool) -> None:
        self.keep = keep
        self.token = secrets.token_hex(16)
        more = ["--keep"] if keep else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tailrace.cli.demo.receiver", *more],
            stdin=subprocess.DEVNULL if keep else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "TAILRACE_DEMO_TOKEN": self.token},
            start_new_session=True,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise TailraceError(
                "the demo's receiver did not start", hint="Is 127.0.0.1 usable on this machine?"
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def get(self, path: str) -> dict[str, Any]:
        """Ask the receiver; numbers keep their digits."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=_SECONDS) as answer:
            return json.loads(answer.read(), parse_float=Decimal)

    def close(self) -> None:
        """End the process and wait for it, unless it is kept."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        if self.keep:
            self._process.returncode = 0  # Not ours to wait for any more.
            return
        try:
            self._process.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def stop_kept(url: str, token: str) -> None:
    """Stop a receiver that an earlier demo left running; no error if it has gone."""
    request = urllib.request.Request(f"{url}/stop", data=b"", headers={"X-Token": token}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS):
            pass
    except (urllib.error.URLError, OSError, ValueError):
        return
