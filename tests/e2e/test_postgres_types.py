"""Types that a PostgreSQL database's users made, and databases that are not in UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.e2e.project import PostgresWarehouse, Project
from tests.servers.postgres import Database, PostgresServer

from tailrace.errors import TailraceError
from tailrace.testing.faults import Fault
from tailrace.testing.receiver import Receiver

Opened = Callable[[str], Project]


@pytest.fixture
def encoded(tmp_path: Path, receiver: Receiver, postgres: PostgresServer) -> Iterator[Opened]:
    """A project over a database of an encoding."""
    with ExitStack() as stack:

        def opened(encoding: str) -> Project:
            database = stack.enter_context(postgres.database(encoding))
            return Project(tmp_path, PostgresWarehouse(database), receiver)

        yield opened


@pytest.fixture
def shop(tmp_path: Path, receiver: Receiver, postgres_database: Database) -> Project:
    """A project over PostgreSQL."""
    return Project(tmp_path, PostgresWarehouse(postgres_database), receiver)


def test_r06_an_enum_is_text_and_may_be_the_key(shop: Project) -> None:
    shop.data(
        "CREATE TYPE \"Mood's\" AS ENUM ('glad', 'Sad', 'so so')",
        'CREATE TABLE people (mood "Mood\'s", other "Mood\'s", moods "Mood\'s"[])',
        "INSERT INTO people VALUES ('glad', 'Sad', '{glad,so so}'), ('Sad', NULL, NULL), ('so so', 'glad', '{}')",
    )
    shop.key = "mood"
    shop.edit(fields={"mood": "{{ mood | upper }}", "other": "$other", "moods": "$moods"})
    assert shop.ok().counts.added == 3
    assert shop.held == {
        "glad": {"mood": "GLAD", "other": "Sad", "moods": ["glad", "so so"]},
        "Sad": {"mood": "SAD", "other": None, "moods": None},
        "so so": {"mood": "SO SO", "other": "glad", "moods": []},
    }
    assert shop.ok().counts.unchanged == 3
    shop.data(
        "UPDATE people SET other = 'so so' WHERE mood = 'glad'", "DELETE FROM people WHERE mood = 'Sad'"
    )
    counts = shop.ok().counts
    assert (counts.updated, counts.deleted) == (1, 1)
    shop.key = ["mood", "other"]
    assert shop.plan().counts.added == 2


def test_r15_an_enum_that_becomes_text_is_no_change(shop: Project) -> None:
    shop.data("CREATE TYPE mood AS ENUM ('glad')", "CREATE TABLE people (id integer, mood mood)")
    shop.data("INSERT INTO people VALUES (1, 'glad')")
    shop.ok()
    shop.data("ALTER TABLE people ALTER COLUMN mood TYPE text USING mood::text")
    assert shop.ok().counts.unchanged == 1


def test_a_composite_goes_as_an_object_and_is_compared_by_its_values(shop: Project) -> None:
    shop.data(
        'CREATE TYPE place AS (city text, "zip code" numeric)',
        "CREATE TABLE people (id integer, home place, past place[])",
        "INSERT INTO people VALUES (1, ROW('Bonn', 53111.10), ARRAY[ROW('Köln', NULL)::place]), (2, NULL, NULL)",
    )
    assert shop.ok().counts.added == 2
    home = {"city": "Bonn", "zip code": 53111.1}
    assert shop.held["1"] == {"id": 1, "home": home, "past": [{"city": "Köln", "zip code": None}]}
    assert shop.held["2"]["home"] is None
    assert shop.ok().counts.unchanged == 2
    shop.edit(on_change="keep", fields={"id": "$id", "city": "$home.city"})
    shop.data("UPDATE people SET home.city = 'Berlin' WHERE id = 1")
    (change,) = shop.plan().changes
    assert (change.old, change.new) == (
        {"id": 1, "home": home},
        {"id": 1, "home": home | {"city": "Berlin"}},
    )
    assert shop.ok().counts.updated == 1
    assert shop.held["1"]["city"] == "Berlin"
    shop.key = "home"
    with pytest.raises(TailraceError, match="composite place, which cannot identify a record"):
        shop.plan()


def test_what_is_nested_is_shown_as_it_goes_out(shop: Project) -> None:
    shop.sql = "SELECT 1 AS id, ARRAY[1, 2] AS list, CAST('{\"a\": 1.50}' AS json) AS document, '[1]' AS text"
    with shop.opened() as workspace:
        (row,) = workspace.preview("people", 1).rows
        assert row == {"id": 1, "list": [1, 2], "document": {"a": 1.5}, "text": "[1]"}
    code, document = shop.cli("preview", "people")
    assert (code, document["rows"][0]["list"]) == (0, [1, 2])
    assert shop.ok().counts.added == 1
    assert shop.held["1"]["list"] == [1, 2]
    with shop.opened() as workspace:
        why = workspace.why("people", "1")
    assert why.state is not None
    assert why.model[0]["list"] == why.state["values"]["list"] == [1, 2]


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_is_not_in_utf8(encoded: Opened, encoding: str) -> None:
    project = encoded(encoding)
    project.people((1, "Grüße"), (2, "ÿ"), (3, "plain"))
    said = {"status": "rejected", "code": "invalid", "message": "東京 says no → really ☃"}
    refusal = Fault(kind="results", keys=("2",), result=said)
    counts = project.sync(refusal).counts
    assert (counts.delivered, counts.rejected) == (2, 1)
    assert project.names == {"1": "Grüße", "3": "plain"}
    with project.opened() as workspace:
        (rejected,) = workspace.rejections("people").rejections
    assert "says no" in rejected.message
    assert project.ok().counts.added == 1
    project.data("UPDATE people SET name = 'é' WHERE id = 1", "DELETE FROM people WHERE id = 3")
    project.source = {"remember": "checksum"}
    counts = project.ok().counts
    assert (counts.updated, counts.deleted, counts.unchanged) == (1, 1, 1)
    assert project.names == {"1": "é", "2": "ÿ"}
    assert project.ok().counts.unchanged == 2


def test_text_that_is_not_what_the_database_says_is_named(encoded: Opened) -> None:
    project = encoded("SQL_ASCII")
    project.people((1, "plain"))
    project.data("INSERT INTO people VALUES (2, convert_from('\\xe9'::bytea, 'SQL_ASCII'))")
    document = project.sync()
    assert document.error is not None
    assert (document.status, document.error.code) == ("failed", "source_text"), document.error
    assert "0xe9" in document.error.message
    project.sql = f"SELECT id, {document.error.hint.rpartition(': ')[2].rstrip('.')} AS name FROM people"
    assert project.ok().counts.added == 2
    assert project.names["2"] == "é"


@pytest.mark.parametrize("encoding", ["LATIN1", "UTF8"])
@pytest.mark.parametrize("remember", ["values", "checksum"])
def test_json_that_jsonb_would_refuse_holds_nobody_up(encoded: Opened, encoding: str, remember: str) -> None:
    project = encoded(encoding)
    project.edit(remember=remember)
    project.data(
        "CREATE TABLE people (id bigint, name json)",
        r"""INSERT INTO people VALUES (1, '"\u20ac"'), (2, '"\u0000"'), (3, '1e400000'), (4, '{"a": 1, "b": 2}')""",
    )
    assert project.ok().counts.added == 4
    project.data(
        r"""UPDATE people SET name = '"\u20ad"' WHERE id = 1""",
        r"""UPDATE people SET name = '"\u0000x"' WHERE id = 2""",
        r"""UPDATE people SET name = '1e400001' WHERE id = 3""",
        r"""UPDATE people SET name = '{"b":2,"a":1}' WHERE id = 4""",
        r"""INSERT INTO people VALUES (5, '"\ud800"')""",
    )
    for count in (3, 0):
        counts = project.sync().counts
        assert (counts.updated, counts.added, counts.rejected) == (count, 1, 1)
