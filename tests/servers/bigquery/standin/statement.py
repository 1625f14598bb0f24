"""What one GoogleSQL statement is: its kind, and which tables it reads and writes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlglot
from sqlglot import exp
from tests.servers.bigquery.standin.errors import invalid_query
from tests.servers.bigquery.standin.googlesql import impossible_number, read, unknown_function

VIEWS = "INFORMATION_SCHEMA."
_CONTROL = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK)(\s+TRANSACTION)?\s*;?\s*", re.IGNORECASE)
_ABORT = re.compile(
    r"\s*CALL\s+BQ\.ABORT_SESSION\s*\(\s*(?:'([^']*)'|\"([^\"]*)\")?\s*\)\s*;?\s*", re.IGNORECASE
)
_VIEW_NAME = re.compile(r"`INFORMATION_SCHEMA\.(\w+)`(\s+AS\s+\1\b)?")
_POSITION = re.compile(r"Line (\d+), Col: (\d+)")


class TableName(NamedTuple):
    """A table by its three names; a temporary table has no dataset."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}:{self.dataset}.{self.table}"

    @property
    def temporary(self) -> bool:
        return not self.dataset

    @property
    def quoted(self) -> str:
        """As the engine names it."""
        schema = f'"{self.project}__{self.dataset}"' if self.dataset else "temp"
        return f'{schema}."{self.table}"'


@dataclass
class Statement:
    """One statement, with every table's name complete."""

    text: str
    kind: str
    tree: exp.Expression
    target: TableName | None = None
    """What it writes, creates, changes or drops."""
    reads: list[TableName] = field(default_factory=list)
    views: list[TableName] = field(default_factory=list)
    """Views of INFORMATION_SCHEMA; `dataset` is a dataset or a region."""
    temporary: bool = False
    columns: frozenset[str] = frozenset()
    """The lower-case names of all columns that are mentioned; with `*`, of all there are."""

    @property
    def mutates(self) -> bool:
        """Whether it changes or removes rows, and so excludes others that do."""
        return self.kind in ("UPDATE", "DELETE", "MERGE", "TRUNCATE_TABLE")

    @property
    def writes_rows(self) -> bool:
        return self.mutates or self.kind == "INSERT"

    @property
    def is_ddl(self) -> bool:
        return self.kind.split("_")[0] in ("CREATE", "DROP", "ALTER")

    @property
    def clauses(self) -> dict[str, exp.Expression]:
        """The OPTIONS of a CREATE or ALTER statement."""
        if isinstance(self.tree, exp.Create):
            properties = self.tree.args.get("properties")
            found = properties.expressions if properties is not None else []
        else:
            found = list(self.tree.find_all(exp.Property))
        return {each.this.name.lower(): each.args["value"] for each in found if type(each) is exp.Property}


def control(text: str) -> str | None:
    """BEGIN, COMMIT or ROLLBACK, for a statement that controls a transaction."""
    found = _CONTROL.fullmatch(text)
    return found[1].upper() if found else None


def aborted_session(text: str) -> str | None:
    """The session that `CALL BQ.ABORT_SESSION` names, '' for its own, None for another statement."""
    found = _ABORT.fullmatch(text)
    return (found[1] or found[2] or "") if found else None


def parse(text: str, project: str, default: tuple[str, str] | None, temporary: set[str]) -> Statement:
    """Understand a statement; `temporary` are the temporary tables that it can see. Raises Refusal."""
    try:
        tree = read(text)
    except sqlglot.errors.SqlglotError as error:
        found = _POSITION.search(str(error))
        place = f" at [{found[1]}:{found[2]}]" if found else ""
        reason = str(error).split(". Line")[0].split("\n")[0]
        if "Required keyword" in reason:
            reason = "Unexpected end of statement"
        raise invalid_query(f"Syntax error: {reason}{place}") from error
    if isinstance(tree, exp.Command):
        raise invalid_query(f"Syntax error: Unexpected {str(tree.this).upper()} at [1:1]")
    if function := unknown_function(tree):
        raise invalid_query(f"Function not found: {function}")
    if number := impossible_number(tree):
        raise invalid_query(f"Invalid precision or scale: {number}")
    statement = Statement(text, _kind(tree), tree)
    statement.temporary = any(True for _ in tree.find_all(exp.TemporaryProperty))
    changed = _resolve(statement, project, default, temporary)
    if changed:
        statement.text = _VIEW_NAME.sub(r"INFORMATION_SCHEMA.\1\2", tree.sql(dialect="bigquery"))
    if tree.find(exp.Star) is not None and any(_selects_all(star) for star in tree.find_all(exp.Star)):
        statement.columns = frozenset("*")
    else:
        statement.columns = frozenset(column.name.lower() for column in tree.find_all(exp.Column))
        if statement.kind == "MERGE" or "USING" in text.upper():
            using = (name for join in tree.find_all(exp.Join) for name in join.args.get("using") or ())
            statement.columns |= {name.name.lower() for name in using}
    return statement


