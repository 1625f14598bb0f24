"""The connection test of PostgreSQL names what is wrong and what helps; `grants` makes it pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.servers.postgres import PASSWORD, Database, free_port

from tailrace.errors import SourceError
from tailrace.sources.base import CheckStep
from tailrace.sources.postgres.source import PostgresSource

SCHEMA = "__segment_reverse_etl"
USER = 'least "privileged'


def steps(at: Database, /, **changes: Any) -> dict[str, CheckStep]:
    return {step.name: step for step in PostgresSource("w", at.settings(**changes)).check()}


def first_failure(found: dict[str, CheckStep]) -> CheckStep:
    return next(step for step in found.values() if step.status == "failed")


@pytest.fixture
def role(postgres_database: Database) -> Iterator[Database]:
    """A database with a table of the user's, a role that may do nothing, and nothing for everybody."""
    database = postgres_database
    name = database.name
    quoted = USER.replace('"', '""')
    database.sql(
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.customers (id integer)",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        f"CREATE ROLE \"{quoted}\" LOGIN PASSWORD 'pw'",
    )
    yield database
    database.sql(f'DROP OWNED BY "{quoted}" CASCADE', f'DROP ROLE "{quoted}"')


def granted(database: Database, without: str | None = None, user: str = USER) -> None:
    """Run the printed grants, leaving out the lines that match `without`."""
    source = PostgresSource("w", database.settings(username=USER, password="pw"))
    text = source.grants(user, None, ["sales"])
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("--")]
    kept = [line for line in lines if without is None or not re.search(without, line)]
    assert without is None or len(kept) < len(lines)
    database.sql(*kept)


def as_role(database: Database) -> dict[str, CheckStep]:
    return steps(database, username=USER, password="pw")


