"""Types that Derby lacks, described by the stand-in as Db2 describes them: what IBM's driver and Tailrace make of them."""

from __future__ import annotations

import re

import pytest
from tests.servers.db2 import Database, Db2Server
from tests.servers.db2 import results as types
from tests.servers.db2.results import Result

from tailrace.sources.base import Column, Kind
from tailrace.sources.db2.source import Db2Source

MODEL = "SELECT V FROM SHOP.THINGS"
GRAPHIC_TEXT = re.escape("LENGTH(COALESCE(MAX(m.\"V\"), G' '))")


@pytest.fixture
def source(db2_database: Database) -> Db2Source:
    db2_database.sql("CREATE SCHEMA SHOP", "CREATE TABLE SHOP.THINGS (V VARCHAR(7) FOR BIT DATA)")
    return Db2Source("w", db2_database.settings())


def described(db2: Db2Server, source: Db2Source, column: types.Column, length: int) -> Column:
    """What a model with this column is described as; `length` is what Db2 says of a graphic text in its place."""
    lengths = [types.integer("1")], [[length.to_bytes(4, "big")]]
    if column.sql_type in (465, 469):  # what is no graphic text is refused beside one, by Derby as by Db2
        db2.results.append(Result(GRAPHIC_TEXT, *lengths))
    db2.results.append(Result(r"LENGTH\(COALESCE\(MAX\(m\.\"V\"\), CAST", *lengths))
    db2.results.append(Result(r"^SELECT (\* FROM \(\nSELECT )?V FROM", [column], []))
    (found,) = source.describe(MODEL)
    return found


@pytest.mark.parametrize(
    ("column", "length", "native", "kind"),
    [
        (types.boolean("V"), 0, "BOOLEAN", Kind.BOOL),
        (types.decfloat("V", 16), 0, "DECFLOAT", Kind.DECIMAL),
        (types.decfloat("V", 34), 0, "DECFLOAT", Kind.DECIMAL),
        (types.graphic("V", 7), 7, "GRAPHIC(7)", Kind.TEXT),
        (types.vargraphic("V", 7), 1, "VARGRAPHIC(7)", Kind.TEXT),
        (types.varchar("V", 0), 0, "VARCHAR(0)", Kind.TEXT),
        (types.binary("V", 7), 0, "VARCHAR(7) FOR BIT DATA", Kind.BYTES),
        (types.varbinary("V", 7), 0, "VARCHAR(7) FOR BIT DATA", Kind.BYTES),
        (types.clob("V", 70_000), 0, "CLOB(70000)", Kind.TEXT),
        (types.dbclob("V", 70_000), 0, "DBCLOB(70000)", Kind.TEXT),
        (types.blob("V", 70_000), 0, "BLOB(70000)", Kind.BYTES),
        (types.xml("V"), 0, "XML", Kind.TEXT),
        (types.timestamp("V", 12), 0, "TIMESTAMP(12)", Kind.TIMESTAMP),
    ],
)
def test_a_type_is_known_by_what_the_driver_says_of_it(
    db2: Db2Server, source: Db2Source, column: types.Column, length: int, native: str, kind: Kind
) -> None:
    found = described(db2, source, column, length)
    assert (found.native, found.kind) == (native, kind)


def test_a_boolean_is_read_as_one(db2: Db2Server, source: Db2Source) -> None:
    rows = [[b"\0\1"], [b"\0\0"], [None]]
    db2.results.append(Result(r"FROM SHOP\.THINGS", [types.boolean("V")], rows))
    with source.session() as session:
        assert session.read(MODEL).read_all().to_pydict() == {"v": [True, False, None]}


def test_no_decfloat_is_left_to_the_driver_which_would_make_a_double_of_it(
    db2: Db2Server, source: Db2Source
) -> None:
    db2.results.append(Result(r"FROM SHOP\.THINGS", [types.decfloat("V", 34)], [[bytes(16)]]))
    with source.session() as session:
        ((value,),) = session.rows(MODEL)
    assert isinstance(value, float)
    column = Column("v", Kind.DECIMAL, "DECFLOAT")
    assert source.dialect.read_expr('p."V"', column) == 'CAST(p."V" AS VARCHAR(42))'
    assert source.dialect.storage(column).native == "DECFLOAT"
