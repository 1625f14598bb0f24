"""Types of sources are found by entry point; what is missing is said plainly."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tailrace.errors import ConfigError
from tailrace.service.deep_check import versions
from tailrace.sources.duckdb.source import DuckDBSource
from tailrace.sources.registry import open_source, packages, source_type, source_types
from tailrace.spec.installed import SOURCES
from tailrace.spec.source import SourceSpec


def test_our_own_sources_are_there() -> None:
    assert {"duckdb", "postgres"} <= set(source_types())
    assert source_type("duckdb") is DuckDBSource


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        source_type("oracle")
    assert caught.value.code == "source_type_unknown"
    assert "`duckdb`" in caught.value.hint
    assert "`db2`" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        source_type("duckbd")
    assert caught.value.hint == "Did you mean `duckdb`?"


def test_a_missing_driver_is_answered_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def entries(group: str) -> dict[str, EntryPoint]:
        return {"snowflake": EntryPoint("snowflake", "no_such_driver.source:Source", group)}

    monkeypatch.setattr("tailrace.sources.registry.installed", entries)
    with pytest.raises(ConfigError) as caught:
        source_type("snowflake")
    assert caught.value.code == "source_driver_missing"
    assert "tailrace[snowflake]" in caught.value.hint


def test_a_type_that_a_package_adds_is_told_of_by_that_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "my_package-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[{SOURCES}]\nmine = no_such_module.source:Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert packages("mine") == ("my-package",)
    assert versions("mine").split(", ")[2] == "my-package 1.2"
    with pytest.raises(ConfigError) as caught:
        source_type("mine")
    assert caught.value.hint == "Install it with: pip install 'my-package'"


def test_the_packages_of_our_own_types_are_there_or_an_extra_brings_them() -> None:
    required = " ".join(metadata.requires("tailrace") or ())
    for type_name in source_types():
        assert packages(type_name)
        assert [name for name in packages(type_name) if name not in required] in (
            [],
            ["google-auth", "grpcio"],
        )


def test_a_source_opens_as_it_is_configured(tmp_path: Path) -> None:
    spec = SourceSpec.model_validate(
        {"name": "w", "type": "duckdb", "schema": "state", "remember": "checksum", "commit_interval": "5m"}
    )
    source = open_source(spec, {"path": "x.duckdb"}, tmp_path)
    assert (source.name, source.type, source.schema) == ("w", "duckdb", "state")
    assert (source.remember, source.commit_interval) == ("checksum", 300.0)


def test_looking_for_sources_loads_no_driver() -> None:
    program = (
        "import sys; from tailrace.sources.registry import source_type, source_types; source_types();"
        "[source_type(t) for t in ('duckdb', 'postgres')];"
        "print(sorted({'duckdb', 'pyarrow', 'psycopg', 'adbc_driver_manager', 'sqlglot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_entry_points_are_declared() -> None:
    assert {"duckdb", "postgres"} <= {e.name for e in metadata.entry_points(group=SOURCES)}
