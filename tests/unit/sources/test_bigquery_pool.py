"""BigQuery's one session of a process: taken by one transaction after the other, and never beside the recorded one."""

from __future__ import annotations

import threading

import pytest

from tailrace.errors import SourceUnavailable
from tailrace.sources.bigquery.pool import Pool


def made_once(names: list[str]) -> str:
    names.append(f"session-{len(names)}")
    return names[-1]


def test_a_transaction_waits_for_its_neighbours() -> None:
    made: list[str] = []
    pool = Pool()
    first = pool.take(lambda: made_once(made))
    taken: list[str] = []
    waiting = threading.Thread(target=lambda: taken.append(pool.take(lambda: made_once(made))))
    waiting.start()
    assert taken == []
    pool.give_back(first)
    waiting.join()
    assert taken == [first] == made


def test_no_transaction_runs_in_a_session_that_nobody_recorded() -> None:
    """Whoever takes the lease of a dead process ends the session that its checkpoint names: no other is found."""
    made: list[str] = []
    pool = Pool(patience=0)
    recorded = pool.recorded(lambda: made_once(made))
    assert pool.take(lambda: made_once(made)) == recorded
    with pytest.raises(SourceUnavailable) as caught:
        pool.take(lambda: made_once(made))
    assert caught.value.code == "source_busy"
    assert caught.value.hint
    assert made == [recorded]
    pool.give_back(recorded)
    assert pool.take(lambda: made_once(made)) == recorded


def test_a_session_that_is_of_no_use_is_replaced() -> None:
    made: list[str] = []
    pool = Pool()
    pool.forget(pool.take(lambda: made_once(made)))
    assert pool.take(lambda: made_once(made)) == "session-1"
