"""Runs one statement: what BigQuery checks before, the engine's work, and what the catalog learns from it."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
from bqemulator.api.dependencies import AppContext
from bqemulator.domain.errors import DomainError
from bqemulator.jobs.error_mapper import translate_runtime_error
from bqemulator.sql.parameters import bind_parameters
from sqlglot import exp
from tests.servers.bigquery.standin import ddl
from tests.servers.bigquery.standin.access import require_query, require_statement
from tests.servers.bigquery.standin.accounts import Account, Accounts
from tests.servers.bigquery.standin.catalog import Catalog
from tests.servers.bigquery.standin.costs import check_cap, processed
from tests.servers.bigquery.standin.emulator import using
from tests.servers.bigquery.standin.errors import Refusal, invalid_query, not_found
from tests.servers.bigquery.standin.locks import Locks, conflict
from tests.servers.bigquery.standin.sessions import Session
from tests.servers.bigquery.standin.signatures import check_types
from tests.servers.bigquery.standin.statement import Statement, TableName, parse
from tests.servers.bigquery.standin.translation import Translation
from tests.servers.bigquery.standin.types import fields
from tests.servers.bigquery.standin.updates import TableUpdates

_CONFLICTS = (
    "Conflict on",
    "write-write conflict",
    "TransactionContext Error: Conflict",
    "Transaction conflict",
)
_SESSION_ID = re.compile(r"@@session_id\b", re.IGNORECASE)
_ASSERT = re.compile(
    r"\s*ASSERT\b(?P<condition>.*?)(?:\bAS\s+(?P<message>'.*'|\".*\"))?\s*;?\s*", re.I | re.S
)


@dataclass
class Run:
    """Who runs statements, where, and what came of it so far."""

    account: Account
    project: str
    location: str
    connection: duckdb.DuckDBPyConnection
    session: Session | None = None
    default: tuple[str, str] | None = None
    parameters: list[dict[str, Any]] | None = None
    cap: int | None = None
    dry: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    processed: int = 0
    billed: int = 0
    row_count: int = 0
    referenced: dict[TableName, None] = field(default_factory=dict)
    """The tables that are read, each once."""


@dataclass
class Result:
    """What a statement gave."""

    kind: str
    table: pa.Table
    schema: list[dict[str, Any]]
    affected: int | None = None
    statistics: dict[str, Any] = field(default_factory=dict)
    target: TableName | None = None


NOTHING = pa.table({})


class Execution:
    """The engine with its catalog and locks."""

    def __init__(self, context: AppContext, catalog: Catalog, locks: Locks, accounts: Accounts) -> None:
        self.context = context
        self.catalog = catalog
        self.locks = locks
        self.accounts = accounts
        self.updates = TableUpdates()
        self._translation = Translation(context)

    def run(self, run: Run, text: str, values: list[Any] | None = None) -> Result:
        """Run one statement, no script and no control of transactions. Raises Refusal."""
        session = run.session
        transaction = session.transaction if session else None
        if transaction is not None and transaction.failed:
            raise invalid_query(
                f"Query error: A statement of transaction {transaction.id} has failed; roll it back"
            )
        try:
            with using(run.connection):
                return self._run(run, text, values)
        except Refusal as refusal:
            if transaction is not None and session is not None and not run.dry:
                if "Transaction is aborted due to concurrent update" in refusal.message:
                    session.undo()
                else:
                    transaction.failed = True
            raise

    def _run(self, run: Run, text: str, values: list[Any] | None) -> Result:
        text = _SESSION_ID.sub(f"'{run.session.id}'" if run.session else "NULL", text)
        if found := _ASSERT.fullmatch(text):
            return self._assert(run, found)
        temporary = run.session.temporary if run.session else set()
        statement = parse(text, run.project, run.default, {name.lower() for name in temporary})
        in_transaction = run.session is not None and run.session.transaction is not None
        if not in_transaction:
            self.catalog.drop_expired(run.connection)
        self._check(run, statement, in_transaction=in_transaction)
        cost = processed(
            self.catalog, run.connection, statement, fresh=run.session.changed if run.session else set()
        )
        check_cap(run.cap, cost)
        target = statement.target
        if not run.dry and target is not None and target.table and not target.temporary:
            (self.updates.admit if statement.is_ddl else self.updates.note)(target)
        run.referenced |= dict.fromkeys(name for name in statement.reads if not name.temporary)
        run.processed += cost.processed
        run.billed += cost.billed
        if statement.kind in ddl.WITHOUT_ENGINE:
            return self._without_engine(run, statement)
        now = datetime.now(UTC)
        try:
            texts = ddl.one_by_one(statement) or [statement.text]
            sql = ";\n".join(
                self._translation.duckdb(text, run.project, run.account.email, now) for text in texts
            )
            sql, bound = bind_parameters(sql, run.parameters)
        except DomainError as error:
            raise refusal_of(error, None, run.location) from error
        arguments = [*(values or []), *(bound or [])] or None
        if run.dry:
            return self._describe(run, statement, sql, arguments)
        with self._exclusively(run, statement):
            return self._execute(run, statement, sql, arguments)

    # -- before

    def _check(self, run: Run, statement: Statement, *, in_transaction: bool) -> None:
        target = statement.target
        if statement.kind in ("GRANT", "REVOKE", "OTHER", "CREATE_FUNCTION", "CREATE_PROCEDURE"):
            raise invalid_query(f"Syntax error: this stand-in runs no such statement: {statement.text[:60]}")
        if in_transaction and statement.is_ddl and not (target is not None and target.temporary):
            raise invalid_query(
                "Query error: DDL statements are not supported in a transaction, except for those creating or"
                " droping temporary tables or temporary functions. at [1:1]"
            )
        if statement.temporary and run.session is None:
            raise invalid_query("Use of CREATE TEMPORARY TABLE requires a script or session")
        if statement.kind in ("UPDATE", "DELETE") and statement.tree.args.get("where") is None:
            raise invalid_query(f"{statement.kind} must have a WHERE clause at [1:1]")
        for dataset in self._datasets(statement):
            self.catalog.require(dataset, run.location)
        require_statement(run.account, statement)
        for table in list(statement.reads):
            self._find(run, statement, table)
        if target is not None and (statement.writes_rows or statement.kind == "ALTER_TABLE"):
            self._find(run, statement, target)
        ddl.check(self.catalog, statement)
        check_types(self.catalog, run.connection, statement, run.project)

    def _datasets(self, statement: Statement) -> Iterator[tuple[str, str]]:
        names = [*statement.reads, *(view for view in statement.views if view.table != "SCHEMATA")]
        if statement.target is not None and not statement.kind.endswith("_SCHEMA"):
            names.append(statement.target)
        for name in names:
            if name.dataset and not name.dataset.lower().startswith("region-"):
                yield (name.project, name.dataset)

    def _find(self, run: Run, statement: Statement, table: TableName) -> None:
        if table.temporary:
            return
        meta = self.catalog.table(table)
        if meta is None:
            raise not_found(f"Not found: Table {table} was not found in location {run.location}")
        if meta.view_query is not None and table in statement.reads:
            inner = parse(meta.view_query, table.project, (table.project, table.dataset), set())
            statement.reads.remove(table)
            for name in inner.reads:
                require_query(run.account, name)
                self._find(run, inner, name)
            statement.reads += [name for name in inner.reads if name not in statement.reads]
            statement.columns |= inner.columns

    @contextlib.contextmanager
    def _exclusively(self, run: Run, statement: Statement) -> Iterator[None]:
        target = statement.target
        if not statement.mutates or target is None or target.temporary:
            yield
        elif run.session is not None and run.session.transaction is not None:
            self.locks.acquire(run.session.transaction, target)
            yield
        else:
            with self.locks.alone(target, run.stop.is_set):
                yield

    # -- the engine

    def _execute(self, run: Run, statement: Statement, sql: str, arguments: list[Any] | None) -> Result:
        if isinstance(statement.tree, exp.Merge):
            sql += " RETURNING merge_action"
        with self._errors(run, statement, sql):
            run.connection.execute(sql, arguments)
            if statement.kind == "SELECT":
                schema = named(fields(run.connection), statement)
                return Result("SELECT", run.connection.to_arrow_table(), schema)
            rows = run.connection.fetchall() if statement.writes_rows else []
            return self._after(run, statement, rows)

    def _after(self, run: Run, statement: Statement, rows: list[tuple[Any, ...]]) -> Result:
        result = Result(statement.kind, NOTHING, [], target=statement.target)
        target = statement.target
        if statement.writes_rows:
            counts = _counts(statement, rows)
            result.affected = run.row_count = sum(counts.values())
            result.statistics["dmlStats"] = {name: str(count) for name, count in counts.items()}
            if target is not None and run.session is not None and run.session.transaction is not None:
                run.session.changed.add(target)
            elif target is not None:
                self.catalog.touch(target)
        elif target is not None and target.temporary:
            names = run.session.temporary if run.session else set()
            (names.discard if statement.kind.startswith("DROP") else names.add)(target.table)
        elif target is not None:
            ddl.record(self.catalog, self.accounts, run.account, run.connection, statement)
        if statement.is_ddl:
            result.statistics["ddlOperationPerformed"] = statement.kind.split("_")[0]
        return result

    def _without_engine(self, run: Run, statement: Statement) -> Result:
        with self._errors(run, statement, statement.text):
            if not run.dry:
                ddl.perform(self.catalog, self.accounts, run.account, run.connection, statement, run.location)
        operation = {"ddlOperationPerformed": statement.kind.split("_")[0]}
        kind = statement.kind.removesuffix("_OPTIONS")
        return Result(kind, NOTHING, [], target=statement.target, statistics=operation)

    def _describe(self, run: Run, statement: Statement, sql: str, arguments: list[Any] | None) -> Result:
        with self._errors(run, statement, sql):
            if statement.kind != "SELECT":
                run.connection.execute(f"EXPLAIN {sql}", arguments)
                return Result(statement.kind, NOTHING, [], target=statement.target)
            run.connection.execute(f"SELECT * FROM (\n{sql}\n) LIMIT 0", arguments)
            return Result("SELECT", NOTHING, named(fields(run.connection), statement))

    def _assert(self, run: Run, found: re.Match[str]) -> Result:
        result = self.run(run, f"SELECT {found['condition']} AS holds")
        if not result.table.column(0)[0].as_py():
            message = found["message"][1:-1] if found["message"] else "Assertion failed"
            raise invalid_query(f"Query error: {message} at [1:1]")
        return Result("ASSERT", NOTHING, [])

    @contextlib.contextmanager
    def _errors(self, run: Run, statement: Statement, sql: str) -> Iterator[None]:
        try:
            yield
        except duckdb.InterruptException as error:
            raise Refusal("stopped", "Job execution was cancelled: User requested cancellation") from error
        except duckdb.Error as error:
            transaction = run.session.transaction if run.session else None
            if any(text in str(error) for text in _CONFLICTS) and statement.target is not None:
                raise conflict(transaction or self.locks.begin(), statement.target) from error
            raise refusal_of(translate_runtime_error(error, duckdb_sql=sql), sql, run.location) from error


def refusal_of(error: DomainError, sql: str | None, location: str) -> Refusal:
    """bqemulator's error as ours."""
    message = error.message.replace("was not found in location US", f"was not found in location {location}")
    message = message.removeprefix("Query execution failed: Invalid Input Error: ")
    return Refusal(error.bq_reason, message, location=error.location, code=error.http_status)


