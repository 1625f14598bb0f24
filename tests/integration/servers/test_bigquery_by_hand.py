"""The one command that starts the stand-in prints all that a person needs, and ends when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.servers.bigquery.server import ROOT


def test_the_documented_command_prints_a_project_that_can_be_used() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.servers.bigquery"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            printed = []
            for line in process.stdout:
                printed.append(line.strip())
                if line.startswith("  people_to_crm:"):
                    break
            folder = Path(next(line for line in printed if line.startswith("PATH=")).rpartition(" cd ")[2])
            assert {path.name for path in folder.iterdir()} == {"key.json", "tailrace.yml"}
            assert process.stdin is not None
            process.stdin.write(
                "UPDATE people SET name = 'Ada L.' WHERE id = 1\nSELECT name FROM people WHERE id = 1\n"
            )
            process.stdin.write("SELECT name FROM nobody\n")
            process.stdin.flush()
            said = [line.strip() for _, line in zip(range(5), process.stdout, strict=False)]
            assert said[:4] == ["", "done", "Ada L.", "done"]
            assert said[4].startswith("notFound: Not found: Table")
            assert sum(line.startswith("export TAILRACE_BIGQUERY_") for line in printed) == 3
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    assert not folder.exists()
