"""The stand-in's token endpoint: Google's own JWT grant, and tokens asked for on every call."""

from __future__ import annotations

import grpc
import pytest
from google.auth.transport.requests import Request
from tests.integration.servers.bigquery_clients import Client, Refused, TokenRefused, credentials, reason
from tests.integration.servers.conftest import NewClient
from tests.servers.bigquery import Dataset


def test_a_signed_assertion_gets_a_token_that_opens_the_api(bigquery_client: Client) -> None:
    assert bigquery_client.rows("SELECT 1 AS one") == [(1,)]
    assert bigquery_client.credentials.token.startswith("ya29.")


def test_a_key_that_is_not_the_accounts_is_refused(bigquery_dataset: Dataset) -> None:
    bigquery_dataset.account.number = 1
    with pytest.raises(TokenRefused, match=r"invalid_grant: Invalid JWT Signature\."):
        credentials(bigquery_dataset.account).refresh(Request())


def test_a_revoked_key_is_refused(bigquery_dataset: Dataset) -> None:
    bigquery_dataset.account.revoke_key()
    with pytest.raises(TokenRefused, match="invalid_grant"):
        credentials(bigquery_dataset.account).refresh(Request())


def test_an_account_that_does_not_exist_is_refused(bigquery_dataset: Dataset) -> None:
    bigquery_dataset.account.email = "nobody@example.com"
    with pytest.raises(TokenRefused, match="account not found"):
        credentials(bigquery_dataset.account).refresh(Request())


def test_other_scopes_are_refused(bigquery_dataset: Dataset) -> None:
    with pytest.raises(TokenRefused, match="invalid_scope"):
        credentials(bigquery_dataset.account, ["https://www.googleapis.com/auth/gmail"]).refresh(Request())


def test_an_expired_token_is_refused_once_and_then_renewed(bigquery_client: Client) -> None:
    bigquery_client.rows("SELECT 1 AS one")
    before = bigquery_client.credentials.token
    bigquery_client.dataset.server.expire_tokens()
    assert bigquery_client.rows("SELECT 2 AS two") == [(2,)]
    assert bigquery_client.credentials.token != before
    statuses = [
        call["status"] for call in bigquery_client.dataset.server.requests if call["call"] == "jobs.insert"
    ]
    assert statuses[-2:] == [401, 200]


def test_a_token_without_an_account_behind_it_is_refused(bigquery_client: Client) -> None:
    bigquery_client.rows("SELECT 1 AS one")
    bigquery_client.dataset.server.expire_tokens()
    bigquery_client.dataset.account.revoke_key()
    with pytest.raises(TokenRefused):
        bigquery_client.rows("SELECT 2 AS two")


def test_the_storage_api_asks_for_a_token_too(bigquery_client: Client) -> None:
    bigquery_client.dataset.sql("CREATE TABLE t (a INT64)", "INSERT INTO t VALUES (1)")
    with bigquery_client.storage() as read:
        assert read("t").to_pydict() == {"a": [1]}
    with bigquery_client.storage(token=False) as read, pytest.raises(Refused) as refused:
        read("t")
    assert refused.value.grpc_status_code is grpc.StatusCode.UNAUTHENTICATED


def test_one_accounts_jobs_are_not_anothers(bigquery_dataset: Dataset, bigquery_clients: NewClient) -> None:
    job = bigquery_clients().run("SELECT 1 AS one")
    other = bigquery_clients(bigquery_dataset.another_account().grant("jobs.create"))
    with pytest.raises(Refused) as refused:
        other.api.get_job(job.job_id, location="EU")
    assert reason(refused.value) == "accessDenied"
