"""GoogleSQL as its documents have it: narrower than sqlglot's dialect, which also reads other databases' words.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types and .../functions-all
"""

from __future__ import annotations

from typing import ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.tokens import TokenType

_TYPES = {
    "ANY TYPE",
    "ARRAY",
    "BIGDECIMAL",
    "BIGINT",
    "BIGNUMERIC",
    "BOOL",
    "BOOLEAN",
    "BYTEINT",
    "BYTES",
    "DATE",
    "DATETIME",
    "DECIMAL",
    "FLOAT64",
    "GEOGRAPHY",
    "INT",
    "INT64",
    "INTEGER",
    "INTERVAL",
    "JSON",
    "NUMERIC",
    "RANGE",
    "SMALLINT",
    "STRING",
    "STRUCT",
    "TIME",
    "TIMESTAMP",
    "TINYINT",
}
_NO_TYPES = {"NULL", "UNION"}
_NOT_GOOGLES = {
    TokenType.ARROW,
    TokenType.DARROW,
    TokenType.DCOLON,
    TokenType.GLOB,
    TokenType.ILIKE,
    TokenType.QDCOLON,
    TokenType.RLIKE,
    TokenType.SIMILAR_TO,
}

_ROOM = {exp.DataType.Type.DECIMAL: (9, 29), exp.DataType.Type.BIGDECIMAL: (38, 38)}
"""Of exact numbers: the largest scale, and how many digits may stand before the point."""

_FUNCTIONS = """
ABS ACOS ACOSH ANY_VALUE APPROX_COUNT_DISTINCT APPROX_QUANTILES APPROX_TOP_COUNT APPROX_TOP_SUM ARRAY ARRAY_AGG
ARRAY_CONCAT ARRAY_CONCAT_AGG ARRAY_FIRST ARRAY_LAST ARRAY_LENGTH ARRAY_REVERSE ARRAY_SLICE ARRAY_TO_STRING ASCII
ASIN ASINH ATAN ATAN2 ATANH AVG BIT_AND BIT_COUNT BIT_OR BIT_XOR BOOL BYTE_LENGTH CAST CBRT CEIL CEILING
CHARACTER_LENGTH CHAR_LENGTH CHR COALESCE CODE_POINTS_TO_BYTES CODE_POINTS_TO_STRING COLLATE CONCAT CONTAINS_SUBSTR
CORR COS COSH COUNT COUNTIF COVAR_POP COVAR_SAMP CUME_DIST CURRENT_DATE CURRENT_DATETIME CURRENT_TIME
CURRENT_TIMESTAMP DATE DATETIME DATETIME_ADD DATETIME_DIFF DATETIME_SUB DATETIME_TRUNC DATE_ADD DATE_BUCKET
DATE_DIFF DATE_FROM_UNIX_DATE DATE_SUB DATE_TRUNC DENSE_RANK DIV EDIT_DISTANCE ENDS_WITH ERROR EXISTS EXP EXTRACT
FARM_FINGERPRINT FIRST_VALUE FLOAT64 FLOOR FORMAT FORMAT_DATE FORMAT_DATETIME FORMAT_TIME FORMAT_TIMESTAMP
FROM_BASE32 FROM_BASE64 FROM_HEX GENERATE_ARRAY GENERATE_DATE_ARRAY GENERATE_TIMESTAMP_ARRAY GENERATE_UUID GREATEST
GROUPING IEEE_DIVIDE IF IFNULL INITCAP INSTR INT64 IS_INF IS_NAN JSON_ARRAY JSON_EXTRACT JSON_EXTRACT_ARRAY
JSON_EXTRACT_SCALAR JSON_EXTRACT_STRING_ARRAY JSON_KEYS JSON_OBJECT JSON_QUERY JSON_QUERY_ARRAY JSON_REMOVE JSON_SET
JSON_STRIP_NULLS JSON_TYPE JSON_VALUE JSON_VALUE_ARRAY JUSTIFY_DAYS JUSTIFY_HOURS JUSTIFY_INTERVAL LAG LAST_DAY
LAST_VALUE LAX_BOOL LAX_FLOAT64 LAX_INT64 LAX_STRING LEAD LEAST LEFT LENGTH LN LOG LOG10 LOGICAL_AND LOGICAL_OR
LOWER LPAD LTRIM MAKE_INTERVAL MAX MAX_BY MD5 MIN MIN_BY MOD NORMALIZE NORMALIZE_AND_CASEFOLD NTH_VALUE NTILE NULLIF
OCTET_LENGTH OFFSET ORDINAL PARSE_BIGNUMERIC PARSE_DATE PARSE_DATETIME PARSE_JSON PARSE_NUMERIC PARSE_TIME
PARSE_TIMESTAMP PERCENTILE_CONT PERCENTILE_DISC PERCENT_RANK POW POWER RAND RANGE RANGE_BUCKET RANK REGEXP_CONTAINS
REGEXP_EXTRACT REGEXP_EXTRACT_ALL REGEXP_INSTR REGEXP_REPLACE REGEXP_SUBSTR REPEAT REPLACE REVERSE RIGHT ROUND
ROW_NUMBER RPAD RTRIM SAFE_ADD SAFE_CAST SAFE_CONVERT_BYTES_TO_STRING SAFE_DIVIDE SAFE_MULTIPLY SAFE_NEGATE
SAFE_OFFSET SAFE_ORDINAL SAFE_SUBTRACT SESSION_USER SHA1 SHA256 SHA512 SIGN SIN SINH SOUNDEX SPLIT SQRT STARTS_WITH
STDDEV STDDEV_POP STDDEV_SAMP STRING STRING_AGG STRPOS STRUCT SUBSTR SUBSTRING SUM TAN TANH TIME TIMESTAMP
TIMESTAMP_ADD TIMESTAMP_DIFF TIMESTAMP_MICROS TIMESTAMP_MILLIS TIMESTAMP_SECONDS TIMESTAMP_SUB TIMESTAMP_TRUNC
TIME_ADD TIME_DIFF TIME_SUB TIME_TRUNC TO_BASE32 TO_BASE64 TO_CODE_POINTS TO_HEX TO_JSON TO_JSON_STRING TRANSLATE
TRIM TRUNC TYPEOF UNICODE UNIX_DATE UNIX_MICROS UNIX_MILLIS UNIX_SECONDS UNNEST UPPER VARIANCE VAR_POP VAR_SAMP
"""
"""All that this stand-in may be asked for; ST_ functions and those of BigQuery ML are missing."""

