"""`tailrace demo` as a user runs it, twice in a row, with nothing in the place of anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_the_demo_runs_twice_in_a_row_and_the_receiver_equals_the_model(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TAILRACE_")}
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-m", "tailrace.cli", "demo", "--json"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        document = json.loads(ended.stdout)
        assert document["equal"] is True
        assert [step["exit_code"] for step in document["steps"]] == [0, 0, 0, 3, 0, 0]
        seen = document["receiver"]
        assert (seen["records"], seen["added"], seen["deleted"], seen["refused"]) == (3025, 3040, 15, 1)
        assert seen["refused_keys"] == ["42"]
        assert "invalid_email" in ended.stderr
