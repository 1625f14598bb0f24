"""R5 where a warehouse reads what nobody has committed: planned deletes are looked at twice."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.e2e.azure import AzureWarehouse
from tests.e2e.project import Project
from tests.servers.azure import Pool

from tailrace.service.documents import SyncDocument
from tailrace.sources.azure.source import AzureSource
from tailrace.testing.receiver import Receiver


def refilled(project: Project, pool: Pool) -> SyncDocument:
    """A sync whose plan meets the model's table emptied by a transaction that is undone before the second look."""
    held = pool.server.faults.hold("#look_")
    found: list[SyncDocument] = []
    with AzureSource("w", pool.settings()).session() as writer:
        writer.execute("BEGIN TRANSACTION")
        writer.execute("DELETE FROM people WHERE id > 1")
        thread = threading.Thread(target=lambda: found.append(project.sync()))
        thread.start()
        held.reached()
        writer.execute("ROLLBACK TRANSACTION")
        held.release()
        thread.join()
    return found[0]


def test_r05_rows_that_were_only_being_replaced_are_not_deleted(
    azure_pool: Pool, tmp_path: Path, receiver: Receiver
) -> None:
    project = Project(tmp_path, AzureWarehouse(azure_pool), receiver)
    azure_pool.snapshot_reads(False)
    project.people((1, "a"), (2, "b"), (3, "c"))
    assert project.ok().counts.added == 3
    document = refilled(project, azure_pool)
    assert document.status == "success"
    assert document.counts.deleted == 0
    assert any("second look" in warning for warning in document.warnings)
    assert project.names == {"1": "a", "2": "b", "3": "c"}


def test_r05_what_is_gone_at_both_looks_is_deleted(
    azure_pool: Pool, tmp_path: Path, receiver: Receiver
) -> None:
    project = Project(tmp_path, AzureWarehouse(azure_pool), receiver)
    azure_pool.snapshot_reads(False)
    project.sql = "WITH a AS (SELECT * FROM people) SELECT * FROM a ORDER BY id"
    project.people((1, "a"), (2, "b"))
    project.ok()
    project.data("DELETE FROM people WHERE id = 2")
    assert project.ok().counts.deleted == 1
    assert project.names == {"1": "a"}
    assert any("#look_" in statement for statement in azure_pool.statements)
