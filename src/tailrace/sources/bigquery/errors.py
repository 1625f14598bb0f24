"""What BigQuery answers, in our words: told apart by `reason`, for the class of an exception does not decide.

The reasons are those of https://cloud.google.com/bigquery/docs/error-messages.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tailrace.errors import Cancelled, ModelError, SourceError, SourceUnavailable, TailraceError
from tailrace.sources.bigquery.permissions import remedy
from tailrace.sources.deadline import timeout_error


class _Class(NamedTuple):
    code: str
    hint: str
    unavailable: bool = False


_AGAIN = "Google's side failed; run it again later: a sync goes on where it stopped."
_BUSY = "Too many requests at once; lower the source's `concurrency`, or run fewer syncs at the same time."
_BILLING = "Turn billing on for the project in the console, or ask its owner why it is off."
_REASONS = {
    "accessDenied": _Class("source_permission", "Ask an administrator to run what `tailrace grants` prints."),
    "notFound": _Class(
        "source_missing",
        "Check its spelling (project.dataset.table), and that the source's `location` is the dataset's own: "
        "BigQuery finds nothing from another location.",
    ),
    "invalidQuery": _Class("source_failed", "Correct the SQL."),
    "invalid": _Class("source_failed", "Correct what the message names."),
    "duplicate": _Class("source_exists", "Something of that name exists; run it again."),
    "rateLimitExceeded": _Class("source_busy", _BUSY, True),
    "jobRateLimitExceeded": _Class("source_busy", _BUSY, True),
    "quotaExceeded": _Class(
        "source_quota",
        "A quota of the project is spent: see IAM & Admin > Quotas in the console. Run it again in the next "
        "window, or have the quota raised; a sync goes on where it stopped.",
    ),
    "backendError": _Class("source_unavailable", _AGAIN, True),
    "internalError": _Class("source_unavailable", _AGAIN, True),
    "jobBackendError": _Class("source_unavailable", _AGAIN, True),
    "jobInternalError": _Class("source_unavailable", _AGAIN, True),
    "badGateway": _Class("source_unavailable", _AGAIN, True),
    "tableUnavailable": _Class("source_unavailable", _AGAIN, True),
    "bytesBilledLimitExceeded": _Class(
        "source_cost",
        "The statement would bill more than the source's `max_bytes_billed`: raise it, or let the model read "
        "less (fewer columns, a partition filter).",
    ),
    "responseTooLarge": _Class(
        "source_too_large", "Use `read_api: storage`, or let the model give fewer or smaller records."
    ),
    "resourcesExceeded": _Class(
        "source_memory",
        "The query is too heavy for BigQuery: take ORDER BY and large joins out of the model.",
    ),
    "billingNotEnabled": _Class("source_billing", _BILLING),
    "accountDisabled": _Class("source_billing", _BILLING),
    "blocked": _Class("source_billing", "Google has blocked the project for a while; its owner has a mail."),
    "authError": _Class(
        "source_unauthorized", "The token was refused: check the key, and this machine's clock."
    ),
    "stopped": _Class("source_cancelled", "Somebody cancelled the job in BigQuery; run the sync again."),
    "timeout": _Class("source_timeout", "Make the model faster, or raise the source's `statement_timeout`."),
}
_STATUSES = {
    401: "authError",
    403: "accessDenied",
    404: "notFound",
    409: "duplicate",
    429: "rateLimitExceeded",
}
_GRPC = {
    "PERMISSION_DENIED": "accessDenied",
    "NOT_FOUND": "notFound",
    "UNAUTHENTICATED": "authError",
    "RESOURCE_EXHAUSTED": "rateLimitExceeded",
    "INVALID_ARGUMENT": "invalid",
    "UNAVAILABLE": "backendError",
    "INTERNAL": "internalError",
    "ABORTED": "backendError",
    "DEADLINE_EXCEEDED": "backendError",
    "CANCELLED": "stopped",
}
_CONFLICT = re.compile(
    r"(?i)\bsession \S+ (?:is |was |has )?(?:not found|terminated|aborted|expired|ended)|not found: session"
    r"|aborted due to concurrent|could not serialize access|concurrent update|transaction .*conflict"
)
_OWN_TABLE = re.compile(
    r"[:.](?:tailrace_(?:meta|read_|upload_|check_)|sync_log\b"
    r"|(?:records|checkpoints|changes|progress|rejections)_\w+_[0-9a-f]{8}(?:_|\b))"
)
_GONE = (
    "Somebody removed this table of Tailrace's. Restore it (BigQuery keeps removed tables for some days), or forget"
    " what was delivered: `tailrace reset`."
)
_RATE = re.compile(r"(?i)exceeded rate limits")
_PREFIX = re.compile(r"^(?:[A-Z]+ https?://\S+: )+|\s*\n\nLocation: .*", re.DOTALL)
_JOB_URL = re.compile(r"\s*(?:Location: \S+\s*)?(?:Job ID: \S+)\s*$")
RETRYABLE = frozenset(
    {
        *("backendError", "internalError", "jobBackendError", "jobInternalError", "badGateway"),
        *("rateLimitExceeded", "jobRateLimitExceeded", "tableUnavailable"),
    }
)
"""Reasons for which a job that failed may be run anew, under another id."""


def reason_of(error: Any) -> str:
    """BigQuery's reason for an error; empty where it gave none."""
    cause = getattr(error, "cause", None)
    if cause is not None and type(error).__name__ == "RetryError":
        return reason_of(cause)
    listed = getattr(error, "errors", None) or ()
    first = next((each for each in listed if isinstance(each, dict)), {})
    found = str(first.get("reason") or "")
    status = getattr(error, "grpc_status_code", None)
    if not found and status is not None:
        return _GRPC.get(status.name, "")
    if not found:
        code = getattr(error, "code", None)
        status_code = int(code) if isinstance(code, int) else 0
        found = _STATUSES.get(status_code, "backendError" if status_code >= 500 else "")
    if found in ("invalidQuery", "invalid") and _RATE.search(message_of(error)):
        return "jobRateLimitExceeded"
    return found


