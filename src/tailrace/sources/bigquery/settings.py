"""What users write for a source of type `bigquery`, and where the operator of the process sends its requests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from tailrace.errors import ConfigError
from tailrace.sources.settings import SourceSettings

ENDPOINT = "TAILRACE_BIGQUERY_ENDPOINT"
STORAGE_ENDPOINT = "TAILRACE_BIGQUERY_STORAGE_ENDPOINT"
STORAGE_CA = "TAILRACE_BIGQUERY_STORAGE_CA"
TOKEN_URI = "TAILRACE_BIGQUERY_TOKEN_URI"

GOOGLE_API = "https://bigquery.googleapis.com"
GOOGLE_STORAGE = "bigquerystorage.googleapis.com:443"
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"

MEGABYTE = 1024 * 1024
LEAST_BILLED = 10 * MEGABYTE
"""BigQuery bills whole megabytes, at least 10 a query and a table (https://cloud.google.com/bigquery/pricing)."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)(I?)B?", re.IGNORECASE)
_LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,61}[a-z0-9]")


def size_in_bytes(text: str) -> int:
    """The number of bytes in a size such as 10GB or 1.5 TiB. Raises ValueError."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("write a number of bytes, or a size such as 500MB, 10GB, 1TiB")
    base = 1024 if match[3] else 1000
    return round(float(match[1]) * base ** " KMGTP".index(match[2].upper() or " "))


class BigQuerySettings(SourceSettings):
    """Datasets of one location of BigQuery, as one service account sees them."""

    credentials: SecretStr = Field(description="The service account's key: the whole JSON text.")
    location: str = Field(description="Where the data is: EU, US, or a region such as europe-west1.")
    project: str | None = Field(
        default=None, description="Where jobs run and state is kept; the key's own project by default."
    )
    read_api: Literal["storage", "rest"] = Field(
        default="storage", description="How records are read: fast and billed by bytes, or slow and free."
    )
    max_bytes_billed: int | None = Field(
        default=None, description="A statement that would bill more than this is refused before it runs."
    )

    @field_validator("credentials", mode="before")
    @classmethod
    def _pasted(cls, value: object) -> object:
        return json.dumps(value) if isinstance(value, Mapping) else value

    @field_validator("location")
    @classmethod
    def _is_location(cls, value: str) -> str:
        if not _LOCATION.fullmatch(value):
            raise ValueError("write the Data Location as BigQuery shows it: EU, US, europe-west1")
        return value

    @field_validator("project")
    @classmethod
    def _is_project(cls, value: str | None) -> str | None:
        if value is not None and not _PROJECT.fullmatch(value):
            raise ValueError("write the project's id (not its name or number): my-project-123")
        return value

    @field_validator("max_bytes_billed", mode="before")
    @classmethod
    def _in_bytes(cls, value: object) -> object:
        return size_in_bytes(value) if isinstance(value, str) else value

    @field_validator("max_bytes_billed")
    @classmethod
    def _above_least(cls, value: int | None) -> int | None:
        if value is not None and value < LEAST_BILLED:
            raise ValueError("must be at least 10MiB: BigQuery bills no less for any query")
        return value


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where requests go. Nothing else is ever asked, whatever a key or an answer says."""

    api: str = GOOGLE_API
    storage: str | None = GOOGLE_STORAGE
    """host:port; None where only the API was pointed elsewhere: then Google is not asked either."""
    storage_ca: str | None = None
    storage_plain: bool = False
    token_uri: str = GOOGLE_TOKENS

    @property
    def hosts(self) -> frozenset[str]:
        """host:port of everything that is asked over HTTP."""
        return frozenset(map(_place, (self.api, self.token_uri)))


def _place(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def is_allowed(uri: str, endpoints: Endpoints) -> bool:
    """Whether a request may go to this address."""
    return _place(uri) in endpoints.hosts


def endpoints_of(environ: Mapping[str, str]) -> Endpoints:
    """Google's, unless the operator of this process says otherwise. Raises ConfigError."""
    found: dict[str, Any] = {}
    for name, key in ((ENDPOINT, "api"), (TOKEN_URI, "token_uri")):
        if value := environ.get(name):
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise _wrong(name, "an address such as http://127.0.0.1:9050")
            found[key] = value.rstrip("/")
    if "api" in found:
        found["storage"] = None
    if value := environ.get(STORAGE_ENDPOINT):
        if not re.fullmatch(r"[^\s/]+:\d+", value):
            raise _wrong(STORAGE_ENDPOINT, "host:port, such as 127.0.0.1:9060")
        ca = environ.get(STORAGE_CA)
        found |= {"storage": value, "storage_ca": ca, "storage_plain": not ca}
    return Endpoints(**found)


def _wrong(name: str, shape: str) -> ConfigError:
    return ConfigError(
        f"the environment variable {name} is not {shape}",
        hint="Correct it, or unset it to use Google's.",
        code="source_settings",
    )
