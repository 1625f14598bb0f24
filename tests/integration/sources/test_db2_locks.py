"""Two connections to Db2: what of ours waits for what, and that nothing waits for itself or for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.integration.state.managed import ME, OTHER, Managed, dead
from tests.servers.db2 import Database, Db2Server
from tests.servers.db2.faults import LOCK_TIMEOUT

from tailrace.errors import LeaseHeld, SourceError
from tailrace.sources.db2.source import Db2Source
from tailrace.state import lease
from tailrace.state.fence import CONFLICT, update_checkpoint, write_fenced
from tailrace.state.names import StateNames


def _managed(database: Database) -> Managed:
    source = Db2Source("w", database.settings())
    made = Managed(source, StateNames(source.schema, "map_12345678"))
    made.set_up()
    return made


@pytest.fixture
def managed(db2_database: Database) -> Managed:
    return _managed(db2_database)


@pytest.fixture(scope="module")
def impatient() -> Iterator[Managed]:
    """On a server whose statements wait a second for what is locked, where Db2's may wait for ever."""
    server = Db2Server(lock_wait=1)
    try:
        server.start()
        with server.database() as database:
            yield _managed(database)
    finally:
        server.stop()


def test_the_catalog_is_read_while_another_sync_makes_a_table(impatient: Managed) -> None:
    d, schema = impatient.dialect, impatient.names.schema
    with impatient.source.session() as planning, impatient.source.session() as other, planning.transaction():
        for statement in d.create_marked(
            d.table(schema, "changes_other_1_1"), [("seq", d.type_of("bigint"))]
        ):
            planning.execute(statement)
        assert other.rows(d.list_schemas())
        assert impatient.names.records in {name for name, _ in other.rows(d.list_tables(schema))}
        assert dict(other.rows(d.table_columns(schema, impatient.names.records)))["a"] == "BIGINT"
        with pytest.raises(SourceError) as waited:  # as on Db2, whose catalog has no version from before
            other.rows("SELECT TABNAME FROM SYSCAT.TABLES")
        assert waited.value.code == CONFLICT


def test_a_renewal_waits_for_a_commit_of_our_own_and_succeeds(db2: Db2Server, managed: Managed) -> None:
    fence = managed.take().fence
    renewing = db2.slow(0, matching=r"UPDATE \S+CHECKPOINTS_", skip=1)
    inside = threading.Event()

    def write() -> None:
        inside.set()
        assert renewing.happened.wait(60)

    def commit() -> None:
        with managed.source.session() as session:
            write_fenced(session, fence, write)

    committing = threading.Thread(target=commit)
    committing.start()
    assert inside.wait(60)
    with managed.source.session() as session:
        lease.renew(session, fence, 600)
    committing.join()
    checkpoint = managed.checkpoint()
    assert checkpoint.owner == fence.token
    assert checkpoint.lease_until is not None
    assert (checkpoint.lease_until - checkpoint.now).total_seconds() > 300, "the renewal came last"


def test_a_write_that_waits_too_long_leaves_the_fence_as_it_was(impatient: Managed) -> None:
    fence = impatient.fence("first")
    with impatient.source.session() as owner, impatient.source.session() as other:
        with owner.transaction():
            update_checkpoint(owner, fence, {})
            with pytest.raises(SourceError) as waited:
                update_checkpoint(other, fence, {"row_count": "1"})
            assert waited.value.code == CONFLICT
        update_checkpoint(other, fence, {"row_count": "2"})
    assert impatient.checkpoint().row_count == 2


def test_a_taker_does_not_wait_for_ever_for_an_owner_in_a_transaction(
    db2: Db2Server, managed: Managed
) -> None:
    managed.take("first", OTHER)
    before = len(db2.statements)
    fault = db2.fail(LOCK_TIMEOUT, matching=r'UPDATE \S+CHECKPOINTS_\S+ SET "OWNER"')
    with pytest.raises(LeaseHeld):
        managed.take("second", ME, is_dead=dead)
    assert fault.happened.is_set()
    steps = [
        text.split(" WHERE ")[0][:35] for text in db2.statements[before:] if not text.startswith("SELECT")
    ]
    assert [step for step in steps if step.startswith("SET CURRENT LOCK")] == [
        "SET CURRENT LOCK TIMEOUT = 5",
        "SET CURRENT LOCK TIMEOUT NULL",
    ]
    taken = managed.take("third", ME, is_dead=dead)
    assert taken.fence.number == 2
