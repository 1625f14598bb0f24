"""What the driver's texts mean: every error of the table, told apart without a number."""

from __future__ import annotations

import pytest

from tailrace.errors import Cancelled, SourceUnavailable
from tailrace.sources.azure.error_table import FAULTS, number_of
from tailrace.sources.azure.errors import is_lost, model_error, ours

LABELS = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"

TEXTS = {
    1204: "The instance of the SQL Server Database Engine cannot obtain a LOCK resource at this time.",
    1205: "Transaction (Process ID 52) was deadlocked on lock resources with another process.",
    1222: "Lock request time out period exceeded.",
    4060: 'Cannot open database "pool" requested by the login. The login failed.',
    18456: "Login failed for user 'tailrace'.",
    40531: "Server name cannot be determined. It must appear as the first segment of the server's dns name.",
    916: 'The server principal "u" is not able to access the database "pool" under the current security context.',
    40615: "Cannot open server 'x' requested by the login. Client with IP address '1.2.3.4' is not allowed to access "
    "the server.",
    40914: "Cannot open server 'x' requested by the login. Client is not allowed to access the server.",
    47073: "Reason: An instance-specific error occurred. Connection was denied since Deny Public Network Access is set to "
    "Yes. To connect to this server, use the Private Endpoint from inside your virtual network.",
    42108: "Can not connect to the SQL pool since it is paused. Please resume the SQL pool and try again.",
    40892: "Cannot connect to database when it is paused.",
    42109: "The SQL pool is warming up. Please try again.",
    10928: "Resource ID : 1. The request limit for the database is 512 and has been reached.",
    10929: "Resource ID: 1. The Max minimum guarantee is 0, maximum limit is 512.",
    49918: "Cannot process request. Not enough resources to process request. Please retry your request later.",
    49919: "Cannot process create or update request. Too many create or update operations in progress.",
    49920: "Cannot process request. Too many operations in progress for subscription.",
    40197: "The service has encountered an error processing your request. Please try again. Error code 1.",
    40501: "The service is currently busy. Retry the request after 10 seconds. Incident ID: x. Code: 1.",
    40613: "Database 'pool' on server 'x' is not currently available. Please retry the connection later.",
    615: "Could not find database ID 5, name 'x'.",
    926: "Database 'x' cannot be opened. It has been marked SUSPECT by recovery.",
    4221: "Login to read-secondary failed due to long wait on 'HADR_DATABASE_WAIT_FOR_TRANSITION_TO_VERSIONING'.",
    233: "A connection was established, but No process is on the other end of the pipe.",
    10054: "An existing connection was forcibly closed by the remote host.",
    40847: "Could not perform the operation because server would exceed the allowed Database Throughput Unit quota.",
    229: "The SELECT permission was denied on the object 'people', database 'pool', schema 'dbo'.",
    262: "CREATE TABLE permission denied in database 'pool'.",
    2760: 'The specified schema name "x" either does not exist or you do not have permission to use it.',
    15151: "Cannot find the schema 'x', because it does not exist or you do not have permission.",
    208: "Invalid object name 'people'.",
    207: "Invalid column name 'nam'.",
    8120: "Column 'dbo.t.b' is invalid in the select list because it is not contained in either an aggregate"
    " function or the GROUP BY clause.",
    103010: "103010;Parse error at line: 1, column: 8: Incorrect syntax near 'FROM'.",
    104409: "104409;Something is not supported.",
    104473: "104473;Assigning a variable in a SELECT that reads a table is not supported.",
    111212: "111212;Operation cannot be performed within a transaction.",
    111214: "111214;An attempt to complete a transaction has failed. No corresponding transaction found.",
    111233: "111233;The current transaction has aborted, and any pending changes have been rolled back.",
    110003: "110003;Invalid user or password",
    110802: "110802;An internal DMS error occurred that caused this operation to fail.",
}


class ProgrammingError(Exception):
    """As the driver's: two texts, and no number."""

    def __init__(self, driver_error: str, ddbc_error: str) -> None:
        super().__init__(f"Driver Error: {driver_error}; DDBC Error: {ddbc_error}")
        self.driver_error, self.ddbc_error = driver_error, ddbc_error


def raised(text: str, state: str = "Syntax error or access violation") -> ProgrammingError:
    return ProgrammingError(state, LABELS + text)


