"""Whatever IBM's driver says becomes one of our errors, with its number and with what helps."""

from __future__ import annotations

import pytest

from tailrace.errors import SourceError, SourceUnavailable
from tailrace.sources.db2.advice import ADVICE
from tailrace.sources.db2.errors import model_error, ours, problem_of
from tailrace.sources.db2.wire import Failure

# As the driver wrote them, unless marked [made up] after its pattern.
TEXTS = {
    "undefined": '[IBM][CLI Driver][DB2/LINUXX8664] SQL0204N  "SRC.NOPE" is an undefined name.  SQLSTATE=42704 SQLCODE=-204',
    "login": '[IBM][CLI Driver] SQL30082N  Security processing failed with reason "24" ("USERNAME AND/OR PASSWORD '
    'INVALID").  SQLSTATE=08001 SQLCODE=-30082',
    "network": "[IBM][CLI Driver] SQL30081N  A communication error has been detected. Communication protocol being used: "
    '"TCP/IP".  Communication API being used: "SOCKETS".  Location where the error was detected: "127.0.0.1".  '
    'Communication function detecting the error: "recv".  Protocol specific error code(s): "*", "*", "0".  '
    "SQLSTATE=08001 SQLCODE=-30081",
    "certificate": "[IBM][CLI Driver] SQL30081N  A communication error has been detected. Communication protocol being "
    'used: "SSL".  Communication API being used: "SOCKETS".  Location where the error was detected: "".  '
    'Communication function detecting the error: "sqlccSSLSocketSetup".  Protocol specific error code(s): "414", "*", '
    '"*".  SQLSTATE=08001 SQLCODE=-30081',
    "tls_link": "[IBM][CLI Driver] SQL30081N  A communication error has been detected. Communication protocol being "
    'used: "SSL".  Communication API being used: "SOCKETS".  Location where the error was detected: "".  '
    'Communication function detecting the error: "sqlccSSLSocketRead".  Protocol specific error code(s): "420", "*", '
    '"*".  SQLSTATE=08001 SQLCODE=-30081',
    "link": "[IBM][CLI Driver] CLI0108E  Communication link failure. SQLSTATE=40003 SQLCODE=-99999",
    "closed": "[IBM][CLI Driver] CLI0106E  Connection is closed. SQLSTATE=08003 SQLCODE=-99999",
    "fetch": "Fetch Failure: [IBM][CLI Driver][DB2/LINUXX8664] SQL0911N  The current transaction has been rolled back "
    'because of a deadlock or timeout.  Reason code "68".  SQLSTATE=40001 SQLCODE=-911',
    "authority": '[IBM][CLI Driver][DB2/LINUXX8664] SQL0552N  "SEGMENT" does not have the privilege to perform operation '
    '"CREATE TABLE".  SQLSTATE=42502 SQLCODE=-552',
    "privilege": "[IBM][CLI Driver][DB2/LINUXX8664] SQL0551N  The statement failed because the authorization ID does not "
    'have the required authorization or privilege to perform the operation.  Authorization ID: "SEGMENT".  Operation: '
    '"SELECT".  Object: "SHOP.ORDERS".  SQLSTATE=42501 SQLCODE=-551',
}


def problem(name: str, kind: str = "Exception"):
    return problem_of(Failure(kind, TEXTS[name]))


def test_the_drivers_wrapping_is_taken_off() -> None:
    found = problem("undefined")
    assert (found.code, found.state) == (-204, "42704")
    assert found.text == 'SQL0204N "SRC.NOPE" is an undefined name. (SQLCODE -204)'
    assert not found.lost


@pytest.mark.parametrize("name", ["login", "network", "certificate", "link", "closed"])
def test_a_dead_connection_is_known_as_one(name: str) -> None:
    assert problem(name).lost


@pytest.mark.parametrize("name", ["undefined", "fetch", "privilege"])
def test_a_refused_statement_leaves_the_connection_alive(name: str) -> None:
    assert not problem(name).lost


def test_an_exception_in_the_driver_itself_ends_the_connection() -> None:
    error = ours(problem_of(Failure("SystemError", "<built-in> returned a result with an exception set")))
    assert isinstance(error, SourceUnavailable)
    assert error.hint
    known = problem("undefined", "SystemError")
    assert known.lost
    assert ours(known).code == "source_missing"


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("undefined", "source_missing", "SCHEMA.TABLE"),
        ("login", "source_unauthorized", "password"),
        ("network", "source_unavailable", "port"),
        ("certificate", "source_tls_failed", "tls.ca"),
        ("tls_link", "source_unavailable", "port"),
        ("link", "source_unavailable", "goes on where it stopped"),
        ("closed", "source_unavailable", "goes on where it stopped"),
        ("fetch", "source_conflict", "run it again"),
        ("privilege", "source_permission", 'GRANT SELECT ON TABLE "SHOP"."ORDERS" TO USER "SEGMENT"'),
        ("authority", "source_permission", 'GRANT CREATETAB ON DATABASE TO USER "SEGMENT"'),
    ],
)
def test_each_error_says_what_helps(name: str, code: str, says: str) -> None:
    error = ours(problem(name))
    assert error.code == code
    assert says in error.hint
    assert isinstance(error, SourceError)


@pytest.mark.parametrize(
    "number",
    [
        *(
            -104,
            -204,
            -206,
            -440,
            -551,
            -552,
            -601,
            -803,
            -407,
            -286,
            -289,
            -433,
            -302,
            -801,
            -420,
            -911,
            -913,
        ),
        *(-952, -964, -668, -1224, -1776, -1336, -30061, -30081, -30082, -30108, -20542, -1598, -1060, -670),
    ],
)
def test_every_number_of_the_table_has_its_advice(number: int) -> None:
    text = f"[IBM][CLI Driver][DB2/LINUXX8664] SQL{abs(number):04d}N  Something.  SQLSTATE=00000 SQLCODE={number}"
    error = ours(problem_of(Failure("Exception", text)))
    assert error.hint
    assert str(number) in error.message


@pytest.mark.parametrize(("reason", "says"), [("24", "password"), ("17", "AUTHENTICATION"), ("1", "expired")])
def test_a_refused_login_is_told_by_its_reason(reason: str, says: str) -> None:
    text = TEXTS["login"].replace('"24"', f'"{reason}"')
    assert says in ours(problem_of(Failure("Exception", text))).hint


def test_what_is_not_understood_is_shown_as_it_is() -> None:
    error = ours(problem_of(Failure("Exception", "something else")))
    assert error.code == "source_failed"
    assert "something else" in error.message
    assert ours(problem_of(Failure("ValueError", ""))).message == "Db2: ValueError"


def test_a_mistake_in_a_models_sql_is_the_models() -> None:
    mistake = model_error(problem("undefined"))
    assert mistake is not None
    assert mistake.exit_code == 2
    assert model_error(problem("privilege")) is None
    assert model_error(problem("link")) is None


def test_the_drivers_own_complaints_about_a_statement_end_no_connection() -> None:
    syntax = problem_of(
        Failure("Exception", "[IBM][CLI Driver] CLI0118E  Invalid SQL syntax. SQLSTATE=37000 SQLCODE=-99999")
    )
    assert not syntax.lost
    assert "{" in ours(syntax).hint
    assert problem("link").lost
    assert problem("closed").lost


def test_no_advice_is_empty() -> None:
    assert all(advice.hint and advice.code.startswith("source_") for advice in ADVICE.values())
