"""Tokens of Microsoft Entra, asked of a token endpoint on loopback."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tailrace.clock import ManualClock
from tailrace.errors import ConfigError, SourceError, SourceUnavailable
from tailrace.sources.azure.entra import ACCESS_TOKEN, Tokens
from tailrace.sources.azure.settings import EntraSettings

PRINCIPAL = {"tenant_id": "shop.example", "client_id": "app", "client_secret": "hush & hush"}


class Endpoint(HTTPServer):
    """Answers with `status` and `body`; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.asked: list[tuple[str, str, dict[str, list[str]], dict[str, str]]] = []
        self.status, self.body = 200, {"access_token": "token 1", "expires_in": "3600"}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Asked(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, form: str) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append((self.command, path, parse_qs(form), dict(self.headers)))
        body = json.dumps(self.server.body).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        if self.server.status == 302:
            self.send_header("Location", f"{self.server.address}/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


def principal(endpoint: Endpoint, clock: ManualClock) -> Tokens:
    settings = EntraSettings.model_validate(PRINCIPAL)
    return Tokens(settings, clock, {"TAILRACE_ENTRA_AUTHORITY": endpoint.address})


def test_a_service_principal_asks_its_directory(endpoint: Endpoint, clock: ManualClock) -> None:
    assert principal(endpoint, clock).token() == "token 1"
    ((method, path, form, _),) = endpoint.asked
    assert (method, path) == ("POST", "/shop.example/oauth2/v2.0/token")
    assert form == {
        "grant_type": ["client_credentials"],
        "client_id": ["app"],
        "client_secret": ["hush & hush"],
        "scope": ["https://database.windows.net/.default"],
    }


def test_the_driver_gets_the_token_with_its_length(endpoint: Endpoint, clock: ManualClock) -> None:
    text = "token 1".encode("utf-16-le")
    assert principal(endpoint, clock).attributes() == {ACCESS_TOKEN: struct.pack("<i", len(text)) + text}


def test_a_token_is_kept_until_shortly_before_it_ends(endpoint: Endpoint, clock: ManualClock) -> None:
    tokens = principal(endpoint, clock)
    tokens.token()
    endpoint.body = {"access_token": "token 2", "expires_in": 3600}
    clock.advance(timedelta(minutes=54))
    assert tokens.token() == "token 1"
    clock.advance(timedelta(minutes=2))
    assert tokens.token() == "token 2"
    tokens.forget()
    tokens.token()
    assert len(endpoint.asked) == 3


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ({"expires_on": str(int(datetime(2026, 1, 1, 1, tzinfo=UTC).timestamp()))}, 1),
        ({}, 2),
        ({"expires_in": "soon"}, 2),
    ],
)
def test_a_token_of_which_only_the_end_is_said_is_kept_and_one_of_unknown_end_is_not(
    endpoint: Endpoint, clock: ManualClock, said: dict[str, str], asked: int
) -> None:
    endpoint.body = {"access_token": "token 1", **said}
    tokens = principal(endpoint, clock)
    assert (tokens.token(), tokens.token()) == ("token 1", "token 1")
    assert len(endpoint.asked) == asked


@pytest.mark.parametrize("client", [None, "identity 2"])
def test_a_managed_identity_asks_its_machine(
    endpoint: Endpoint, clock: ManualClock, client: str | None
) -> None:
    given = {"managed_identity": True} | ({"client_id": "identity-2"} if client else {})
    environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": endpoint.address}
    Tokens(EntraSettings.model_validate(given), clock, environ).token()
    ((method, path, form, headers),) = endpoint.asked
    assert (method, path, headers["Metadata"]) == ("GET", "/metadata/identity/oauth2/token", "true")
    assert form["resource"] == ["https://database.windows.net/"]
    assert form.get("client_id") == (["identity-2"] if client else None)


def test_an_app_service_has_an_endpoint_of_its_own(endpoint: Endpoint, clock: ManualClock) -> None:
    environ = {"IDENTITY_ENDPOINT": f"{endpoint.address}/msi/token", "IDENTITY_HEADER": "secret header"}
    Tokens(EntraSettings(managed_identity=True), clock, environ).token()
    ((_, path, form, headers),) = endpoint.asked
    assert (path, form["api-version"]) == ("/msi/token", ["2019-08-01"])
    assert {name.lower(): value for name, value in headers.items()}["x-identity-header"] == "secret header"


def test_a_refusal_says_why_and_hides_the_secret(endpoint: Endpoint, clock: ManualClock) -> None:
    endpoint.status = 401
    endpoint.body = {"error": "invalid_client", "error_description": "AADSTS7000222: expired.\r\nTrace ID: x"}
    with pytest.raises(SourceError, match="AADSTS7000222") as caught:
        principal(endpoint, clock).token()
    assert caught.value.code == "source_unauthorized"
    assert "hush" not in caught.value.message + repr(caught.value.__cause__)
    assert "Trace" not in caught.value.message


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_authority_is_only_away(endpoint: Endpoint, clock: ManualClock, status: int) -> None:
    endpoint.status = status
    with pytest.raises(SourceUnavailable):
        principal(endpoint, clock).token()


def test_no_redirect_gets_the_secret(endpoint: Endpoint, clock: ManualClock) -> None:
    endpoint.status = 302
    with pytest.raises(SourceError):
        principal(endpoint, clock).token()
    assert len(endpoint.asked) == 1


def test_an_authority_that_does_not_answer_is_said(clock: ManualClock) -> None:
    tokens = Tokens(
        EntraSettings.model_validate(PRINCIPAL), clock, {"TAILRACE_ENTRA_AUTHORITY": "http://127.0.0.1:9"}
    )
    with pytest.raises(SourceUnavailable, match="127"):
        tokens.token()


@pytest.mark.parametrize("address", ["http://login.example.com", "login.example.com", "ftp://127.0.0.1"])
def test_a_secret_goes_only_over_tls(clock: ManualClock, address: str) -> None:
    tokens = Tokens(EntraSettings.model_validate(PRINCIPAL), clock, {"TAILRACE_ENTRA_AUTHORITY": address})
    with pytest.raises(ConfigError):
        tokens.token()
