"""The connection test of a dedicated SQL pool names what is wrong and what helps; `grants` makes it pass."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.servers.azure import AzureServer, Pool

from tailrace.sources.azure.source import AzureSource
from tailrace.sources.base import CheckStep

SCHEMA = "__segment_reverse_etl"
PASSWORD = "choose-a-Long-1-here"
USER = "least privileged]"


def steps(pool: Pool, /, **changes: Any) -> dict[str, CheckStep]:
    return {step.name: step for step in AzureSource("w", pool.settings(**changes)).check()}


def first_failure(found: dict[str, CheckStep]) -> CheckStep:
    return next(step for step in found.values() if step.status == "failed")


def as_user(pool: Pool) -> dict[str, CheckStep]:
    return steps(pool, username=USER, password=PASSWORD)


def granted(pool: Pool, way: int, *, without: str | None = None, role: str | None = None) -> None:
    """Run the printed grants of one way, each batch where it says, leaving out what matches `without`."""
    source = AzureSource("w", pool.settings(username=USER, password=PASSWORD))
    text = source.grants(None, role, ["sales"])
    other = {1: 2, 2: 1}[way]
    text = re.sub(rf"-- Way {other}:.*?(?=-- Way|-- If you like|\Z)", "", text, flags=re.DOTALL)
    in_master, _, in_pool = text.partition("-- 2. Run")
    for part, run in ((in_master, pool.server.sql), ("--" + in_pool, pool.sql)):
        for batch in re.split(r"^GO$", part, flags=re.MULTILINE):
            lines = [line for line in batch.splitlines() if line.strip() and not line.startswith("--")]
            kept = [line for line in lines if without is None or not re.search(without, line)]
            if kept:
                run("\n".join(kept))


@pytest.fixture
def pool(azure_pool: Pool) -> Pool:
    """A pool with a table of the user's."""
    azure_pool.snapshot_reads()
    azure_pool.sql(
        "CREATE SCHEMA sales", "CREATE TABLE sales.customers (id int) WITH (DISTRIBUTION = ROUND_ROBIN, HEAP)"
    )
    return azure_pool


@pytest.mark.parametrize("way", [1, 2])
@pytest.mark.parametrize("role", [None, "readers of 'sales'"])
def test_the_printed_grants_are_enough(pool: Pool, way: int, role: str | None) -> None:
    for _ in range(2):
        granted(pool, way, role=role)
    found = as_user(pool)
    assert {step.status for step in found.values()} == {"passed"}, found


@pytest.mark.parametrize(
    ("way", "without", "step", "remedy"),
    [
        (1, "GRANT SELECT", "read", "EXEC sp_addrolemember 'db_datareader', N'least privileged]'"),
        (1, "GRANT CREATE TABLE", "create table", "GRANT CREATE TABLE ON DATABASE::"),
        (1, "GRANT CONTROL", "create table", "GRANT CONTROL ON SCHEMA::[__segment_reverse_etl]"),
        (2, "GRANT CREATE SCHEMA", "managed schema", "GRANT CREATE SCHEMA ON DATABASE::"),
        (2, "GRANT CREATE TABLE", "create table", "GRANT CREATE TABLE ON DATABASE::"),
    ],
)
def test_each_grant_that_is_withheld_is_the_one_named(
    pool: Pool, way: int, without: str, step: str, remedy: str
) -> None:
    granted(pool, way, without=without)
    found = as_user(pool)
    wrong = [each for each in found.values() if each.status in ("failed", "warning")]
    assert [each.name for each in wrong][:1] == [step], found
    assert remedy in wrong[0].remedy
    if step != "read":
        assert "least privileged]]" in wrong[0].remedy
    else:
        pool.sql(wrong[0].remedy.partition(": ")[2])
        assert {each.status for each in as_user(pool).values()} == {"passed"}


def test_a_login_without_a_user_in_the_pool_is_named(pool: Pool) -> None:
    granted(pool, 1, without="database_principals|CREATE USER|sp_add|GRANT")
    failed = first_failure(as_user(pool))
    assert failed.name == "login"
    assert "tailrace grants" in failed.remedy


def test_what_stood_there_stays_and_nothing_is_left(pool: Pool) -> None:
    granted(pool, 2)
    as_user(pool)
    assert pool.sql("SELECT name FROM sys.schemas WHERE name = N'__segment_reverse_etl'") == []


@pytest.mark.parametrize(
    ("changes", "step", "words"),
    [
        ({"password": "wrong"}, "login", "username"),
        ({"database": "none_such", "retry_for": 0}, "login", "`database`"),
        ({"port": 9}, "address", "1433"),
        ({"hostname": "no-such-host.invalid"}, "address", "spelling"),
    ],
)
def test_the_first_wrong_setting_is_named(pool: Pool, changes: dict[str, Any], step: str, words: str) -> None:
    failed = first_failure(steps(pool, **changes))
    assert failed.name == step
    assert words in failed.remedy


def test_a_certificate_of_a_stranger_is_not_trusted(pool: Pool, azure: AzureServer) -> None:
    failed = first_failure(steps(pool, tls={"ca": str(azure.other_ca)}))
    assert failed.name == "TLS"
    assert "tls.ca" in failed.remedy
    source = AzureSource("w", pool.settings(tls={"ca": str(azure.other_ca)}))
    with pytest.raises(Exception, match="certificate") as caught, source.session() as session:
        session.rows("SELECT 1 AS one")
    assert getattr(caught.value, "code", "") == "source_tls_failed"


def test_a_certificate_that_is_no_file_of_certificates_is_said(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    assert first_failure(steps(pool, tls={"ca": str(tmp_path / "ca.pem")})).name == "TLS"


def test_on_loopback_tls_needs_no_certificate(pool: Pool) -> None:
    found = steps(pool, tls=None)
    assert "not verified" in found["TLS"].detail
    assert found["login"].status == "passed"


@pytest.mark.parametrize(("edition", "what"), [(5, "SQL Database"), (11, "serverless"), (3, "SQL Server")])
def test_what_is_no_dedicated_pool_is_refused_with_the_reason(pool: Pool, edition: int, what: str) -> None:
    pool.server.faults.edition(edition)
    failed = first_failure(steps(pool))
    assert failed.name == "login"
    assert what in failed.detail
    assert "dedicated SQL pool" in failed.remedy


def test_dirty_reads_are_a_warning_with_the_statement_that_ends_them(pool: Pool) -> None:
    pool.snapshot_reads(False)
    found = steps(pool)["isolation"]
    assert found.status == "warning"
    assert f"ALTER DATABASE [{pool.name}] SET READ_COMMITTED_SNAPSHOT ON" in found.remedy


def test_a_paused_pool_is_said_without_waiting(pool: Pool) -> None:
    pool.server.faults.pause()
    failed = first_failure(steps(pool))
    assert failed.name == "login"
    assert "paused" in failed.detail
    assert "az synapse sql pool resume" in failed.remedy
