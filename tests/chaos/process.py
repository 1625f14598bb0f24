"""A real `tailrace sync`, watched through what `--verbose` says on its standard error."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Literal

from tests.e2e.project import command_environment

Note = Literal["planning", "planned", "sending", "committing"]
_PATIENCE = 120.0


class SyncProcess:
    """One process; `wait_for` returns when it has said that a phase began, or has ended."""

    def __init__(self, folder: Path) -> None:
        environ = command_environment()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tailrace.cli", "sync", "--json", "--verbose", "--project-dir", folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environ,
        )
        self.said: list[str] = []
        self._output = ""
        self._news = threading.Condition()
        self._ended = False
        self._readers = [threading.Thread(target=work) for work in (self._read_notes, self._read_output)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> SyncProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.alive:
            self._popen.kill()
        self.join()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """It has not ended yet."""
        return self._popen.poll() is None

    def wait_for(self, note: Note) -> bool:
        """Whether a phase began before its end."""
        return self.says(f": {note} ")

    def says(self, text: str) -> bool:
        """Whether it said so before its end."""
        with self._news:
            found = self._news.wait_for(
                lambda: self._ended or any(text in line for line in self.said), _PATIENCE
            )
            assert found, f"no {text!r} after {_PATIENCE} s: {self.said}"
            return any(text in line for line in self.said)

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; false where the process had ended before."""
        if not self.alive:
            return False
        self._popen.send_signal(number)
        return True

    def join(self) -> int:
        """Wait for the end and give the exit code, negative where a signal ended it."""
        code = self._popen.wait(_PATIENCE)
        for reader in self._readers:
            reader.join()
        return code

    @property
    def document(self) -> dict[str, Any] | None:
        """What it printed, once it has ended; None where it did not come to that."""
        return json.loads(self._output) if self._output.strip() else None

    def _read_notes(self) -> None:
        assert self._popen.stderr is not None
        with self._popen.stderr as notes:
            for line in notes:
                with self._news:
                    self.said.append(line.rstrip())
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _read_output(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as output:
            self._output = output.read()
