"""Every code of an error stands in the reference with what to do, and no code stands there that does not exist."""

from __future__ import annotations

import ast
import re

from tests.architecture.repository import ROOT, python_files

GUARDS = {"max_deletes", "max_delete_percent", "empty_model", "max_set_aside_percent", "max_changes"}
"""A sync that a guard blocked has the guard's name as its code."""
_CODE = re.compile(r"[a-z_]{5,}")


def test_the_reference_lists_every_code() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert all(len(row) == 3 and row[2].strip(" |") for row in rows)
    listed = {code for row in rows for code in re.findall(r"`(\w+)`", row[0])}
    assert sorted(codes() - listed) == []
    assert sorted(listed - codes() - GUARDS) == []


def codes() -> set[str]:
    """What the source gives as a code: to an error, as an error class's own, or in a table of SQLSTATEs."""
    found: set[str] = set()
    for path in python_files("src"):
        if "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                if isinstance(node.func, ast.Name) and node.func.id in ("_Class", "Advice"):
                    given.append(node.args[0])
                found |= {text for value in given for text in texts(value)}
            elif isinstance(node, ast.ClassDef) and any("Err" in ast.unparse(base) for base in node.bases):
                for step in node.body:
                    if isinstance(step, ast.Assign) and ast.unparse(step.targets[0]) == "code":
                        found |= texts(step.value)
    errors = ast.parse((ROOT / "src/tailrace/errors.py").read_text())
    found |= {
        text
        for node in ast.walk(errors)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code"
        for text in texts(node.value)
    }
    return found - {"error"}


def texts(value: ast.expr) -> set[str]:
    """The codes that an expression may give, where it says so itself."""
    branches = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    return {
        branch.value
        for branch in branches
        if isinstance(branch, ast.Constant)
        and isinstance(branch.value, str)
        and _CODE.fullmatch(branch.value)
    }
