from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.spec.projects import SMALL, load, problem

from tailrace.errors import ConfigErrors
from tailrace.spec.references import Reference, hide, malformed, references_in, resolve

SETTINGS: dict[str, Any] = {
    "url": "${env:CRM_URL}",
    "headers": {"Authorization": "Bearer ${env:TOKEN}", "X": "$${env:TOKEN} costs $5"},
    "list": ["${file:keys/key.json}", 3, None, True],
    "port": 5432,
}


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/key.json").write_text('{"a": "${env:TOKEN}"}\n')
    return tmp_path


def test_references_are_resolved_deep_whole_or_in_part(tmp_path: Path) -> None:
    found = resolve(SETTINGS, _folder(tmp_path), {"CRM_URL": "https://x", "TOKEN": "hunter2"})
    assert found == {
        "url": "https://x",
        "headers": {"Authorization": "Bearer hunter2", "X": "${env:TOKEN} costs $5"},
        "list": ['{"a": "${env:TOKEN}"}', 3, None, True],
        "port": 5432,
    }
    assert json.dumps(found)


def test_resolved_values_never_show_in_a_repr(tmp_path: Path) -> None:
    found = resolve(SETTINGS, _folder(tmp_path), {"CRM_URL": "https://secret", "TOKEN": "hunter2"})
    assert "hunter2" not in repr(found)
    assert "secret" not in repr(found)
    assert "5432" in repr(found)


def test_literal_settings_never_show_in_the_repr_of_a_project(tmp_path: Path) -> None:
    text = SMALL.replace('url: "${env:CRM_URL}"', "url: https://x, secret: hunter2")
    assert "hunter2" not in repr(load(tmp_path, {"tailrace.yml": text}))


def test_every_missing_variable_and_file_is_named_with_its_setting_and_no_value(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        resolve(SETTINGS, tmp_path, {"TOKEN": "hunter2"})
    first, second = caught.value.errors
    assert "CRM_URL" in first.message
    assert "`url`" in first.message
    assert "keys/key.json" in second.message
    assert "`list[0]`" in second.message
    assert "hunter2" not in "".join(
        f"{error.message}{error.hint}{error.where}" for error in caught.value.errors
    )


def test_a_missing_variable_can_be_located(tmp_path: Path) -> None:
    project = load(tmp_path, {"tailrace.yml": SMALL})
    settings = project.destinations["crm"].settings
    with pytest.raises(ConfigErrors) as caught:
        resolve(settings, tmp_path, {}, locate=lambda path: project.location(("destinations", "crm", *path)))
    assert str(caught.value.where) == "tailrace.yml:11 destinations.crm.url"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * (1 << 20) + b"x"])
def test_a_file_that_cannot_hold_a_setting(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(ConfigErrors, match=r"The file key "):
        resolve("${file:key}", tmp_path, {})


@pytest.mark.parametrize("target", [".", "missing", "a\0b", "x" * 5000])
def test_a_file_that_is_none(tmp_path: Path, target: str) -> None:
    with pytest.raises(ConfigErrors, match="cannot be read"):
        resolve(f"${{file:{target}}}", tmp_path, {})


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_one_newline_at_the_end_of_a_file_is_dropped(tmp_path: Path, ending: str) -> None:
    (tmp_path / "key").write_bytes(f"a\n\nb{ending}".encode())
    assert resolve("${file:key}", tmp_path, {}) == "a\n\nb"


def test_references_are_listed() -> None:
    assert references_in(SETTINGS) == (
        Reference("env", "CRM_URL", ("url",)),
        Reference("env", "TOKEN", ("headers", "Authorization")),
        Reference("file", "keys/key.json", ("list", 0)),
    )


@pytest.mark.parametrize(
    "text", ["${HOME}", "${env:}", "${env:A", "x ${ y", "${vault:a}", "${env:A${env:B}}"]
)
def test_what_begins_like_a_reference_must_be_one(tmp_path: Path, text: str) -> None:
    assert [path for path, _ in malformed({"a": [text]})] == [("a", 0)]
    with pytest.raises(ConfigErrors):
        resolve(text, tmp_path, {"A": "1", "B": "2"})
    wrong = problem(tmp_path, SMALL.replace("${env:CRM_URL}", text))
    assert "`destinations.crm.url`" in wrong.message
    assert "$${" in wrong.hint


def test_references_in_a_statement_are_refused(tmp_path: Path) -> None:
    wrong = problem(tmp_path, SMALL.replace("SELECT 1 AS id", 'SELECT * FROM "${env:S}".t'))
    assert wrong.where is not None
    assert (wrong.where.line, wrong.where.field) == (9, "models.customers.sql")
    assert "tailrace.NAME.yml" in wrong.hint


def test_hidden_settings_keep_references_and_digest_literals() -> None:
    hidden = hide(SETTINGS | {"password": "hunter2", "pin": 1234}, {"url", "headers", "password", "pin"})
    assert hidden["url"] == "${env:CRM_URL}"
    assert hidden["headers"]["Authorization"].startswith("sha256:")
    assert hidden["headers"]["Authorization"].endswith("${env:TOKEN}")
    assert hidden["list"] == SETTINGS["list"]
    assert hidden["port"] == 5432
    assert "hunter2" not in json.dumps(hidden)
    assert "1234" not in json.dumps([hidden["password"], hidden["pin"]])[:30]
    assert hidden == hide(
        SETTINGS | {"password": "hunter2", "pin": 1234}, {"url", "headers", "password", "pin"}
    )
    assert hidden["password"] != hide({"password": "hunter3"}, {"password"})["password"]


_VALUES = st.recursive(
    st.none() | st.integers() | st.text("ab$ {}:", max_size=8).filter(lambda text: "${" not in text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(_VALUES)
def test_a_value_without_references_stays_as_it_is(value: Any) -> None:
    assert resolve(value, Path("/nowhere"), {}) == value
    assert references_in(value) == ()


@given(st.text("ab$ {}:env", max_size=20))
def test_escaped_text_comes_out_as_it_was(text: str) -> None:
    assert resolve(text.replace("${", "$${"), Path("/nowhere"), {}) == text
