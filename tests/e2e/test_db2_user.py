"""What `tailrace grants` prints for Db2 is enough for a mapping's whole life."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.db2 import Db2Warehouse
from tests.e2e.project import Project
from tests.servers.db2 import Database, Db2Server

from tailrace.testing.receiver import Receiver


def test_a_user_with_the_printed_grants_and_no_others_may_sync_and_change_columns(
    db2: Db2Server, db2_database: Database, tmp_path: Path, receiver: Receiver
) -> None:
    project = Project(tmp_path, Db2Warehouse(db2_database), receiver)
    project.people((1, "a"), (2, "b"), columns="id bigint, name varchar(10)")
    db2.account("segment")
    project.source = db2_database.settings(username="segment")
    project.sql = "SELECT * FROM DB2INST1.people"
    project.data("CREATE TABLE wanted (id bigint)", "INSERT INTO wanted VALUES (1), (2)")
    project.edit(where="id IN (SELECT id FROM DB2INST1.wanted)")
    project.write()
    code, printed = project.cli("grants", "warehouse")
    assert code == 0, printed
    lines = (line for line in printed["statements"].splitlines() if not line.startswith("--"))
    db2_database.sql(*filter(None, (each.strip() for each in "\n".join(lines).split(";"))))
    project.ok()
    project.data("ALTER TABLE people ALTER COLUMN name SET DATA TYPE VARCHAR(300)")
    project.data(
        "ALTER TABLE people ADD COLUMN city VARCHAR(10)", "UPDATE people SET city = 'x' WHERE id = 2"
    )
    assert project.ok().counts.updated == 1
    assert project.held["2"]["city"] == "x"
