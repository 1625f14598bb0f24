"""Every rule of the state protocol has a test that bears its number and runs on both warehouses."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.architecture.repository import ROOT, name, python_files

RULES = set(range(1, 33))
INSERT_ONLY = {28}
"""R28 holds where state is insert-only, which neither of the two warehouses needs: its tests run on a form of DuckDB."""
WAREHOUSES = ("duckdb", "postgres")
_RULES = re.compile(r"test((?:_r\d\d)+)_")

Functions = dict[str, ast.FunctionDef]


@cache
def _functions(path: Path) -> Functions:
    found = ast.parse(path.read_text()).body if path.exists() else []
    return {node.name: node for node in found if isinstance(node, ast.FunctionDef)}


def _fixture(path: Path, name: str) -> ast.FunctionDef | None:
    """The fixture of that name which a test in this file would get."""
    places = [path, *(folder / "conftest.py" for folder in path.parents if folder.is_relative_to(ROOT))]
    for place in places:
        function = _functions(place).get(name)
        if function is not None and any("fixture" in ast.unparse(each) for each in function.decorator_list):
            return function
    return None


def _runs_on_both(path: Path, function: ast.FunctionDef) -> bool:
    """Whether this test or fixture, or a fixture that it takes, is given both warehouses."""
    decorators = " ".join(map(ast.unparse, function.decorator_list))
    if all(repr(warehouse) in decorators for warehouse in WAREHOUSES):
        return True
    arguments = [argument.arg for argument in function.args.args if argument.arg != function.name]
    if any(_generated(path, argument) for argument in arguments):
        return True
    taken = (_fixture(path, argument) for argument in arguments)
    return any(_runs_on_both(path, fixture) for fixture in taken if fixture is not None)


def _generated(path: Path, argument: str) -> bool:
    """Whether the conftest beside this file gives the argument both warehouses."""
    conftest = path.parent / "conftest.py"
    hook = _functions(conftest).get("pytest_generate_tests")
    if hook is None or repr(argument) not in ast.unparse(hook):
        return False
    return all(f'"{warehouse}"' in conftest.read_text() for warehouse in WAREHOUSES)


def test_every_rule_is_proved_on_both_warehouses() -> None:
    proofs: defaultdict[int, list[str]] = defaultdict(list)
    for path in python_files("tests"):
        for function in _functions(path).values():
            named = _RULES.match(function.name)
            for rule in map(int, re.findall(r"\d\d", named[1]) if named else ()):
                if rule in INSERT_ONLY or _runs_on_both(path, function):
                    proofs[rule].append(f"{name(path)}::{function.name}")
    assert RULES - set(proofs) == set()
    assert set(proofs) <= RULES, "a test is named after a rule that there is not"
