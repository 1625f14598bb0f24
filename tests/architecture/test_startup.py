"""Commands that need no warehouse start without loading what only a sync needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "adbc_driver_manager",
    "aiohttp",
    "alembic",
    "asyncio",
    "duckdb",
    "numpy",
    "psycopg",
    "pyarrow",
    "pyreqwest",
    "sqlalchemy",
    "sqlglot",
)
_AFTER = f"print(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"


def loaded(program: str, folder: Path) -> str:
    """The heavy libraries that a program loads."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\n{_AFTER}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "", "NO_COLOR": "1"},
    )
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "module",
    [
        "tailrace",
        "tailrace.outcomes",
        "tailrace.spec",
        "tailrace.sources.base",
        "tailrace.store.store",
        "tailrace.store.rows",
        "tailrace.service.documents",
    ],
)
def test_importing_costs_nothing(module: str, tmp_path: Path) -> None:
    assert loaded(f"import {module}", tmp_path) == ""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sync", "--help"], ["schema"]])
def test_a_command_that_needs_nothing_loads_nothing(arguments: list[str], tmp_path: Path) -> None:
    program = f"from tailrace.cli.main import main\nassert main({arguments!r}) == 0"
    assert loaded(program, tmp_path) == ""
