"""A pool's errors: their numbers and texts. Those of its own engine begin with their number."""

from __future__ import annotations


class SqlError(Exception):
    """An error that a statement or login ends with."""

    def __init__(self, number: int, words: str, severity: int = 16, state: int = 1) -> None:
        super().__init__(f"{number}: {words}")
        self.number, self.words, self.severity, self.state = number, words, severity, state


def engine_error(number: int, words: str) -> SqlError:
    """An error of the pool's own engine, whose text begins with its number."""
    return SqlError(number, f"{number};{words}")


def parse_error(near: str, line: int = 1, column: int = 1) -> SqlError:
    return SqlError(103010, f"Parse error at line: {line}, column: {column}: Incorrect syntax near '{near}'.")


def login_failed(user: str) -> SqlError:
    return SqlError(18456, f"Login failed for user '{user}'.", 14)


def token_login_failed() -> SqlError:
    return SqlError(18456, "Login failed for user '<token-identified principal>'.", 14)


def cannot_open(database: str) -> SqlError:
    return SqlError(4060, f'Cannot open database "{database}" requested by the login. The login failed.', 11)


def not_in_database(principal: str, database: str) -> SqlError:
    return SqlError(
        916,
        f'The server principal "{principal}" is not able to access the database "{database}" under the'
        " current security context.",
        14,
        2,
    )


def paused() -> SqlError:
    return SqlError(
        42108,
        "Can not connect to the SQL pool since it is paused. Please resume the SQL pool and try again.",
        20,
    )


def invalid_object(name: str) -> SqlError:
    return SqlError(208, f"Invalid object name '{name}'.")


def invalid_column(name: str) -> SqlError:
    return SqlError(207, f"Invalid column name '{name}'.")


def denied(permission: str, thing: str, database: str, schema: str) -> SqlError:
    return SqlError(
        229,
        f"The {permission} permission was denied on the object '{thing}', database '{database}',"
        f" schema '{schema}'.",
        14,
        5,
    )


def denied_in_database(permission: str, database: str) -> SqlError:
    return SqlError(262, f"{permission} permission denied in database '{database}'.", 14)


def no_such_schema(schema: str) -> SqlError:
    return SqlError(
        2760,
        f'The specified schema name "{schema}" either does not exist or you do not have permission to use it.',
    )


def cannot_find(kind: str, name: str, verb: str = "find") -> SqlError:
    return SqlError(
        15151, f"Cannot {verb} the {kind} '{name}', because it does not exist or you do not have permission."
    )


def deadlock(session: int) -> SqlError:
    return SqlError(
        1205,
        f"Transaction (Process ID {session}) was deadlocked on lock resources with another process and has"
        " been chosen as the deadlock victim. Rerun the transaction.",
        13,
        51,
    )


def in_transaction() -> SqlError:
    return engine_error(111212, "Operation cannot be performed within a transaction.")


def aborted() -> SqlError:
    return engine_error(
        111233,
        "The current transaction has aborted, and any pending changes have been rolled back. Cause: A"
        " transaction in a rollback-only state was not explicitly rolled back before a DDL, DML or SELECT"
        " statement.",
    )


def no_transaction() -> SqlError:
    return engine_error(
        111214, "An attempt to complete a transaction has failed. No corresponding transaction found."
    )


def unsupported(what: str) -> SqlError:
    return engine_error(104473, what)
