"""Scripts: several statements in one job, by bqemulator's interpreter over our execution."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
from bqemulator.domain.errors import DomainError, InvalidQueryError
from bqemulator.row_access.identity import CallerIdentity
from bqemulator.scripting.ast import SqlStmt
from bqemulator.scripting.exceptions import ScriptRaise
from bqemulator.scripting.interpreter import ScriptInterpreter, _rewrite_vars_to_params
from bqemulator.scripting.parser import parse_script
from tests.servers.bigquery.standin.emulator import using
from tests.servers.bigquery.standin.errors import Refusal, invalid_query
from tests.servers.bigquery.standin.execution import NOTHING, Execution, Result, Run, refusal_of
from tests.servers.bigquery.standin.statement import control
from tests.servers.bigquery.standin.translation import at_once

_SURELY_ONE = re.compile(
    r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE\s+(OR\s+REPLACE\s+)?(TEMP\w*\s+)?(TABLE|SCHEMA|VIEW)"
    r"|DROP|ALTER|ASSERT|\()",
    re.IGNORECASE,
)
_ROW_COUNT = re.compile(r"@@row_count\b", re.IGNORECASE)


def is_script(text: str) -> bool:
    """Whether a job's text is more than one statement, or a procedural one. Raises Refusal."""
    if _SURELY_ONE.match(text) and ";" not in text.rstrip().removesuffix(";"):
        return False
    if control(text) is not None:
        return False
    try:
        statements = parse_script(text).statements
    except DomainError as error:
        raise refusal_of(error, None, "US") from error
    return len(statements) != 1 or not isinstance(statements[0], SqlStmt)


class Interpreter(ScriptInterpreter):
    """bqemulator's control flow; each statement runs as if it were a job of its own."""

    def __init__(self, execution: Execution, run: Run) -> None:
        caller = CallerIdentity(principal=f"user:{run.account.email}", is_authenticated=True)
        super().__init__(execution.context, run.project, caller=caller)
        self._execution = execution
        self._run_of_job = run
        self.last = Result("SCRIPT", NOTHING, [])
        self.children = 0

    async def _exec_sql(self, sql: str) -> None:
        session = self._run_of_job.session
        assert session is not None
        if not sql.strip():
            return
        self.children += 1
        if self._run_of_job.stop.is_set():
            raise Stopped(Refusal("stopped", "Job execution was cancelled: User requested cancellation"))
        try:
            match control(sql):
                case "BEGIN":
                    session.begin()
                case "COMMIT":
                    for table in session.commit():
                        self._execution.catalog.touch(table)
                case "ROLLBACK":
                    session.rollback()
                case _:
                    self._statement(sql)
        except Refusal as refusal:
            raise Stopped(refusal) from refusal

    def _statement(self, sql: str) -> None:
        text, values = _rewrite_vars_to_params(self._prepared(sql), self._frames)
        self.last = self._execution.run(self._run_of_job, text, values)
        self._final_table = self.last.table if self.last.kind == "SELECT" else None

    async def _run_query(self, bq_sql: str) -> pa.Table:
        try:
            text, values = _rewrite_vars_to_params(self._prepared(bq_sql), self._frames)
            return self._execution.run(self._run_of_job, text, values).table
        except Refusal as refusal:
            raise Stopped(refusal) from refusal

    async def _run_statement_with_params(self, bq_sql: str, using_values: list[Any]) -> None:
        try:
            self.last = self._execution.run(self._run_of_job, self._prepared(bq_sql), using_values)
        except Refusal as refusal:
            raise Stopped(refusal) from refusal

    def _prepared(self, sql: str) -> str:
        return _ROW_COUNT.sub(str(self._run_of_job.row_count), self._rewrite_temp_calls(sql))


class Stopped(InvalidQueryError):
    """A refusal on its way through the interpreter, whose handlers may catch it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def run_script(execution: Execution, run: Run, text: str) -> tuple[Result, int]:
    """Run a script to its end; gives the last statement's result and how many ran. Raises Refusal."""
    interpreter = Interpreter(execution, run)
    try:
        with using(run.connection):
            at_once(interpreter.run(text))
    except Stopped as stopped:
        refusal = stopped.refusal
        if refusal.reason == "invalidQuery" and not refusal.message.startswith("Query error: "):
            refusal = invalid_query(f"Query error: {refusal.message} at [1:1]")
        raise refusal from stopped
    except ScriptRaise as raised:
        raise invalid_query(f"Query error: {raised.message} at [1:1]") from raised
    except DomainError as error:
        raise refusal_of(error, None, run.location) from error
    return interpreter.last, interpreter.children
