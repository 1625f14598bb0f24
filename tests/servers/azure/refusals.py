"""What other databases understand and a dedicated pool does not, seen from the words of a statement."""

from __future__ import annotations

from tests.servers.azure.errors import SqlError, invalid_column, parse_error
from tests.servers.azure.lexer import Piece, Token, word_set
from tests.servers.azure.types import UnknownType, parse_type

FUNCTIONS = word_set(
    """ABS ACOS ASCII ASIN ATAN ATN2 AVG BINARY_CHECKSUM CAST CEILING CHAR CHARINDEX CHECKSUM CHECKSUM_AGG
    CHOOSE COALESCE COL_LENGTH COL_NAME CONCAT CONCAT_WS CONVERT COS COT COUNT COUNT_BIG CUME_DIST
    CURRENT_TIMESTAMP DATABASEPROPERTYEX DATALENGTH DATEADD DATEDIFF DATEDIFF_BIG DATEFROMPARTS DATENAME
    DATEPART DATETIME2FROMPARTS DATETIMEFROMPARTS DATETIMEOFFSETFROMPARTS DAY DB_ID DB_NAME DEGREES
    DENSE_RANK DIFFERENCE EOMONTH ERROR_MESSAGE ERROR_NUMBER ERROR_SEVERITY ERROR_STATE ERROR_PROCEDURE EXP
    FIRST_VALUE FLOOR FORMAT GETDATE GETUTCDATE GROUPING HAS_DBACCESS HASHBYTES IIF ISDATE ISJSON ISNULL
    ISNUMERIC JSON_MODIFY JSON_QUERY JSON_VALUE LAG LAST_VALUE LEAD LEFT LEN LOG LOG10 LOWER LTRIM MAX MIN
    MONTH NCHAR NEWID NTILE NULLIF OBJECT_ID OBJECT_NAME OPENJSON OPENROWSET PATINDEX PARSENAME
    PERCENTILE_CONT PERCENTILE_DISC PERCENT_RANK PI POWER QUOTENAME RADIANS RAND RANK REPLACE REPLICATE
    REVERSE RIGHT ROUND ROW_NUMBER RTRIM SCHEMA_ID SCHEMA_NAME SERVERPROPERTY SESSION_ID SESSION_USER SIGN
    SIN SMALLDATETIMEFROMPARTS SOUNDEX SPACE SQRT SQUARE STDEV STDEVP STR STRING_AGG STRING_ESCAPE
    STRING_SPLIT STUFF SUBSTRING SUM SUSER_SNAME SWITCHOFFSET SYSDATETIME SYSDATETIMEOFFSET SYSUTCDATETIME
    SYSTEM_USER TAN TERTIARY_WEIGHTS TIMEFROMPARTS TODATETIMEOFFSET TRANSLATE TRIM TRY_CAST TRY_CONVERT
    TYPE_ID TYPE_NAME TYPEPROPERTY UNICODE UPPER USER_ID USER_NAME VAR VARP XACT_STATE YEAR
    APPROX_COUNT_DISTINCT IS_MEMBER IS_ROLEMEMBER DATABASE_PRINCIPAL_ID SUSER_ID"""
)
"""Those that the documents list for Azure Synapse; GREATEST, LEAST, DATETRUNC, GENERATE_SERIES are not among them."""

