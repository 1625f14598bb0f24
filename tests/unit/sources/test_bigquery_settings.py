"""Settings of `bigquery`: the key is checked and never followed, and only the operator may point it elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from tests.unit.sources.bigquery_keys import EMAIL, key, settings

from tailrace.errors import ConfigError, SourceError
from tailrace.sources.bigquery.settings import endpoints_of, is_allowed, size_in_bytes
from tailrace.sources.bigquery.source import BigQuerySource


def test_a_pasted_key_and_a_location_are_enough() -> None:
    source = BigQuerySource("w", settings(), environ={})
    assert (source.project, source.managed_schema, source.commit_interval) == (
        "shop-project",
        "__segment_reverse_etl",
        600.0,
    )
    assert source.key.email == EMAIL


def test_the_key_may_stand_in_the_files_as_an_object_and_the_project_be_another() -> None:
    source = BigQuerySource("w", settings(credentials=json.loads(key()), project="other-project"), environ={})
    assert source.project == "other-project"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"location": None}, "location"),
        ({"credentials": None}, "credentials"),
        ({"location": "europe west"}, "Data Location"),
        ({"project": "My Project"}, "project's id"),
        ({"read_api": "grpc"}, "read_api"),
        ({"max_bytes_billed": "1MB"}, "10MiB"),
        ({"max_bytes_billed": "lots"}, "size"),
        ({"api_endpoint": "http://evil.example"}, "api_endpoint"),
        ({"credentials": "not json"}, "no JSON"),
        ({"credentials": "[]"}, "no JSON object"),
        ({"credentials": key(type="authorized_user")}, "authorized_user"),
        ({"credentials": key(type="external_account", credential_source={"url": "http://evil"})}, "external"),
        ({"credentials": key(token_uri="https://evil.example/token")}, "token address"),
        ({"credentials": key(token_uri="http://oauth2.googleapis.com/token")}, "token address"),
        ({"credentials": key(universe_domain="evil.example")}, "universe"),
        ({"credentials": key(client_email=None)}, "client_email"),
        ({"credentials": key(private_key="secret stuff")}, "PEM"),
    ],
)
def test_wrong_settings_are_named_and_never_shown(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BigQuerySource("w", settings(**changes), environ={})
    assert says in caught.value.message
    for secret in ("PRIVATE KEY", "secret stuff", "evil.example/token"):
        assert secret not in caught.value.message + caught.value.hint


def test_a_damaged_private_key_is_an_error_of_ours() -> None:
    broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    source = BigQuerySource("w", settings(credentials=key(private_key=broken)), environ={})
    with pytest.raises(SourceError) as caught, source.connected() as client:
        client.dataset_location("x")
    assert caught.value.code == "source_unauthorized"
    assert "AAAA" not in caught.value.message


def test_no_repr_shows_the_key() -> None:
    source = BigQuerySource("w", settings(), environ={})
    shown = repr(source.settings) + repr(source.key) + repr(vars(source)) + str(source.settings.model_dump())
    assert "PRIVATE KEY" not in shown


@pytest.mark.parametrize(
    ("text", "size"),
    [("10GB", 10**10), ("10 GiB", 10 * 2**30), ("1.5TB", 1_500_000_000_000), ("20000000", 20_000_000)],
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert size_in_bytes(text) == size
    assert BigQuerySource("w", settings(max_bytes_billed=text), environ={}).settings.max_bytes_billed == size


def test_only_the_environment_points_elsewhere() -> None:
    google = endpoints_of({})
    assert (google.api, google.token_uri) == (
        "https://bigquery.googleapis.com",
        "https://oauth2.googleapis.com/token",
    )
    local = endpoints_of(
        {
            "TAILRACE_BIGQUERY_ENDPOINT": "http://127.0.0.1:9050",
            "TAILRACE_BIGQUERY_TOKEN_URI": "http://127.0.0.1:9070/token",
            "TAILRACE_BIGQUERY_STORAGE_ENDPOINT": "127.0.0.1:9060",
        }
    )
    assert local.storage == "127.0.0.1:9060"
    assert local.storage_plain
    assert is_allowed("http://127.0.0.1:9050/bigquery/v2/projects/p/jobs", local)
    assert not is_allowed("http://127.0.0.1:9051/bigquery/v2/projects/p/jobs", local)
    assert not is_allowed("https://bigquery.googleapis.com/bigquery/v2", local)
    assert not is_allowed("https://iamcredentials.googleapis.com/v1", google)


def test_whoever_points_the_api_elsewhere_has_pointed_the_storage_api_nowhere() -> None:
    assert endpoints_of({"TAILRACE_BIGQUERY_ENDPOINT": "http://127.0.0.1:9050"}).storage is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAILRACE_BIGQUERY_ENDPOINT", "127.0.0.1:9050"),
        ("TAILRACE_BIGQUERY_TOKEN_URI", "file:///etc/passwd"),
        ("TAILRACE_BIGQUERY_STORAGE_ENDPOINT", "http://127.0.0.1:9060"),
    ],
)
def test_a_wrong_address_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        endpoints_of({name: value})


def test_constructing_a_source_imports_no_driver() -> None:
    code = (
        "import sys; from tailrace.sources.bigquery.source import BigQuerySource\n"
        "BigQuerySource('w', {'credentials': sys.stdin.read(), 'location': 'EU'})\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('google', 'grpc', 'pyarrow', 'requests')])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], input=key(), capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"
