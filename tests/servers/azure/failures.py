"""The engine's own errors in a pool's numbers and words."""

from __future__ import annotations

import re

import duckdb
from tests.servers.azure.errors import SqlError, invalid_column, invalid_object, parse_error

_RULES: list[tuple[str, int]] = [
    (r"Could not convert string '(.*?)' to U?INT", 245),
    (r"Error converting data type varchar to numeric", 8114),
    (r"Could not convert string \"?'?.*?'? to (?:DECIMAL|DOUBLE|FLOAT)", 8114),
    (r"Could not convert string .* to UUID", 8169),
    (r"(?:timestamp|date|time) field value|invalid (?:timestamp|date|time)|Unknown TimeZone", 241),
    (r"Could not convert string '(.*?)' to BOOL", 245),
    (r"Division by zero", 8134),
    (r"NOT NULL constraint failed: (\S+?)\.(\S+)", 515),
    (r"CHECK constraint failed on table (\S+) with expression CHECK\(\(length\(\"?(.+?)\"?\) <=", 2628),
    (r"out of range|Out of Range|[Oo]verflow", 8115),
    (r"Invalid length parameter", 537),
    (r"More than one row returned by a subquery", 512),
    (r"MERGE|multiple rows.*matched", 8672),
    (r"must appear in the GROUP BY clause", 8120),
    (r"conflict on create with .*\\0([^\\\"]+)\"", 2714),
    (r"has (\d+) columns but (\d+) values were supplied", 213),
    (r"Set operations can only apply to expressions with the same number", 205),
]
_TEXTS = {
    205: "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in"
    " their target lists.",
    213: "Column name or number of supplied values does not match table definition.",
    241: "Conversion failed when converting date and/or time from character string.",
    245: "Conversion failed when converting the varchar value '{0}' to data type int.",
    512: "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or"
    " when the subquery is used as an expression.",
    515: "Cannot insert the value NULL into column '{1}', table '{0}'; column does not allow nulls. INSERT fails.",
    537: "Invalid length parameter passed to the LEFT or SUBSTRING function.",
    2628: "String or binary data would be truncated in table '{0}', column '{1}'.",
    2714: "There is already an object named '{0}' in the database.",
    8114: "Error converting data type varchar to numeric.",
    8115: "Arithmetic overflow error converting expression to data type.",
    8120: "A column is invalid in the select list because it is not contained in either an aggregate function or the"
    " GROUP BY clause.",
    8134: "Divide by zero error encountered.",
    8169: "Conversion failed when converting from a character string to uniqueidentifier.",
    8672: "The MERGE statement attempted to UPDATE or DELETE the same row more than once.",
}
_COLUMN = re.compile(
    r'(?:Referenced column|column) "(.+?)"|does not have a column (?:named|with name) "?(.+?)"', re.I
)
_TABLE = re.compile(r'Table with name "?(.+?)"? does not exist')


def translated(error: duckdb.Error) -> SqlError:
    """An engine's error as a pool tells it."""
    words = str(error).split("\n\n")[0]
    if isinstance(error, duckdb.ParserException):
        near = re.search(r'at or near "(.*?)"', words)
        return parse_error(near[1] if near else "")
    for pattern, number in _RULES:
        found = re.search(pattern, words)
        if found is not None:
            groups = [(each or "").strip('"') for each in found.groups()] or [""]
            return SqlError(number, _TEXTS[number].format(*groups))
    missing = _TABLE.search(words)
    if missing is not None:
        return invalid_object(missing[1])
    if isinstance(error, duckdb.BinderException):
        column = _COLUMN.search(words)
        if (column is not None and "not found" in words) or "does not have a column" in words:
            assert column is not None
            return invalid_column(column[1] or column[2])
    return SqlError(102, f"The stand-in cannot run this: {words}", 15)
