"""Conversions between kinds of values: for filters, and onto the wire."""

from __future__ import annotations

from dataclasses import replace

from tailrace.mapping.expression import FieldError, Path
from tailrace.mapping.program import JSON, NUMBER, Fault, Program, Scalar, literal

NUMBER_PATTERN = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_PLAIN = {
    "bool": "a boolean",
    "int": "an integer",
    "decimal": "a decimal number",
    "number": "a number",
    "float": "a number",
    "text": "text",
    "json": "JSON",
    "blob": "bytes",
    "date": "a date",
    "timestamp": "a timestamp",
    "timestamptz": "a timestamp",
    "list": "a list",
    "other": "a structure",
    "null": "NULL",
}


def described(scalar: Scalar) -> str:
    """The kind of a value in plain words."""
    return _PLAIN[scalar.family]


def shown(sql: str) -> str:
    """SQL for a value inside a message: its beginning, in quotes."""
    return f"concat('«', left({sql}, 60), '»')"


def to_text(scalar: Scalar) -> Scalar:
    """The value as text, exactly as it would stand on the wire."""
    sql = scalar.sql
    match scalar.family:
        case "number":
            text = sql
        case "text":
            text = sql if scalar.type == "VARCHAR" else f"{sql}::VARCHAR"
        case "json":
            text = f"CASE WHEN json_valid({sql}) THEN json_extract_string({sql}, '$') END"
            scalar = replace(scalar, faults=(*scalar.faults, json_fault(sql)))
        case "date":
            text = f"{sql}::VARCHAR"
        case "timestamp":
            text = f"(replace({sql}::TIMESTAMP::VARCHAR, ' ', 'T') || 'Z')"
        case "timestamptz":
            text = f"(replace(timezone('UTC', {sql})::VARCHAR, ' ', 'T') || 'Z')"
        case "blob":
            text = f"to_base64({sql})"
        case "list" | "other":
            text = f"to_json({sql})::VARCHAR"
        case _:
            text = f"{sql}::VARCHAR"
    return replace(scalar, sql=text, type="VARCHAR", checked=False)


def to_number(program: Program, scalar: Scalar, what: str, path: Path) -> Scalar:
    """The value as a number to compute with; text that is no number refuses the record."""
    match scalar.family:
        case "int" | "decimal" | "float":
            return scalar
        case "null":
            return replace(scalar, sql="NULL::BIGINT", type="BIGINT")
        case "bool":
            return replace(scalar, sql=f"{scalar.sql}::INTEGER", type="INTEGER")
        case "number":
            cast = replace(scalar, sql=f"CAST({scalar.sql} AS {scalar.numeric})", type=scalar.numeric)
            return program.attempt(cast, _cannot(what, scalar.sql))
        case "text" | "json":
            text = to_text(scalar)
            cast = replace(text, sql=f"CAST(trim({text.sql}) AS DOUBLE)", type="DOUBLE")
            return program.attempt(cast, _cannot(what, text.sql))
        case _:
            raise FieldError(f"`{what}` takes a number, not {described(scalar)}", path)


def to_time(program: Program, scalar: Scalar, what: str, path: Path) -> Scalar:
    """The value as a timestamp in UTC; text with an offset is converted, text without one is UTC."""
    match scalar.family:
        case "date" | "timestamp":
            return replace(scalar, sql=f"{scalar.sql}::TIMESTAMP", type="TIMESTAMP")
        case "timestamptz":
            return replace(scalar, sql=f"timezone('UTC', {scalar.sql})", type="TIMESTAMP")
        case "null":
            return replace(scalar, sql="NULL::TIMESTAMP", type="TIMESTAMP")
        case "text" | "json":
            text = to_text(scalar)
            cast = replace(
                text, sql=f"timezone('UTC', CAST(trim({text.sql}) AS TIMESTAMPTZ))", type="TIMESTAMP"
            )
            return program.attempt(cast, _cannot(what, text.sql))
        case _:
            raise FieldError(f"`{what}` takes a date or timestamp, not {described(scalar)}", path)


