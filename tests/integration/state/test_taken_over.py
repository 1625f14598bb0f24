"""A process that stands still between two statements while another takes its mapping over drops nothing of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from tests.integration.state.managed import Managed

from tailrace.errors import FenceLost, StateError
from tailrace.sources.base import Session
from tailrace.state import seal, upkeep


class Standing:
    """A session that lets something happen before its statement number `step`, outside of transactions."""

    def __init__(self, session: Session, step: int, meanwhile: Callable[[], object]) -> None:
        self._session = session
        self._left = step
        self._meanwhile = meanwhile
        self._inside = False
        self.stood = False
        self.last = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        self._stand(statement)
        return self._session.rows(statement)

    def execute(self, statement: str) -> int:
        self._stand(statement)
        return self._session.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._stand("BEGIN")
        with self._session.transaction():
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def _stand(self, statement: str) -> None:
        if self._inside or self.stood:
            return
        if self._left == 0:
            self.stood, self.last = True, statement
            self._meanwhile()
        self._left -= 1


def test_r04_who_drops_leftovers_drops_no_plan_of_a_successor(managed: Managed) -> None:
    steps = 0
    while True:
        managed.set_up()
        managed.sync(("added", "k0", 1, "x"))
        fence, left = managed.fence(), managed.plan(("added", "k1", 1, "x"))
        made: list[str] = []

        def taken_over(made: list[str] = made) -> None:
            successor = managed.fence("token-2")
            plan = managed.plan(("added", "k1", 1, "x"))
            managed.seal(successor, plan)
            made.append(plan.table)

        with managed.source.session() as session:
            standing = Standing(session, steps, taken_over)
            with suppress(FenceLost):
                assert left.table in seal.drop_leftovers(standing, fence)  # pyright: ignore[reportArgumentType]
        if not standing.stood:
            break
        assert set(made) <= managed.tables(), standing.last
        with managed.source.session() as session:
            upkeep.reset(session, managed.fence())
        steps += 1
    assert steps >= 3


def test_r26_a_reset_that_stood_still_for_a_lease_is_told_by_the_row_count(managed: Managed) -> None:
    steps, dropped = 0, 0
    while True:
        managed.set_up()
        managed.sync(("added", "k1", 1, "x"))
        fence = managed.fence()

        def taken_over() -> None:
            successor = managed.fence("token-2")
            with managed.source.session() as beside:
                upkeep.reset(beside, successor)
            managed.set_up()
            managed.sync(("added", "new", 1, "x"))

        with managed.source.session() as session:
            standing = Standing(session, steps, taken_over)
            with suppress(FenceLost):
                upkeep.reset(standing, fence)  # pyright: ignore[reportArgumentType]
        if not standing.stood:
            break
        with managed.source.session() as session:
            fence, count = managed.fence(), managed.checkpoint().row_count
            if managed.names.records in managed.tables():
                assert upkeep.verify_row_count(session, fence, count).rows == 1
            else:
                dropped += 1
                assert standing.last.startswith("DROP")
                with pytest.raises(StateError) as damaged:
                    upkeep.verify_row_count(session, fence, count)
                assert damaged.value.code == "state_damaged"
                upkeep.reset(session, fence)
        steps += 1
    assert dropped == (0 if managed.dialect.ddl_in_transactions else 1)
