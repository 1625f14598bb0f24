"""Permissions of the stand-in: what each opens, and how its absence is worded."""

from __future__ import annotations

import grpc
import pytest
from google.cloud.bigquery import SchemaField
from tests.integration.servers.bigquery_clients import Client, Refused, reason
from tests.integration.servers.conftest import NewClient
from tests.servers.bigquery import Dataset

OWN = "__segment_reverse_etl"
FIELD = SchemaField("a", "INTEGER")


@pytest.mark.parametrize(
    ("permission", "statement", "named"),
    [
        ("jobs.create", "SELECT 1", "bigquery.jobs.create permission in project {project}"),
        (
            "datasets.create",
            "CREATE SCHEMA another",
            "bigquery.datasets.create permission in project {project}",
        ),
        (
            "tables.create",
            "CREATE TABLE shop.x (a INT64)",
            "bigquery.tables.create denied on dataset {project}:shop",
        ),
        (
            "tables.create",
            "CREATE TABLE shop.x AS SELECT 1 AS a",
            "tables.create denied on dataset {project}:shop",
        ),
        ("tables.updateData", "CREATE TABLE shop.x AS SELECT 1 AS a", "bigquery.tables.updateData denied on"),
        (
            "tables.getData",
            "SELECT a FROM shop.t",
            "does not have permission to query table {project}:shop.t",
        ),
        (
            "tables.getData",
            "SELECT a FROM shop.v",
            "does not have permission to query table {project}:shop.v",
        ),
        (
            "tables.getData",
            "UPDATE shop.t SET a = 2 WHERE a = 1",
            "permission to query table {project}:shop.t",
        ),
        (
            "tables.updateData",
            "INSERT INTO shop.t VALUES (2)",
            "tables.updateData denied on table {project}:shop.t",
        ),
        (
            "tables.updateData",
            "DELETE FROM shop.t WHERE TRUE",
            "tables.updateData denied on table {project}:shop.t",
        ),
        (
            "tables.update",
            "ALTER TABLE shop.t ADD COLUMN b INT64",
            "tables.update denied on table {project}:shop.t",
        ),
        ("tables.delete", "DROP TABLE shop.t", "bigquery.tables.delete denied on table {project}:shop.t"),
        (
            "datasets.delete",
            "DROP SCHEMA shop CASCADE",
            "bigquery.datasets.delete denied on dataset {project}:shop",
        ),
        ("tables.list", "SELECT * FROM shop.INFORMATION_SCHEMA.TABLES", "INFORMATION_SCHEMA.TABLES"),
    ],
)
def test_a_statement_without_its_permission_is_refused(
    bigquery_client: Client, permission: str, statement: str, named: str
) -> None:
    dataset = bigquery_client.dataset
    dataset.sql("CREATE TABLE t (a INT64)", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT a FROM t")
    dataset.account.deny(permission)
    with pytest.raises(Refused) as refused:
        bigquery_client.run(statement)
    assert reason(refused.value) == "accessDenied"
    assert "Access Denied" in str(refused.value)
    assert named.format(project=dataset.project) in str(refused.value)
    dataset.account.allow(permission)
    bigquery_client.run(statement)


@pytest.mark.parametrize(
    ("permission", "call"),
    [
        ("datasets.get", lambda client: client.api.get_dataset("shop")),
        ("tables.list", lambda client: list(client.api.list_tables("shop"))),
        ("tables.get", lambda client: client.api.get_table("shop.t")),
        ("tables.getData", lambda client: list(client.api.list_rows("shop.t", selected_fields=[FIELD]))),
        ("tables.delete", lambda client: client.api.delete_table("shop.t")),
    ],
)
def test_a_method_without_its_permission_is_refused(
    bigquery_client: Client, permission: str, call: object
) -> None:
    assert callable(call)
    dataset = bigquery_client.dataset
    dataset.sql("CREATE TABLE t (a INT64)")
    dataset.account.deny(permission)
    with pytest.raises(Refused, match=f"Permission bigquery.{permission} denied on"):
        call(bigquery_client)
    dataset.account.allow(permission)
    call(bigquery_client)


@pytest.mark.parametrize("permission", ["readsessions.create", "readsessions.getData", "tables.getData"])
def test_reading_by_the_storage_api_needs_its_permissions(bigquery_client: Client, permission: str) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)", "INSERT INTO t VALUES (1)")
    bigquery_client.dataset.account.deny(permission)
    with bigquery_client.storage() as read, pytest.raises(Refused, match=permission) as refused:
        read("t")
    assert refused.value.grpc_status_code is grpc.StatusCode.PERMISSION_DENIED


def test_whoever_creates_a_dataset_owns_it(bigquery_dataset: Dataset, bigquery_clients: NewClient) -> None:
    account = bigquery_dataset.another_account().setup("custom")
    client = bigquery_clients(account)
    client.run(f"CREATE SCHEMA {OWN}")
    client.run(f"CREATE TABLE {OWN}.t AS SELECT 1 AS a")
    client.run(f"UPDATE {OWN}.t SET a = 2 WHERE TRUE")
    assert client.rows(f"SELECT a FROM {OWN}.t") == [(2,)]
    client.run(f"DROP SCHEMA {OWN} CASCADE")


def test_whoever_creates_a_table_does_not_own_it(
    bigquery_dataset: Dataset, bigquery_clients: NewClient
) -> None:
    """The published set for an own dataset (datasets.get, tables.create, jobs.create) is not enough."""
    bigquery_dataset.sql(f"CREATE SCHEMA {OWN}")
    client = bigquery_clients(bigquery_dataset.another_account().setup("own dataset"))
    client.run(f"CREATE TABLE {OWN}.t (a INT64)")
    for statement in (f"INSERT INTO {OWN}.t VALUES (1)", f"SELECT a FROM {OWN}.t", f"DROP TABLE {OWN}.t"):
        with pytest.raises(Refused, match="Access Denied"):
            client.run(statement)
    with pytest.raises(Refused, match=r"datasets\.get denied"):
        client.api.get_dataset("shop")


def test_a_granted_role_is_enough(bigquery_dataset: Dataset, bigquery_clients: NewClient) -> None:
    account = bigquery_dataset.another_account().grant("jobs.create")
    client = bigquery_clients(account)
    bigquery_dataset.sql(
        f"CREATE SCHEMA {OWN}",
        f'GRANT `roles/bigquery.dataEditor` ON SCHEMA {OWN} TO "serviceAccount:{account.email}"',
    )
    client.run(f"CREATE TABLE {OWN}.t AS SELECT 1 AS a")
    client.run(f"DROP TABLE {OWN}.t")
    bigquery_dataset.sql(
        f'REVOKE `roles/bigquery.dataEditor` ON SCHEMA {OWN} FROM "serviceAccount:{account.email}"'
    )
    with pytest.raises(Refused, match=r"tables\.create denied"):
        client.run(f"CREATE TABLE {OWN}.t AS SELECT 1 AS a")


def test_a_missing_table_is_not_told_from_a_forbidden_one(
    bigquery_dataset: Dataset, bigquery_clients: NewClient
) -> None:
    client = bigquery_clients(bigquery_dataset.another_account().grant("jobs.create"))
    with pytest.raises(Refused, match="or perhaps it does not exist"):
        client.run("SELECT * FROM shop.missing")
