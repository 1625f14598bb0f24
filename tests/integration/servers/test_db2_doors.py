"""Who gets into the stand-in for Db2, and what IBM's driver says to those who don't."""

from __future__ import annotations

import pytest
from tests.integration.servers.db2_client import Client, Failed, Silent
from tests.servers.db2 import Database, Db2Server


def test_a_client_gets_in_with_tls_and_without(db2_database: Database) -> None:
    for settings in (db2_database.settings(), db2_database.settings(tls=None, hostname="127.0.0.1")):
        with Client(settings) as client:
            assert client.sql("VALUES CURRENT USER") == [["DB2INST1"]]


@pytest.mark.parametrize(
    ("problem", "reason"), [("wrong", 24), ("unknown", 24), ("expired", 1), ("revoked", 19), ("failed", 15)]
)
def test_a_login_is_refused_for_a_reason(
    db2: Db2Server, db2_database: Database, problem: str, reason: int
) -> None:
    db2.account("joe", problem=problem)
    with pytest.raises(Failed, match=f'SQL30082N .* reason "{reason}"'):
        Client(db2_database.settings(username="joe", tls=None))


def test_a_wrong_password_a_stranger_and_an_unknown_database_are_refused(db2_database: Database) -> None:
    for change, code in (
        ({"password": "no"}, -30082),
        ({"username": "nobody"}, -30082),
        ({"database": "NOPE"}, -30061),
    ):
        with pytest.raises(Failed) as caught:
            Client(db2_database.settings(tls=None, **change))
        assert caught.value.code == code


def test_connect_can_be_withheld(db2: Db2Server, db2_database: Database) -> None:
    db2.account("bob")
    with pytest.raises(Failed, match='SQL1060N  User "BOB" does not have the CONNECT privilege'):
        Client(db2_database.settings(username="bob", tls=None))


def test_certificates_and_host_names_are_verified(db2: Db2Server, db2_database: Database) -> None:
    with pytest.raises(Failed, match='"414"'):
        Client(db2_database.settings(tls={"ca": str(db2.other_ca)}))
    with pytest.raises(Failed, match="SQL20576N"):
        Client(db2_database.settings(hostname="127.0.0.1"))


def test_a_hello_of_tls_that_nobody_answers_hangs_the_driver_for_ever(
    db2: Db2Server, db2_database: Database
) -> None:
    with db2.silent(), pytest.raises(Silent):
        Client(db2_database.settings(), deadline=8)


def test_a_port_that_refuses_is_one_error_and_comes_back(db2: Db2Server, db2_database: Database) -> None:
    with db2.refused(), pytest.raises(Failed, match="SQL30081N"):
        Client(db2_database.settings(tls=None))
    with Client(db2_database.settings(tls=None)) as client:
        assert client.sql("VALUES 1") == [[1]]


def test_databases_are_strangers_to_each_other(db2: Db2Server) -> None:
    with db2.database() as one, db2.database() as other:
        one.sql("CREATE SCHEMA S", "CREATE TABLE S.T (I INTEGER)")
        assert other.sql("SELECT COUNT(*) FROM SYSCAT.TABLES WHERE TABSCHEMA = 'S'") == [(0,)]
        with Client(other.settings(tls=None)) as client, pytest.raises(Failed, match="SQL0204N"):
            client.sql("SELECT * FROM S.T")