_FOLLOWED = word_set(
    """ALL AND ANY AS BETWEEN BY CHECK COLUMNSTORE CUBE DECIMAL DEFAULT DISTINCT ELSE EXCEPT EXISTS EXEC FROM
    GROUP HASH HAVING IN INSERT INTERSECT INTO IS JOIN KEY LABEL LIKE NOT NUMERIC NVARCHAR VARCHAR NCHAR
    BINARY VARBINARY DATETIME2 DATETIMEOFFSET TIME FLOAT ON OPTION OR ORDER OVER PARTITION RANGE ROLLUP
    SELECT SET SETS SOME THEN TOP UNION UNIQUE USING VALUES WHEN WHERE WITH WITHIN IDENTITY APPLY RETURNS DEC
    CHARACTER REAL INDEX ROUND_ROBIN CLUSTERED NONCLUSTERED STATISTICS GROUPING UPDATE CASE END"""
)
_FOREIGN = word_set(
    """LIMIT QUALIFY ILIKE RETURNING LATERAL RECURSIVE MATERIALIZED NATURAL REGEXP RLIKE NOTNULL CURRENT_DATE
    CURRENT_TIME LOCALTIME LOCALTIMESTAMP"""
)
_PAIRS = {
    ("BETWEEN", "SYMMETRIC"), ("SIMILAR", "TO"), ("LIKE", "ANY"), ("LIKE", "ALL"), ("INTERSECT", "ALL"), ("EXCEPT", "ALL"),
    ("DEFAULT", "VALUES"), ("FOR", "XML"), ("FOR", "JSON"), ("ANTI", "JOIN"), ("SEMI", "JOIN"), ("ASOF", "JOIN"),
    ("-", ">"), (",", "FROM"), (",", "WHERE"), (",", "GROUP"), (",", "ORDER"), (",", ")"),
}  # fmt: skip
"""Words that never follow each other in a pool's T-SQL, and do elsewhere."""
_COMPARES = ("=", "<", ">", "<=", ">=", "<>", "!=")
_CASTS = ("CAST", "TRY_CAST")
_CONVERTS = ("CONVERT", "TRY_CONVERT")
_MOMENTS = ("DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "DATETIME", "DATETIME2", "DATETIMEOFFSET")


def refuse_words(piece: Piece) -> None:
    """Refuse what a pool's parser does not know. Raises SqlError."""
    words = piece.words
    _check_types(words)
    for number, word in enumerate(words):
        before = words[number - 1].upper if number else ""
        after = words[number + 1] if number + 1 < len(words) else None
        upper = word.upper
        if after is not None and _never(word, after):
            raise _near(piece, after)
        if upper == "PERCENT" and (before == ")" or (number > 1 and piece.upper(number - 2) == "TOP")):
            raise _near(piece, word)
        if word.text in ("||", "::", "`", "$", "{") or (upper in _FOREIGN and before not in (".", "AS")):
            raise _near(piece, word)
        if upper in ("TRUE", "FALSE") and before not in (".", "AS") and not (after and after.text == "."):
            raise invalid_column(word.text)
        if upper == "DISTINCT" and before in ("IS", "NOT") and after and after.upper == "FROM":
            raise _near(piece, word)
        if upper == "NULLS" and after and after.upper in ("FIRST", "LAST"):
            raise _near(piece, word)
        if upper == "INTERVAL" and after and after.kind == "string":
            raise _near(piece, after)
        if upper == "WINDOW" and after and _at(words, number + 2).upper == "AS":
            raise _near(piece, word)
        if (
            upper == "USING"
            and before not in ("", ".")
            and after
            and after.text == "("
            and _joined(words, number)
        ):
            raise _near(piece, word)
        if upper == "FILTER" and before == ")" and after and after.text == "(":
            raise _near(piece, after)
        if word.kind == "word" and after and after.text == "(" and before != ".":
            _check_function(piece, word, number)


def _check_function(piece: Piece, word: Token, number: int) -> None:
    upper = word.upper
    if upper in FUNCTIONS or upper in _FOLLOWED or upper.startswith("#"):
        return
    before = piece.upper(number - 1) if number else ""
    if before in ("INTO", "TABLE", "AS", "JOIN", "FROM", "ON", "REFERENCES", "WITH", ",") or before == ")":
        return  # a table or alias with a list of columns
    if piece.upper(0) in (
        "CREATE",
        "ALTER",
        "EXEC",
        "EXECUTE",
        "DECLARE",
        "GRANT",
        "DENY",
        "REVOKE",
        "INSERT",
    ):
        return
    raise SqlError(195, f"'{word.text}' is not a recognized built-in function name.", 15, 10)


def _never(word: Token, after: Token) -> bool:
    """Whether the second never stands right behind the first."""
    if after.kind == "string":
        return word.kind == "string" or word.upper in _MOMENTS
    if word.text in _COMPARES and after.text in _COMPARES:
        return True
    return (word.upper, after.upper) in _PAIRS


def _check_types(words: list[Token]) -> None:
    """Refuse conversions to what is no type of a pool. Raises SqlError 243."""
    opened: list[tuple[str, int]] = []
    for number, word in enumerate(words):
        if word.text == "(":
            name = words[number - 1].upper if number else ""
            opened.append((name, number if name in _CONVERTS else 0))
        elif not opened:
            continue
        elif word.upper == "AS" and opened[-1][0] in _CASTS:
            opened[-1] = (opened[-1][0], number)
        elif word.text == ")" or (word.text == "," and opened[-1][0] in _CONVERTS):
            name, start = opened[-1]
            if word.text == ")":
                opened.pop()
            else:
                opened[-1] = (name, 0)
            if start:
                _known_type(" ".join(each.text for each in words[start + 1 : number]))


def _known_type(written: str) -> None:
    try:
        parse_type(written)
    except UnknownType:
        raise SqlError(243, f"Type {written.split()[0]} is not a defined system type.") from None


def _joined(words: list[Token], number: int) -> bool:
    """Whether USING stands after a joined table, and not in MERGE."""
    return words[0].upper != "MERGE" and any(each.upper == "JOIN" for each in words[:number])


def _at(words: list[Token], number: int) -> Token:
    return words[number] if number < len(words) else Token("op", "", 0, 0)


def _near(piece: Piece, word: Token) -> SqlError:
    start = word.start - piece.words[0].start
    line = piece.text.count("\n", 0, start) + 1
    return parse_error(word.text, line, start - piece.text.rfind("\n", 0, start))