def to_json_text(program: Program, scalar: Scalar) -> Scalar:
    """The value as JSON text, NULL staying NULL; faults say what has no JSON form."""
    scalar = program.value(scalar)
    sql, faults = scalar.sql, list(scalar.faults)
    match scalar.family:
        case "bool" | "int" | "decimal":
            text = f"{sql}::VARCHAR"
        case "number":
            text = sql
            faults.append(number_fault(sql))
        case "float":
            text = f"to_json({sql})::VARCHAR" if scalar.type == "DOUBLE" else f"{sql}::VARCHAR"
            faults.append(Fault(f"NOT isfinite({sql})", f"{sql}::VARCHAR || ' has no JSON form'"))
        case "text":
            text = f"to_json({sql})::VARCHAR" if scalar.type == "VARCHAR" else f"'\"' || {sql} || '\"'"
        case "json":
            text = f"{sql}::VARCHAR"
            if not scalar.checked:
                lines = f"contains({text}, chr(10)) OR contains({text}, chr(13))"
                flat = f"replace(replace({text}, chr(10), ' '), chr(13), ' ')"
                text = f"CASE WHEN {lines} THEN {flat} ELSE {text} END"
                faults.append(json_fault(sql))
        case "date":
            text = f"'\"' || {sql}::VARCHAR || '\"'"
            faults.append(_range_fault(sql, "DATE '0001-01-01'", "DATE '9999-12-31'"))
        case "timestamp":
            if scalar.type != "TIMESTAMP":
                return to_json_text(program, replace(scalar, sql=f"{sql}::TIMESTAMP", type="TIMESTAMP"))
            text = f"'\"' || replace({sql}::VARCHAR, ' ', 'T') || 'Z\"'"
            last = "TIMESTAMP '9999-12-31 23:59:59.999999'"
            faults.append(_range_fault(sql, "TIMESTAMP '0001-01-01'", last))
        case "timestamptz":
            return to_json_text(program, replace(scalar, sql=f"timezone('UTC', {sql})", type="TIMESTAMP"))
        case "blob":
            text = f"'\"' || to_base64({sql}) || '\"'"
        case "null":
            text = "NULL::VARCHAR"
        case _:
            nested = program.value(replace(scalar, sql=f"to_json({sql})::VARCHAR", type=JSON))
            text = nested.sql
            faults.append(json_fault(text))
    return replace(scalar, sql=text, type=JSON, faults=tuple(faults), checked=True)


def number_fault(sql: str) -> Fault:
    """A number that arrived as text, but is NaN, infinite or no number at all."""
    return Fault(
        f"NOT regexp_full_match({sql}, {literal(NUMBER_PATTERN)})", f"{shown(sql)} || ' has no JSON form'"
    )


def json_fault(sql: str) -> Fault:
    """Text that is not strict JSON: DuckDB's own check also lets NaN, Infinity and trailing commas pass."""
    text = f"{sql}::VARCHAR"
    strings = """'"(?:[^"\\\\]|\\\\.)*"'"""
    bare = f"regexp_replace({text}, {strings}, '\"\"', 'g')"
    loose = r"'(?i)(?:^|[-:,\[\s])(?:nan|inf|infinity)\s*(?:$|[,\]}\s])|,\s*[\]}]'"
    condition = (
        f"NOT json_valid({text}) OR (regexp_matches({text}, {loose}) AND regexp_matches({bare}, {loose}))"
    )
    return Fault(f"({condition})", f"'the column holds no valid JSON: ' || {shown(text)}")


def exact_number(program: Program, scalar: Scalar) -> Scalar:
    """Text as a number with its exact digits; text that is no JSON number refuses the record."""
    text = to_text(scalar)
    number = program.value(replace(text, sql=f"trim({text.sql})", type=NUMBER))
    fault = Fault(
        f"NOT regexp_full_match({number.sql}, {literal(NUMBER_PATTERN)})",
        f"{shown(number.sql)} || ' is not a number'",
    )
    return replace(number, faults=(*number.faults, fault))


def _cannot(what: str, sql: str) -> str:
    return f"{literal(f'`{what}` cannot take ')} || {shown(sql)}"


def _range_fault(sql: str, first: str, last: str) -> Fault:
    return Fault(
        f"({sql} < {first} OR {sql} > {last})", f"{sql}::VARCHAR || ' is outside of the years 1 to 9999'"
    )