def message_of(error: Any) -> str:
    """BigQuery's own words, without addresses and ids."""
    cause = getattr(error, "cause", None)
    if cause is not None and type(error).__name__ == "RetryError":
        return message_of(cause)
    listed = getattr(error, "errors", None) or ()
    first = next((each for each in listed if isinstance(each, dict)), {})
    text = str(first.get("message") or getattr(error, "message", None) or error)
    return " ".join(_JOB_URL.sub("", _PREFIX.sub("", text)).split())


def is_conflict(error: Any) -> bool:
    """Whether another transaction had changed the same table, or somebody ended ours with its session."""
    return bool(_CONFLICT.search(message_of(error)))


def ours(error: Any, *, cancelled: bool = False, timeout: float | None = None) -> TailraceError:
    """What Google's libraries raised as one of our errors; `cancelled` says whether we asked for it."""
    reason, text = reason_of(error), message_of(error)
    if reason == "stopped" and cancelled:
        return Cancelled("the statement was cancelled")
    if reason == "timeout":
        return timeout_error(timeout or 0)
    if is_conflict(error):
        return SourceError(
            f"BigQuery: {text}",
            hint="Another transaction was in the way; run it again.",
            code="source_conflict",
        )
    if found := _REASONS.get(reason):
        hint = found.hint
        if reason == "accessDenied":
            hint = remedy(text) or hint
        elif reason == "notFound" and _OWN_TABLE.search(text):
            hint = _GONE
        kind = SourceUnavailable if found.unavailable else SourceError
        return kind(f"BigQuery: {text}", hint=hint, code=found.code)
    return _without_reason(error, text)


def _without_reason(error: Any, text: str) -> TailraceError:
    module, name = type(error).__module__, type(error).__name__
    if name == "RefreshError" or "invalid_grant" in text:
        return SourceError(
            f"the key was refused: {_refusal(error)}",
            hint="The key was deleted or disabled, its account is gone, or this machine's clock is wrong. "
            "Check the clock, then make a new key.",
            code="source_unauthorized",
        )
    if isinstance(error, ValueError) and module.startswith(("google.auth", "builtins", "cryptography")):
        return SourceError(
            "the key cannot be used: its private key is damaged",
            hint="Download the key again and paste the whole file.",
            code="source_unauthorized",
        )
    if module.startswith(("requests", "urllib3")) or name in ("TransportError", "TimeoutError", "RetryError"):
        return SourceUnavailable(
            f"BigQuery cannot be reached: {_short(text)}",
            hint="Check the network and proxy of this machine; a sync goes on where it stopped.",
        )
    return SourceError(f"BigQuery: {text}", code="source_failed")


def _refusal(error: Any) -> str:
    """Why no token was given, without what was sent."""
    for each in getattr(error, "args", ()):
        if isinstance(each, dict):
            return str(each.get("error_description") or each.get("error") or "")
    return str(error.args[0]) if getattr(error, "args", ()) else str(error)


def _short(text: str) -> str:
    reasons = re.findall(r"(Connection refused|Name or service not known|timed out|[Rr]eset by peer)", text)
    return reasons[-1].lower() if reasons else text[:200]


def model_error(error: Any) -> ModelError | None:
    """The error as the user's mistake in a model's SQL, if that is what its reason says."""
    if reason_of(error) not in ("invalidQuery", "invalid") or is_conflict(error):
        return None
    return ModelError(f"BigQuery: {message_of(error)}", hint="Correct the model's SQL.", code="model_invalid")
