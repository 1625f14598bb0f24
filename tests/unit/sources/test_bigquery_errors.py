"""What BigQuery answers is told apart by its reason, and comes with what to do."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.auth.exceptions import RefreshError, TransportError

from tailrace.errors import Cancelled, ModelError, SourceError, SourceUnavailable
from tailrace.sources.bigquery.errors import model_error, ours, reason_of


def refused(reason: str, message: str, status: int = 400) -> exceptions.GoogleAPICallError:
    return exceptions.from_http_status(
        status, f"POST https://bigquery/x: {message}", errors=[{"reason": reason, "message": message}]
    )


@pytest.mark.parametrize(
    ("reason", "status", "code", "unavailable"),
    [
        ("accessDenied", 403, "source_permission", False),
        ("notFound", 404, "source_missing", False),
        ("invalidQuery", 400, "source_failed", False),
        ("duplicate", 409, "source_exists", False),
        ("rateLimitExceeded", 403, "source_busy", True),
        ("jobRateLimitExceeded", 400, "source_busy", True),
        ("quotaExceeded", 403, "source_quota", False),
        ("backendError", 503, "source_unavailable", True),
        ("internalError", 500, "source_unavailable", True),
        ("jobBackendError", 400, "source_unavailable", True),
        ("bytesBilledLimitExceeded", 500, "source_cost", False),
        ("responseTooLarge", 403, "source_too_large", False),
        ("resourcesExceeded", 400, "source_memory", False),
        ("billingNotEnabled", 403, "source_billing", False),
        ("authError", 401, "source_unauthorized", False),
        ("stopped", 499, "source_cancelled", False),
        ("timeout", 400, "source_timeout", False),
    ],
)
def test_every_reason_has_a_code_and_advice(reason: str, status: int, code: str, unavailable: bool) -> None:
    error = ours(refused(reason, "Something happened.", status))
    assert (error.code, isinstance(error, SourceUnavailable)) == (code, unavailable)
    assert error.hint
    assert "https://" not in error.message


def test_a_denied_permission_is_named_with_what_grants_it() -> None:
    error = ours(
        refused(
            "accessDenied",
            "Access Denied: Project p: User does not have bigquery.jobs.create permission in project p.",
            403,
        )
    )
    assert "bigquery.jobs.create" in error.message
    assert "roles/bigquery.jobUser" in error.hint


@pytest.mark.parametrize(
    "text",
    [
        "Transaction is aborted due to concurrent update against table p:d.t. Transaction ID: x",
        "Could not serialize access to table p:d.t due to concurrent update",
    ],
)
def test_a_conflict_of_transactions_is_one(text: str) -> None:
    error = ours(refused("invalidQuery", text))
    assert isinstance(error, SourceError)
    assert error.code == "source_conflict"
    assert model_error(refused("invalidQuery", text)) is None


def test_a_mistake_in_the_sql_is_the_models() -> None:
    error = model_error(refused("invalidQuery", "Syntax error: Unexpected identifier at [1:8]"))
    assert isinstance(error, ModelError)
    assert "[1:8]" in error.message
    assert model_error(refused("backendError", "sorry", 503)) is None


def test_an_exceeded_rate_inside_a_script_is_not_the_sqls_fault() -> None:
    text = "Query error: Exceeded rate limits: too many table update operations for this table"
    assert reason_of(refused("invalidQuery", text)) == "jobRateLimitExceeded"


def test_what_we_cancelled_is_cancelled() -> None:
    stopped = refused("stopped", "Job execution was cancelled: User requested cancellation", 499)
    assert isinstance(ours(stopped, cancelled=True), Cancelled)
    assert ours(stopped).code == "source_cancelled"


def test_what_retries_gave_up_on_is_told_by_its_cause() -> None:
    error = exceptions.RetryError("Timeout of 120.0s exceeded", refused("backendError", "Try again", 503))
    assert ours(error).code == "source_unavailable"
    assert "Try again" in ours(error).message


def test_a_refused_key_says_so_and_shows_nothing_of_it() -> None:
    error = ours(
        RefreshError(
            "('invalid_grant: Invalid JWT Signature.', ...)",
            {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
        )
    )
    assert error.code == "source_unauthorized"
    assert "Invalid JWT Signature." in error.message
    assert "clock" in error.hint


def test_a_lost_connection_is_unavailable() -> None:
    assert isinstance(ours(TransportError("Connection refused")), SourceUnavailable)
    assert isinstance(ours(exceptions.ServiceUnavailable("sorry")), SourceUnavailable)


@pytest.mark.parametrize(
    ("table", "ours_it_is"),
    [
        ("p:__segment_reverse_etl.records_people_601c14c3", True),
        ("p:__segment_reverse_etl.changes_people_601c14c3_2_2", True),
        ("p:__segment_reverse_etl.sync_log", True),
        ("p:__segment_reverse_etl.tailrace_meta", True),
        ("p:shop.people", False),
        ("p:shop.records_2024", False),
        ("p:shop.sync_logs", False),
    ],
)
def test_a_missing_table_of_ours_is_not_the_models_mistake(table: str, ours_it_is: bool) -> None:
    error = ours(refused("notFound", f"Not found: Table {table} was not found in location EU", 404))
    assert error.code == "source_missing"
    assert ("tailrace reset" in error.hint) == ours_it_is
    assert ("spelling" in error.hint) != ours_it_is
