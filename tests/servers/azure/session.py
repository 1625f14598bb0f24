"""One client's session: it runs statements one after the other, in transactions or not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
from tests.servers.azure import bulk, commands, errors, faults
from tests.servers.azure.catalog import Table
from tests.servers.azure.changes import Transaction
from tests.servers.azure.database import Request, now
from tests.servers.azure.failures import translated
from tests.servers.azure.interrupts import Interrupts
from tests.servers.azure.lexer import Piece, pieces
from tests.servers.azure.locks import Interrupted
from tests.servers.azure.packets import Gone
from tests.servers.azure.refusals import refuse_words
from tests.servers.azure.requests import Parameter
from tests.servers.azure.results import Outcome, Rows
from tests.servers.azure.running import run_bulk, run_change, run_query
from tests.servers.azure.shapes import Shape, exact, shape, without_label
from tests.servers.azure.types import SqlType

if TYPE_CHECKING:
    from tests.servers.azure.database import Database
    from tests.servers.azure.engine import Engine

_descriptors = itertools.count(0x100000001)


class Session:
    """A session of a database."""

    def __init__(
        self,
        engine: Engine,
        database: Database,
        number: int,
        user: str,
        principal: str,
        application: str,
        drop: Callable[[], None],
    ) -> None:
        self.engine, self.database, self.id = engine, database, number
        self.user, self.principal, self.application = user, principal, application
        self.began = now()
        self._drop = drop
        self.interrupted = self.killed = False
        self.internal = False
        self.running: str | None = None
        self.lock_timeout: float | None = None
        self.transaction: Transaction | None = None
        self.temporary: dict[str, Table] = {}
        self.variables: dict[str, tuple[SqlType, Any]] = {}
        self._drop_after: int | None = None
        self.duck = database.connection()
        self.interrupts = Interrupts(self.duck)

    # -- names

    @property
    def pool(self) -> str:
        """The database that it is in."""
        return self.database.name

    def table(self, schema: str, name: str) -> Table | None:
        """A table that this session can name."""
        if name.startswith("#"):
            return self.temporary.get(name.lower())
        return self.database.catalog.table(schema or "dbo", name)

    # -- running

    def run(self, text: str, parameters: Sequence[Parameter]) -> Iterator[Outcome]:
        """Run a batch. Raises SqlError where a statement fails."""
        if not self.internal:
            self.database.statements.append(text)
        self.variables = {each.name.lstrip("@").lower(): (each.type, each.value) for each in parameters}
        rows = bulk.constant_rows(without_label(text)[0])
        if rows is not None:
            formed = exact(text)
            yield from self.execute(Piece(text, [], False), formed, rows)
            return
        formed = shape(text)
        known = self.database.batches.get(formed.text)
        if known is None:
            known = pieces(formed.text)
            if len(self.database.batches) > 5000:
                self.database.batches.clear()
            self.database.batches[formed.text] = known
        for piece in known:
            yield from self.execute(piece, formed)

    def execute(self, piece: Piece, formed: Shape, rows: bulk.Rows | None = None) -> Iterator[Outcome]:
        """Run one statement with the faults that wait for it. Raises SqlError."""
        text = formed.restored(piece.text)
        fault = None if self.internal else self.engine.faults.statement(text)
        self.running = text
        if fault is not None and fault.at in ("before", "during"):
            self._meet(fault)
        self._drop_after = fault.rows if fault is not None and fault.at == "rows" else None
        _, label = without_label(text)
        request = self.database.begin_request(self.id, text, label) if not self.internal else None
        try:
            for outcome in self._guarded(piece, formed, text, rows):
                followed = self._followed(outcome, request)
                if fault is not None and fault.at == "after":
                    self._consume(followed)
                    self._meet(fault)
                yield followed
        except errors.SqlError as error:
            self._failed(request, error)
            raise
        if fault is not None and fault.at == "after":
            self._meet(fault)
        if request is not None and request.status == "Running":
            request.status, request.ended = "Completed", now()
        self.running = None

    @staticmethod
    def _consume(outcome: Outcome) -> None:
        if isinstance(outcome, Rows):
            for _ in outcome.batches:
                pass

    def _guarded(self, piece: Piece, formed: Shape, text: str, rows: bulk.Rows | None) -> Iterator[Outcome]:
        try:
            if rows is None:
                yield from self._statement(piece, formed, text)
            else:
                yield self._append(rows)
        except Interrupted as error:
            raise self._stopped() from error
        except duckdb.InterruptException as error:
            raise self._stopped() from error
        except duckdb.Error as error:
            raise translated(error) from error

    def _append(self, rows: bulk.Rows) -> Outcome:
        if self.transaction is not None and self.transaction.failed:
            raise errors.aborted()
        return run_bulk(self, rows)

    def _stopped(self) -> errors.SqlError:
        self.interrupts.end()
        if self.killed:
            words = "Cannot continue the execution because the session is in the kill state."
            return errors.SqlError(596, words, 21)
        return errors.SqlError(0, "Operation cancelled by user.", 11)

    def _statement(self, piece: Piece, formed: Shape, text: str) -> Iterator[Outcome]:
        verb = piece.upper(0)
        if self.transaction is not None and self.transaction.failed and verb not in ("ROLLBACK", "IF"):
            raise errors.aborted()
        if verb in ("SELECT", "WITH", "(") and not commands.selects_into(piece):
            refuse_words(piece)
            yield run_query(self, piece, formed)
        elif verb in ("INSERT", "UPDATE", "DELETE", "MERGE") and piece.upper(1) != "STATISTICS":
            refuse_words(piece)
            yield run_change(self, piece, formed, verb)
        else:
            whole = pieces(text)
            yield from commands.run(self, whole[0] if whole else piece, text)

    def _failed(self, request: Request | None, error: errors.SqlError) -> None:
        self.interrupts.end()
        if self.transaction is not None and not self.transaction.failed:
            self.transaction.fail()
        if request is not None:
            request.status = "Cancelled" if self.interrupted else "Failed"
            request.ended, request.error = now(), error.words

    def _followed(self, outcome: Outcome, request: Request | None) -> Outcome:
        if not isinstance(outcome, Rows):
            return outcome

        def batches() -> Iterator[Sequence[Sequence[Any]]]:
            try:
                yield from outcome.batches
            except (Interrupted, duckdb.InterruptException) as error:
                stopped = self._stopped()
                self._failed(request, stopped)
                raise stopped from error
            except duckdb.Error as error:
                failed = translated(error)
                self._failed(request, failed)
                raise failed from error

        return Rows(outcome.names, outcome.types, batches())

    # -- faults

    def _meet(self, fault: faults.Fault) -> None:
        if fault.what == "error":
            raise faults.error(fault.number, self.user, self.database.name)
        if fault.what == "drop":
            self._drop()
            raise Gone
        fault.reached.set()
        while not fault.released.wait(0.05):
            if self.interrupted:
                raise self._stopped()

    def row_sent(self, count: int) -> None:
        """So many rows of the running statement were written."""
        if self._drop_after is not None and count >= self._drop_after:
            self._drop_after = None
            raise CutHere

    def cut(self) -> None:
        """Cut the connection."""
        self._drop()

    # -- transactions

    def begin(self) -> Transaction:
        """Raises SqlError where one is open: they cannot be nested."""
        if self.transaction is not None:
            raise errors.engine_error(
                111217, "Parallel transactions are not supported: a transaction is already open."
            )
        self.transaction = Transaction(self, next(_descriptors))
        return self.transaction

    # -- from outside

    def is_interrupted(self) -> bool:
        return self.interrupted

    def interrupt(self) -> None:
        """Stop the running statement; called by another thread."""
        self.interrupted = True
        self.database.locks.wake()
        self.database.slots.wake()
        self.interrupts.start()

    def clear_interrupt(self) -> None:
        """The attention was answered."""
        self.interrupts.end()
        if not self.killed:
            self.interrupted = False

    def idle(self) -> None:
        """The answer to a request is complete."""
        self.interrupts.end()
        self.running = None

    def reset(self) -> None:
        """Begin anew, as a pooled connection that is taken again."""
        if self.transaction is not None:
            self.transaction.roll_back()
        for table in list(self.temporary.values()):
            self.duck.execute(f"DROP TABLE IF EXISTS {table.stored}")
        self.temporary.clear()
        self.lock_timeout = None

    def kill(self) -> None:
        """End the session from outside: a statement that runs is told so, an idle connection is cut."""
        self.killed = True
        idle = self.running is None
        self.interrupt()
        if idle:
            self._drop()

    def close(self) -> None:
        """End the session: what is open is rolled back, temporary tables go."""
        self.interrupts.close()
        try:
            if self.transaction is not None:
                self.transaction.roll_back()
        finally:
            self.database.locks.release(self.id)
            self.duck.close()
            self.engine.gone(self)

    def summary(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "user": self.user,
            "application": self.application,
            "running": self.running,
            "in_transaction": self.transaction is not None,
        }


class CutHere(Exception):
    """The connection is to be cut after the rows that were written so far."""


__all__ = ["CutHere", "Session", "exact"]
