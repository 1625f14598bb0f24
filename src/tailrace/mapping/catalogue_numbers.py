"""The filters for numbers and for dates."""

from __future__ import annotations

from dataclasses import replace

from tailrace.mapping.allowed import fixed
from tailrace.mapping.convert import exact_number, shown, to_number, to_text, to_time
from tailrace.mapping.expression import Path
from tailrace.mapping.filters import Filter, Parameter
from tailrace.mapping.program import Program, Scalar, literal


def _int(program: Program, value: Scalar, _: list[Scalar], path: Path) -> Scalar:
    if value.family in ("number", "text", "json"):
        text = to_text(value)
        whole = replace(
            text, sql=f"CAST(CAST(trim({text.sql}) AS DECIMAL(38,9)) AS DECIMAL(38,9))", type="DECIMAL(38,9)"
        )
        value = program.attempt(whole, f"{literal('`int` cannot take ')} || {shown(text.sql)}")
    number = to_number(program, value, "int", path)
    if number.family == "int":
        return number
    cast = replace(number, sql=f"trunc({number.sql})::HUGEINT", type="HUGEINT")
    return program.attempt(cast, f"{literal('`int` cannot take ')} || {shown(f'{number.sql}::VARCHAR')}")


def _number(program: Program, value: Scalar, _: list[Scalar], path: Path) -> Scalar:
    if value.family in ("text", "json"):
        return exact_number(program, value)
    return value if value.family == "number" else to_number(program, value, "number", path)


def _to_date(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    time = _to_timestamp(program, value, arguments, path)
    return replace(time, sql=f"{time.sql}::DATE", type="DATE")


def _to_timestamp(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    if arguments:
        text = to_text(value)
        sql = f"strptime({text.sql}, {arguments[0].sql})"
        type_ = program.infer(sql, path)
        parsed = program.attempt(
            replace(text, sql=sql, type=type_), f"{literal('cannot read as a time: ')} || {shown(text.sql)}"
        )
        return to_time(program, parsed, "to_timestamp", path)
    if value.family in ("int", "decimal", "float", "number"):
        number = to_number(program, value, "to_timestamp", path)
        sql = f"make_timestamp(CAST(round({number.sql} * 1000000) AS BIGINT))"
        return program.attempt(
            replace(number, sql=sql, type="TIMESTAMP"),
            f"{literal('`to_timestamp` cannot take ')} || {shown(f'{number.sql}::VARCHAR')}",
        )
    return to_time(program, value, "to_timestamp", path)


def _date(program: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    time = program.value(to_time(program, value, "date", path))
    if not arguments:
        return replace(time, sql=f"{time.sql}::DATE", type="DATE")
    return replace(time, sql=f"strftime({time.sql}, {arguments[0].sql})", type="VARCHAR")


def _arithmetic(name: str, help_: str, example: tuple[str, str], form: str) -> Filter:
    return Filter(
        name,
        "number",
        help_,
        example,
        "number",
        form,
        (Parameter("number", "number"),),
        fails=True,
        growth=fixed,
    )


NUMBERS = (
    Filter(
        "number",
        "number",
        "Text as a number with its exact digits; numbers stay as they are.",
        ("{{ ' 1.50 ' | number }}", "1.50"),
        "any",
        _number,
        growth=fixed,
    ),
    Filter(
        "int",
        "number",
        "A whole number: what stands after the decimal point is cut off.",
        ("{{ '12.7' | int }}", "12"),
        "any",
        _int,
        growth=fixed,
    ),
    Filter(
        "round",
        "number",
        "Rounded to so many decimal places; half away from zero.",
        ("{{ 2.345 | round: 1 }}", "2.3"),
        "number",
        "round(@, @1::INTEGER)",
        (Parameter("places", "integer", 0, fixed=True, low=-18, high=18),),
        growth=fixed,
        fails=True,
    ),
    Filter(
        "floor",
        "number",
        "The next whole number below.",
        ("{{ 2.7 | floor | int }}", "2"),
        "number",
        "floor(@)",
        growth=fixed,
    ),
    Filter(
        "ceil",
        "number",
        "The next whole number above.",
        ("{{ 2.1 | ceil | int }}", "3"),
        "number",
        "ceil(@)",
        growth=fixed,
    ),
    Filter(
        "abs",
        "number",
        "Without its sign.",
        ("{{ -3 | abs }}", "3"),
        "number",
        "abs(@)",
        fails=True,
        growth=fixed,
    ),
    _arithmetic("plus", "The sum.", ("{{ 40 | plus: 2 }}", "42"), "@ + @1"),
    _arithmetic("minus", "The difference.", ("{{ 40 | minus: 2 }}", "38"), "@ - @1"),
    _arithmetic("times", "The product.", ("{{ 21 | times: 2 }}", "42"), "@ * @1"),
    _arithmetic(
        "divided_by",
        "The quotient, as a fraction; by zero refuses the record.",
        ("{{ 7 | divided_by: 2 }}", "3.5"),
        "CASE WHEN @1 = 0 THEN (1 // @1)::DOUBLE ELSE @ / @1 END",
    ),
    _arithmetic(
        "modulo",
        "The remainder, with the sign of the value.",
        ("{{ 7 | modulo: 4 }}", "3"),
        "@ % @1",
    ),
)

DATES = (
    Filter(
        "date",
        "date",
        "The date (UTC), or with a format (strftime) text.",
        ("{{ '2026-01-02T03:04:05Z' | date: '%d.%m.%Y' }}", '"02.01.2026"'),
        "any",
        _date,
        (Parameter("format", "text", None, fixed=True),),
        growth=fixed,
    ),
    Filter(
        "to_date",
        "date",
        "A date, read from text (ISO, or the given strptime format) or taken from a timestamp.",
        ("{{ '02.01.2026' | to_date: '%d.%m.%Y' }}", '"2026-01-02"'),
        "any",
        _to_date,
        (Parameter("format", "text", None, fixed=True),),
        growth=fixed,
    ),
    Filter(
        "to_timestamp",
        "date",
        "A timestamp, read from text (ISO, or the given strptime format) or from seconds since 1970.",
        ("{{ '2026-01-02 03:04:05+02:00' | to_timestamp }}", '"2026-01-02T01:04:05Z"'),
        "any",
        _to_timestamp,
        (Parameter("format", "text", None, fixed=True),),
        growth=fixed,
    ),
    Filter(
        "add_days",
        "date",
        "So many days later (earlier, where negative).",
        ("{{ '2026-01-31' | to_date | add_days: 1 | date }}", '"2026-02-01"'),
        "time",
        "@ + to_days(CAST(@1 AS INTEGER))",
        (Parameter("days", "number"),),
        fails=True,
        growth=fixed,
    ),
    Filter(
        "epoch",
        "date",
        "Whole seconds since 1970-01-01 UTC.",
        ("{{ '1970-01-02' | epoch }}", "86400"),
        "time",
        "(epoch_us(@) - (epoch_us(@) % 1000000 + 1000000) % 1000000) // 1000000",
        growth=fixed,
        fails=True,
    ),
    Filter(
        "epoch_ms",
        "date",
        "Whole milliseconds since 1970-01-01 UTC.",
        ("{{ '1970-01-02' | epoch_ms }}", "86400000"),
        "time",
        "(epoch_us(@) - (epoch_us(@) % 1000 + 1000) % 1000) // 1000",
        growth=fixed,
        fails=True,
    ),
)
