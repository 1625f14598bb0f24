"""Db2's expressions, types and registers in words that Derby understands."""

from __future__ import annotations

from tests.servers.db2.tables import typed_nulls
from tests.servers.db2.tokens import END, Token, arguments, closing, code, opening, text_of

_UNITS = {
    "MICROSECOND": 1,
    "SECOND": 10**6,
    "MINUTE": 60 * 10**6,
    "HOUR": 3600 * 10**6,
    "DAY": 86400 * 10**6,
}
_DURATIONS = {name + ending: size for name, size in _UNITS.items() for ending in ("", "S")}
_STRING_UNITS = {"OCTETS", "CODEUNITS16", "CODEUNITS32"}
_OURS = {
    "OCTET_LENGTH": "OCTET_LENGTH",
    "REPLACE": "REPLACE",
    "TRANSLATE": "TRANSLATE",
    "REPEAT": "REPEAT",
    "CHR": "CHR",
    "ASCII": "ASCII",
    "POSSTR": "POSSTR",
    "LOCATE": "LOCATE",
    "REGEXP_LIKE": "REGEXP_LIKE",
    "REGEXP_REPLACE": "REGEXP_REPLACE",
    "BITAND": "BITAND",
    "VARCHAR_FORMAT": "VARCHAR_FORMAT",
    "TO_CHAR": "VARCHAR_FORMAT",
    "TIMESTAMP_FORMAT": "TIMESTAMP_FORMAT",
    "TO_DATE": "TIMESTAMP_FORMAT",
    "TO_TIMESTAMP": "TIMESTAMP_FORMAT",
}
_SAME = {"VALUE": "COALESCE", "NVL": "COALESCE", "IFNULL": "COALESCE", "STRIP": "TRIM"}
_CATALOGS = {"SYSCAT", "SYSIBMADM"}
_RESERVED = {"IDENTITY", "GENERATED", "DEFINER"}


_UNTYPED = {"DATE", "TIME", "TIMESTAMP", "LIKE", "ESCAPE"}
"""Words before a text that must stay a literal."""
_LONGEST = 32672

Names = frozenset[str]


def expressions(tokens: list[Token], *, registers: bool = True, binary: Names = frozenset()) -> list[Token]:
    """The tokens with what Derby lacks replaced.

    Registers and literals are left alone where only constants are allowed. `binary` are the names of columns of
    bytes, for which some functions have another name in Derby.
    """
    tokens = typed_nulls(tokens)
    catalog = any(token.upper in _CATALOGS for token in tokens)
    result: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        after = tokens[place + 1] if place + 1 < len(tokens) else END
        dotted = bool(result) and result[-1].text == "."
        if token.kind == "word" and after.text == "(" and not dotted:
            end = closing(tokens, place + 1)
            inner = tokens[place + 2 : end]
            made = _call(token, inner, registers, binary)
            if made is not None:
                result += made
                place = end + 1
                continue
        if token.kind == "word" and not dotted:
            if registers and token.upper == "CURRENT" and after.kind == "word":
                made = _register(token, after)
                if made:
                    result += made
                    place += 2
                    continue
            if registers and token.upper == "CURRENT_TIMESTAMP":
                result += _spaced(token, "DB2FN.NOW(CURRENT_TIMESTAMP)")
                place += 1
                continue
            if token.upper in _CATALOGS and after.text == ".":
                token = Token("word", "DB2CAT", token.before)
        if catalog and token.kind == "word" and token.upper in _RESERVED and after.text != "(":
            token = Token("quoted", f'"{token.upper}"', token.before)
        if registers and token.kind == "text" and _is_text(token, result):
            size = max(1, len(token.text.encode()) - 2)
            result += _spaced(token, f"CAST({token.text} AS VARCHAR({size}))")
            place += 1
            continue
        if token.text in ("+", "-") and token.kind == "sign":
            if after.upper == "CURRENT" and _word(tokens, place + 2) == "TIMEZONE":
                place += 3
                continue
            taken = _duration(tokens, place, result, registers)
            if taken:
                place = taken
                continue
        if token.upper == "LIMIT" and after.kind == "number":
            made, place = _limit(tokens, place)
            result += made
            continue
        result.append(token)
        place += 1
    return result


def _is_text(token: Token, result: list[Token]) -> bool:
    """Whether a literal is text; in Derby it would have a fixed length, and be padded."""
    if token.text[0] != "'" or len(token.text) > _LONGEST:
        return False
    return not result or result[-1].upper not in _UNTYPED