def named(schema: list[dict[str, Any]], statement: Statement) -> list[dict[str, Any]]:
    """The result's columns with the names that BigQuery gives. Raises Refusal where two have one name."""
    names = output_names(statement.tree)
    if names is not None and len(names) == len(schema):
        for column, name in zip(schema, names, strict=True):
            column["name"] = name
    lower = [column["name"].lower() for column in schema]
    if repeated := sorted({name for name in lower if lower.count(name) > 1}):
        raise invalid_query(
            "Duplicate column names in the result are not supported when a destination table is present."
            f" Found duplicate(s): {', '.join(repeated)}"
        )
    return schema


def output_names(query: exp.Expression) -> list[str] | None:
    """What a query's columns are called, as far as its text says: `f0_` and so on where they have no name."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return None
    names: list[str] = []
    anonymous = 0
    for projection in query.expressions:
        if isinstance(projection, exp.Star) and not any(projection.args.values()):
            source = query.args.get("from_")
            inner = source.this if source is not None and not query.args.get("joins") else None
            found = output_names(inner) if isinstance(inner, exp.Subquery) else None
            if found is None:
                return None
            names += found
        elif projection.is_star:
            return None
        elif isinstance(projection, exp.Alias | exp.Column | exp.Dot):
            names.append(projection.alias_or_name)
        else:
            names.append(f"f{anonymous}_")
            anonymous += 1
    return names


def _counts(statement: Statement, rows: list[tuple[Any, ...]]) -> dict[str, int]:
    names = {"INSERT": "insertedRowCount", "UPDATE": "updatedRowCount", "DELETE": "deletedRowCount"}
    if statement.kind == "MERGE":
        actions = [str(action).upper() for (action,) in rows]
        return {name: actions.count(action) for action, name in names.items()}
    return {names.get(statement.kind, "deletedRowCount"): int(rows[0][0]) if rows else 0}
