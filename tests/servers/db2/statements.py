"""One statement of Db2 as one of Derby: the words, what it needs, and what it does to the stand-in's own books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers.db2 import ddl
from tests.servers.db2.expressions import expressions
from tests.servers.db2.grants import Need, parse_grant
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.subqueries import Apart, apart
from tests.servers.db2.tables import column_by_column, computed, inlined, references
from tests.servers.db2.tokens import Cursor, Token, text_of, tokenize

NOTHING = "CALL DB2FN.NOTHING()"


@dataclass
class Statement:
    """What a text means; `schema` is where its unqualified names are."""

    text: str
    derby: str
    schema: str
    before: list[str] = field(default_factory=list)
    """What Derby must run first, whatever comes of it."""
    after: list[str] = field(default_factory=list)
    """What Derby must run as well, if the statement succeeds."""
    apart: Apart | None = None
    """What is better evaluated before it."""
    needs: list[Need] = field(default_factory=list)
    writes: tuple[str, str] | None = None
    """The table whose rows it changes."""
    forgives: int | None = None
    """A SQLCODE that counts as success."""
    refused: Sqlca | None = None
    """What Db2 says to the text itself."""
    first_only: bool = False
    """Whether Db2 runs it only at the beginning of a unit of work."""
    creates: ddl.NewTable | None = None
    binary: frozenset[str] = frozenset()
    """Columns of bytes, as far as they make a difference to its words in Derby."""
    effect: tuple[str, ...] = ()
    """What to note if it succeeds: see `Session._note`."""


def understand(text: str, schema: str, user: str, binary: frozenset[str] = frozenset()) -> Statement:
    """What a statement means to Derby and to the stand-in; `binary` are names of columns of bytes."""
    tokens = tokenize(text.strip())
    while tokens and tokens[-1].text == ";":
        tokens.pop()
    statement = Statement(text, text, schema, binary=binary)
    if not tokens:
        return statement
    make = _KINDS.get(tokens[0].upper, _query)
    make(statement, tokens, user)
    return statement


def _table(statement: Statement, cursor: Cursor) -> tuple[str, str]:
    found = cursor.qualified() or (None, "")
    return found[0] or statement.schema, found[1]


def _reads(statement: Statement, tokens: list[Token]) -> None:
    for found in references(tokens):
        statement.needs.append(Need("SELECT", "SELECT", found.schema or statement.schema, found.name))


def _query(statement: Statement, tokens: list[Token], user: str) -> None:
    plain = inlined(tokens)
    _reads(statement, plain)
    statement.derby = text_of(expressions(ddl.without_hints(plain), binary=statement.binary))


def _change(statement: Statement, tokens: list[Token], user: str) -> None:
    _query(statement, tokens, user)
    statement.apart = apart(inlined(tokens), lambda part: expressions(part, binary=statement.binary))


def _insert(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 2)
    statement.writes = _table(statement, cursor)
    statement.needs.append(Need("INSERT", "INSERT", *statement.writes))
    _change(statement, computed(inlined(tokens)), user)


def _update(statement: Statement, tokens: list[Token], user: str) -> None:
    statement.writes = _table(statement, Cursor(tokens, 1))
    statement.needs.append(Need("UPDATE", "UPDATE", *statement.writes))
    _change(statement, column_by_column(tokens), user)


def _delete(statement: Statement, tokens: list[Token], user: str) -> None:
    statement.writes = _table(statement, Cursor(tokens, 2))
    statement.needs.append(Need("DELETE", "DELETE", *statement.writes))
    _change(statement, tokens, user)


def _merge(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 2)
    statement.writes = _table(statement, cursor)
    words = {token.upper for token in tokens}
    statement.needs += [
        Need(word, word, *statement.writes) for word in ("INSERT", "UPDATE", "DELETE") if word in words
    ]
    _query(statement, tokens, user)


def _truncate(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    cursor.words("TABLE")
    start = cursor.at
    statement.writes = _table(statement, cursor)
    statement.needs.append(Need("DELETE", "TRUNCATE TABLE", *statement.writes))
    statement.first_only = True
    if not any(token.upper == "IMMEDIATE" for token in cursor.rest()):
        statement.refused = Sqlca.of(-104, "42601", "END-OF-STATEMENT", statement.text[-20:], "IMMEDIATE")
    statement.derby = f"TRUNCATE TABLE {text_of(tokens[start : cursor.at])}"


def _lock(statement: Statement, tokens: list[Token], user: str) -> None:
    statement.needs.append(Need("SELECT", "LOCK TABLE", *_table(statement, Cursor(tokens, 2))))


def _grant(statement: Statement, tokens: list[Token], user: str) -> None:
    grant = parse_grant(Cursor(tokens), statement.schema)
    if grant is None:
        statement.refused = Sqlca.of(-104, "42601", tokens[1].text, tokens[0].text, "<privilege>")
        return
    operation = "GRANT" if grant.give else "REVOKE"
    if grant.on == "ROLE":
        statement.needs.append(Need("SECADM", operation))
        statement.derby = NOTHING
        statement.effect = ("member", grant.schema, "\0".join(grant.grantees))
        return
    privilege = "CONTROL" if grant.on == "TABLE" else "ACCESSCTRL"
    schema = "" if grant.on in ("TABLESPACE", "DATABASE") else grant.schema
    statement.needs.append(Need(privilege, operation, schema, grant.table))
    statement.derby = NOTHING
    statement.effect = (
        "grant" if grant.give else "revoke", grant.schema, grant.table,
        ",".join(grant.privileges), "\0".join(grant.grantees),
    )  # fmt: skip


def _call(statement: Statement, tokens: list[Token], user: str) -> None:
    if "ADMIN_CMD" in (token.upper for token in tokens[:4]):
        command = next((token.text for token in tokens if token.kind == "text"), "''")
        words = Cursor(tokenize(command[1:-1].replace("''", "'")))
        verb = words.take().upper
        words.words("ON")
        words.words("TABLE")
        table = _table(statement, words)
        statement.derby = NOTHING
        statement.needs.append(Need("CONTROL", f"{verb} TABLE", *table))
        statement.effect = ("reorg" if verb == "REORG" else "admin", *table)


def _set(statement: Statement, tokens: list[Token], user: str) -> None:
    cursor = Cursor(tokens, 1)
    cursor.words("CURRENT")
    word = cursor.take().upper
    if word == "SCHEMA":
        if cursor.peek().text == "=":
            cursor.take()
        token = cursor.take()
        name = token.text[1:-1] if token.kind == "text" else token.name
        statement.derby = f'SET SCHEMA "{name}"'
        statement.effect = ("schema", name)
    elif word == "ISOLATION":
        statement.derby = (
            text_of([Token("word", "SET"), *tokens[-1:]]) if not cursor.rest() else statement.text
        )
    else:
        statement.derby = NOTHING


_KINDS: dict[str, Callable[[Statement, list[Token], str], None]] = {
    "INSERT": _insert,
    "UPDATE": _update,
    "DELETE": _delete,
    "MERGE": _merge,
    "TRUNCATE": _truncate,
    "LOCK": _lock,
    "GRANT": _grant,
    "REVOKE": _grant,
    "CALL": _call,
    "SET": _set,
    "CREATE": ddl.create,
    "DECLARE": ddl.declare,
    "DROP": ddl.drop,
    "ALTER": ddl.alter,
    "RENAME": ddl.rename,
    "COMMENT": ddl.comment,
}
