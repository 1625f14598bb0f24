"""Runs the steps of a connection test: each by doing, each once, those that need a failed one skipped."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tailrace.errors import SourceError, TailraceError
from tailrace.sources.base import CheckStep, Session
from tailrace.sources.dialect import Dialect


class Doubt(Exception):
    """A step passed, but its user should know something: the step becomes a warning."""

    def __init__(self, detail: str, remedy: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try: `run` gives a detail, raises Doubt, or raises an error whose hint is the remedy."""

    name: str
    run: Callable[[], str]
    needs: tuple[str, ...] = ()


def run_steps(steps: Iterable[Step]) -> Iterator[CheckStep]:
    """The steps' results, each as soon as it is known."""
    failed: set[str] = set()
    for step in steps:
        missing = next((name for name in step.needs if name in failed), None)
        if missing:
            failed.add(step.name)
            yield CheckStep(step.name, "skipped", f"needs the step {missing!r}")
            continue
        try:
            yield CheckStep(step.name, "passed", step.run())
        except Doubt as doubt:
            yield CheckStep(step.name, "warning", doubt.detail, doubt.remedy)
        except TailraceError as error:
            failed.add(step.name)
            yield CheckStep(step.name, "failed", error.message, error.hint)


class Probe:
    """A table with a name of its own in the managed schema, on which every right is really used."""

    NAMES = ("create table", "insert", "update", "delete", "drop table")

    def __init__(self, session: Session, dialect: Dialect, schema: str) -> None:
        self._session = session
        self._dialect = dialect
        self._schema = schema
        self.name = f"tailrace_check_{secrets.token_hex(8)}"
        self._created = False

    def steps(self, *needs: str) -> Iterator[Step]:
        """The five steps; the table is dropped even if one in between fails."""
        runs = (self._create, self._insert, self._update, self._delete, self._drop)
        for name, run in zip(self.NAMES, runs, strict=True):
            yield Step(name, run, needs if run == self._create else (self.NAMES[0],))

    def clean(self) -> None:
        """Drop the table if it is still there, whatever happened."""
        if self._created:
            with contextlib.suppress(TailraceError):
                self._session.execute(self._dialect.drop_table(self._table))

    @property
    def _table(self) -> str:
        return self._dialect.table(self._schema, self.name)

    def _create(self) -> str:
        columns = [("id", self._dialect.type_of("bigint")), ("note", self._dialect.type_of("text"))]
        self._session.execute(self._dialect.create_table(self._table, columns))
        self._created = True
        self._session.execute(self._dialect.mark(self._table))
        return f"created {self._schema}.{self.name}"

    def _insert(self) -> str:
        import pyarrow as pa

        rows = self._dialect.constants("rows_of", ["id", "note"], [["1", "'a'"], ["2", "'b'"]])
        self._expect(2, f"INSERT INTO {self._table} (id, note) SELECT id, note FROM {rows}")
        self._session.upload(self.name, pa.table({"id": [3], "note": ["c"]}))
        return "inserted 3 rows"

    def _update(self) -> str:
        self._expect(1, f"UPDATE {self._table} SET note = 'd' WHERE id = 3")
        return "updated 1 row"

    def _delete(self) -> str:
        self._expect(1, f"DELETE FROM {self._table} WHERE note = 'd'")
        return "deleted 1 row"

    def _drop(self) -> str:
        self._session.execute(self._dialect.drop_table(self._table))
        self._created = False
        return f"dropped {self._schema}.{self.name}"

    def _expect(self, rows: int, statement: str) -> None:
        touched = self._session.execute(statement)
        if touched != rows:
            raise SourceError(
                f"the statement touched {touched} rows instead of {rows}",
                hint="A trigger, rule or policy of the warehouse changes what is written there.",
            )
