"""GoogleSQL to DuckDB's SQL: bqemulator's translation, and what it gets wrong for us.

Set right here: the precision of NUMERIC, text and JSON of decimals, floats and times, the clock inside a
transaction, and the names of columns that have none.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from bqemulator.api.dependencies import AppContext
from bqemulator.domain.result import Err, Ok
from bqemulator.row_access.identity import CallerIdentity
from bqemulator.sql import table_rewriter, translator
from bqemulator.sql.catalog_schema import build_catalog_schema
from bqemulator.sql.rewriter.information_schema import expand_information_schema
from bqemulator.sql.rewriter.unnest_offset import rewrite_unnest_offset
from bqemulator.sql.rewriter.wildcard_expander import expand_wildcard_tables
from sqlglot import exp
from tests.servers.bigquery.standin.literals import plain

NUMERIC, BIGNUMERIC = "DECIMAL(38, 9)", "DECIMAL(38, 18)"
_LOSSLESS = 2**53

_FRACTION = r"regexp_extract(t, '\.(\d+)', 1)"
_PADDED = r"regexp_replace(t, '(\.\d+)', '\1' || repeat('0', {} - CAST(length({}) AS INT)))"

MACROS = (
    rf"""CREATE OR REPLACE MACRO bq_groups(t) AS CASE
        WHEN regexp_matches(t, '\.\d{{1,2}}($|[+-])') THEN {_PADDED.format(3, _FRACTION)}
        WHEN regexp_matches(t, '\.\d{{4,5}}($|[+-])') THEN {_PADDED.format(6, _FRACTION)}
        ELSE t END""",
    """CREATE OR REPLACE MACRO bq_digits(t) AS CASE
        WHEN strpos(t, '.') > 0 THEN rtrim(rtrim(t, '0'), '.') ELSE t END""",
    """CREATE OR REPLACE MACRO bq_fraction(x) AS rtrim(rtrim(strftime(CAST(x AS TIMESTAMP), '.%f'), '0'), '.')""",
    """CREATE OR REPLACE MACRO bq_text(x) AS CASE
        WHEN typeof(x) LIKE 'DECIMAL%' THEN bq_digits(CAST(x AS VARCHAR))
        WHEN typeof(x) = 'DOUBLE' THEN regexp_replace(CAST(x AS VARCHAR), '\\.0$', '')
        WHEN typeof(x) LIKE 'TIME%' THEN bq_groups(CAST(x AS VARCHAR))
        WHEN typeof(x) = 'BLOB' THEN decode(CAST(CAST(x AS VARCHAR) AS BLOB))
        ELSE CAST(x AS VARCHAR) END""",
    """CREATE OR REPLACE MACRO bq_json_text(x) AS CASE
        WHEN x IS NULL THEN 'null'
        WHEN typeof(x) IN ('VARCHAR', 'JSON', 'BOOLEAN', 'DATE') THEN CAST(to_json(x) AS VARCHAR)
        ELSE bq_json_any(x) END""",
)
"""`bq_text` is CAST(… AS STRING), `bq_json_text` TO_JSON_STRING."""


def install(connection: duckdb.DuckDBPyConnection) -> None:
    """Add our functions to the engine."""
    connection.create_function(
        "bq_json_any", _json_column, None, "VARCHAR", type="arrow", null_handling="special"
    )
    connection.execute("SET GLOBAL lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    for macro in MACROS:
        connection.execute(macro)


def _json_column(*columns: pa.ChunkedArray) -> pa.Array:
    column = columns[0]
    return pa.array([_json(value, column.type) for value in column.to_pylist()], pa.string())


def _json(value: Any, kind: pa.DataType) -> str:
    """A value as TO_JSON_STRING writes it.

    https://cloud.google.com/bigquery/docs/reference/standard-sql/json_functions#json_encodings
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        fields = {kind.field(i).name: kind.field(i).type for i in range(kind.num_fields)}
        return "{" + ",".join(f"{json.dumps(k)}:{_json(v, fields[k])}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(each, kind.value_type) for each in value) + "]"
    if isinstance(value, int):
        return str(value) if abs(value) <= _LOSSLESS else f'"{value}"'
    if isinstance(value, Decimal):
        text = format(value.normalize(), "f")
        return text if "." not in text and abs(value) <= _LOSSLESS else f'"{text}"'
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        text = value.astimezone(UTC).replace(tzinfo=None).isoformat() if value.tzinfo else value.isoformat()
        return f'"{_grouped(text)}{"Z" if value.tzinfo else ""}"'
    if isinstance(value, time):
        return f'"{_grouped(value.isoformat())}"'
    if isinstance(value, date):
        return f'"{value.isoformat()}"'
    if isinstance(value, bytes):
        return f'"{base64.b64encode(value).decode()}"'
    if str(kind).startswith("extension<arrow.json"):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _grouped(text: str) -> str:
    """Fractions of a second in groups of three digits."""
    return text.removesuffix("000") if "." in text else text


