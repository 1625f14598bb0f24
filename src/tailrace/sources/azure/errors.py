"""Errors of Microsoft's driver, and of a dedicated SQL pool, in our words."""

from __future__ import annotations

import re
from typing import Any

from tailrace.errors import Cancelled, ConfigError, ModelError, SourceError, SourceUnavailable, TailraceError
from tailrace.sources.azure.error_table import FAULTS, LOST, Fault, number_of
from tailrace.sources.deadline import timeout_error

_LABELS = re.compile(r"\[(?:Microsoft|SQL Server|ODBC Driver [^\]]*|Driver Manager|unixODBC|DBNETLIB)\]")
_LOST = re.compile(
    r"Communication link failure|TCP Provider|Connection (does not exist|name not in use|is closed|handle)"
    r"|link failure|Named Pipes Provider|unable to establish connection|Cannot (use|operate on|create cursor).*closed"
    r"|connection is (broken|no longer usable)|Connection timeout expired|Login timeout expired|error on receive"
    r"|unable to (send|read)|Connection reset|network-related|protocol stream|Protocol error in TDS",
    re.IGNORECASE,
)
_SOCKET = re.compile(
    r"TCP Provider: (?:Error code 0x(?P<code>[0-9A-F]+)|Timeout error \[258\])", re.IGNORECASE
)
_SOCKET_WORDS = {
    "2AF9": "the host name cannot be resolved",
    **dict.fromkeys(("2749", "6F"), "the connection was refused"),
    **dict.fromkeys(("2746", "2745", "68", "20"), "the connection was lost"),
    **dict.fromkeys(("274C", "6E", "102"), "no answer came in time"),
    **dict.fromkeys(("2751", "71"), "no network leads there"),
}
"""What Microsoft's driver has only a number for: errors of Windows' sockets, and of Linux."""
_TIMED_OUT = re.compile(r"Query timeout expired|Timeout expired", re.IGNORECASE)
_STOPPED = re.compile(r"Operation cancell?ed|cancell?ed by user|Query was cancell?ed", re.IGNORECASE)
_KILLED = re.compile(
    r"session (has been|was) killed|killed by|request was cancell?ed|kill state|111206|severe error",
    re.IGNORECASE,
)
_TLS = re.compile(r"SSL Provider|SSL routines|certificate verify failed|certificate chain", re.IGNORECASE)
_LIBRARIES = re.compile(
    r"Failed to load the driver|cannot open shared object file|libltdl|libodbc", re.IGNORECASE
)
_MODEL = {
    102, 105, 156, 207, 208, 241, 245, 8114, 8115, 8120, 8134, 103010, 104409, 104473,
}  # fmt: skip
_GRANTED = re.compile(
    r"\b(?P<right>[A-Z]{3,}(?: [A-Z]{3,})*) permission (?:was )?denied"
    r"(?: on the (?P<kind>object|schema|database) '(?P<name>[^']*)')?"
    r"(?:, database '[^']*')?(?:, schema '(?P<schema>[^']*)')?",
)
LIBRARIES = ConfigError(
    "Microsoft's ODBC driver cannot be loaded: a library of the system is missing",
    hint="Install it: apt-get install libltdl7 libkrb5-3 libgssapi-krb5-2 (Debian, Ubuntu), or dnf install "
    "libtool-ltdl krb5-libs (Fedora, RHEL).",
    code="source_driver_missing",
)


def text_of(error: BaseException) -> str:
    """What the server or the driver said, on one line and without the driver's own labels."""
    said = str(getattr(error, "ddbc_error", "") or "") or str(error)
    return _SOCKET.sub(_socket_words, " ".join(_LABELS.sub("", said).split()))


def _socket_words(found: re.Match[str]) -> str:
    return _SOCKET_WORDS.get((found["code"] or "102").upper(), found[0])


def words_of(error: BaseException) -> str:
    """All there is to classify: the driver's word for the SQLSTATE, and the server's text."""
    return f"{getattr(error, 'driver_error', '') or ''} {error}"


def fault_of(error: BaseException) -> Fault | None:
    """What is known of this error; a connection that broke is one of them."""
    number = number_of(text_of(error))
    if number is not None and number in FAULTS:
        return FAULTS[number]
    return LOST if is_lost(error) and not _TLS.search(words_of(error)) else None


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, so that nobody knows what became of the statement."""
    return isinstance(error, OSError) or bool(_LOST.search(words_of(error)))


def ours(error: BaseException, *, cancelled: bool = False, timeout: float | None = None) -> TailraceError:
    """What the driver reported as one of our errors; `cancelled` says whether we asked for it."""
    if isinstance(error, TailraceError):
        return error
    words, text = words_of(error), text_of(error)
    if cancelled:
        return Cancelled("the statement was cancelled")
    number = number_of(text)
    if number is None and _LIBRARIES.search(words):
        return LIBRARIES
    if number is None and _TLS.search(words):
        return SourceError(
            f"Azure: {text}",
            hint="`tailrace check` says what is wrong with the server's certificate.",
            code="source_tls_failed",
        )
    if number is None and timeout and _TIMED_OUT.search(words) and not _LOST.search(words):
        return timeout_error(timeout)
    if number is None and (_KILLED.search(words) or _STOPPED.search(words)):
        return SourceError(
            "the statement was cancelled on the server",
            hint="Somebody ended it there (KILL), or the pool is being paused or scaled; run the sync again.",
            code="source_cancelled",
        )
    fault = fault_of(error)
    if fault is None:
        return SourceError(f"Azure: {text}", code="source_failed")
    hint = grant_hint(text) or fault.hint if fault.code == "source_permission" else fault.hint
    kind = SourceUnavailable if fault.unavailable else SourceError
    return kind(f"Azure: {_numbered(text, number)}", hint=hint, code=fault.code)


def grant_hint(text: str) -> str:
    """The one GRANT that the server says is missing; empty where it does not say."""
    denied = _GRANTED.search(text)
    if denied is None:
        return ""
    right, kind, name, schema = denied["right"], denied["kind"], denied["name"], denied["schema"]
    if kind == "object" and name and schema:
        target = f" ON [{schema}].[{name}]"
    elif kind == "schema" and name:
        target = f" ON SCHEMA::[{name}]"
    else:
        target = ""
    return f"An administrator runs, in the pool: GRANT {right}{target} TO the user (`tailrace grants` prints all)."


def model_error(error: BaseException) -> ModelError | None:
    """The error as the user's mistake in a model's SQL, if its number says so."""
    text = text_of(error)
    fault = fault_of(error)
    if number_of(text) in _MODEL or (fault is None and type(error).__name__ == "ProgrammingError"):
        hint = (fault.hint if fault else "") or "Correct the model's SQL."
        return ModelError(f"Azure: {text}", hint=hint, code="model_invalid")
    return None


def _numbered(text: str, number: int | None) -> str:
    return text if number is None or str(number) in text else f"{text} (error {number})"


def driver_errors() -> tuple[type[BaseException], ...]:
    """What the driver and its bindings raise."""
    import mssql_python
    import pyarrow as pa

    return (mssql_python.Error, mssql_python.Warning, pa.ArrowException, OSError, RuntimeError, ValueError)


def is_driver_error(error: Any) -> bool:
    """Whether an exception came from the driver, and not from our own code."""
    return isinstance(error, driver_errors())
