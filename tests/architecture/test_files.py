"""Files stay short, names come from the product, and nothing of one machine is committed."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median

import pytest
from tests.architecture.repository import ROOT, files, name, python_files

LIMIT = 500
MEDIAN = 120


def test_no_file_is_too_long_to_read_in_one_go() -> None:
    lengths = {
        name(path): len(path.read_text().splitlines()) for path in python_files("src", "tests", "bench")
    }
    assert {path: lines for path, lines in lengths.items() if lines > LIMIT} == {}


def test_most_files_are_short() -> None:
    assert median(len(path.read_text().splitlines()) for path in python_files("src")) <= MEDIAN


def test_names_say_what_a_thing_is() -> None:
    vague = re.compile(r"(Manager|Helper|Handler|Processor|Utils?)$")
    classes = [
        f"{name(path)}: {node.name}"
        for path in python_files("src")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and vague.search(node.name)
    ]
    modules = [
        name(path)
        for path in python_files("src", "tests", "bench")
        if path.stem in {"utils", "util", "helpers", "helper", "common", "misc"}
    ]
    assert classes + modules == []


def test_nothing_is_left_to_do() -> None:
    left = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error"]))
    assert [
        name(path) for path in python_files("src", "tests", "bench") if left.search(path.read_text())
    ] == []


def test_no_path_of_one_machine_is_committed() -> None:
    machine = re.compile(r"(?<![\w.])/(?:" + "|".join(["work", "farm", "root", "home/[a-z]"]) + r")/")
    wrong = [
        f"{name(path)}:{number}"
        for path in files()
        if (text := text_of(path)) is not None
        for number, line in enumerate(text.splitlines(), 1)
        if machine.search(line)
    ]
    assert wrong == []


def text_of(path: Path) -> str | None:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return None


@pytest.mark.parametrize("lock", ["tailrace", "dev", "bqemulator"])
def test_lock_files_hold_hashes_and_no_addresses(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert not re.search(r"://|--find-links|--index-url|--extra-index-url|^\s*[./]|@ ", text, re.MULTILINE)
    pinned = [block for block in re.split(r"\n(?=\S)", text) if "==" in block.split("\n")[0]]
    assert len(pinned) > 30
    assert all("--hash=sha256:" in block for block in pinned)
