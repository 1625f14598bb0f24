"""R6 and R7: what names a record, which keys are set aside, and that a doubtful key is never deleted."""

from __future__ import annotations

import pytest
from tests.e2e.project import Project

from tailrace.errors import ConfigError, ModelError


@pytest.mark.core
def test_r06_null_empty_blank_and_repeated_keys_are_set_aside_with_samples(project: Project) -> None:
    rows = [("a", "x"), (None, "n"), (None, "m"), ("", "e"), ("  ", "b"), ("twice", "1"), ("twice", "2")]
    project.people(*rows, columns="id text, name text")
    plan = project.plan()
    assert {(each.reason, each.rows) for each in plan.set_aside} == {
        ("null", 2), ("empty", 1), ("blank", 1), ("repeated", 2),
    }  # fmt: skip
    for _ in range(2):
        document = project.ok()
        assert document.counts.set_aside == 6
        assert project.held == {"a": {"id": "a", "name": "x"}}
    with project.opened() as workspace:
        for key, said in (
            ("", "Its key is empty"),
            ("  ", "Its key is blank"),
            ("twice", "stands in 2 rows"),
        ):
            why = workspace.why(project.mapping, key)
            assert why.change == "set_aside"
            assert said in why.verdict
            with pytest.raises(ConfigError, match=said):
                workspace.send(project.mapping, key)
    assert set(project.held) == {"a"}


def test_r06_keys_that_begin_alike_are_told_apart_or_set_aside_never_cut(project: Project) -> None:
    """Db2 and Azure have no type for a key of any length: what does not fit is named, and holds up nothing."""
    begin, columns = "k" * 4_500, "id varchar(6000), name varchar(60)"
    project.people(("a", "short"), (begin + "1", "one"), (begin + "2", "two"), columns=columns)
    plan, document = project.plan(), project.ok()
    if project.warehouse.kind not in ("azure", "db2"):
        assert (document.counts.added, plan.set_aside) == (3, [])
        assert project.names == {"a": "short", begin + "1": "one", begin + "2": "two"}
        return
    assert [(each.reason, each.rows) for each in plan.set_aside] == [("long", 2)]
    assert (document.counts.added, document.counts.set_aside) == (1, 2)
    project.people(("a", "short"), ("f" * 4_000, "fits"), ("k" * 4_001, "does not"), columns=columns)
    document = project.ok()
    assert (document.counts.added, document.counts.set_aside) == (1, 1)
    assert project.names == {"a": "short", "f" * 4_000: "fits"}


@pytest.mark.core
def test_r06_case_and_trailing_blanks_make_different_keys(project: Project) -> None:
    rows = [("a", "lower"), ("A", "upper"), ("a ", "blank")]
    project.people(*rows, columns="id text, name text")
    assert project.ok().counts.added == 3
    assert project.names == {"a": "lower", "A": "upper", "a ": "blank"}
    project.data(
        "DELETE FROM people WHERE name = 'upper'", "UPDATE people SET name = 'edited' WHERE name = 'blank'"
    )
    document = project.ok()
    assert (document.counts.updated, document.counts.deleted) == (1, 1)
    assert project.names == {"a": "lower", "a ": "edited"}


@pytest.mark.parametrize(
    ("narrow", "wide", "key"),
    [
        ("char(5)", "char(9)", "'x1'"),
        ("decimal(6, 2)", "decimal(24, 6)", "7.50"),
        ("integer", "decimal(20, 2)", "42"),
        ("smallint", "bigint", "42"),
        ("varchar(8)", "text", "'x1'"),
        ("date", "date", "DATE '2026-02-01'"),
    ],
)
def test_r06_a_wider_key_names_the_same_record(project: Project, narrow: str, wide: str, key: str) -> None:
    project.edit(fields={"name": "$name"})
    project.sql = f"SELECT CAST({key} AS {narrow}) AS id, 'n' AS name"
    project.ok()
    held = project.held
    assert len(held) == 1
    project.sql = f"SELECT CAST({key} AS {wide}) AS id, 'n' AS name"
    counts = project.ok().counts
    assert (counts.planned, counts.unchanged) == (0, 1)
    assert project.held == held


_LACKS = {
    ("azure", "json"): "a pool has no type json",
    ("db2", "json"): "Db2 has no type json",
    ("db2", "boolean"): "a BOOLEAN of Derby's is a SMALLINT to IBM's driver",
}


