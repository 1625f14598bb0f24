"""Opening a store: made on demand, safe to delete, and clear about what it cannot use."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from tests.servers.postgres import Database
from tests.unit.store.running import begin

from tailrace.errors import ConfigError, StoreError
from tailrace.store.store import Store, open_store


def test_a_store_keeps_its_identity(tmp_path: Path, environ: dict[str, str]) -> None:
    with open_store(tmp_path, environ) as first:
        known = first.id
    with open_store(tmp_path, environ) as again:
        assert again.id == known
    assert len(known) == 32


def test_a_deleted_store_is_made_anew(tmp_path: Path) -> None:
    with open_store(tmp_path, {}) as first:
        begin(first)
        known = first.id
    for file in (tmp_path / ".tailrace").iterdir():
        file.unlink()
    with open_store(tmp_path, {}) as again:
        assert again.id != known
        assert again.syncs.list() == []


def test_only_the_owner_can_read_it_and_git_ignores_it(tmp_path: Path) -> None:
    open_store(tmp_path, {}).close()
    folder = tmp_path / ".tailrace"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "store.db").stat().st_mode & 0o777 == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"


def test_processes_that_start_together_make_one_store(tmp_path: Path, environ: dict[str, str]) -> None:
    def identity(_: int) -> str:
        with open_store(tmp_path, environ) as opened:
            return opened.id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(identity, range(8)))) == 1


def test_sqlite_writes_ahead_and_syncs_fully(tmp_path: Path) -> None:
    with open_store(tmp_path, {}) as opened, opened._database.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


@pytest.mark.parametrize("content", [b"not a database at all, but long enough" * 40, b"short"])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.db").write_bytes(content)
    with pytest.raises(StoreError, match=r"broken\.db is damaged") as refused:
        open_store(tmp_path, {"TAILRACE_STORE": "broken.db"})
    assert refused.value.code == "store_damaged"
    assert "Delete it" in refused.value.hint
    assert (tmp_path / "broken.db").read_bytes() == content


def test_damage_inside_the_file_is_found_when_it_is_read(tmp_path: Path) -> None:
    with open_store(tmp_path, {}) as opened:
        begin(opened)
    path = tmp_path / ".tailrace" / "store.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(bytes(data))
    with pytest.raises(StoreError) as refused, open_store(tmp_path, {}) as opened:
        opened.syncs.list()
    assert refused.value.code == "store_damaged"


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "new.db").touch()
    with open_store(tmp_path, {"TAILRACE_STORE": "new.db"}) as opened:
        assert opened.syncs.list() == []


def test_a_newer_store_is_left_alone(tmp_path: Path, environ: dict[str, str]) -> None:
    with open_store(tmp_path, environ) as opened, opened._database.write() as connection:
        connection.exec_driver_sql("UPDATE store_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version of Tailrace") as refused:
        open_store(tmp_path, environ)
    assert refused.value.code == "store_newer"
    assert "not a 'secret'" not in str(refused.value)


def test_another_applications_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError) as refused:
        open_store(tmp_path, {"TAILRACE_STORE": "app.db"})
    assert refused.value.code == "store_foreign"
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be created"):
        open_store(tmp_path, {"TAILRACE_STORE": "file/store.db"})


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        open_store(tmp_path, {"TAILRACE_STORE": "postgresql://u:geheim@127.0.0.1:1/x"})
    assert "127.0.0.1:1/x" in refused.value.message
    assert "geheim" not in str(refused.value.document())


def test_an_address_that_cannot_be_read_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        open_store(tmp_path, {"TAILRACE_STORE": "postgresql://u:geheim@db:port/x"})
    assert refused.value.code == "store_unsupported"
    assert "geheim" not in str(refused.value.document())


def test_rights_that_are_missing_are_a_plain_error(tmp_path: Path, postgres_database: Database) -> None:
    postgres_database.sql("CREATE ROLE reader LOGIN PASSWORD 'reader'")
    try:
        url = f"postgresql://reader:reader@127.0.0.1:{postgres_database.server.port}/{postgres_database.name}"
        with pytest.raises(StoreError, match="permission denied") as refused:
            open_store(tmp_path, {"TAILRACE_STORE": url})
        assert refused.value.code == "store_unusable"
    finally:
        postgres_database.sql("DROP ROLE reader")


def test_a_lock_held_too_long_is_a_plain_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tailrace.store.database.BUSY_SECONDS", 0.05)
    with open_store(tmp_path, {}) as opened:
        other = sqlite3.connect(tmp_path / ".tailrace" / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as refused:
            begin(opened)
        other.close()
        assert refused.value.code == "store_busy"


def test_the_schema_that_migrations_make_is_the_one_that_tables_say(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from tailrace.store.schema import REVISIONS, VERSION_TABLE
    from tailrace.store.tables import indexed

    with store._database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, indexed()) == []
        assert context.get_current_heads() == (REVISIONS[-1],)


def test_a_new_store_equals_one_that_migrations_made(tmp_path: Path) -> None:
    from tailrace.store.database import Database
    from tailrace.store.location import locate
    from tailrace.store.schema import migrate

    made = []
    for name in ("new", "migrated"):
        folder = tmp_path / name
        if name == "migrated":
            database = Database(locate(folder, {}))
            migrate(database)
            database.close()
        open_store(folder, {}).close()
        with closing(sqlite3.connect(folder / ".tailrace" / "store.db")) as connection:
            listed = connection.execute(
                "SELECT type, name, tbl_name FROM sqlite_master ORDER BY 1, 2"
            ).fetchall()
            tables = [name for kind, name, _ in listed if kind == "table"]
            columns = {name: sorted(connection.execute(f"PRAGMA table_info({name})")) for name in tables}
            keys = {
                name: connection.execute(f"PRAGMA foreign_key_list({name})").fetchall() for name in tables
            }
            indexes = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
            ).fetchall()
            versions = connection.execute("SELECT * FROM store_version").fetchall()
            made.append((listed, columns, keys, sorted(indexes, key=str), versions))
    assert made[0] == made[1]


def test_every_migration_is_known_in_order() -> None:
    from importlib.resources import files

    from alembic.script import ScriptDirectory

    from tailrace.store.schema import REVISIONS

    scripts = ScriptDirectory(str(files("tailrace.store") / "migrations"))
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS


def test_importing_the_store_loads_no_database_library_and_opening_it_no_migrations(tmp_path: Path) -> None:
    open_store(tmp_path, {}).close()
    program = (
        "import sys; from pathlib import Path; from tailrace.store.store import open_store; "
        "assert 'sqlalchemy' not in sys.modules; "
        f"open_store(Path({str(tmp_path)!r}), {{}}).close(); "
        "assert 'sqlalchemy' in sys.modules and 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
