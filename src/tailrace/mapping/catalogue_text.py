"""The filters for text and for hashes and encodings."""

from __future__ import annotations

from tailrace.mapping.allowed import FUNCTIONS, fixed, total
from tailrace.mapping.convert import to_text
from tailrace.mapping.expression import FieldError, Path
from tailrace.mapping.filters import WHITE_SPACE, Filter, Parameter
from tailrace.mapping.program import Program, Scalar


def _concat(_: Program, value: Scalar, arguments: list[Scalar], _path: Path) -> Scalar:
    parts = " || ".join(f"coalesce({argument.sql}, '')" for argument in arguments)
    return Scalar(f"({value.sql} || {parts})", "VARCHAR", value.faults)


def _length(program: Program, value: Scalar, _: list[Scalar], path: Path) -> Scalar:
    if value.family == "list":
        return Scalar(f"len({value.sql})", "BIGINT", value.faults)
    if value.family == "json":
        text = to_text(value)
        sql = (
            f"CASE WHEN json_valid({value.sql}) THEN CASE WHEN json_type({value.sql}) = 'ARRAY'"
            f" THEN json_array_length({value.sql})::BIGINT ELSE length({text.sql}) END END"
        )
        return Scalar(sql, "BIGINT", text.faults)
    if value.family == "blob":
        return Scalar(f"octet_length({value.sql})", "BIGINT", value.faults)
    return Scalar(f"length({to_text(value).sql})", "BIGINT", value.faults)


