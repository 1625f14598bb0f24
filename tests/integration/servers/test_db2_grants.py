"""Each privilege withheld in turn in the stand-in for Db2, and the error that says so."""

from __future__ import annotations

import pytest
from tests.integration.servers.db2_client import Client, Failed
from tests.servers.db2 import Database, Db2Server

ALL = {
    "CREATETAB": "GRANT CREATETAB ON DATABASE TO USER {user}",
    "CREATEIN": "GRANT CREATEIN ON SCHEMA SEGMENT_REVERSE_ETL TO USER {user}",
    "SELECT": "GRANT SELECT ON TABLE SRC.T TO USER {user}",
}
MAKE = "CREATE TABLE SEGMENT_REVERSE_ETL.R (I INTEGER)"


@pytest.fixture
def database(db2_database: Database) -> Database:
    db2_database.sql(
        "CREATE SCHEMA SRC",
        "CREATE TABLE SRC.T (I INTEGER)",
        "CREATE SCHEMA SEGMENT_REVERSE_ETL",
        "CREATE TABLE SEGMENT_REVERSE_ETL.OTHERS (I INTEGER)",
    )
    return db2_database


@pytest.mark.parametrize(
    ("withheld", "statement", "code", "operation"),
    [
        ("CREATETAB", MAKE, -552, "CREATE TABLE"),
        ("CREATEIN", MAKE, -551, "CREATE TABLE"),
        ("SELECT", "SELECT * FROM SRC.T", -551, "SELECT"),
        ("SELECT", "WITH A AS (SELECT * FROM SRC.T) SELECT * FROM A", -551, "SELECT"),
        ("", "INSERT INTO SRC.T VALUES 1", -551, "INSERT"),
        ("", "UPDATE SRC.T SET I = 1", -551, "UPDATE"),
        ("", "DELETE FROM SRC.T", -551, "DELETE"),
        ("", "ALTER TABLE SRC.T ADD COLUMN J INTEGER", -551, "ALTER TABLE"),
        ("", "DROP TABLE SEGMENT_REVERSE_ETL.OTHERS", -551, "DROP TABLE"),
        ("", "CREATE SCHEMA ANOTHER", -552, "CREATE SCHEMA"),
        ("", "CREATE TABLE ANOTHER.T (I INTEGER)", -552, "IMPLICIT CREATE SCHEMA"),
        ("", "GRANT SELECT ON TABLE SRC.T TO USER BOB", -551, "GRANT"),
    ],
)
def test_what_is_not_granted_is_refused(
    database: Database, withheld: str, statement: str, code: int, operation: str
) -> None:
    settings = database.user("segment", *(grant for name, grant in ALL.items() if name != withheld), tls=None)
    with Client(settings) as client, pytest.raises(Failed, match=f'"{operation}"') as caught:
        client.sql(statement)
    assert caught.value.code == code


def test_with_all_grants_a_user_has_tables_of_its_own(database: Database) -> None:
    with Client(database.user("segment", *ALL.values(), tls=None)) as client:
        client.sql(
            MAKE,
            "INSERT INTO SEGMENT_REVERSE_ETL.R SELECT I FROM SRC.T",
            "UPDATE SEGMENT_REVERSE_ETL.R SET I = 1",
            "RENAME TABLE SEGMENT_REVERSE_ETL.R TO R2",
            "COMMENT ON TABLE SEGMENT_REVERSE_ETL.R2 IS 'tailrace:1'",
            "DROP TABLE SEGMENT_REVERSE_ETL.R2",
        )


def test_a_grant_may_come_by_a_role_and_be_revoked(database: Database) -> None:
    settings = database.user("segment", "CREATE ROLE READERS", "GRANT ROLE READERS TO USER {user}", tls=None)
    with Client(settings) as client:
        database.sql("GRANT SELECT ON SRC.T TO ROLE READERS")
        assert client.sql("SELECT * FROM SRC.T") == []
        database.sql("REVOKE SELECT ON SRC.T FROM ROLE READERS")
        with pytest.raises(Failed, match="SQL0551N"):
            client.sql("SELECT * FROM SRC.T")


def test_in_a_database_that_is_not_restrictive_everyone_may_make_schemas_by_the_way(db2: Db2Server) -> None:
    with db2.database(restrictive=False) as database:
        db2.account("bob")
        with Client(database.settings(username="bob", tls=None)) as client:
            client.sql("CREATE TABLE ANOTHER.T (I INTEGER)", "INSERT INTO ANOTHER.T VALUES 1")


def test_a_missing_table_is_missing_for_everyone(database: Database) -> None:
    with Client(database.user("segment", tls=None)) as client, pytest.raises(Failed, match="SQL0204N"):
        client.sql("SELECT * FROM SRC.NOPE")
