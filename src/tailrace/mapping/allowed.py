"""What SQL in a mapping may use: functions, operators and types, each with how far it lets a value grow.

Only what stands here is allowed. Everything listed is a pure function of its arguments: no time, no chance,
no settings, no files. Growth is what stops memory bombs: the size of a result is bounded before anything
runs, as a multiple of the record's own size plus a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

FACTOR_LIMIT = 64
"""A result may be at most so many times as large as the record."""
CONSTANT_LIMIT = 64 * 1024
"""… plus so many bytes."""
REPEAT_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Size:
    """At most `factor` times the record's bytes plus `constant` bytes; `literal` is a constant's own text."""

    factor: int = 0
    constant: int = 64
    literal: str | None = None

    def times(self, count: int) -> Size:
        return Size(self.factor * count, self.constant * count)

    def plus(self, other: Size) -> Size:
        return Size(self.factor + other.factor, self.constant + other.constant)


class Refused(Exception):
    """This call is not allowed; the text says why, the hint what to do where that is not the usual."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


Growth = Callable[[Sequence[Size]], Size]


def total(sizes: Sequence[Size]) -> Size:
    """The bound of everything put together."""
    result = Size(0, 0)
    for size in sizes:
        result = result.plus(size)
    return result


def largest(sizes: Sequence[Size]) -> Size:
    """The bound of any one of them."""
    return Size(
        max((size.factor for size in sizes), default=0), max((size.constant for size in sizes), default=64)
    )


def fixed(_: Sequence[Size]) -> Size:
    return Size()


def as_first(sizes: Sequence[Size]) -> Size:
    return Size(sizes[0].factor, sizes[0].constant) if sizes else Size()


def _summed(times: int) -> Growth:
    return lambda sizes: total(sizes).times(times)


def _whole_number(size: Size, what: str, limit: int) -> int:
    try:
        number = int(size.literal or "")
    except ValueError:
        raise Refused(f"{what} must be a plain number") from None
    if not 0 <= number <= limit:
        raise Refused(f"{what} must be between 0 and {limit}")
    return number


def _padded(sizes: Sequence[Size]) -> Size:
    if len(sizes) < 2:
        return Size()
    count = _whole_number(sizes[1], "the length to pad to", REPEAT_LIMIT)
    return Size(sizes[0].factor, sizes[0].constant + 4 * count)


def _repeated(sizes: Sequence[Size]) -> Size:
    if len(sizes) != 2:
        return Size()
    return as_first(sizes).times(max(1, _whole_number(sizes[1], "the number of repetitions", REPEAT_LIMIT)))


def _literal_pattern(sizes: Sequence[Size]) -> None:
    if len(sizes) > 1 and sizes[1].literal is None:
        raise Refused("the pattern must be a plain text")
    if len(sizes) > 1 and len(sizes[1].literal or "") > 500:
        raise Refused("the pattern is longer than 500 characters")


def _pattern_fixed(sizes: Sequence[Size]) -> Size:
    _literal_pattern(sizes)
    return Size()


def _pattern_part(sizes: Sequence[Size]) -> Size:
    _literal_pattern(sizes)
    return as_first(sizes)


def _pattern_split(sizes: Sequence[Size]) -> Size:
    _literal_pattern(sizes)
    return _split(sizes)


def _replaced(sizes: Sequence[Size]) -> Size:
    if len(sizes) < 3:
        return Size()
    text, replacement = sizes[0], sizes[2]
    if replacement.literal is None:
        raise Refused("the replacement must be a plain text")
    added = len(replacement.literal.encode())
    return Size(text.factor * max(1, added), text.constant * max(1, added) + added)


def _regex_replaced(sizes: Sequence[Size]) -> Size:
    _literal_pattern(sizes)
    if len(sizes) < 3:
        return Size()
    replacement = sizes[2].literal
    if replacement is None:
        raise Refused("the replacement must be a plain text")
    groups = replacement.count("\\")
    added = len(replacement.encode()) + 1 + groups
    return Size(sizes[0].factor * (added + 1), sizes[0].constant * (added + 1) + added)


def _split(sizes: Sequence[Size]) -> Size:
    # every part costs a 16-byte string header
    return as_first(sizes).times(17)


def _formatted(sizes: Sequence[Size]) -> Size:
    literal = next((size.literal for size in sizes if size.literal is not None), None)
    if literal is None:
        raise Refused("the date format must be a plain text")
    if len(literal) > 200:
        raise Refused("the date format is longer than 200 characters")
    return Size(0, 32 * len(literal) + 64)