def _join(_: Program, value: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
    separator = arguments[0].sql if arguments else "','"
    if value.family == "list":
        sql = f"array_to_string({value.sql}::VARCHAR[], {separator})"
    elif value.family == "json":
        items = f"json_extract_string({value.sql}, '$[*]')"
        sql = (
            f"CASE WHEN json_valid({value.sql}) THEN CASE WHEN json_type({value.sql}) = 'ARRAY'"
            f" THEN array_to_string({items}, {separator}) ELSE json_extract_string({value.sql}, '$') END END"
        )
    else:
        raise FieldError("`join` takes a list or a JSON array", path)
    return Scalar(sql, "VARCHAR", value.faults)


def _pad(side: str) -> str:
    return f"CASE WHEN length(@) >= @1 THEN @ ELSE {side}(@, @1::INTEGER, @2) END"


_WIDTH = Parameter("width", "integer", fixed=True, low=0, high=256)
_FILL = Parameter("fill", "text", " ", fixed=True)

TEXTS = (
    Filter("text", "text", "The value as text.", ("{{ 42 | text }}", '"42"'), "text", "@"),
    Filter(
        "trim",
        "text",
        "Without spaces, tabs and line ends at both ends.",
        ("{{ '  a b\\n' | trim }}", '"a b"'),
        "text",
        f"trim(@, {WHITE_SPACE})",
    ),
    Filter("lower", "text", "In lower case.", ("{{ 'Ada' | lower }}", '"ada"'), "text", "lower(@)"),
    Filter("upper", "text", "In upper case.", ("{{ 'Ada' | upper }}", '"ADA"'), "text", "upper(@)"),
    Filter(
        "capitalize",
        "text",
        "The first letter in upper case, the others in lower case.",
        ("{{ 'aDA' | capitalize }}", '"Ada"'),
        "text",
        "upper(left(@, 1)) || lower(substring(@, 2))",
    ),
    Filter(
        "replace",
        "text",
        "Every occurrence of `old` replaced by `new`.",
        ("{{ '1-2-3' | replace: '-', '.' }}", '"1.2.3"'),
        "text",
        "replace(@, @1, @2)",
        (Parameter("old"), Parameter("new", fixed=True)),
        growth=FUNCTIONS["replace"],
    ),
    Filter(
        "remove",
        "text",
        "Every occurrence of `text` taken out.",
        ("{{ '1-2-3' | remove: '-' }}", '"123"'),
        "text",
        "replace(@, @1, '')",
        (Parameter("text"),),
    ),
    Filter(
        "substring",
        "text",
        "The part from `start` (0 is the first letter, -1 the last) of at most `length` letters.",
        ("{{ 'tailrace' | substring: 4, 3 }}", '"rac"'),
        "text",
        "substring(@, CASE WHEN @1 < 0 THEN @1 ELSE @1 + 1 END, @2)",
        (
            Parameter("start", "integer", fixed=True),
            Parameter("length", "integer", 2**31 - 1, fixed=True, low=0),
        ),
    ),
    Filter(
        "truncate",
        "text",
        "At most the first `length` letters.",
        ("{{ 'tailrace' | truncate: 4 }}", '"tail"'),
        "text",
        "left(@, @1)",
        (Parameter("length", "integer", fixed=True, low=0),),
    ),
    Filter(
        "split",
        "text",
        "A list of the parts between the separators.",
        ("{{ 'a,b' | split: ',' }}", '["a","b"]'),
        "text",
        "string_split(@, @1)",
        (Parameter("separator", fixed=True),),
        growth=FUNCTIONS["string_split"],
    ),
    Filter(
        "join",
        "text",
        "The items of a list or JSON array as one text; null items are left out.",
        ("{{ 'a b c' | split: ' ' | join: '-' }}", '"a-b-c"'),
        "any",
        _join,
        (Parameter("separator", "text", ",", fixed=True),),
        growth=lambda sizes: sizes[0].times(2),
    ),
    Filter(
        "length",
        "text",
        "The number of letters, of items (list, JSON array) or of bytes.",
        ("{{ 'añb' | length }}", "3"),
        "any",
        _length,
        growth=fixed,
    ),
    Filter(
        "prefix",
        "text",
        "With a text before it.",
        ("{{ 7 | prefix: 'no-' }}", '"no-7"'),
        "text",
        "@1 || @",
        (Parameter("text"),),
        growth=total,
    ),
    Filter(
        "suffix",
        "text",
        "With a text after it.",
        ("{{ 7 | suffix: ' EUR' }}", '"7 EUR"'),
        "text",
        "@ || @1",
        (Parameter("text"),),
        growth=total,
    ),
    Filter(
        "concat",
        "text",
        "With texts and columns put after it; NULL among them is empty.",
        ("{{ 'a' | concat: '-', 'b' }}", '"a-b"'),
        "text",
        _concat,
        (Parameter("text", many=True),),
        growth=total,
    ),
    Filter(
        "pad",
        "text",
        "Filled up on the left to `width` letters; longer text stays whole.",
        ("{{ 42 | pad: 6, '0' }}", '"000042"'),
        "text",
        _pad("lpad"),
        (_WIDTH, _FILL),
        growth=lambda sizes: sizes[0].plus(sizes[0]),
    ),
    Filter(
        "pad_right",
        "text",
        "Filled up on the right to `width` letters; longer text stays whole.",
        ("{{ 'ab' | pad_right: 4, '.' }}", '"ab.."'),
        "text",
        _pad("rpad"),
        (_WIDTH, _FILL),
        growth=lambda sizes: sizes[0].plus(sizes[0]),
    ),
    Filter(
        "digits",
        "text",
        "Only the digits 0 to 9.",
        ("{{ '+49 (30) 12-34' | digits }}", '"49301234"'),
        "text",
        "regexp_replace(@, '[^0-9]', '', 'g')",
    ),
    Filter(
        "contains",
        "text",
        "Whether `text` occurs in it.",
        ("{{ 'tailrace' | contains: 'rac' }}", "true"),
        "text",
        "contains(@, @1)",
        (Parameter("text"),),
        growth=fixed,
    ),
    Filter(
        "starts_with",
        "text",
        "Whether it begins with `text`.",
        ("{{ 'tailrace' | starts_with: 'tail' }}", "true"),
        "text",
        "starts_with(@, @1)",
        (Parameter("text"),),
        growth=fixed,
    ),
    Filter(
        "ends_with",
        "text",
        "Whether it ends with `text`.",
        ("{{ 'tailrace' | ends_with: 'race' }}", "true"),
        "text",
        "ends_with(@, @1)",
        (Parameter("text"),),
        growth=fixed,
    ),
    Filter(
        "matches",
        "text",
        "Whether the regular expression (RE2) is found in it.",
        ("{{ 'ab12' | matches: '[0-9]+$' }}", "true"),
        "text",
        "regexp_matches(@, @1)",
        (Parameter("pattern", fixed=True),),
        growth=FUNCTIONS["regexp_matches"],
    ),
    Filter(
        "extract",
        "text",
        "The part that the regular expression (RE2) finds, or its group; NULL where it finds nothing.",
        ("{{ 'ada@example.com' | extract: '@(.+)', 1 }}", '"example.com"'),
        "text",
        "CASE WHEN regexp_matches(@, @1) THEN regexp_extract(@, @1, @2::INTEGER) END",
        (Parameter("pattern", fixed=True), Parameter("group", "integer", 0, fixed=True, low=0, high=9)),
    ),
)

HASHES = (
    Filter(
        "sha256",
        "hash",
        "The SHA-256 of the text's UTF-8 bytes, in hex.",
        ("{{ 'a' | sha256 }}", '"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"'),
        "text",
        "sha256(@)",
        result="VARCHAR",
        growth=fixed,
    ),
    Filter(
        "sha1",
        "hash",
        "The SHA-1 of the text's UTF-8 bytes, in hex.",
        ("{{ 'a' | sha1 }}", '"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"'),
        "text",
        "sha1(@)",
        result="VARCHAR",
        growth=fixed,
    ),
    Filter(
        "md5",
        "hash",
        "The MD5 of the text's UTF-8 bytes, in hex.",
        ("{{ 'a' | md5 }}", '"0cc175b9c0f1b6a831c399e269772661"'),
        "text",
        "md5(@)",
        result="VARCHAR",
        growth=fixed,
    ),
    Filter(
        "base64",
        "hash",
        "The text's UTF-8 bytes in base64.",
        ("{{ 'é' | base64 }}", '"w6k="'),
        "text",
        "to_base64(encode(@))",
        result="VARCHAR",
        growth=FUNCTIONS["to_base64"],
    ),
    Filter(
        "base64_decode",
        "hash",
        "The text whose UTF-8 bytes stand there in base64.",
        ("{{ 'w6k=' | base64_decode }}", '"é"'),
        "text",
        "decode(from_base64(@))",
        result="VARCHAR",
        fails=True,
    ),
    Filter(
        "hex",
        "hash",
        "The text's UTF-8 bytes in hex.",
        ("{{ 'é' | hex }}", '"c3a9"'),
        "text",
        "lower(hex(encode(@)))",
        result="VARCHAR",
        growth=FUNCTIONS["hex"],
    ),
    Filter(
        "url_encode",
        "hash",
        "With everything but letters, digits and `-_.~` percent-encoded.",
        ("{{ 'a b&é' | url_encode }}", '"a%20b%26%C3%A9"'),
        "text",
        "url_encode(@)",
        result="VARCHAR",
        growth=FUNCTIONS["url_encode"],
    ),
)
