"""Refusals as the REST API words them."""

from __future__ import annotations

from typing import Any

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}

HTTP = {
    "accessDenied": 403,
    "authError": 401,
    "backendError": 503,
    "badRequest": 400,
    "billingNotEnabled": 403,
    "bytesBilledLimitExceeded": 400,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidQuery": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "jobRateLimitExceeded": 400,
    "notFound": 404,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourceInUse": 400,
    "resourcesExceeded": 400,
    "responseTooLarge": 403,
    "stopped": 200,
    "timeout": 400,
}
"""The HTTP code for each reason, from https://cloud.google.com/bigquery/docs/error-messages."""


class Refusal(Exception):
    """An error with a reason of BigQuery's own table of errors."""

    def __init__(
        self, reason: str, message: str, *, location: str | None = None, code: int | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.location = location
        self.code = code or HTTP.get(reason, 400)

    def entry(self) -> dict[str, Any]:
        """The error as `status.errorResult` holds it."""
        entry: dict[str, Any] = {"reason": self.reason, "message": self.message}
        if self.location:
            entry["location"] = self.location
        return entry

    def body(self) -> dict[str, Any]:
        """The error as the body of an HTTP answer."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "errors": [{**self.entry(), "domain": "global"}],
                "status": _STATUS.get(self.code, "UNKNOWN"),
            }
        }


def invalid_query(message: str) -> Refusal:
    return Refusal("invalidQuery", message, location="query")


def not_found(message: str) -> Refusal:
    return Refusal("notFound", message)
