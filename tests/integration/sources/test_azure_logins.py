"""Logins by Microsoft Entra on the wire: a service principal, a managed identity, and tokens that end."""

from __future__ import annotations

import pytest
from tests.servers.azure import Pool
from tests.servers.azure.entra import APPLICATION, IDENTITY

from tailrace.errors import SourceError
from tailrace.sources.azure.source import AzureSource


@pytest.fixture
def pool(azure_pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A pool whose Entra ID is the stand-in's own."""
    for name, value in azure_pool.environment().items():
        monkeypatch.setenv(name, value)
    return azure_pool


def user(source: AzureSource) -> str:
    with source.session() as session:
        return str(session.rows("SELECT USER_NAME() AS u")[0][0])


def granted(pool: Pool, name: str) -> None:
    pool.sql(f"CREATE USER [{name}] FROM EXTERNAL PROVIDER")


def test_a_service_principal_logs_in(pool: Pool) -> None:
    settings = pool.entra_settings()
    granted(pool, APPLICATION)
    assert user(AzureSource("w", settings)) == APPLICATION


def test_a_managed_identity_logs_in(pool: Pool) -> None:
    granted(pool, IDENTITY)
    assert user(AzureSource("w", pool.identity_settings())) == IDENTITY


def test_a_token_that_ended_is_asked_for_anew_once(pool: Pool) -> None:
    granted(pool, APPLICATION)
    source = AzureSource("w", pool.entra_settings())
    assert user(source) == APPLICATION
    pool.server.faults.expire_tokens()
    assert user(source) == APPLICATION


def test_an_open_connection_outlives_its_token(pool: Pool) -> None:
    granted(pool, APPLICATION)
    with AzureSource("w", pool.entra_settings()).session() as session:
        session.rows("SELECT 1 AS one")
        pool.server.faults.expire_tokens()
        assert session.rows("SELECT 1 AS one") == [(1,)]


def test_a_wrong_secret_is_said_and_hidden(pool: Pool) -> None:
    source = AzureSource("w", pool.entra_settings(client_secret="hush"))
    with pytest.raises(SourceError) as caught:
        user(source)
    assert caught.value.code == "source_unauthorized"
    assert "hush" not in caught.value.message


def test_a_principal_without_a_user_in_the_pool_is_refused(pool: Pool) -> None:
    with pytest.raises(SourceError) as caught:
        user(AzureSource("w", pool.entra_settings()))
    assert caught.value.code in ("source_unauthorized", "source_permission")
