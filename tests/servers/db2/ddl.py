"""Statements that define tables and schemas."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.db2.expressions import expressions
from tests.servers.db2.grants import Need
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.tables import inlined, references
from tests.servers.db2.tokens import Cursor, Token, arguments, closing, literal, quote, text_of

if TYPE_CHECKING:
    from tests.servers.db2.statements import Statement

_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"}
_FIXED = {
    "SMALLINT": 2, "INTEGER": 4, "INT": 4, "BIGINT": 8, "REAL": 4, "DOUBLE": 8, "FLOAT": 8, "DATE": 4, "TIME": 3,
    "TIMESTAMP": 10, "BOOLEAN": 1, "CLOB": 252, "BLOB": 252, "XML": 84,
}  # fmt: skip
_NO_MATTER = (("NOT", "LOGGED"), ("LOGGED",), ("COMPACT",), ("NOT", "ENFORCED"), ("NOT", "COMPACT"))
_VERBS = {"ADD", "ALTER", "DROP"}


@dataclass(frozen=True)
class NewTable:
    """A table that a statement makes."""

    schema: str
    name: str
    width: int
    """How many bytes a row takes on a page, as IBM's reference of CREATE TABLE counts them; 0 if not known."""
    columns: int
    flexible: bool
    """Whether it has VARCHAR columns, so that a long row can be stored out of its page."""


def _cursor_table(statement: Statement, cursor: Cursor) -> tuple[str, str]:
    found = cursor.qualified() or (None, "")
    return found[0] or statement.schema, found[1]


def _full(schema: str, name: str) -> str:
    return f"{quote(schema)}.{quote(name)}"


def without_hints(tokens: list[Token]) -> list[Token]:
    """A query without OPTIMIZE FOR n ROWS."""
    for place, token in enumerate(tokens):
        if token.upper == "OPTIMIZE" and len(tokens) > place + 3 and tokens[place + 1].upper == "FOR":
            return tokens[:place] + tokens[place + 4 :]
    return tokens


# -- CREATE


