"""What `record` returned for is there after the process is killed, and nothing is half there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.store.recorder import BATCH
from tests.unit.store.running import begin

from tailrace.outcomes import Span
from tailrace.store.rows import UnitPlan
from tailrace.store.store import open_store

LAST = 100_000_000


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_recorded_survives_kill_9(tmp_path: Path, environ: dict[str, str], seed: int) -> None:
    lines = random.Random(seed)
    with open_store(tmp_path, environ) as store:
        begin(store)
        store.ledger.open_units("sync-1", "me", [UnitPlan(0, Span(1, LAST), LAST)])
    told = 0
    for _ in range(2):
        command = [sys.executable, "-m", "tests.unit.store.recorder", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environ) as child:
            assert child.stdout is not None
            for _ in range(lines.randint(1, 40)):
                told = int(child.stdout.readline())
            child.kill()
            told = max([told, *(int(line) for line in child.stdout if line.endswith("\n"))])
        with open_store(tmp_path, environ) as store:
            unit = store.ledger.load("sync-1")[0]
            refused = [row.seq for row in store.ledger.exceptions("sync-1")]
        decided = sum(span.last - span.first + 1 for span in unit.resolved)
        assert any(span.first <= told <= span.last for span in unit.resolved)
        assert unit.resolved_records == decided
        assert unit.delivered["added"] + len(refused) == decided
        assert all(any(span.first <= seq <= span.last for span in unit.resolved) for seq in refused)
        assert 1 <= len(unit.in_flight) <= 2
        assert all(span.last - span.first + 1 == BATCH for span in unit.in_flight)