def _word(tokens: list[Token], place: int) -> str:
    return tokens[place].upper if place < len(tokens) else ""


def _spaced(token: Token, sql: str) -> list[Token]:
    made = code(sql)
    return [Token(made[0].kind, made[0].text, token.before), *made[1:]]


def _register(token: Token, after: Token) -> list[Token] | None:
    match after.upper:
        case "TIMESTAMP":
            return _spaced(token, "DB2FN.NOW(CURRENT_TIMESTAMP)")
        case "USER":
            return _spaced(token, "CURRENT_USER")
        case "TIMEZONE":
            return _spaced(token, "CAST(0 AS DECIMAL(6, 0))")
        case "SERVER":
            return _spaced(token, "DB2FN.SERVER()")
        case _:
            return None


def _call(name: Token, inner: list[Token], registers: bool, binary: Names) -> list[Token] | None:
    """A function or type with arguments, in Derby's words; None where it has the same name there."""
    word = name.upper
    if word == "TIMESTAMP" and len(inner) == 1 and inner[0].kind == "number":
        return [name]
    if word in ("VARCHAR", "CHAR", "CHARACTER", "NVARCHAR", "NCHAR", "CLOB", "BINARY", "VARBINARY"):
        made = _string_type(name, inner)
        if made is not None:
            return made
    body = expressions(inner, registers=registers, binary=binary)
    parts = arguments(body)
    sql = [text_of(part) for part in parts]
    unit = sql[-1].upper() if sql and sql[-1].upper() in _STRING_UNITS else None
    if unit:
        sql = sql[:-1]
    made = _text_function(word, sql, unit) or _other_function(word, parts, sql, binary)
    if made is None:
        made = f"{name.text}({', '.join(sql) if unit else text_of(body)})"
    return _spaced(name, made)


def _string_type(name: Token, inner: list[Token]) -> list[Token] | None:
    """VARCHAR(10 OCTETS), VARBINARY(20) and their like, as a type."""
    if not inner or inner[0].kind != "number" or len(inner) > 2:
        return None
    if len(inner) == 2 and inner[1].upper not in _STRING_UNITS | {"K", "M", "G"}:
        return None
    size = inner[0].text + (inner[1].text if len(inner) == 2 and inner[1].upper in "KMG" else "")
    word = {"NVARCHAR": "VARCHAR", "NCHAR": "CHAR"}.get(name.upper, name.upper)
    if word in ("BINARY", "VARBINARY"):
        word = "CHAR" if word == "BINARY" else "VARCHAR"
        return _spaced(name, f"{word}({size}) FOR BIT DATA")
    return _spaced(name, f"{word}({size})")


def _text_function(word: str, sql: list[str], unit: str | None) -> str | None:
    ours = ", ".join(sql)
    match word, len(sql):
        case ("LENGTH", 1) if unit == "OCTETS":
            return f'DB2FN."OCTET_LENGTH"({ours})'
        case ("LENGTH" | "CHARACTER_LENGTH" | "CHAR_LENGTH", 1) if unit or word != "LENGTH":
            return f'DB2FN."CHARACTER_LENGTH"({ours})'
        case ("LEFT" | "RIGHT", 2):
            return f'DB2FN."{word}"({ours})'
        case ("SUBSTRING", 3):
            return f'DB2FN."SUBSTRING"({ours})'
        case ("SUBSTRING", 2):
            return f"SUBSTR({ours})"
        case (("LTRIM" | "RTRIM" | "TRIM"), 2):
            side = {"LTRIM": "LEADING", "RTRIM": "TRAILING", "TRIM": "BOTH"}[word]
            return f"DB2FN.TRIM_{side}({ours})"
        case (("LPAD" | "RPAD"), 2):
            return f"DB2FN.{word}({ours}, ' ')"
        case (("LPAD" | "RPAD"), 3):
            return f"DB2FN.{word}({ours})"
        case ("LOCATE", 2):
            return f'DB2FN."LOCATE"({ours}, 1)'
        case ("TRANSLATE", 1):
            return f"UPPER({ours})"
        case ("CONCAT", 2):
            return f"({sql[0]} || {sql[1]})"
        case _:
            return None


