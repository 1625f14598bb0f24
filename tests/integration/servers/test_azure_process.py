"""The process of the stand-in for a dedicated SQL pool: it says how it ended, and lets nobody hang."""

from __future__ import annotations

import os
import signal
import socket
import threading

import duckdb
import mssql_python
import pytest
from tests.integration.servers.azure_client import connect, run
from tests.servers.azure import AzureServer
from tests.servers.azure.interrupts import Interrupts

DIGITS = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
LONG = "SELECT COUNT(*) AS n FROM " + " CROSS JOIN ".join(f"({DIGITS}) AS t{n}" for n in range(12))


def test_a_server_that_died_says_how() -> None:
    server = AzureServer()
    server.start()
    os.kill(server.pid, signal.SIGSEGV)
    with pytest.raises(
        RuntimeError, match=r"was ended by SIGSEGV\n(.*\n)*Fatal Python error: Segmentation fault"
    ):
        _ask_until_it_is_gone(server)
    with pytest.raises(RuntimeError, match="was ended by SIGSEGV"):
        server.stop()
    assert not server.folder.exists()


def _ask_until_it_is_gone(server: AzureServer) -> None:
    while True:
        server.sql("SELECT 1 AS one")


def test_a_test_that_was_ended_in_a_call_stops_no_other(azure: AzureServer) -> None:
    with socket.create_connection((azure.host, azure.control)):
        assert azure.sql("SELECT 1 AS one") == [(1,)]


def test_a_pool_is_dropped_while_a_client_waits_for_it(azure: AzureServer) -> None:
    caught: list[str] = []

    def query() -> None:
        try:
            run(client, LONG)
        except mssql_python.Error as error:
            caught.append(str(error))

    with azure.pool() as pool:
        client = connect(pool)
        thread = threading.Thread(target=query)
        thread.start()
        while not any(session["running"] for session in pool.sessions()):
            pass
    thread.join(60)
    client.close()
    assert len(caught) == 1


def test_what_belongs_together_is_not_interrupted() -> None:
    duck = duckdb.connect(":memory:")
    interrupts = Interrupts(duck)
    with interrupts.shielded():
        interrupts.start()
        row = duck.execute("SELECT count(*) FROM range(20000) AS a, range(10000) AS b").fetchone()
    assert row == (200_000_000,)
    with pytest.raises(duckdb.InterruptException), interrupts.together():
        duck.execute(
            "CREATE TABLE t AS SELECT a.range * b.range AS n FROM range(1000000) AS a, range(1000000) AS b"
        )
    interrupts.end()
    assert duck.execute("SELECT count(*) FROM information_schema.tables").fetchone() == (0,)
    interrupts.close()
    duck.close()
