"""Which transactions exclude each other.

https://cloud.google.com/bigquery/docs/transactions: when a transaction mutates rows of a table, other transactions
that mutate rows of it are cancelled, and statements outside transactions that do so wait in a queue. Reading and
appending never conflict.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.servers.bigquery.standin.errors import Refusal, invalid_query
from tests.servers.bigquery.standin.statement import TableName

QUEUE = 20
"""https://cloud.google.com/bigquery/quotas: mutating statements that may wait for one table."""


class Transaction:
    """An open transaction; `failed` once a statement in it did."""

    def __init__(self, began: int) -> None:
        self.id = f"{uuid.uuid4()}"
        self.began = began
        self.held: set[TableName] = set()
        self.failed = False


class Locks:
    """Who may mutate which table."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._holders: dict[TableName, object] = {}
        self._mutated: dict[TableName, int] = {}
        self._waiting: Counter[TableName] = Counter()
        self._clock = 0

    def begin(self) -> Transaction:
        with self._changed:
            return Transaction(self._clock)

    def acquire(self, transaction: Transaction, table: TableName) -> None:
        """Let a transaction mutate a table. Raises Refusal where another one did since it began."""
        with self._changed:
            holder = self._holders.get(table)
            if holder is transaction:
                return
            if holder is not None or self._mutated.get(table, 0) > transaction.began:
                raise conflict(transaction, table)
            self._holders[table] = transaction
            transaction.held.add(table)

    def end(self, transaction: Transaction, *, committed: bool) -> None:
        with self._changed:
            if committed:
                self._clock += 1
            for table in transaction.held:
                self._holders.pop(table, None)
                if committed:
                    self._mutated[table] = self._clock
            transaction.held.clear()
            self._changed.notify_all()

    @contextmanager
    def alone(self, table: TableName, stopped: Callable[[], bool]) -> Iterator[None]:
        """Mutate a table outside a transaction, after whoever does so now. Raises Refusal if the queue is full."""
        me = object()
        with self._changed:
            if self._waiting[table] >= QUEUE:
                raise Refusal(
                    "resourcesExceeded",
                    "Resources exceeded during query execution: Too many DML statements outstanding against"
                    f" table {table}, limit is {QUEUE}.",
                )
            self._waiting[table] += 1
            try:
                while table in self._holders:
                    if stopped():
                        raise Refusal("stopped", "Job execution was cancelled: User requested cancellation")
                    self._changed.wait(0.2)
            finally:
                self._waiting[table] -= 1
            self._holders[table] = me
        done = False
        try:
            yield
            done = True
        finally:
            with self._changed:
                self._holders.pop(table, None)
                if done:
                    self._clock += 1
                    self._mutated[table] = self._clock
                self._changed.notify_all()

    def wake(self) -> None:
        """Let whoever waits look whether it was stopped."""
        with self._changed:
            self._changed.notify_all()


def conflict(transaction: Transaction, table: TableName) -> Refusal:
    return invalid_query(
        f"Transaction is aborted due to concurrent update against table {table}. Transaction ID: {transaction.id}"
    )