@pytest.mark.parametrize("number", sorted(TEXTS))
def test_every_error_is_known_by_its_words(number: int) -> None:
    assert number_of(TEXTS[number]) == number
    error = ours(raised(TEXTS[number]))
    assert error.code == FAULTS[number].code
    assert error.hint == FAULTS[number].hint or error.code == "source_permission"
    assert isinstance(error, SourceUnavailable) == FAULTS[number].unavailable
    assert "[Microsoft]" not in error.message
    assert str(number) in error.message


@pytest.mark.parametrize("number", sorted(FAULTS))
def test_a_number_in_parentheses_is_enough(number: int) -> None:
    assert number_of(f"Irgendetwas ging schief ({number})") == number or number > 99_999


@pytest.mark.parametrize("number", [42108, 40892])
def test_a_paused_pool_has_a_code_of_its_own_and_says_what_to_do(number: int) -> None:
    error = ours(raised(TEXTS[number]))
    assert error.code == "source_paused"
    assert "resume" in error.hint


def test_permission_errors_name_the_grant() -> None:
    assert "GRANT SELECT ON [dbo].[people]" in ours(raised(TEXTS[229])).hint
    assert "GRANT CREATE TABLE" in ours(raised(TEXTS[262])).hint


@pytest.mark.parametrize(
    "error",
    [
        raised("TCP Provider: Error code 0x68", "Communication link failure"),
        raised("Login timeout expired", "Client unable to establish connection"),
        ConnectionResetError("reset"),
        raised("[DBNETLIB]ConnectionRead (recv()).", "Communication link failure"),
    ],
)
def test_a_lost_connection_is_known(error: BaseException) -> None:
    assert is_lost(error)
    assert ours(error).code == "source_unavailable"
    assert isinstance(ours(error), SourceUnavailable)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("TCP Provider: Error code 0x2AF9", "the host name cannot be resolved"),
        ("TCP Provider: Error code 0x2749", "the connection was refused"),
        ("TCP Provider: Error code 0x68", "the connection was lost"),
        ("TCP Provider: Timeout error [258].", "no answer came in time"),
        ("TCP Provider: Error code 0xABCD", "Error code 0xABCD"),
    ],
)
def test_numbers_of_the_network_have_words(said: str, words: str) -> None:
    error = raised(f"[Microsoft]{said}", "Communication link failure")
    assert words in ours(error).message
    assert isinstance(ours(error), SourceUnavailable)


@pytest.mark.parametrize(
    "value",
    ["was deadlocked on", "SSL Provider", "libodbc", "Communication link failure", "session was killed"],
)
def test_what_a_value_says_is_no_error_of_ours(value: str) -> None:
    error = raised(f"Conversion failed when converting the varchar value '{value}' to data type int.")
    assert number_of(str(error)) == 245
    assert ours(error, timeout=1).code == "source_failed"
    assert not isinstance(ours(error), SourceUnavailable)


def test_a_timeout_and_a_cancel_are_told_apart() -> None:
    timeout = raised("Query timeout expired", "Timeout expired")
    stopped = raised("Operation canceled", "Operation canceled")
    assert ours(timeout, timeout=2).code == "source_timeout"
    assert isinstance(ours(stopped, cancelled=True), Cancelled)
    assert ours(stopped).code == "source_cancelled"


def test_what_is_missing_on_the_system_is_said_plainly() -> None:
    error = ours(RuntimeError("Failed to load the driver. Please read the documentation"))
    assert error.code == "source_driver_missing"
    assert "libltdl7" in error.hint


@pytest.mark.parametrize("number", [102, 207, 208, 103010, 104473])
def test_a_mistake_in_a_model_is_the_models(number: int) -> None:
    text = TEXTS.get(number, "Incorrect syntax near 'FORM'.")
    found = model_error(raised(text))
    assert found is not None
    assert found.code == "model_invalid"


@pytest.mark.parametrize("number", [42108, 229, 1205, 40613])
def test_other_errors_are_not(number: int) -> None:
    assert model_error(raised(TEXTS[number])) is None


def test_the_table_of_texts_is_whole() -> None:
    untold = {
        997,
        10053,
        10060,
        40143,
        40540,
        102,
        105,
        156,
        241,
        245,
        701,
        1105,
        8114,
        8115,
        8134,
        15247,
    }
    assert set(FAULTS) - set(TEXTS) == untold
