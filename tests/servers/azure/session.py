"""One client's session: it runs statements, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import sqlglot
from tests.servers.azure.requests import Parameter
from tests.servers.azure.results import Outcome, Rows
from tests.servers.azure.types import from_duckdb

if TYPE_CHECKING:
    from tests.servers.azure.database import Database
    from tests.servers.azure.engine import Engine


class Session:
    """A session of a database."""

    def __init__(
        self,
        engine: Engine,
        database: Database,
        number: int,
        user: str,
        application: str,
        drop: Callable[[], None],
    ) -> None:
        self.engine, self.database, self.id = engine, database, number
        self.user, self.application, self.drop = user, application, drop
        self.interrupted = False
        self.internal = False
        self.duck = database.duck.cursor()

    def run(self, text: str, parameters: Sequence[Parameter]) -> Iterator[Outcome]:
        """Run a batch. Raises SqlError where a statement fails."""
        if not self.internal:
            self.database.statements.append(text)
        self.duck.execute(sqlglot.transpile(text, read="tsql", write="duckdb")[0])
        described = self.duck.description or []
        types = [from_duckdb(str(each[1])) for each in described]
        yield Rows([each[0] for each in described], types, self._batches())

    def _batches(self) -> Iterator[Sequence[Sequence[Any]]]:
        while rows := self.duck.fetchmany(2000):
            yield list(zip(*rows, strict=True))

    def row_sent(self, count: int) -> None:
        """So many rows of the running statement were sent."""

    def interrupt(self) -> None:
        self.interrupted = True
        self.duck.interrupt()

    def clear_interrupt(self) -> None:
        self.interrupted = False

    def idle(self) -> None:
        """The answer to a request is complete."""

    def reset(self) -> None:
        """Begin anew, as a pooled connection that is taken again."""

    def kill(self) -> None:
        """End the session from outside."""
        self.interrupt()
        self.drop()

    def close(self) -> None:
        self.engine.gone(self)
        self.duck.close()

    def summary(self) -> dict[str, Any]:
        return {"id": self.id, "user": self.user, "application": self.application}
