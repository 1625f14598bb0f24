from __future__ import annotations

from pathlib import Path

import pytest

from tailrace.errors import ConfigError
from tailrace.store.location import locate


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", "/shop/.tailrace/store.db"),
        ("  ", "/shop/.tailrace/store.db"),
        ("local.db", "/shop/local.db"),
        ("/var/lib/tailrace.db", "/var/lib/tailrace.db"),
        ("/var/lib/tailrace/", "/var/lib/tailrace/store.db"),
        ("sqlite:///data/local.db", "/shop/data/local.db"),
        ("sqlite:////var/lib/tailrace.db", "/var/lib/tailrace.db"),
    ],
)
def test_a_path_is_relative_to_the_project(written: str, expected: str) -> None:
    assert locate(Path("/shop"), {"TAILRACE_STORE": written}).path == Path(expected)


def test_an_existing_folder_holds_the_store(tmp_path: Path) -> None:
    assert locate(Path("/shop"), {"TAILRACE_STORE": str(tmp_path)}).path == tmp_path / "store.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_password_of_a_url_is_never_shown(scheme: str) -> None:
    location = locate(Path("/shop"), {"TAILRACE_STORE": f"{scheme}://team:geh@eim@db:5432/tailrace"})
    assert location.url == "postgresql+psycopg://team:geh@eim@db:5432/tailrace"
    assert str(location) == "postgresql+psycopg://db:5432/tailrace"
    assert "eim" not in repr(location)


def test_other_databases_are_refused() -> None:
    with pytest.raises(ConfigError, match="'mysql'") as refused:
        locate(Path("/shop"), {"TAILRACE_STORE": "mysql://u:geheim@db/x"})
    assert "geheim" not in str(refused.value)
    assert "postgresql://" in refused.value.hint
