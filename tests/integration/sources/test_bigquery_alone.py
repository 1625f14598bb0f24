"""No request leaves for any host but the configured ones: counted by the kernel, in a network without a way out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ALONE = ("unshare", "--map-root-user", "--net")


def test_nothing_is_sent_anywhere_but_to_the_configured_hosts(tmp_path: Path) -> None:
    """Also not by the C core of gRPC, nor unasked by the libraries in the background."""
    if shutil.which("unshare") is None or subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network of its own (unshare --map-root-user --net)")
    run = subprocess.run(
        [*ALONE, sys.executable, "-m", "tests.integration.sources.bigquery_alone", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["control"] > 0, "the kernel counts what leaves"
    assert (found["failed"], found["delivered"]) == ([], [2, 0])
    assert found["left"] == 0