def test_the_printed_grants_are_enough(role: Database) -> None:
    granted(role)
    granted(role)
    found = as_role(role)
    assert {step.status for step in found.values()} == {"passed"}, found
    assert role.sql(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{SCHEMA}'") == [(0,)]


def test_the_printed_text_runs_as_it_is(role: Database) -> None:
    source = PostgresSource("w", role.settings(username=USER, password="pw"))
    with role.connect() as connection:
        connection.execute(source.grants(None, None, ["sales"]).encode())
    assert {step.status for step in as_role(role).values()} == {"passed"}


def test_grants_through_a_role_are_enough(role: Database) -> None:
    source = PostgresSource("w", role.settings(username=USER, password="pw"))
    with role.connect() as connection:
        connection.execute(source.grants(USER, "readers of 'sales'", ["sales"]).encode())
    try:
        assert {step.status for step in as_role(role).values()} == {"passed"}
    finally:
        role.sql("DROP OWNED BY \"readers of 'sales'\" CASCADE", "DROP ROLE \"readers of 'sales'\"")


@pytest.mark.parametrize(
    ("without", "step", "remedy"),
    [
        ("GRANT CONNECT", "login", "GRANT CONNECT"),
        ('GRANT USAGE ON SCHEMA "sales"', "read", 'GRANT USAGE ON SCHEMA "sales"'),
        ("GRANT SELECT", "read", 'GRANT SELECT ON ALL TABLES IN SCHEMA "sales"'),
        (SCHEMA, "managed schema", f'CREATE SCHEMA "{SCHEMA}"'),
        ("GRANT USAGE, CREATE", "create table", f'GRANT USAGE, CREATE ON SCHEMA "{SCHEMA}"'),
    ],
)
def test_each_missing_grant_is_named_by_its_step(
    role: Database, without: str, step: str, remedy: str
) -> None:
    granted(role, without)
    failed = first_failure(as_role(role))
    assert failed.name == step
    assert remedy in failed.remedy


def test_steps_that_need_a_failed_one_are_skipped(role: Database) -> None:
    granted(role, SCHEMA)
    found = as_role(role)
    assert found["read"].status == "passed"
    assert [found[name].status for name in ("create table", "insert", "update", "delete", "drop table")] == [
        "skipped"
    ] * 5


def test_a_schema_that_the_user_may_create_is_not_left_behind(role: Database) -> None:
    granted(role, SCHEMA)
    quoted = USER.replace('"', '""')
    role.sql(f'GRANT CREATE ON DATABASE {role.name} TO "{quoted}"')
    found = as_role(role)
    assert {step.status for step in found.values()} == {"passed"}
    assert role.sql(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{SCHEMA}'") == [(0,)]


@pytest.mark.parametrize(
    ("changes", "step", "detail", "remedy"),
    [
        ({"host": "no-such-host.invalid"}, "address", "cannot be resolved", "DNS"),
        ({"port": "free"}, "address", "refuses the connection", "listen_addresses"),
        ({"host": "/no/such/folder"}, "address", "no socket", "`host`"),
        ({"password": "wrong"}, "login", "password authentication failed", "`password`"),
        ({"username": "nobody at all"}, "login", "authentication failed", "`username`"),
        ({"database": "no such database"}, "login", "does not exist", "`database`"),
    ],
)
def test_each_way_to_fail_has_its_own_words(
    postgres_database: Database, changes: dict[str, Any], step: str, detail: str, remedy: str
) -> None:
    changes = {name: free_port() if value == "free" else value for name, value in changes.items()}
    failed = first_failure(steps(postgres_database, **changes))
    assert (failed.name, detail in failed.detail, remedy in failed.remedy) == (step, True, True), failed


def test_a_refusal_is_told_by_its_sqlstate_whatever_the_servers_language(
    postgres_database: Database, role: Database
) -> None:
    expected = {
        "source_unauthorized": ({"password": "wrong"}, {"password": None}, {"username": "nobody at all"}),
        "source_missing": ({"database": "no such database"},),
        "source_permission": ({"username": USER, "password": "pw"},),
    }
    with postgres_database.server.in_german():
        for code, settings in expected.items():
            for changes in settings:
                with pytest.raises(SourceError) as raised:
                    PostgresSource("w", postgres_database.settings(**changes)).connect()
                assert (raised.value.code, bool(raised.value.hint)) == (code, True), changes
        with pytest.raises(SourceError) as raised:
            PostgresSource("w", postgres_database.settings(password="wrong")).connect()
        german = "fehlgeschlagen" in raised.value.message
        failed = first_failure(steps(postgres_database, password="wrong"))
    assert (failed.name, "`password`" in failed.remedy) == ("login", True)
    if not german:
        pytest.skip("this PostgreSQL came without translations: it was asked in English only")


@pytest.mark.parametrize("tls", [None, {"mode": "require"}])
def test_a_refusal_is_told_by_its_sqlstate_for_each_way_to_log_in(
    postgres_database: Database, tls: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, changes = postgres_database.server, {"username": "lent", "tls": tls}
    for method in ("scram-sha-256", "md5", "password"):
        with server.access(f"host all lent all {method}"), postgres_database.connect() as connection:
            encryption = "md5" if method == "md5" else "scram-sha-256"
            connection.execute(f"SET password_encryption = '{encryption}'".encode())
            connection.execute(b"CREATE ROLE lent LOGIN PASSWORD 'pw'")
            try:
                PostgresSource("w", postgres_database.settings(**changes, password="pw")).connect().close()
                for wrong, code in (({"password": "x"}, "unauthorized"), ({"database": "none"}, "missing")):
                    settings = postgres_database.settings(**{"password": "pw", **changes, **wrong})
                    with pytest.raises(SourceError) as raised:
                        PostgresSource("w", settings).connect()
                    assert raised.value.code == f"source_{code}", (method, wrong)
            finally:
                connection.execute(b"DROP ROLE lent")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with pytest.raises(SourceError) as raised:
        PostgresSource("w", postgres_database.settings(password=None, tls=tls, database="none")).connect()
    assert raised.value.code == "source_missing"
    with server.access("host all lent all reject"), pytest.raises(SourceError) as raised:
        PostgresSource("w", postgres_database.settings(**changes, password="pw")).connect()
    assert raised.value.code == "source_unauthorized"
    assert "pg_hba.conf" in raised.value.hint


@pytest.mark.parametrize("operation", ["INSERT", "UPDATE", "DELETE"])
def test_a_table_that_does_not_take_what_is_written_is_found(
    postgres_database: Database, operation: str
) -> None:
    postgres_database.sql(
        "CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not here' USING ERRCODE = '42501'; END $$",
        "CREATE FUNCTION guard() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE o record; BEGIN "
        "FOR o IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%check_%' LOOP "
        f"EXECUTE format('CREATE TRIGGER t BEFORE {operation} ON %s EXECUTE FUNCTION deny()', "
        "o.object_identity); END LOOP; END $$",
        "CREATE EVENT TRIGGER guard ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION guard()",
    )
    found = steps(postgres_database)
    assert first_failure(found).name == operation.lower()
    assert found["drop table"].status == "passed"


def test_an_empty_database_is_a_warning(postgres_database: Database) -> None:
    assert steps(postgres_database)["read"].status == "warning"


def test_an_existing_schema_in_upper_case_is_used_and_two_are_refused(postgres_database: Database) -> None:
    postgres_database.sql(f'CREATE SCHEMA "{SCHEMA.upper()}"')
    assert PostgresSource("w", postgres_database.settings()).schema == SCHEMA.upper()
    postgres_database.sql(f"CREATE SCHEMA {SCHEMA}")
    failed = first_failure(steps(postgres_database))
    assert failed.name == "managed schema"
    assert SCHEMA in failed.detail
    assert SCHEMA.upper() in failed.detail
    with pytest.raises(SourceError) as caught:
        _ = PostgresSource("w", postgres_database.settings()).schema
    assert caught.value.code == "source_schema_ambiguous"
    named = PostgresSource("w", postgres_database.settings(), schema=SCHEMA)
    assert named.schema == SCHEMA