@pytest.mark.parametrize("native", ["double precision", "boolean", "json"])
def test_r06_keys_of_doubtful_types_are_refused(project: Project, native: str) -> None:
    if lack := _LACKS.get((project.warehouse.kind, native)):
        pytest.skip(lack)
    project.people(columns=f"id {native}, name text")
    with pytest.raises(ModelError) as raised:
        project.sync()
    assert raised.value.exit_code == 2
    assert "id" in raised.value.message
    assert project.receiver.stats()["requests"] == 0


def test_r06_a_key_of_several_columns_is_one_array(project: Project) -> None:
    project.key = ["a", "b"]
    rows = [("x", 1, "n"), ("x,1", 1, "n"), ("x", 11, "n"), (None, 1, "n")]
    project.people(*rows, columns="a text, b bigint, name text")
    document = project.ok()
    assert (document.counts.added, document.counts.set_aside) == (3, 1)
    assert set(project.held) == {'["x","1"]', '["x,1","1"]', '["x","11"]'} or set(project.held) == {
        '["x",1]', '["x,1",1]', '["x",11]',
    }  # fmt: skip
    project.data("DELETE FROM people WHERE b = 11")
    assert project.ok().counts.deleted == 1
    assert len(project.held) == 2


def test_r06_uuids_are_lower_case(project: Project) -> None:
    if project.warehouse.kind in ("bigquery", "db2"):
        pytest.skip("it has no type uuid: such a key is text, and text has a case")
    project.sql = "SELECT CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS uuid) AS id, 1 AS name"
    project.ok()
    assert list(project.held) == ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]


def test_r06_times_are_utc(project: Project) -> None:
    if project.warehouse.kind == "db2":
        pytest.skip("Db2 has no type of times with a zone")
    project.sql = "SELECT TIMESTAMPTZ '2026-02-01 12:00:00+02' AS id, 1 AS name"
    project.ok()
    assert [key[:19].replace(" ", "T") for key in project.held] == ["2026-02-01T10:00:00"]


@pytest.mark.core
def test_r07_a_delivered_key_that_becomes_a_duplicate_is_neither_sent_nor_deleted(project: Project) -> None:
    project.people((1, "one"), (2, "two"))
    project.ok()
    project.data(
        "INSERT INTO people VALUES (1, 'other one')", "UPDATE people SET name = 'edited' WHERE id = 2"
    )
    document = project.ok()
    assert (document.counts.set_aside, document.counts.updated, document.counts.deleted) == (2, 1, 0)
    assert project.names == {"1": "one", "2": "edited"}
    project.data("DELETE FROM people WHERE name = 'one'")
    assert project.ok().counts.updated == 1
    assert project.names == {"1": "other one", "2": "edited"}


@pytest.mark.core
def test_r07_a_duplicate_that_vanishes_altogether_is_deleted(project: Project) -> None:
    project.people((1, "one"), (2, "two"))
    project.ok()
    project.data("INSERT INTO people VALUES (1, 'other one')")
    project.ok()
    project.data("DELETE FROM people WHERE id = 1")
    assert project.ok().counts.deleted == 1
    assert project.names == {"2": "two"}


@pytest.mark.core
def test_r07_only_what_we_delivered_is_deleted(project: Project) -> None:
    """Records of other writers at the receiver are none of our business."""
    project.people((1, "one"))
    project.ok()
    other = project.beside("other", name="other", sql="SELECT 99 AS id, 'theirs' AS name")
    other.ok()
    assert set(project.held) == {"1", "99"}
    assert project.ok().counts.planned == 0
    project.data("DELETE FROM people", "INSERT INTO people VALUES (2, 'two')")
    assert project.ok().counts.deleted == 1
    assert set(project.held) == {"2", "99"}


@pytest.mark.core
def test_another_unique_identifier_is_told_of_before_everything_goes_again(project: Project) -> None:
    project.people((1, "a"), (2, "b"))
    assert project.plan().warnings == []
    assert project.ok().warnings == []
    project.key = "name"
    (warning,) = project.plan().warnings
    assert "was id and is name now" in warning
    document = project.ok()
    assert (document.counts.added, document.counts.deleted, document.warnings) == (2, 2, [warning])
    assert project.ok().warnings == []
