"""IBM's driver in a process of its own: it may hang, crash or lose its connection, and Tailrace says so and goes on."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pytest
from tests.servers.db2 import Database, Db2Server, faults

from tailrace.errors import SourceError, SourceUnavailable
from tailrace.sources.db2.reroute import FOLDER, without_reroute
from tailrace.sources.db2.session import Db2Session
from tailrace.sources.db2.source import Db2Source, open_connection

ONE = "SELECT 1 FROM SYSIBM.SYSDUMMY1"


@pytest.fixture
def source(db2_database: Database) -> Db2Source:
    db2_database.sql("CREATE SCHEMA SEGMENT_REVERSE_ETL")
    db2_database.sql("CREATE TABLE SEGMENT_REVERSE_ETL.T (A BIGINT)")
    numbers = ", ".join(f"({number})" for number in range(200))
    squares = "INSERT INTO MANY SELECT l.A * 200 + r.A + 200 FROM MANY AS l CROSS JOIN MANY AS r"
    db2_database.sql("CREATE TABLE MANY (A BIGINT)", f"INSERT INTO MANY VALUES {numbers}", squares)
    return Db2Source("w", db2_database.settings())


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def child_of(session: Db2Session) -> int:
    """The process that holds the session's connection."""
    session.rows(ONE)
    assert session._main is not None
    return session._main.pid