def _words(text: str) -> list[str]:
    return text.split()


FUNCTIONS: dict[str, Growth] = {
    **dict.fromkeys(
        # arithmetic, comparison, bits
        _words(
            """
            + - * / // % ** ^ & | << >> @ abs ceil ceiling floor round round_even sign sqrt cbrt exp
            ln log log2 log10 pow power mod trunc even divide multiply add subtract fdiv fmod
            greatest_common_divisor gcd lcm degrees radians sin cos tan asin acos atan atan2 pi
            isnan isinf isfinite bit_count xor length len strlen octet_length char_length
            character_length length_grapheme bit_length ascii ord unicode chr contains starts_with
            ends_with prefix suffix ^@ strpos instr position ~~ !~~ ~~* !~~* ~~~ like_escape
            not_like_escape ilike_escape not_ilike_escape date_part datepart date_trunc datetrunc
            date_diff datediff date_sub datesub date_add year month day hour minute second
            millisecond microsecond quarter week weekofyear weekday dayofweek isodow dayofyear
            dayofmonth isoyear yearweek dayname monthname last_day century decade epoch epoch_ms
            epoch_us epoch_ns make_date make_time make_timestamp make_timestamp_ms to_timestamp
            timezone strptime try_strptime to_years to_months to_weeks to_days to_hours to_minutes
            to_seconds to_milliseconds to_microseconds to_quarters time_bucket days_in_month md5
            sha1 sha256 json_valid json_type json_array_length json_exists json_contains
            list_contains list_has array_contains array_has list_position list_indexof array_length
            typeof
            """
        ),
        fixed,
    ),
    **dict.fromkeys(
        _words(
            """
            lower upper lcase ucase trim ltrim rtrim reverse strip_accents nfc_normalize substring
            substr left right substring_grapheme left_grapheme right_grapheme split_part unhex
            from_hex from_base64 url_decode decode encode translate nullif json_extract
            json_extract_string json_extract_path json_extract_path_text ->> list_extract
            list_element list_distinct list_sort list_reverse list_slice list_first list_last
            array_extract struct_extract
            """
        ),
        as_first,
    ),
    **dict.fromkeys(["||", "concat", "struct_pack", "list_concat", "array_concat", "list_append"], total),
    **dict.fromkeys(["if", "greatest", "least"], total),
    **dict.fromkeys(["list_value", "row"], _summed(2)),
    **dict.fromkeys(["hex", "to_hex", "to_base64", "base64", "regexp_escape"], _summed(2)),
    **dict.fromkeys(["url_encode"], _summed(3)),
    **dict.fromkeys(["json", "to_json", "json_quote", "json_object", "json_array", "json_keys"], _summed(6)),
    **dict.fromkeys(["string_split", "split", "str_split", "string_to_array"], _split),
    **dict.fromkeys(["regexp_split_to_array", "string_split_regex", "str_split_regex"], _pattern_split),
    **dict.fromkeys(["regexp_matches", "regexp_full_match"], _pattern_fixed),
    "regexp_extract": _pattern_part,
    "regexp_extract_all": _pattern_split,
    "regexp_replace": _regex_replaced,
    "replace": _replaced,
    **dict.fromkeys(["lpad", "rpad"], _padded),
    "repeat": _repeated,
    "concat_ws": lambda sizes: total(sizes).plus(as_first(sizes).times(len(sizes))),
    "strftime": _formatted,
}
"""Every function and operator that SQL in a mapping may call."""

TYPES = frozenset(
    _words(
        """
            boolean bool tinyint smallint integer int int1 int2 int4 int8 int16 int32 int64 signed
            bigint long hugeint int128 utinyint usmallint uinteger ubigint uhugeint float real
            float4 double float8 decimal numeric varchar text string char bpchar date time timestamp
            datetime timestamp_s timestamp_ms timestamp_us timestamp_ns timestamptz interval uuid
            blob bytea json
            """
    )
) | {"timestamp with time zone"}
"""Every type that SQL in a mapping may cast to."""

OPERATORS = frozenset(
    {
        "OPERATOR_IS_NULL",
        "OPERATOR_IS_NOT_NULL",
        "OPERATOR_NOT",
        "OPERATOR_COALESCE",
        "OPERATOR_TRY",
        "COMPARE_IN",
        "COMPARE_NOT_IN",
        "ARRAY_EXTRACT",
        "ARRAY_SLICE",
        "STRUCT_EXTRACT",
    }
)