def _selects_all(star: exp.Star) -> bool:
    return not isinstance(star.parent, exp.Count)


def _kind(tree: exp.Expression) -> str:
    kind = str(tree.args.get("kind") or "").upper()
    if isinstance(tree, exp.Create):
        if kind == "TABLE" and tree.expression is not None and not tree.args.get("clone"):
            return "CREATE_TABLE_AS_SELECT"
        return f"CREATE_{kind}"
    if isinstance(tree, exp.Drop):
        return f"DROP_{kind}"
    if isinstance(tree, exp.Alter):
        return f"ALTER_{kind}"
    if isinstance(tree, exp.TruncateTable):
        return "TRUNCATE_TABLE"
    if isinstance(tree, exp.Grant | exp.Revoke):
        return type(tree).__name__.upper()
    for node in (exp.Insert, exp.Update, exp.Delete, exp.Merge):
        if isinstance(tree, node):
            return node.__name__.upper()
    return "SELECT" if isinstance(tree, exp.Query) else "OTHER"


def _resolve(
    statement: Statement, project: str, default: tuple[str, str] | None, temporary: set[str]
) -> bool:
    """Find every table of a statement and complete its name; whether the text must change."""
    tree = statement.tree
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if isinstance(table.this, exp.Identifier)]
    aliases = {(table.alias or table.name).lower() for table in tables} | {
        each.alias.lower() for each in tree.find_all(exp.Subquery) if each.alias
    }
    target = _target(tree)
    changed = False
    for table in tree.find_all(exp.Table):
        if table.this is None and table is target:
            statement.target = TableName(table.catalog or project, table.db, "")
            continue
        if table not in tables or _is_new_name(table):
            continue
        if table.name.upper().startswith(VIEWS):
            view = TableName(table.catalog or project, table.db, table.name[len(VIEWS) :].upper())
            statement.views.append(view)
            continue
        if table.db == "_SESSION":
            table.set("db", None)
            table.set("catalog", None)
            found, changed = TableName(project, "", table.name), True
        elif table.db:
            if not table.catalog and table.db.lower() in aliases and table is not target:
                continue
            found = TableName(table.catalog or project, table.db, table.name)
        elif table.name.lower() in named and table is not target:
            continue
        elif table.name.lower() in temporary or (table is target and statement.temporary):
            found = TableName(project, "", table.name)
        elif default is not None:
            found = TableName(*default, table.name)
            table.set("db", exp.to_identifier(default[1], quoted=True))
            table.set("catalog", exp.to_identifier(default[0], quoted=True))
            if not table.alias and table is not target and not isinstance(table.parent, exp.Schema):
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
            changed = True
        else:
            raise invalid_query(
                f'Table "{table.name}" must be qualified with a dataset (e.g. dataset.table).'
            )
        if table is target:
            statement.target = found
        elif found not in statement.reads:
            statement.reads.append(found)
    if statement.kind in ("UPDATE", "DELETE", "MERGE") and statement.target is not None:
        statement.reads.append(statement.target)
    return changed


def _target(tree: exp.Expression) -> exp.Table | None:
    if isinstance(tree, exp.TruncateTable):
        first = tree.expressions[0]
    elif isinstance(
        tree, exp.Create | exp.Drop | exp.Alter | exp.Insert | exp.Update | exp.Delete | exp.Merge
    ):
        first = tree.this
    elif isinstance(tree, exp.Grant | exp.Revoke):
        first = tree.args.get("securable")
    else:
        return None
    if isinstance(first, exp.Schema):
        first = first.this
    return first if isinstance(first, exp.Table) else None


def _is_new_name(table: exp.Table) -> bool:
    return isinstance(table.parent, exp.AlterRename)
