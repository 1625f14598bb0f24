"""What an administrator runs: each way that suffices, as a script of its own, with nothing left to guess."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.unit.sources.bigquery_keys import EMAIL, settings

from tailrace.sources.bigquery.source import BigQuerySource

STUB = '#!/bin/sh\nfor each in "$@"; do printf "%s|" "$each"; done >> "$CALLS"\necho >> "$CALLS"\n'


def calls(folder: Path, script: str, *arguments: str) -> list[str]:
    """Run the script with stand-ins for gcloud and bq; what they were called with."""
    log = folder / "calls"
    log.write_text("")
    for name in ("gcloud", "bq"):
        (folder / name).write_text(STUB.replace('"$@"', f'{name} "$@"', 1))
        (folder / name).chmod(0o755)
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "CALLS": str(log)}
    subprocess.run(["sh", "-s", "--", *arguments], input=script, text=True, env=environ, check=True)
    return log.read_text().splitlines()


def script(*schemas: str, role: str | None = None, **changes: str) -> str:
    return BigQuerySource("w", settings(**changes), environ={}).grants(None, role, schemas)


def test_the_least_is_granted_unless_another_way_is_named(tmp_path: Path) -> None:
    made = calls(tmp_path, script("sales", "other-project.crm"))
    text = "\n".join(made)
    assert "roles/bigquery.user" not in text
    assert "bigquery.datasets.create" not in text
    assert (
        'CREATE SCHEMA IF NOT EXISTS `shop-project`.`__segment_reverse_etl` OPTIONS (location = "EU")' in text
    )
    assert (
        f'GRANT `roles/bigquery.dataViewer` ON SCHEMA `shop-project`.`sales` TO "serviceAccount:{EMAIL}"'
        in text
    )
    assert "ON SCHEMA `other-project`.`crm`" in text
    for permission in (
        "datasets.get",
        "tables.create",
        "tables.getData",
        "tables.updateData",
        "tables.delete",
    ):
        assert f"bigquery.{permission}" in text


@pytest.mark.parametrize(
    ("way", "has", "lacks"),
    [
        ("editor", ["roles/bigquery.user", "roles/bigquery.dataEditor", "CREATE SCHEMA"], ["iam|roles"]),
        (
            "custom",
            ["bigquery.datasets.create,bigquery.datasets.get,bigquery.jobs.create"],
            ["CREATE SCHEMA"],
        ),
        ("create", ["roles/bigquery.user", "roles/bigquery.jobUser"], ["CREATE SCHEMA", "iam|roles"]),
    ],
)
def test_every_way_runs_as_printed(tmp_path: Path, way: str, has: list[str], lacks: list[str]) -> None:
    text = "\n".join(calls(tmp_path, script("sales"), way))
    assert [each for each in [*has, "roles/bigquery.dataViewer"] if each not in text] == []
    assert [each for each in lacks if each in text] == []


def test_an_unknown_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        calls(tmp_path, script("sales"), "all")


def test_reading_fast_needs_its_permissions_and_reading_slowly_does_not(tmp_path: Path) -> None:
    assert "bigquery.readsessions.create" in "\n".join(calls(tmp_path, script("sales"), "custom"))
    slow = calls(tmp_path, script("sales", read_api="rest"), "custom")
    assert "readsessions" not in "\n".join(slow)


def test_only_what_is_unknown_is_left_to_fill_in() -> None:
    assert "YOUR_DATASET" in script()
    assert "YOUR_" not in script("sales")


def test_names_are_not_run_as_commands(tmp_path: Path) -> None:
    made = calls(tmp_path, script("sales; touch $(pwd)/owned", role="r; echo `id`"), "custom")
    assert not (tmp_path / "owned").exists()
    assert any("r; echo `id`" in line for line in made)