_KNOWN = frozenset(_FUNCTIONS.split())


class GoogleSQL(BigQuery):
    """The dialect without the words that are not Google's."""

    class Tokenizer(BigQuery.Tokenizer):
        KEYWORDS: ClassVar = {
            word: kind
            for word, kind in BigQuery.Tokenizer.KEYWORDS.items()
            if kind not in _NOT_GOOGLES
            and (kind not in BigQuery.Parser.TYPE_TOKENS or word in _TYPES | _NO_TYPES)
        }


def read(text: str) -> exp.Expression:
    """The tree of one statement. Raises sqlglot's ParseError or TokenError."""
    return sqlglot.parse_one(text, dialect=GoogleSQL)


def impossible_number(tree: exp.Expression) -> str | None:
    """The first exact number with more digits than its type has."""
    for kind in tree.find_all(exp.DataType):
        room = _ROOM.get(kind.this)
        if room is None or not kind.expressions:
            continue
        sizes = [int(size.name) for size in kind.expressions]
        precision, scale = sizes[0], sizes[1] if len(sizes) > 1 else 0
        if scale > room[0] or not max(1, scale) <= precision <= scale + room[1]:
            return kind.sql(dialect=BigQuery)
    return None


def unknown_function(tree: exp.Expression) -> str | None:
    """The first function that is called and is none of GoogleSQL's."""
    for call in tree.find_all(exp.Func):
        name = call.name if isinstance(call, exp.Anonymous) else call.meta.get("name")
        if name and name.upper() not in _KNOWN:
            return name
    return None
