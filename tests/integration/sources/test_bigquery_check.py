"""The connection test of BigQuery: every permission withheld in turn is the one that is named; grants that suffice."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tests.servers.bigquery import Account, BigQueryServer, Dataset

from tailrace.errors import ModelError, SourceError
from tailrace.sources.base import CheckStep
from tailrace.sources.bigquery.permissions import MANAGED, PERMISSIONS
from tailrace.sources.bigquery.source import BigQuerySource

SCHEMA = "__segment_reverse_etl"
JOBS = ("jobs.create", "readsessions.create", "readsessions.getData")
TABLES = tuple(
    dict.fromkeys(
        [each.name for each in PERMISSIONS if each.on == MANAGED] + ["tables.get", "tables.getData"]
    )
)


def source(dataset: Dataset, account: Account | None = None, **changes: str) -> BigQuerySource:
    import json

    key = {"credentials": json.dumps(account.key)} if account else {}
    return BigQuerySource("shop", dataset.settings(**key, **changes), environ=dataset.server.environment())


def steps(source: BigQuerySource) -> dict[str, CheckStep]:
    return {step.name: step for step in source.check()}


def made(dataset: Dataset) -> Account:
    """An account that may do what it must on a managed dataset that an administrator made, and nothing more."""
    dataset.sql(f"CREATE SCHEMA `{SCHEMA}` OPTIONS (location = 'EU')")
    account = dataset.another_account()
    return account.grant(*JOBS).grant(*TABLES, dataset=SCHEMA)


def test_the_least_is_enough_and_nothing_outside_of_it_is_asked(bigquery_dataset: Dataset) -> None:
    account = made(bigquery_dataset)
    found = steps(source(bigquery_dataset, account))
    assert {name: step.status for name, step in found.items() if step.status != "passed"} == {}
    asked = [each for each in bigquery_dataset.server.requests if each["account"] == account.email]
    assert {each["call"] for each in asked} & {"datasets.list", "projects.list", "jobs.list"} == set()


@pytest.mark.parametrize(
    ("permission", "step"),
    [
        ("jobs.create", "query"),
        ("datasets.get", "managed schema"),
        ("tables.list", "managed schema"),
        ("tables.create", "create table"),
        ("tables.update", "create table"),
        ("tables.get", "create table"),
        ("tables.updateData", "insert"),
        ("tables.getData", "update"),
        ("tables.delete", "drop table"),
        ("readsessions.create", "read API"),
        ("readsessions.getData", "read API"),
    ],
)
def test_a_permission_that_is_withheld_is_the_one_that_is_named(
    bigquery_dataset: Dataset, permission: str, step: str
) -> None:
    account = made(bigquery_dataset).deny(permission)
    found = steps(source(bigquery_dataset, account))
    bad = [each for each in found.values() if each.status in ("failed", "warning")]
    assert bad[0].name == step
    for each in bad:
        assert f"bigquery.{permission}" in each.detail
        named = set(re.findall(r"bigquery\.\w+\.\w+", f"{each.detail} {each.remedy}"))
        assert named == {f"bigquery.{permission}"}
        assert "tailrace grants" in each.remedy


def test_a_dataset_that_cannot_be_made_is_named_with_the_permission(bigquery_dataset: Dataset) -> None:
    account = bigquery_dataset.another_account().grant("jobs.create", "datasets.get")
    failed = steps(source(bigquery_dataset, account))["managed schema"]
    assert failed.status == "failed"
    assert "bigquery.datasets.create" in failed.detail
    assert "roles/bigquery.user" in failed.remedy


def test_a_dataset_elsewhere_is_named_with_both_locations(bigquery_dataset: Dataset) -> None:
    bigquery_dataset.sql(f"CREATE SCHEMA `{SCHEMA}` OPTIONS (location = 'EU')")
    failed = steps(source(bigquery_dataset, location="US"))["managed schema"]
    assert failed.status == "failed"
    assert "EU" in failed.detail
    assert "US" in failed.detail


@pytest.mark.parametrize("name", [SCHEMA, SCHEMA.upper()])
def test_a_dataset_of_either_spelling_is_found(bigquery_dataset: Dataset, name: str) -> None:
    bigquery_dataset.sql(f"CREATE SCHEMA `{name}` OPTIONS (location = 'EU')")
    found = source(bigquery_dataset)
    assert steps(found)["managed schema"].detail.startswith(name)
    assert found.schema == name


def test_both_spellings_are_ambiguous(bigquery_dataset: Dataset) -> None:
    for name in (SCHEMA, SCHEMA.upper()):
        bigquery_dataset.sql(f"CREATE SCHEMA `{name}` OPTIONS (location = 'EU')")
    failed = steps(source(bigquery_dataset))["managed schema"]
    assert failed.status == "failed"
    assert SCHEMA in failed.detail
    assert SCHEMA.upper() in failed.detail


def test_a_revoked_key_is_said_to_be_one(bigquery_dataset: Dataset) -> None:
    bigquery_dataset.account.revoke_key()
    found = steps(source(bigquery_dataset))
    assert found["key"].status == "failed"
    assert "clock" in found["key"].remedy
    assert {step.status for name, step in found.items() if name not in ("address", "key")} == {"skipped"}


def test_an_address_that_nobody_answers_is_named(bigquery: BigQueryServer, bigquery_dataset: Dataset) -> None:
    environ = bigquery.environment() | {"TAILRACE_BIGQUERY_ENDPOINT": "http://127.0.0.1:9"}
    found = {s.name: s for s in BigQuerySource("shop", bigquery_dataset.settings(), environ=environ).check()}
    assert found["address"].status == "failed"
    assert "port 9" in found["address"].detail


def test_a_models_table_that_may_not_be_read_is_named_with_what_lets_it(bigquery_dataset: Dataset) -> None:
    """The published recipes leave that out."""
    bigquery_dataset.sql("CREATE TABLE people (id INT64)")
    tested = source(bigquery_dataset, made(bigquery_dataset))
    with pytest.raises(SourceError) as caught:
        tested.preview(f"SELECT id FROM {bigquery_dataset.name}.people", 5)
    assert caught.value.code == "source_permission"
    assert "people" in caught.value.message
    assert "bigquery.tables.getData" in caught.value.hint
    assert "roles/bigquery.dataViewer" in caught.value.hint


def test_a_models_table_in_another_location_is_said_to_be_looked_for_there(bigquery_dataset: Dataset) -> None:
    bigquery_dataset.sql("CREATE TABLE people (id INT64)")
    with pytest.raises(SourceError) as caught:
        source(bigquery_dataset, location="US").preview(f"SELECT id FROM {bigquery_dataset.name}.people", 5)
    assert caught.value.code == "source_missing"
    assert "US" in caught.value.message
    assert "`location`" in caught.value.hint


def test_a_column_without_a_name_is_the_models_mistake(bigquery_dataset: Dataset) -> None:
    """BigQuery shows it as f0_, by which it cannot be asked for."""
    with pytest.raises(ModelError) as caught:
        source(bigquery_dataset).preview("SELECT 1 AS id, 2", 5)
    assert caught.value.code == "model_columns"
    assert "column 2 " in caught.value.message


@pytest.mark.parametrize("way", ["dataset", "editor", "custom", "create"])
def test_what_grants_prints_is_enough(bigquery_dataset: Dataset, tmp_path: Path, way: str) -> None:
    account = bigquery_dataset.another_account()
    tested = source(bigquery_dataset, account)
    _run(tested.grants(None, None, [bigquery_dataset.name]), way, tmp_path, bigquery_dataset, account)
    assert {n: s.status for n, s in steps(tested).items() if s.status != "passed"} == {}
    bigquery_dataset.sql("CREATE TABLE people (id INT64)")
    assert [c.name for c in tested.describe(f"SELECT id FROM {bigquery_dataset.name}.people")] == ["id"]
    assert tested.preview(f"SELECT id FROM {bigquery_dataset.name}.people", 5).num_rows == 0


def _run(script: str, way: str, folder: Path, dataset: Dataset, account: Account) -> None:
    """Run a script of grants, gcloud and bq being answered by the stand-in."""
    log = folder / "calls"
    for name in ("gcloud", "bq"):
        (folder / name).write_text(
            f'#!/bin/sh\nprintf "%s\\037" {name} "$@" >> {log}\nprintf "\\n" >> {log}\n'
            'case "$*" in *describe*) exit 1;; esac\n'
        )
        (folder / name).chmod(0o755)
    subprocess.run(
        ["sh", "-s", "--", way], input=script, text=True, env={"PATH": f"{folder}:/usr/bin:/bin"}, check=True
    )
    roles: dict[str, list[str]] = {}
    for line in log.read_text().splitlines():
        words = line.split("\037")
        options = dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)
        if words[:4] == ["gcloud", "iam", "roles", "update"]:
            roles[f"projects/{dataset.project}/roles/{words[4]}"] = options["permissions"].split(",")
        elif words[1:3] == ["projects", "add-iam-policy-binding"]:
            assert options["member"] == f"serviceAccount:{account.email}"
            account.grant(*roles.get(options["role"], [options["role"]]))
        elif words[0] == "bq":
            _query(words[-2], roles, dataset, account)


def _query(statement: str, roles: dict[str, list[str]], dataset: Dataset, account: Account) -> None:
    granted = re.fullmatch(r'GRANT `(.*)` ON SCHEMA `(.*)`\.`(.*)` TO "serviceAccount:(.*)"', statement)
    if granted is None:
        dataset.sql(statement)
        return
    assert granted[4] == account.email
    account.grant(*roles.get(granted[1], [granted[1]]), dataset=granted[3])
