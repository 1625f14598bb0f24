"""Imports go one way, and what is imported is declared."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from tests.architecture.repository import ROOT, name, python_files

STAND_IN = ROOT / "tests" / "servers" / "bigquery" / "standin"
"""It runs in an environment of its own, made from a lock of its own."""


def test_every_import_contract_is_kept() -> None:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_warehouse_imports_no_other_warehouse() -> None:
    warehouses = {"duckdb", "postgres"}
    wrong = [
        f"{name(path)} imports {module}"
        for path in python_files("src/tailrace/sources")
        for module in imported(path)
        if module.startswith("tailrace.sources.")
        and warehouse_of(path.stem) in warehouses
        and warehouse_of(module.split(".")[2]) in warehouses - {warehouse_of(path.stem)}
    ]
    assert wrong == []


def warehouse_of(module: str) -> str:
    return module.partition("_")[0]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize(
    ("folders", "with_development"),
    [(("src",), False), (("tests", "bench"), True)],
    ids=["the package", "tests and bench"],
)
def test_every_library_imported_is_a_declared_dependency(
    folders: tuple[str, ...], with_development: bool
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    requirements = [
        *project["project"]["dependencies"],
        *(line for extra in project["project"]["optional-dependencies"].values() for line in extra),
        *(project["dependency-groups"]["dev"] if with_development else []),
    ]
    declared = {
        re.split(r"[\[<>=~! ]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requirements
    }
    distributions = packages_distributions()
    own = {"tailrace", "tests", "bench"}
    missing: set[str] = set()
    for path in python_files(*folders):
        if path.is_relative_to(STAND_IN):
            continue
        for module in imported(path):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in own:
                continue
            providers = {each.lower().replace("_", "-") for each in distributions.get(top, [top])}
            if not providers & declared:
                missing.add(f"{name(path)} imports {top}")
    assert sorted(missing) == []


def test_the_bigquery_stand_in_imports_what_its_own_lock_holds() -> None:
    lock = (ROOT / "requirements" / "bqemulator.txt").read_text()
    locked = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    modules = {"google": "google-cloud-bigquery-storage", "grpc": "grpcio"}
    missing = {
        f"{name(path)} imports {top}"
        for path in python_files("tests/servers/bigquery/standin")
        for top in (module.partition(".")[0] for module in imported(path))
        if top not in sys.stdlib_module_names and top != "tests" and modules.get(top, top) not in locked
    }
    assert sorted(missing) == []
