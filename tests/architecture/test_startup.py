"""Commands start without loading what they do not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
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
    "rich",
    "sqlalchemy",
    "sqlalchemy.dialects.postgresql",
    "sqlglot",
)
PROJECT = """
version: 1
project: shop
sources:
  warehouse: {type: duckdb, path: shop.duckdb}
models:
  customers: {source: warehouse, key: id, sql: SELECT id FROM customers}
destinations:
  crm: {type: webhook, url: "http://127.0.0.1:1/"}
mappings:
  customers_to_crm:
    model: customers
    destination: crm
    action: send
    mode: mirror
    fields: {id: $id}
"""
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


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["validate"], ""),
        (["ls"], "asyncio rich sqlalchemy"),
        (["syncs"], "asyncio rich sqlalchemy"),
        (["plan"], "duckdb numpy pyarrow rich"),
    ],
)
def test_a_command_loads_what_it_uses(arguments: list[str], needed: str, tmp_path: Path) -> None:
    (tmp_path / "tailrace.yml").write_text(PROJECT)
    with duckdb.connect(tmp_path / "shop.duckdb") as connection:
        connection.execute("CREATE TABLE customers AS SELECT 1 AS id")
    program = f"from tailrace.cli.main import main\nassert main({arguments!r}) == 0"
    loaded(program, tmp_path)  # makes the control store, which loads more
    assert loaded(program, tmp_path) == needed


def test_only_expressions_in_sql_load_duckdb_into_validate(tmp_path: Path) -> None:
    (tmp_path / "tailrace.yml").write_text(PROJECT.replace("$id", "{sql: id + 1}"))
    assert loaded("from tailrace.cli.main import main\nassert main(['validate']) == 0", tmp_path) == "duckdb"