def is_gone(pid: int) -> bool:
    """Whether a process has ended, whether or not somebody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("tls", [True, False])
def test_a_server_that_never_answers_is_given_up(db2: Db2Server, silent: int, tls: bool) -> None:
    settings = {
        "hostname": "localhost",
        "port": silent,
        "database": "D",
        "username": "u",
        "password": "p",
        "connect_timeout": 2,
        "tls": {"ca": str(db2.ca)} if tls else "disable",
    }
    source = Db2Source("w", settings)
    with source.session() as session, pytest.raises(SourceUnavailable) as caught:
        session.rows(ONE)
    assert caught.value.hint
    steps = {step.name: step for step in source.check()}
    failed = steps["TLS" if tls else "login"]
    assert failed.status == "failed"
    assert failed.remedy


def test_a_closed_port_is_known_at_once(db2_database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    source = Db2Source("w", db2_database.settings(port=port))
    with source.session() as session, pytest.raises(SourceUnavailable, match="nothing listens there"):
        session.rows(ONE)


@pytest.mark.parametrize("blow", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_of_the_driver_ends_its_statement_alone(
    db2: Db2Server, source: Db2Source, blow: signal.Signals
) -> None:
    slow = db2.slow(600, matching="MANY")
    with source.session() as session:
        pid = child_of(session)

        def strike() -> None:
            slow.happened.wait(60)
            os.kill(pid, blow)

        striker = threading.Thread(target=strike)
        striker.start()
        with pytest.raises(SourceUnavailable, match="ended unexpectedly") as caught:
            session.rows("SELECT COUNT(*) FROM MANY")
        striker.join()
        assert str(-blow) in caught.value.message.replace("signal ", "-")
        assert session.rows(ONE) == [(1,)]


def test_a_crash_in_a_transaction_keeps_nothing_of_it(db2_database: Database, source: Db2Source) -> None:
    with source.session() as session:

        def crash() -> None:
            with session.transaction():
                session.execute("INSERT INTO SEGMENT_REVERSE_ETL.T VALUES (1)")
                assert session._main is not None
                os.kill(session._main.pid, signal.SIGKILL)
                session.execute("INSERT INTO SEGMENT_REVERSE_ETL.T VALUES (2)")

        with pytest.raises(SourceUnavailable):
            crash()
        assert session.rows("SELECT COUNT(*) FROM SEGMENT_REVERSE_ETL.T") == [(0,)]


def test_a_statement_that_runs_too_long_is_stopped(db2: Db2Server, db2_database: Database) -> None:
    db2.slow(600, matching="SYSDUMMY1")
    source = Db2Source("w", db2_database.settings(), statement_timeout=3)
    with source.session() as session:
        with pytest.raises(SourceError) as caught:
            session.rows(ONE)
        assert caught.value.code == "source_timeout"
        assert session.rows(ONE) == [(1,)]


def test_a_stream_that_stalls_is_stopped(db2: Db2Server, source: Db2Source, db2_database: Database) -> None:
    db2.slow(600, "fetch", matching="MANY", skip=1)
    strict = Db2Source("w", db2_database.settings(), statement_timeout=3)
    with strict.session() as session:
        with pytest.raises(SourceError) as caught:
            session.read("SELECT A FROM MANY").read_all()
        assert caught.value.code == "source_timeout"
        assert session.read("SELECT A FROM MANY").read_all().num_rows == 40_200


def test_a_connection_lost_in_a_transaction_keeps_nothing_of_it(db2: Db2Server, source: Db2Source) -> None:
    with source.session() as session:
        db2.drop("statement", before=True, matching="MANY")

        def lose() -> None:
            with session.transaction():
                session.execute("INSERT INTO SEGMENT_REVERSE_ETL.T VALUES (1)")
                session.rows("SELECT COUNT(*) FROM MANY")

        with pytest.raises(SourceUnavailable) as caught:
            lose()
        assert "goes on where it stopped" in caught.value.hint or "tailrace check" in caught.value.hint
        assert session.rows("SELECT COUNT(*) FROM MANY") == [(40_200,)]
        assert session.rows("SELECT COUNT(*) FROM SEGMENT_REVERSE_ETL.T") == [(0,)]


def test_the_driver_runs_nothing_again_on_a_connection_of_its_own(db2: Db2Server, source: Db2Source) -> None:
    with source.session() as session:
        session.execute("INSERT INTO SEGMENT_REVERSE_ETL.T VALUES (1)")
        db2.drop("statement", matching=r"INSERT INTO \S*T VALUES \(2")
        with pytest.raises(SourceUnavailable, match="SQL30081N"):
            session.execute("INSERT INTO SEGMENT_REVERSE_ETL.T VALUES (2)")
        ((kept,),) = session.rows("SELECT COUNT(*) FROM SEGMENT_REVERSE_ETL.T")
    assert kept in (1, 2)  # whether the server had committed it; never twice


def test_the_drivers_file_is_gone_when_the_connection_is_open(source: Db2Source) -> None:
    with without_reroute(source.connection) as environment:
        file = Path(environment[FOLDER]) / "db2dsdriver.cfg"
        assert ElementTree.parse(file).find("databases/database").get("port") == str(source.settings.port)
    assert not file.exists()


def test_a_connection_lost_in_the_middle_of_a_stream_is_an_error_and_no_end(
    db2: Db2Server, source: Db2Source
) -> None:
    db2.drop("fetch", matching="MANY", skip=1)
    with source.session() as session:
        with pytest.raises(SourceUnavailable):
            session.read("SELECT A FROM MANY").read_all()
        assert session.read("SELECT A FROM MANY").read_all().num_rows == 40_200


@pytest.mark.parametrize(("before", "kept"), [(True, 0), (False, 2)])
def test_a_connection_lost_in_a_commit_says_so_whether_or_not_it_was_kept(
    db2: Db2Server, source: Db2Source, before: bool, kept: int
) -> None:
    db2.drop("commit", before=before, matching=r"INSERT INTO \S*T")
    with source.session() as session:

        def insert() -> None:
            with session.transaction():
                session.upload("t", pa.table({"a": [1, 2]}))

        with pytest.raises(SourceUnavailable):
            insert()
        assert session.rows("SELECT COUNT(*) FROM SEGMENT_REVERSE_ETL.T") == [(kept,)]


def test_a_commit_that_is_refused_leaves_no_connection_inside_of_a_transaction(
    db2: Db2Server, source: Db2Source
) -> None:
    db2.fail(faults.TABLE_SPACE_FULL, "commit", matching=r"INSERT INTO \S*T VALUES \(1")
    with source.session() as session:

        def insert() -> None:
            with session.transaction():
                session.execute("INSERT INTO SEGMENT_REVERSE_ETL.T VALUES (1)")

        with pytest.raises(SourceError, match="SQL0289N") as caught:
            insert()
        assert caught.value.code == "source_disk_full"
        session.execute("INSERT INTO SEGMENT_REVERSE_ETL.T VALUES (2)")
        with source.session() as other:
            assert other.rows("SELECT A FROM SEGMENT_REVERSE_ETL.T") == [(2,)]


@pytest.mark.parametrize(
    "refusal", [faults.STOPPED, faults.DEADLOCK, faults.Sqlca.of(-552, "42502", "SEGMENT", "BINDADD")]
)
def test_a_server_that_is_busy_or_lost_is_not_taken_for_one_without_full_joins(
    db2: Db2Server, source: Db2Source, refusal: faults.Sqlca
) -> None:
    db2.fail(refusal, "prepare", matching="FULL JOIN", times=None)
    with pytest.raises(SourceError) as caught:
        _ = source.dialect.joins_fully
    assert caught.value.hint
    db2.faults.clear()
    assert not source.dialect.joins_fully


def test_a_child_that_takes_nothing_is_given_up(source: Db2Source) -> None:
    child = open_connection(source.connection)
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(SourceUnavailable, match="did not answer within"):
        child.call("execute", "x" * 50_000_000, seconds=1)
    assert is_gone(child.pid)


def test_a_child_that_hangs_in_its_login_ends_with_its_parent(db2: Db2Server, source: Db2Source) -> None:
    program = f"""
        from tailrace.sources.db2 import process
        from tailrace.sources.db2.source import Db2Source
        source = Db2Source("w", {source.settings.model_dump() | {"password": "not-a-secret"}!r})
        called = process.Child.call
        def told(child, name, *given, **more):
            print(child.pid, flush=True)
            return called(child, name, *given, **more)
        process.Child.call = told
        with source.session() as session:
            session.rows({ONE!r})
    """
    with (
        db2.silent(),
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
        ) as parent,
    ):
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        loaded = Path(f"/proc/{child}/maps")
        for _ in range(600):
            if "libdb2" in loaded.read_text():
                break
            threading.Event().wait(0.1)
        parent.kill()
        for _ in range(600):
            if is_gone(child):
                break
            threading.Event().wait(0.1)
        assert is_gone(child)


def test_a_child_whose_parent_died_ends_by_itself(db2: Db2Server, source: Db2Source, tmp_path: Path) -> None:
    slow = db2.slow(600, matching="MANY")
    program = f"""
        from tailrace.sources.db2.source import Db2Source
        source = Db2Source("w", {source.settings.model_dump() | {"password": "not-a-secret"}!r})
        with source.session() as session:
            session.rows({ONE!r})
            print(session._main.pid, flush=True)
            session.rows("SELECT COUNT(*) FROM MANY")
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert slow.happened.wait(60)
        assert not is_gone(child)
        parent.kill()
    for _ in range(600):
        if is_gone(child):
            break
        threading.Event().wait(0.1)
    assert is_gone(child)


def test_sessions_one_after_the_other_share_a_connection(source: Db2Source) -> None:
    with source.session() as session:
        first = child_of(session)
    with source.session() as session:
        assert child_of(session) == first


def test_a_source_that_nobody_has_any_more_leaves_no_process(db2_database: Database) -> None:
    def used() -> int:
        source = Db2Source("w", db2_database.settings())
        assert not source.dialect.joins_fully
        with source.session() as session:
            return child_of(session)

    pid = used()
    gc.collect()
    assert is_gone(pid)


def test_a_session_that_ended_badly_leaves_no_connection(source: Db2Source) -> None:
    with contextlib.suppress(RuntimeError), source.session() as session:
        pid = child_of(session)
        with session.transaction():
            session.close()
            raise RuntimeError
    assert is_gone(pid)
