"""Db2's errors as IBM's driver raises them, each with the advice that whoever runs a command gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.servers.db2 import Database, Db2Server
from tests.servers.db2.sqlca import Sqlca

from tailrace.errors import SourceError
from tailrace.sources.db2.advice import ADVICE
from tailrace.sources.db2.source import Db2Source

ONE = "SELECT 1 FROM SYSIBM.SYSDUMMY1"
NUMBERS = [
    int(number) for number in ADVICE if re.fullmatch(r"-\d+", number) and not number.startswith("-3008")
]
"""Every SQLCODE that has an advice of ours, but those of a connection and of a login."""


def raised(source: Db2Source, statement: str = ONE) -> SourceError:
    with source.session() as session, pytest.raises(SourceError) as caught:
        session.rows(statement)
    return caught.value


def failed_step(source: Db2Source) -> tuple[str, str, str]:
    """The step of `tailrace check` that failed first: its name, what it says, and what helps."""
    step = next(each for each in source.check() if each.status == "failed")
    return step.name, step.detail, step.remedy


def test_every_advice_is_given_when_the_driver_raises_its_error(
    db2: Db2Server, db2_database: Database
) -> None:
    source = Db2Source("w", db2_database.settings())
    for number in NUMBERS:
        # for some the driver asks again by itself
        db2.fail(Sqlca.of(number, "58004"), matching="SYSDUMMY1", times=None)
        error = raised(source)
        db2.faults.clear()
        advice = ADVICE[str(number)]
        assert (error.code, error.hint) == (advice.code, advice.hint.replace("{user}", "name")), number
        assert f"(SQLCODE {number})" in error.message
        with source.session() as session:
            assert session.rows(ONE) == [(1,)], number


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (Sqlca.of(-1035, "57019"), "exclusive use"),
        (Sqlca.of(-1040, "57030"), "MAXAPPLS"),
        (Sqlca.of(-1117, "57019", "SHOP"), "rolled forward"),
        (Sqlca.of(-1224, "55032"), "stopped"),
        (Sqlca.of(-1776, "08004", "1"), "primary"),
        (Sqlca.of(-20157, "08004", "SEGMENT", "QUIESCE DATABASE"), "quiesced"),
        (Sqlca.of(-30082, "08001", "36", "UNEXPECTED CLIENT ERROR"), "db2diag.log"),
        (Sqlca.of(-30060, "08004", "SEGMENT", "CONNECT"), "tailrace grants"),
    ],
)
def test_a_database_that_lets_nobody_in_says_why(db2_database: Database, result: Sqlca, says: str) -> None:
    db2_database.refuses = result
    name, detail, remedy = failed_step(Db2Source("w", db2_database.settings()))
    assert name == "login"
    assert f"SQLCODE {result.code}" in detail
    assert says in remedy


@pytest.mark.parametrize(
    ("problem", "reason", "says"),
    [
        ("unsupported", 17, "AUTHENTICATION: SERVER"),
        ("failed", 15, "db2diag.log"),
        ("expired", 1, "expired"),
        ("revoked", 19, "locked"),
        ("disallowed", 25, "rules for connections"),
        ("wrong", 24, "`password`"),
    ],
)
def test_a_login_that_is_refused_says_why(
    db2: Db2Server, db2_database: Database, problem: str, reason: int, says: str
) -> None:
    db2.account("joe", problem=problem)
    name, detail, remedy = failed_step(Db2Source("w", db2_database.settings(username="joe")))
    assert name == "login"
    assert f'reason "{reason}"' in detail
    assert says in remedy


@pytest.mark.parametrize("product", ["DSN12015", "QSQ07040"])
def test_db2_of_another_platform_is_told_apart(db2_database: Database, product: str) -> None:
    db2_database.product = product
    name, detail, remedy = failed_step(Db2Source("w", db2_database.settings()))
    assert name == "login"
    assert "SQL1598N" in detail
    assert "not supported" in remedy


def test_a_file_that_holds_no_certificate_is_told_of_by_the_check_and_by_the_driver(
    db2_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    source = Db2Source("w", db2_database.settings(tls={"ca": str(file)}))
    name, _, remedy = failed_step(source)
    assert name == "TLS"
    assert "PEM" in remedy
    error = raised(source)
    assert (error.code, "SQL10013N" in error.message) == ("source_tls_files", True)


def test_a_certificate_for_another_name_is_told_of_without_a_check(db2_database: Database) -> None:
    error = raised(Db2Source("w", db2_database.settings(hostname="127.0.0.1")))
    assert error.code == "source_tls_failed"
    assert "SQL20576N" in error.message
    assert "another name" in str(error.hint)