class Translation:
    """Translates for one project and caller."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self._translator = translator.SQLTranslator()

    def duckdb(self, sql: str, project: str, email: str, now: datetime) -> str:
        """One statement in DuckDB's SQL. Raises bqemulator's DomainError."""
        text = expand_information_schema(plain(sql), project, self._context.catalog)
        text = expand_wildcard_tables(rewrite_unnest_offset(text), project, self._context.catalog)
        schema = None
        if "AVG" in text.upper():  # the only function whose translation asks for types
            schema = build_catalog_schema(text, project_id=project, catalog=self._context.catalog) or None
        caller = CallerIdentity(principal=f"user:{email}", is_authenticated=True)
        match self._translator.translate(text, schema=schema, caller=caller):
            case Ok(translated):
                return mend(translated, project, now)
            case Err(error):
                raise error


def _only_where_it_may_matter(rewrite: Callable[[str], str]) -> Callable[[str], str]:
    """A pass that parses every statement to find CREATE TABLE with columns and a query."""
    return lambda sql: rewrite(sql) if _COLUMNS_AND_QUERY.match(sql) else sql


_COLUMNS_AND_QUERY = re.compile(r"\s*CREATE\b.*?\bTABLE\b[^(]*\(.*\)\s*(?:\w.*)?AS\b", re.I | re.S)
translator.rewrite_create_table_schema_ctas = _only_where_it_may_matter(
    translator.rewrite_create_table_schema_ctas
)


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("bqemulator waited for something")


def mend(sql: str, project: str, now: datetime) -> str:
    """Name tables as the engine does, and set right what it would compute otherwise than BigQuery."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for table in list(tree.find_all(exp.Table)):
        table_rewriter._rewrite_table_node(table, project)
    table_rewriter._rewrite_schema_qualified_calls(tree, project)
    clock = f"'{now.isoformat(sep=' ')}'"
    for node in list(tree.walk()):
        replacement: exp.Expression | None = None
        if isinstance(node, exp.DataType) and node.this == exp.DataType.Type.DECIMAL:
            size = [int(each.name) for each in node.expressions]
            if size in ([18, 3], []):
                replacement = exp.DataType.build(NUMERIC, dialect="duckdb")
            elif size == [38, 5]:
                replacement = exp.DataType.build(BIGNUMERIC, dialect="duckdb")
        elif isinstance(node, exp.CurrentTimestamp):
            replacement = sqlglot.parse_one(f"CAST({clock} AS TIMESTAMPTZ)", read="duckdb")
        elif isinstance(node, exp.CurrentDatetime):
            replacement = sqlglot.parse_one(f"CAST({clock} AS TIMESTAMP)", read="duckdb")
        elif isinstance(node, exp.CurrentDate):
            replacement = sqlglot.parse_one(f"CAST({clock} AS DATE)", read="duckdb")
        elif type(node) is exp.Cast and node.to.this in _TEXTS:
            inner = node.this
            name = inner.name.upper() if isinstance(inner, exp.Anonymous) else inner.key.upper()
            if name in ("TO_JSON", "JSONFORMAT", "JSONCAST") and isinstance(node.parent, exp.Cast):
                continue
            if name in ("TO_JSON", "JSONFORMAT"):
                argument = inner.expressions[0] if isinstance(inner, exp.Anonymous) else inner.this
                replacement = exp.Anonymous(this="bq_json_text", expressions=[argument])
            elif not (inner.is_string or isinstance(inner, exp.Null | exp.DPipe)):
                replacement = exp.Anonymous(this="bq_text", expressions=[inner])
        elif type(node) is exp.Cast and node.to.this in _BYTES and not isinstance(node.this, exp.Null):
            text = exp.cast(node.this, exp.DataType.Type.TEXT)
            replacement = exp.Anonymous(this="encode", expressions=[text])
        else:
            replacement = _short_fraction(node)
        if replacement is not None:
            node.replace(replacement)
    return tree.sql(dialect="duckdb")


def _short_fraction(node: exp.Expression) -> exp.Expression | None:
    """The text of a time whose format has `%E*S`: seconds with as many digits as there are."""
    if isinstance(node, exp.TimeToStr):
        value, pattern = node.this, node.args["format"]
    elif isinstance(node, exp.Anonymous) and node.name.upper() == "BQEMU_FORMAT_TIMESTAMP_ISO":
        pattern, value = node.expressions[:2]
    else:
        return None
    if not pattern.is_string or "%E*S" not in pattern.name:
        return None
    marked = exp.Literal.string(pattern.name.replace("%E*S", "%S\x01"))
    text = exp.Anonymous(this="strftime", expressions=[exp.cast(value, "TIMESTAMP"), marked])
    fraction = exp.Anonymous(this="bq_fraction", expressions=[value.copy()])
    return exp.Anonymous(this="replace", expressions=[text, exp.Literal.string("\x01"), fraction])


_TEXTS = (exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR)
_BYTES = (exp.DataType.Type.VARBINARY, exp.DataType.Type.BINARY, exp.DataType.Type.BLOB)
