"""Fixtures that several kinds of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.servers.azure import AzureServer, Pool
from tests.servers.bigquery.server import BigQueryServer
from tests.servers.bigquery.server import Dataset as BigQueryDataset
from tests.servers.db2 import Database as Db2Database
from tests.servers.db2 import Db2Server
from tests.servers.postgres import Database, PostgresServer

# How long an example takes says nothing on a busy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL cluster for this test process; take `postgres_database` for a database of your own."""
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres_database(postgres: PostgresServer) -> Iterator[Database]:
    """A fresh PostgreSQL database, dropped after the test."""
    with postgres.database() as database:
        yield database


@pytest.fixture(scope="session")
def db2() -> Iterator[Db2Server]:
    """One stand-in for Db2 for this test process; take `db2_database` for a database of your own."""
    server = Db2Server()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def db2_database(db2: Db2Server) -> Iterator[Db2Database]:
    """A fresh database of the stand-in for Db2, dropped after the test."""
    with db2.database() as database:
        yield database


@pytest.fixture(scope="session")
def azure() -> Iterator[AzureServer]:
    """One stand-in for Azure's dedicated SQL pools; take `azure_pool` for a pool of your own."""
    server = AzureServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def azure_pool(azure: AzureServer) -> Iterator[Pool]:
    """A fresh dedicated SQL pool, dropped after the test."""
    with azure.pool() as pool:
        yield pool


@pytest.fixture(scope="session")
def bigquery() -> Iterator[BigQueryServer]:
    """One stand-in for BigQuery for this test process; take `bigquery_dataset` for a project of your own."""
    server = BigQueryServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def bigquery_dataset(bigquery: BigQueryServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryDataset]:
    """A fresh BigQuery project with one dataset, dropped after the test; Tailrace is pointed at the stand-in."""
    for name, value in bigquery.environment().items():
        monkeypatch.setenv(name, value)
    with bigquery.dataset() as dataset:
        yield dataset
    bigquery.clear_faults()
    bigquery.slow()
