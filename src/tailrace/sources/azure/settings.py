"""What users write for a source of type `azure`, and the connection string made of it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator, model_validator

from tailrace.errors import ConfigError
from tailrace.sources.azure.jdbc import read_jdbc
from tailrace.sources.settings import SourceSettings
from tailrace.sources.trust import named_file

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]+")
_OTHERS = {
    r".*-ondemand\.sql\.azuresynapse\..*": "the serverless SQL pool of a workspace, which cannot keep tables: use "
    "the host of a dedicated SQL pool, without '-ondemand'",
    r".*\.datawarehouse\.(pbidedicated\.windows\.net|fabric\.microsoft\.com)": "a warehouse of Microsoft Fabric: use "
    "the host of a dedicated SQL pool",
}


class TlsSettings(SourceSettings):
    """The connection is always encrypted; this says whom to trust."""

    ca: str | None = Field(
        default=None, description="Authorities to trust (PEM) instead of the system's, for a private one."
    )


class EntraSettings(SourceSettings):
    """A login by Microsoft Entra: a service principal, or the managed identity of the machine."""

    tenant_id: str | None = Field(default=None, description="The directory of the service principal.")
    client_id: str | None = Field(
        default=None, description="The service principal, or the managed identity if there are several."
    )
    client_secret: SecretStr | None = Field(default=None, description="The service principal's secret.")
    managed_identity: bool = Field(default=False, description="Use the managed identity of this machine.")

    @model_validator(mode="after")
    def _goes_together(self) -> EntraSettings:
        if self.managed_identity:
            if self.tenant_id or self.client_secret:
                raise ValueError("`managed_identity` needs neither `tenant_id` nor `client_secret`")
        elif not (self.tenant_id and self.client_id and self.client_secret):
            raise ValueError("give `tenant_id`, `client_id` and `client_secret`, or `managed_identity: true`")
        return self

    @field_validator("tenant_id", "client_id")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9.-]+", value):
            raise ValueError("must be an id or a domain")
        return value


class AzureSettings(SourceSettings):
    """A dedicated SQL pool of Azure Synapse Analytics (or one that was SQL DW)."""

    hostname: str = Field(min_length=1, description="The server, such as workspace.sql.azuresynapse.net.")
    port: int = Field(default=1433, ge=1, le=65_535)
    database: str = Field(min_length=1, description="The pool's name.")
    username: str | None = Field(default=None, min_length=1, description="The login.")
    password: SecretStr | None = Field(default=None, description="The login's password.")
    entra: EntraSettings | None = Field(
        default=None, description="Microsoft Entra instead of username and password."
    )
    tls: TlsSettings | None = Field(default=None, description="Always on; verified, except on loopback.")
    jdbc: SecretStr | None = Field(
        default=None, description="A JDBC connection string, which fills what is not set beside it."
    )
    connect_timeout: int = Field(default=30, ge=2, le=600, description="Seconds to wait for one login.")
    retry_for: int = Field(
        default=300, ge=0, le=3600, description="Seconds to try again while the pool is not available."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("jdbc") is None:
            return values
        text = values["jdbc"]
        try:
            found = read_jdbc(text.get_secret_value() if isinstance(text, SecretStr) else str(text))
        except ValueError as error:
            raise ValueError(f"the JDBC string {error}") from None
        if "entra" not in values and "password" not in {**found, **values}:
            raise ValueError("the JDBC string has no password: set `password` beside it")
        if "entra" in values:
            found = {name: value for name, value in found.items() if name not in ("username", "password")}
        return {**found, **values}

    @field_validator("hostname")
    @classmethod
    def _known_host(cls, value: str) -> str:
        if not _HOST.fullmatch(value):
            raise ValueError("must be a host name or address; the port is a setting of its own")
        for pattern, what in _OTHERS.items():
            if re.fullmatch(pattern, value, re.IGNORECASE):
                raise ValueError(f"this is {what}")
        return value

    @field_validator("database", "username")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and re.search(r"[\0\r\n]", value):
            raise ValueError("must be one line")
        return value

    @field_validator("database")
    @classmethod
    def _pool(cls, value: str) -> str:
        if value.lower() == "master":
            raise ValueError("`master` is the server's own database: name the pool")
        return value

    @model_validator(mode="after")
    def _one_login(self) -> AzureSettings:
        if self.entra is not None and (self.username or self.password):
            raise ValueError("give `username` and `password`, or `entra`, not both")
        if self.entra is None and not (self.username and self.password):
            raise ValueError("give `username` and `password`, or `entra`")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether the connection never leaves this machine."""
        if self.hostname.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.hostname).is_loopback
        except ValueError:
            return False

    @property
    def verified(self) -> bool:
        """Whether the server has to prove who it is."""
        return self.tls is not None or not self.is_loopback

    @property
    def user(self) -> str:
        """Who logs in, as far as it is known before; strings of the portal name the server behind a login's `@`."""
        if self.entra is not None:
            return self.entra.client_id or "the managed identity"
        username = self.username or ""
        login, _, server = username.rpartition("@")
        return login if login and server.lower() == self.hostname.split(".")[0].lower() else username


def authorities(settings: AzureSettings, folder: Path) -> Path | None:
    """The file of a private authority; None for the system's. Raises ConfigError where it is missing."""
    if settings.tls is None or settings.tls.ca is None:
        return None
    return named_file(settings.tls.ca, folder)


def connection_string(settings: AzureSettings) -> str:
    """The driver's connection string; every value stands in braces, so that none can end it."""
    parameters = {
        "Server": f"tcp:{settings.hostname},{settings.port}",
        "Database": settings.database,
        "Encrypt": "yes",
        "TrustServerCertificate": "no" if settings.verified else "yes",
        "ConnectRetryCount": "0",
        "KeepAlive": "30",
        "KeepAliveInterval": "10",
    }
    if settings.entra is None:
        assert settings.username is not None
        assert settings.password is not None
        parameters |= {"UID": settings.username, "PWD": settings.password.get_secret_value()}
    return "".join(f"{name}={braced(value)};" for name, value in parameters.items())


def braced(value: str) -> str:
    """A value of a connection string, which may hold anything but NUL."""
    if "\0" in value:
        raise ConfigError(
            "a setting of the source contains a NUL character", hint="Remove it.", code="source_settings"
        )
    return "{" + value.replace("}", "}}") + "}"