def create(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    if cursor.words("SCHEMA"):
        _create_schema(statement, cursor, user)
    elif cursor.words("TABLE"):
        _create_table(statement, cursor)
    elif cursor.words("ROLE"):
        statement.needs.append(Need("SECADM", "CREATE ROLE"))
        statement.derby = "CALL DB2FN.NOTHING()"
    elif cursor.words("INDEX") or cursor.words("UNIQUE", "INDEX"):
        _create_index(statement, tokens, cursor)
    else:
        if cursor.words("OR", "REPLACE"):
            statement.before = [f"DROP {text_of(cursor.rest()[:4])}"]
            tokens = [tokens[0], *cursor.rest()]
        for found in references(tokens):
            statement.needs.append(Need("SELECT", "SELECT", found.schema or statement.schema, found.name))
        statement.derby = text_of(expressions(inlined(tokens), binary=statement.binary))


def _create_schema(statement: Statement, cursor: Cursor, user: str) -> None:
    alone = cursor.words("AUTHORIZATION")
    name = cursor.take().name
    owner = name if alone else user
    if cursor.words("AUTHORIZATION"):
        owner = cursor.take().name
    if name != user or owner != user:
        statement.needs.append(Need("DBADM", "CREATE SCHEMA"))
    statement.derby = f"CREATE SCHEMA {quote(name)}"
    statement.effect = ("create_schema", name, owner)


def _create_table(statement: Statement, cursor: Cursor) -> None:
    if cursor.words("IF", "NOT", "EXISTS"):
        statement.forgives = -601
    schema, name = _cursor_table(statement, cursor)
    statement.needs += [
        Need("CREATETAB", "CREATE TABLE"),
        Need("CREATEIN", "CREATE TABLE", schema, "", f"{schema}.{name}"),
        Need("USE", "CREATE TABLE", "USERSPACE1"),
    ]
    statement.effect = ("create_table", schema, name)
    body: list[Token] = []
    if cursor.peek().text == "(":
        end = closing(cursor.tokens, cursor.at)
        body = cursor.tokens[cursor.at + 1 : end]
        cursor.at = end + 1
    if cursor.words("AS"):
        _create_as(statement, cursor, schema, name, body)
        return
    if cursor.words("LIKE"):
        like = text_of(
            [cursor.take()] + ([cursor.take(), cursor.take()] if cursor.peek().text == "." else [])
        )
        statement.derby = f"CREATE TABLE {_full(schema, name)} AS SELECT * FROM {like} WITH NO DATA"
        return
    definitions = [_definition(part) for part in arguments(body)]
    statement.derby = f"CREATE TABLE {_full(schema, name)} ({', '.join(map(text_of, definitions))})"
    statement.creates = _measured(schema, name, arguments(body))


def _create_as(statement: Statement, cursor: Cursor, schema: str, name: str, columns: list[Token]) -> None:
    end = closing(cursor.tokens, cursor.at)
    query = inlined(cursor.tokens[cursor.at + 1 : end])
    for found in references(query):
        statement.needs.append(Need("SELECT", "SELECT", found.schema or statement.schema, found.name))
    body = text_of(expressions(query, binary=statement.binary))
    names = f" ({text_of(columns)})" if columns else ""
    statement.derby = f"CREATE TABLE {_full(schema, name)}{names} AS {body} WITH NO DATA"
    cursor.at = end + 1
    if cursor.words("WITH", "DATA"):
        statement.after = [f"INSERT INTO {_full(schema, name)} {body}"]


def _create_index(statement: Statement, tokens: list[Token], cursor: Cursor) -> None:
    cursor.qualified()
    cursor.words("ON")
    statement.needs.append(Need("INDEX", "CREATE INDEX", *_cursor_table(statement, cursor)))
    end = closing(tokens, cursor.at)
    statement.derby = text_of(tokens[: end + 1])


def _definition(part: list[Token]) -> list[Token]:
    """A column's definition without what Derby does not know."""
    made = expressions(part, registers=False)
    result: list[Token] = []
    cursor = Cursor(made)
    while cursor.at < len(made):
        if cursor.words("INLINE", "LENGTH") or cursor.words("CCSID"):
            cursor.take()
        elif any(cursor.words(*option) for option in _NO_MATTER):
            continue
        elif cursor.words("WITH", "DEFAULT"):
            result.append(Token("word", "DEFAULT", " "))
        elif cursor.words("AS", "IDENTITY"):
            result += [Token("word", "AS", " "), Token("word", "IDENTITY", " "), *_identity(cursor)]
        else:
            result.append(cursor.take())
    return result


def _identity(cursor: Cursor) -> list[Token]:
    """START WITH and INCREMENT BY; the other options make no difference to Derby."""
    if cursor.peek().text != "(":
        return []
    end = closing(cursor.tokens, cursor.at)
    inner = Cursor(cursor.tokens[cursor.at + 1 : end])
    cursor.at = end + 1
    found: list[str] = []
    while inner.at < len(inner.tokens):
        if inner.words("START", "WITH"):
            found.append(f"START WITH {_number(inner)}")
        elif inner.words("INCREMENT", "BY"):
            found.append(f"INCREMENT BY {_number(inner)}")
        else:
            inner.take()
    return [Token("sign", f"({', '.join(found)})", " ")] if found else []


def _number(cursor: Cursor) -> str:
    sign = cursor.take().text if cursor.peek().text in ("-", "+") else ""
    return sign + cursor.take().text


def _measured(schema: str, name: str, parts: list[list[Token]]) -> NewTable:
    width = columns = 0
    flexible = False
    for part in parts:
        if len(part) < 2 or part[0].upper in _CONSTRAINTS:
            continue
        columns += 1
        words = [token.upper for token in part]
        flexible = flexible or words[1] in ("VARCHAR", "VARBINARY", "NVARCHAR")
        width += _width(part[1:]) + (("NOT", "NULL") not in itertools.pairwise(words))
    return NewTable(schema, name, width, columns, flexible)


def _width(type_tokens: list[Token]) -> int:
    word = type_tokens[0].upper
    sizes = [int(token.text) for token in type_tokens[1:5] if token.kind == "number" and token.text.isdigit()]
    bracketed = len(type_tokens) > 1 and type_tokens[1].text == "("
    size = sizes[0] if bracketed and sizes else 1
    if word in ("VARCHAR", "VARBINARY", "NVARCHAR"):
        return size + 4
    if word in ("CHAR", "CHARACTER", "BINARY"):
        return size
    if word in ("DECIMAL", "DEC", "NUMERIC"):
        return (size if bracketed else 5) // 2 + 1
    if word == "TIMESTAMP" and bracketed:
        return (size + 1) // 2 + 7
    return _FIXED.get(word, 8)


# -- DECLARE GLOBAL TEMPORARY TABLE


def declare(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    if not cursor.words("GLOBAL", "TEMPORARY", "TABLE"):
        return
    name = (cursor.qualified() or (None, ""))[1]
    end = closing(tokens, cursor.at)
    body = tokens[cursor.at + 1 : end]
    options = [token.upper for token in tokens[end + 1 :]]
    text = " ".join(options)
    statement.needs.append(Need("USE", "DECLARE", "USERTEMP1"))
    statement.effect = ("declare",)
    if "WITH REPLACE" in text:
        statement.before = [f"DROP TABLE SESSION.{quote(name)}"]
    keep = "PRESERVE" if "ON COMMIT PRESERVE ROWS" in text else "DELETE"
    columns = ", ".join(text_of(_definition(part)) for part in arguments(body))
    statement.derby = (
        f"DECLARE GLOBAL TEMPORARY TABLE SESSION.{quote(name)} ({columns}) ON COMMIT {keep} ROWS NOT LOGGED"
    )


# -- DROP, ALTER, RENAME, COMMENT


def drop(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    kind = cursor.take().upper
    if cursor.words("IF", "EXISTS"):
        statement.forgives = -204
    start = cursor.at
    if kind == "SCHEMA":
        name = cursor.take().name
        statement.needs.append(Need("DROPIN", "DROP SCHEMA", name))
        statement.effect = ("drop_schema", name)
        statement.derby = f"DROP SCHEMA {quote(name)} RESTRICT"
        return
    schema, name = _cursor_table(statement, cursor)
    if kind in ("TABLE", "VIEW"):
        statement.needs.append(Need("DROP", f"DROP {kind}", schema, name))
        statement.effect = ("drop_table", schema, name)
    statement.derby = f"DROP {kind} {text_of(tokens[start : cursor.at])}"


def alter(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    if not cursor.words("TABLE"):
        return
    schema, name = _cursor_table(statement, cursor)
    statement.needs.append(Need("ALTER", "ALTER TABLE", schema, name))
    made: list[str] = []
    reorganize = False
    for action in _actions(cursor.rest()):
        sql, pending = _altered(schema, name, action)
        made += [sql] if sql else []
        reorganize = reorganize or pending
    statement.derby = made[0] if made else "CALL DB2FN.NOTHING()"
    statement.after = made[1:]
    if reorganize:
        statement.effect = ("altered", schema, name)


def _actions(tokens: list[Token]) -> list[list[Token]]:
    found: list[list[Token]] = []
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        inside = bool(found) and found[-1][0].upper == "ALTER" and len(found[-1]) <= 3
        if token.upper in _VERBS and depth == 0 and not inside:
            found.append([])
        if found:
            found[-1].append(token)
    return found


def _altered(schema: str, name: str, action: list[Token]) -> tuple[str, bool]:
    """An action in Derby's words, and whether Db2 wants the table reorganized after it."""
    cursor = Cursor(action)
    verb = cursor.take().upper
    table = _full(schema, name)
    if verb == "ALTER":
        cursor.words("COLUMN")
        column = cursor.take().name
        if cursor.words("SET", "DATA", "TYPE"):
            type_name = text_of(_definition(cursor.rest()))
            call = ", ".join(map(literal, (schema, name, column, type_name)))
            return f"CALL DB2FN.ALTER_TYPE({call})", not type_name.upper().startswith("VARCHAR")
        null = cursor.words("SET", "NOT", "NULL") or cursor.words("DROP", "NOT", "NULL")
        return f"ALTER TABLE {table} ALTER COLUMN {quote(column)} {_nullness(action)}", bool(null)
    if verb == "DROP" and cursor.peek().upper not in ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"):
        cursor.words("COLUMN")
        return f"ALTER TABLE {table} DROP COLUMN {text_of([cursor.take()])}", True
    if verb == "ADD" and cursor.peek().upper not in _CONSTRAINTS:
        cursor.words("COLUMN")
        return f"ALTER TABLE {table} ADD COLUMN {text_of(_definition(cursor.rest()))}", False
    return f"ALTER TABLE {table} {text_of(action)}", False


def _nullness(action: list[Token]) -> str:
    words = [token.upper for token in action]
    if words[-2:] == ["NOT", "NULL"]:
        return "NOT NULL" if "SET" in words else "NULL"
    start = next(
        (place for place, word in enumerate(words) if word in ("SET", "DROP") and place > 1), len(words)
    )
    return text_of(action[start:])


def rename(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    cursor.words("TABLE")
    schema, name = _cursor_table(statement, cursor)
    cursor.words("TO")
    new = cursor.take()
    if cursor.peek().text == ".":
        statement.refused = Sqlca.of(-108, "42601", new.name)
    statement.needs.append(Need("ALTER", "RENAME TABLE", schema, name))
    statement.derby = f"RENAME TABLE {_full(schema, name)} TO {quote(new.name)}"
    statement.effect = ("rename", schema, name, new.name)


def comment(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    cursor.words("ON")
    statement.derby = "CALL DB2FN.NOTHING()"
    if not cursor.words("TABLE"):
        return
    schema, name = _cursor_table(statement, cursor)
    statement.needs.append(Need("ALTER", "COMMENT ON TABLE", schema, name))
    cursor.words("IS")
    statement.derby = f"CALL DB2FN.COMMENT({literal(schema)}, {literal(name)}, {cursor.take().text})"