def _other_function(word: str, parts: list[list[Token]], sql: list[str], binary: Names) -> str | None:
    if word in ("HASH", "HEX") and parts:
        return _digest(word, parts[0], sql, binary)
    if word in _OURS:
        return f'DB2FN."{_OURS[word]}"({", ".join(sql)})'
    if word in _SAME:
        return f"{_SAME[word]}({', '.join(sql)})"
    if word in ("LEAST", "GREATEST", "MIN", "MAX") and len(sql) == 2:
        sign = "<=" if word in ("LEAST", "MIN") else ">="
        left, right = sql
        return (
            f"(CASE WHEN ({left}) IS NULL OR ({right}) IS NULL THEN NULL"
            f" WHEN ({left}) {sign} ({right}) THEN ({left}) ELSE ({right}) END)"
        )
    if word == "FLOOR" and len(sql) == 1 and "?" not in sql[0]:
        # Derby cannot group by a function
        whole = f"CAST({sql[0]} AS BIGINT)"
        return f"({whole} - CASE WHEN {sql[0]} < {whole} THEN 1 ELSE 0 END)"
    if word in ("DECIMAL", "DEC") and parts and not (parts[0][0].kind == "number" and len(parts[0]) == 1):
        return f"CAST({sql[0]} AS DECIMAL({', '.join(sql[1:]) or '15, 0'}))"
    if word == "FLOAT" and parts and parts[0][0].kind != "number":
        return f"DOUBLE({sql[0]})"
    return None


def _digest(word: str, part: list[Token], sql: list[str], binary: Names) -> str:
    """HASH and HEX, which take bytes or text, under one name in Db2 and two in Derby."""
    ours = {token.upper for token in part[:3]} & {'"HASH"', '"HASH_BYTES"'}
    of_bytes = (
        bool(ours)
        or part[0].text[:2] in ("x'", "X'")
        or any(one.is_name and one.name in binary for one in part)
    )
    if word == "HEX":
        return f'DB2FN."{"HEX" if of_bytes else "HEX_TEXT"}"({sql[0]})'
    algorithm = sql[1] if len(sql) > 1 else "0"
    return f'DB2FN."{"HASH_BYTES" if of_bytes else "HASH"}"({sql[0]}, {algorithm})'


def _duration(tokens: list[Token], place: int, result: list[Token], registers: bool) -> int | None:
    """`<time> + 90 SECONDS` becomes a function; where the duration ends, or None if it is none."""
    end = place + 1
    if end < len(tokens) and tokens[end].text in ("+", "-"):
        end += 1
    if end < len(tokens) and tokens[end].text == "(":
        end = closing(tokens, end)
    unit = tokens[end + 1] if end + 1 < len(tokens) else END
    if not result or unit.upper not in _DURATIONS:
        return None
    amount = text_of(expressions(tokens[place + 1 : end + 1], registers=registers))
    sign = "-" if tokens[place].text == "-" else ""
    count = f"CAST({sign}({amount}) * {_DURATIONS[unit.upper]} AS BIGINT)"
    start = _operand(result)
    operand = text_of(result[start:])
    before = result[start].before
    del result[start:]
    made = code(f"DB2FN.PLUS_MICROSECONDS({operand}, {count})")
    result += [Token(made[0].kind, made[0].text, before), *made[1:]]
    return end + 2


def _operand(result: list[Token]) -> int:
    """Where the operand begins that ends the tokens so far."""
    start = len(result) - 1
    if result[start].text == ")":
        start = opening(result, start)
        if start == 0 or result[start - 1].kind not in ("word", "quoted") or _keyword(result[start - 1]):
            return start
        start -= 1
    while start >= 2 and result[start - 1].text == "." and result[start - 2].is_name:
        start -= 2
    return start


def _keyword(token: Token) -> bool:
    return token.upper in {
        "SELECT",
        "VALUES",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "THEN",
        "ELSE",
        "WHEN",
        "ON",
        "BY",
    }


def _limit(tokens: list[Token], place: int) -> tuple[list[Token], int]:
    """LIMIT n, LIMIT n OFFSET m."""
    count = tokens[place + 1].text
    if len(tokens) > place + 3 and tokens[place + 2].upper == "OFFSET":
        offset = tokens[place + 3].text
        return code(f"OFFSET {offset} ROWS FETCH NEXT {count} ROWS ONLY"), place + 4
    return code(f"FETCH FIRST {count} ROWS ONLY"), place + 2
