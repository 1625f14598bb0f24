"""The traps of YAML: what is read as something else than it looks like, and what cannot be read at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailrace.errors import ConfigError
from tailrace.spec.reading import read_yaml


def read(text: str | bytes) -> tuple[Any, list[ConfigError]]:
    found: list[ConfigError] = []
    node = read_yaml(text.encode() if isinstance(text, str) else text, "x.yml", found)
    return (node.plain() if node else None), found


def refused(text: str | bytes) -> ConfigError:
    _, found = read(text)
    assert len(found) == 1, [error.message for error in found]
    assert found[0].hint
    return found[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"), ("on", "on"), ("yes", "yes"), ("12:30", "12:30"), ("007", "007"), ("1_000", "1_000"),
        ("2024-01-31", "2024-01-31"), ("0x1F", "0x1F"), ("=", "="), (".inf", ".inf"), ("1e", "1e"),
        ("1", 1), ("-3", -3), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("true", True), ("False", False),
        ("~", None), ("null", None), ("", None), ('"1"', "1"), ("!!str 1", "1"), ("'true'", "true"),
        ("4294967297", 4294967297), ("!!int 5", 5), ("2025-11-21T10:00:00Z", "2025-11-21T10:00:00Z"),
    ],
)  # fmt: skip
def test_plain_values_stay_what_they_look_like(text: str, value: object) -> None:
    read_value, found = read(f"a: {text}")
    assert found == []
    assert read_value["a"] == value
    assert type(read_value["a"]) is type(value)


def test_keys_are_always_text() -> None:
    assert read("on: 1\nyes: 2\n3: 4\n~: 5\ntrue: 6") == ({"on": 1, "yes": 2, "3": 4, "~": 5, "true": 6}, [])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the first is in line 1"),
        ("a: {b: 1, b: 2}", 1, "second time"),
        ("a:\n\tb: 1", 2, "not valid YAML"),
        ("a: 1\n---\nb: 2", 2, "another document"),
        ("a: b: c", 1, "mapping values"),
        ("a: *b", 1, "undefined alias"),
        ("a: 1\nb: 'x\nc: 2", 2, "end of stream"),
        ("a: @b", 1, "cannot start any token"),
        ("a: {b: ${env:X}}", 1, "not valid YAML"),
        ("a: {{ email }}", 1, "name is expected"),
        ("a: !secret b", 1, "`!secret` is not supported"),
        ("a: !!python/object/apply:os.system [id]", 1, "not supported"),
        ("a: !!int x", 1, "`!!int` is not supported"),
        ("<<: 1", 1, "alias of a mapping"),
        ("a: &a [*a]", 1, "nests deeper"),
        ("[" * 200 + "]" * 200, 1, "nests deeper"),
        ("a: \x07", 1, "control character"),
        ("a: 1\n\0b: 2", 2, "control character"),
        (b"a: 1\nb: \xe4", 2, "not UTF-8"),
        ("a: 1".encode("utf-16"), 1, "not UTF-8"),
    ],
)
def test_what_cannot_be_read_has_a_line_and_a_remedy(text: str | bytes, line: int, said: str) -> None:
    error = refused(text)
    assert said in error.message
    assert error.where is not None
    assert (error.where.file, error.where.line) == ("x.yml", line)


def test_tabs_and_templates_get_their_own_remedy() -> None:
    assert "spaces" in refused("a:\n\tb: 1").hint
    assert "spaces" in refused("a: 1\n\tb: 1").hint
    assert '"{{' in refused("email: {{ email | lower }}").hint


def test_anchors_and_merge_keys() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  <<: [*x, *y]\n  c: 5\nw: {<<: *x}"
    value, found = read(text)
    assert found == []
    assert value["z"] == {"a": 1, "b": 2, "c": 5}
    assert value["w"] == {"a": 1, "b": 2}


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "unfolds" in refused("\n".join(lines)).message


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\ufeff", "\n\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert read(text) == (None, [])


def test_windows_files_are_read() -> None:
    assert read("\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n") == ({"a": 1, "b": "x\ny\n"}, [])


_TEXT = st.text("aB1 äß漢\U0001f600\"'\\{}[]:#,\n\t-&*!|>%@`~", max_size=12)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_TEXT, _json, max_size=3))
def test_json_is_yaml(value: dict[str, Any]) -> None:
    assert read(json.dumps(value, ensure_ascii=False)) == (value, [])


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_no_file_makes_it_crash(content: str | bytes) -> None:
    try:
        data = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError:
        return
    read(data)


@given(st.text("{}[]:,-&*!|>'\"%@`#?~ \n\tab1", max_size=40))
def test_no_punctuation_makes_it_crash(content: str) -> None:
    read(content)
