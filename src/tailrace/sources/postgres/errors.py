"""PostgreSQL's errors in our words, told apart by SQLSTATE."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tailrace.errors import Cancelled, ModelError, SourceError, SourceUnavailable, TailraceError
from tailrace.sources.deadline import timeout_error


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


def ours(error: Any, *, cancelled: bool = False, timeout: float | None = None) -> TailraceError:
    """What psycopg or ADBC reported as one of our errors; `cancelled` says whether we asked for it."""
    state: str | None = getattr(error, "sqlstate", None)
    text = _text(error)
    if state == "57014" or (state is None and (cancelled or text.startswith("canceling statement"))):
        return _stopped(text, cancelled, timeout)
    found = _EXACT.get(state or "") or _CLASSES.get((state or "")[:2])
    if found is None and state is None and _lost_connection(error):
        found = _Class("source_unavailable", _RECONNECT, True)
    if found is None:
        return SourceError(f"PostgreSQL: {text}", code="source_failed")
    kind = SourceUnavailable if found.unavailable else SourceError
    return kind(f"PostgreSQL: {text}", hint=found.hint, code=found.code)


_CONNECTING = (
    (r"password authentication failed|no password supplied|fe_sendauth", "28P01"),
    (r"role .* does not exist|no pg_hba.conf entry|authentication failed", "28000"),
    (r"database .* does not exist", "3D000"),
    (r"permission denied for database", "42501"),
    (r"too many connections|remaining connection slots|too many clients", "53300"),
    (r"starting up|shutting down|recovery mode|not accepting connections", "57P03"),
)


def connect_error(error: Any) -> TailraceError | None:
    """Why a connection was refused. libpq gives no SQLSTATE for that, so the server's words decide."""
    if getattr(error, "sqlstate", None):
        return None
    text = _last_reason(str(error))
    for pattern, state in _CONNECTING:
        if re.search(pattern, text):
            found = _EXACT[state]
            hint = found.hint
            if state == "42501":
                hint = "An administrator runs GRANT CONNECT ON DATABASE, as `tailrace grants` prints it."
            kind = SourceUnavailable if found.unavailable else SourceError
            return kind(f"PostgreSQL: {text}", hint=hint, code=found.code)
    if "SSL" in text or "certificate" in text:
        return SourceError(
            f"PostgreSQL: {text}",
            hint="`tailrace check` says what is wrong with the source's `tls` settings.",
            code="source_tls_failed",
        )
    return SourceUnavailable(f"PostgreSQL: {text}", hint=_RECONNECT)


def _last_reason(text: str) -> str:
    lines = [line.strip(" -\t") for line in text.splitlines() if "failed: " in line or "ERROR" in line]
    line = lines[-1] if lines else " ".join(text.split())
    return re.sub(r"^.*(?:FATAL|ERROR): +", "", line)


def model_error(error: Any) -> ModelError | None:
    """The error as the user's mistake in a model's SQL, if that is what its SQLSTATE says."""
    state = getattr(error, "sqlstate", None) or ""
    if state[:2] not in ("42", "0A", "22", "34") or state == "42501":
        return None
    return ModelError(f"PostgreSQL: {_text(error)}", hint="Correct the model's SQL.", code="model_invalid")


def _stopped(text: str, cancelled: bool, timeout: float | None) -> TailraceError:
    if cancelled:
        return Cancelled("the statement was cancelled")
    if "user request" not in text:
        return timeout_error(timeout or 0)
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
