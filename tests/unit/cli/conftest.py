"""Commands run in this process, in an empty folder, against a workspace of prepared answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.workspaces import FakeWorkspace

from tailrace.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeWorkspace]:
    """A fresh class of prepared answers, which every command opens."""
    made = type("Fresh", (FakeWorkspace,), {"calls": []})
    for module in ("tailrace.cli.context", "tailrace.cli.commands.look", "tailrace.cli.scaffold"):
        monkeypatch.setattr(f"{module}.workspace_class", lambda: made)
    return made


@pytest.fixture
def tailrace(
    fake: type[FakeWorkspace],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., Ended]:
    """Run a command line and tell how it ended."""
    for name in ("TAILRACE_ENV", "TAILRACE_STORE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Ended:
        capfd.readouterr()
        code = main(words)
        captured = capfd.readouterr()
        return Ended(code, captured.out, captured.err)

    return run
