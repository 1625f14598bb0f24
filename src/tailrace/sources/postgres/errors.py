"""PostgreSQL's errors in our words, told apart by SQLSTATE."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

from tailrace.errors import Cancelled, ModelError, SourceError, SourceUnavailable, TailraceError
from tailrace.sources.deadline import timeout_error
from tailrace.sources.postgres.refusal import refusal

if TYPE_CHECKING:
    from tailrace.sources.postgres.settings import Connection


class _Class(NamedTuple):
    code: str
    hint: str
    unavailable: bool = False


_RECONNECT = "Check that the server is up and reachable, then run it again: a sync goes on where it stopped."
_EXACT = {
    "28P01": _Class("source_unauthorized", "Check the source's `username` and `password`."),
    "28000": _Class("source_unauthorized", "Check `username`, and that pg_hba.conf lets it in from here."),
    "3D000": _Class("source_missing", "Check the source's `database`."),
    "42501": _Class("source_permission", "Ask an administrator to run what `tailrace grants` prints."),
    "22021": _Class(
        "source_text",
        "The database holds text that is not in its own encoding, or says SQL_ASCII and means another one: convert it"
        " in the model: convert_from(convert(convert_to(name, 'SQL_ASCII'), 'LATIN1', 'UTF8'), 'UTF8').",
    ),
    "22P05": _Class("source_text", "The database's encoding has no such character; use one with UTF8."),
    "53100": _Class("source_disk_full", "Free space on the server's disk."),
    "53200": _Class("source_memory", "The server ran out of memory; lower its load or raise its limits."),
    "53300": _Class("source_unavailable", "The server has no free connection; raise max_connections.", True),
    "40001": _Class("source_conflict", "Another transaction was in the way; run it again."),
    "40P01": _Class("source_conflict", "Another transaction was in the way (deadlock); run it again."),
    "55P03": _Class("source_conflict", "A lock could not be had; find who holds it in pg_locks."),
    "25P03": _Class("source_unavailable", "The server ended a transaction that was idle too long.", True),
    "57P01": _Class("source_unavailable", _RECONNECT, True),
    "57P02": _Class("source_unavailable", _RECONNECT, True),
    "57P03": _Class("source_unavailable", "The server is starting up or shutting down; try again.", True),
    "57P04": _Class("source_missing", "The database was dropped."),
    "57P05": _Class("source_unavailable", _RECONNECT, True),
    "25006": _Class("source_permission", "The server is read-only; connect to the primary."),
    "42P01": _Class("source_missing", "Write schema.table, and check that the user may see it."),
    "3F000": _Class("source_missing", "Check the schema's name; `tailrace grants` prints what creates ours."),
}
_CLASSES = {
    "08": _Class("source_unavailable", _RECONNECT, True),
    "28": _Class("source_unauthorized", "Check the source's `username` and `password`."),
    "53": _Class("source_failed", "The server is short of resources."),
}


_STREAMED = re.compile(r"(?:ERROR|FATAL): (.*)", re.DOTALL)
"""An error in the middle of a stream arrives as text without a SQLSTATE."""
_NO_TEXT = re.compile(r"UTF8.*: 0x[0-9a-f]{2}")
"""What all translations of SQLSTATE 22021's text have in common."""

_SEVERITY = re.compile(r"^.*?:  ")
"""libpq writes two spaces after a severity, in every language."""


def ours(error: Any, *, cancelled: bool = False, timeout: float | None = None) -> TailraceError:
    """What psycopg or ADBC reported as one of our errors; `cancelled` says whether we asked for it."""
    state: str | None = getattr(error, "sqlstate", None)
    text = _text(error)
    if state == "57014" or (state is None and (cancelled or text.startswith("canceling statement"))):
        return _stopped(text, cancelled, timeout)
    if state is None and _NO_TEXT.search(text):
        state = "22021"
    found = _EXACT.get(state or "") or _CLASSES.get((state or "")[:2])
    if found is None and state is None and _lost_connection(error):
        found = _Class("source_unavailable", _RECONNECT, True)
    if found is None:
        return SourceError(f"PostgreSQL: {text}", code="source_failed")
    kind = SourceUnavailable if found.unavailable else SourceError
    return kind(f"PostgreSQL: {text}", hint=found.hint, code=found.code)


def connect_error(error: Any, connection: Connection) -> TailraceError:
    """Why a connection was refused. libpq gives no SQLSTATE for that, so the server is asked for it once more."""
    text = _last_reason(str(error))
    found_by_libpq = getattr(
        getattr(error, "pgconn", None), "password", None
    )  # by PGPASSWORD or ~/.pgpass, say
    password = {"password": found_by_libpq.decode()} if found_by_libpq else {}
    try:
        state = refusal(connection.parameters | password)
    except ssl.SSLError:
        return SourceError(
            f"PostgreSQL: {text}",
            hint="`tailrace check` says what is wrong with the source's `tls` settings.",
            code="source_tls_failed",
        )
    except (OSError, ValueError):
        state = None
    found = _EXACT.get(state or "") or _CLASSES.get((state or "")[:2])
    if found is None:
        return SourceUnavailable(f"PostgreSQL: {text}", hint=_RECONNECT)
    hint = found.hint
    if state == "42501":
        hint = "An administrator runs GRANT CONNECT ON DATABASE, as `tailrace grants` prints it."
    kind = SourceUnavailable if found.unavailable else SourceError
    return kind(f"PostgreSQL: {text}", hint=hint, code=found.code)


def _last_reason(text: str) -> str:
    """What the server answered last, of all addresses and ways that were tried; else what kept it from answering."""
    lines = [line.strip(" -\t") for line in text.splitlines() if "failed: " in line or "ERROR" in line]
    answers = [line for line in lines if _SEVERITY.match(line)]
    line = (answers or lines or [" ".join(text.split())])[-1]
    return _SEVERITY.sub("", line)


def model_error(error: Any) -> ModelError | None:
    """The error as the user's mistake in a model's SQL, if that is what its SQLSTATE says."""
    state = getattr(error, "sqlstate", None) or ""
    if state[:2] not in ("42", "0A", "22", "34") or state == "42501":
        return None
    return ModelError(f"PostgreSQL: {_text(error)}", hint="Correct the model's SQL.", code="model_invalid")


def _stopped(text: str, cancelled: bool, timeout: float | None) -> TailraceError:
    if cancelled:
        return Cancelled("the statement was cancelled")
    if timeout and "user request" not in text:
        return timeout_error(timeout)
    return SourceError(
        "the statement was cancelled on the server",
        hint="Somebody ended it there (pg_cancel_backend); run the sync again.",
        code="source_cancelled",
    )


def _text(error: Any) -> str:
    diagnosis = getattr(error, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    if primary:
        parts = [str(primary)]
        for name, label in (("message_detail", "Detail"), ("message_hint", "Hint")):
            more = getattr(diagnosis, name, None)
            if more:
                parts.append(f"{label}: {more}")
        return ". ".join(parts)
    for key, value in getattr(error, "details", None) or ():
        if key == b"PG_DIAG_MESSAGE_PRIMARY" or key == "PG_DIAG_MESSAGE_PRIMARY":
            return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    streamed = _STREAMED.search(str(error))
    return " ".join((streamed[1] if streamed else str(error)).split())


def _lost_connection(error: Any) -> bool:
    name = type(error).__name__
    text = str(error)
    return name in ("OperationalError", "ConnectionTimeout", "InterfaceError") or "connection" in text.lower()
