"""What a model's text columns are, which the driver's description of them leaves open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.errors import SourceError
from tailrace.sources.base import Column, Kind
from tailrace.sources.db2.types import bare, sizes

if TYPE_CHECKING:
    from tailrace.sources.db2.dialect import Db2Dialect
    from tailrace.sources.db2.session import Db2Session


def settled(session: Db2Session, dialect: Db2Dialect, statement: str, columns: list[Column]) -> list[Column]:
    """The columns of a model with CHAR and GRAPHIC called so. Raises SourceError."""
    graphic = [_graphic(session, dialect, statement, column) for column in columns]
    return _fixed(session, dialect, statement, graphic)


def _lengths(dialect: Db2Dialect, statement: str, columns: list[Column], shortest: str) -> str:
    """A query for how long the columns of one row are, beside a shorter text: CHAR and GRAPHIC keep their length,
    while VARCHAR and VARGRAPHIC have that of their value."""
    names = (f"m.{dialect.quote(column.name)}" for column in columns)
    lengths = ", ".join(f"LENGTH(COALESCE(MAX({name}), {shortest}))" for name in names)
    return f"{dialect.leading(statement)}SELECT {lengths} FROM {dialect.subquery(statement, 'm')} WHERE 1 = 0"


def _fixed(session: Db2Session, dialect: Db2Dialect, statement: str, columns: list[Column]) -> list[Column]:
    """CHAR where the driver says VARCHAR, for the blanks at its end are no text (R6)."""
    texts = [c for c in columns if bare(c.native) == "VARCHAR" and sizes(c.native)[0] <= 255]
    if not texts:
        return columns
    ((*found,),) = session.rows(_lengths(dialect, statement, texts, "CAST('' AS CHAR(1))"))
    fixed = {
        column.name
        for column, length in zip(texts, found, strict=True)
        if length == sizes(column.native)[0] > 1
    }
    return [
        replace(column, native=column.native.removeprefix("VAR")) if column.name in fixed else column
        for column in columns
    ]


def _graphic(session: Db2Session, dialect: Db2Dialect, statement: str, column: Column) -> Column:
    """The column as GRAPHIC or VARGRAPHIC if it is one: it is described as bytes of the same number are.

    Db2 takes another graphic text in its place, which it refuses for bytes
    (https://www.ibm.com/docs/en/db2/11.5?topic=elements-assignments-comparisons).
    """
    if bare(column.native) != "VARCHAR FOR BIT DATA":
        return column
    try:
        ((found,),) = session.rows(_lengths(dialect, statement, [column], "G' '"))
    except SourceError as error:
        if error.code != "source_failed":
            raise
        return column
    length = sizes(column.native)[0]
    native = f"GRAPHIC({length})" if found == length > 1 else f"VARGRAPHIC({length})"
    return replace(column, kind=Kind.TEXT, native=native)
