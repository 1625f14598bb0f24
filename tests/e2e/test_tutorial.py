"""The tutorial as a reader does it: each of its blocks in order, in a shell, and what it says holds."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.servers.postgres import free_port

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-sync.md"
SHOWN_PORT = "8099"


@dataclass
class Reader:
    """Somebody at a terminal, in the folder that the tutorial makes."""

    folder: Path
    blocks: list[tuple[str, str]]

    def next(self, language: str) -> str:
        """The next block, which must be in this language."""
        found, text = self.blocks.pop(0)
        assert found == language
        return text

    def run(self, script: str) -> str:
        """What a block of commands prints; each of them must succeed."""
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def receiver(self, script: str, port: int) -> Iterator[Path]:
        """The second terminal; gives the file with what the receiver printed."""
        printed = self.folder / "printed"
        with printed.open("w") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {script}"], cwd=self.folder, env=environment(), stdout=out, stderr=out
            )
        try:
            while process.poll() is None and not listens(port):
                time.sleep(0.05)
            yield printed
        finally:
            process.terminate()
            process.wait()


def environment() -> dict[str, str]:
    folder = str(Path(sys.executable).parent)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAILRACE_")}
    return kept | {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": "100",
    }


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def requests(printed: Path) -> list[list[tuple[str, str]]]:
    """Of each request, the operation and key of its records."""
    documents: list[dict[str, Any]] = [
        json.loads(line) for line in printed.read_text().splitlines() if line.startswith("{")
    ]
    return [
        sorted((record["operation"], record["key"]) for record in document["records"])
        for document in documents
    ]


@pytest.mark.timeout(180)
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    port = free_port()
    page = PAGE.read_text().replace(SHOWN_PORT, str(port))
    reader = Reader(tmp_path, re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL))
    reader.run(reader.next("sh"))
    reader.folder = tmp_path / "shop"
    with reader.receiver(reader.next("sh"), port) as printed:
        (reader.folder / "tailrace.yml").write_text(reader.next("yaml"))
        shown = reader.run(reader.next("sh"))
        assert re.search(r"\+ added +3\b", shown)
        assert '"email": "ada@example.com"' in shown
        assert requests(printed) == []
        assert not (reader.folder / "shop.tailrace.duckdb").exists()

        again = reader.next("sh")
        reader.run(again)
        assert requests(printed) == [[("added", "1"), ("added", "2"), ("added", "3")]]
        reader.run(again)
        assert len(requests(printed)) == 1

        shown = reader.run(reader.next("sh"))
        for line in (r"\+ added +1\b", r"~ updated +1\b", r"− deleted +1\b", r"set aside +1\b"):
            assert re.search(line, shown)
        assert requests(printed)[1:] == [[("added", "4"), ("deleted", "3"), ("updated", "2")]]
        (command,) = re.findall(r"`(tailrace why [^`]+)`", page)
        assert "The destination has it as it is." in reader.run(command)
    assert reader.blocks == []
