"""What users write for a source of type `postgres`, and how to connect with it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from tailrace.sources.settings import SourceSettings
from tailrace.sources.trust import named_file, system_authorities

TlsMode = Literal["disable", "require", "verify-ca", "verify-full"]


class TlsSettings(SourceSettings):
    """How far the connection is protected, and by which certificates."""

    mode: TlsMode = "verify-full"
    ca: str | None = Field(default=None, description="Authorities to trust (PEM); the system's by default.")
    cert: str | None = Field(
        default=None, description="Our own certificate (PEM), if the server asks for one."
    )
    key: str | None = Field(default=None, description="The key of our certificate (PEM).")

    @model_validator(mode="after")
    def _goes_together(self) -> TlsSettings:
        if (self.cert is None) != (self.key is None):
            raise ValueError("give both `cert` and `key`, or neither")
        if self.mode in ("disable", "require") and self.ca:
            raise ValueError(
                f"`ca` has no meaning with mode {self.mode}: nothing would be verified against it"
            )
        return self


class PostgresSettings(SourceSettings):
    """A PostgreSQL database."""

    host: str = Field(min_length=1, description="The server's name or address, or the folder of its socket.")
    port: int = Field(default=5432, ge=1, le=65_535)
    database: str = Field(min_length=1)
    username: str = Field(min_length=1)
    password: SecretStr | None = Field(
        default=None, description="The password; PGPASSWORD or .pgpass if left out."
    )
    tls: TlsSettings | None = Field(default=None, description="verify-full by default, except on loopback.")
    connect_timeout: int = Field(default=10, ge=2, le=300, description="Seconds to wait for a connection.")
    application_name: str = Field(default="tailrace", max_length=63)

    @field_validator("tls", mode="before")
    @classmethod
    def _mode_alone(cls, value: object) -> object:
        return {"mode": value} if isinstance(value, str) else value

    @field_validator("host", "database", "username", "application_name")
    @classmethod
    def _no_nul(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("must not contain a NUL character")
        return value

    @property
    def is_loopback(self) -> bool:
        """Whether the connection never leaves this machine."""
        if self.host.startswith("/") or self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Connection:
    """libpq's parameters of one source; the password stays out of the repr."""

    parameters: dict[str, str | int]

    def __repr__(self) -> str:
        shown = {name: value for name, value in self.parameters.items() if name != "password"}
        return f"Connection({shown})"

    def uri(self) -> str:
        """The same parameters as a connection URI, for drivers that take nothing else."""
        from urllib.parse import quote

        return "postgresql:///?" + "&".join(
            f"{name}={quote(str(value), safe='')}" for name, value in self.parameters.items()
        )


def connection_of(settings: PostgresSettings, folder: Path) -> Connection:
    """How libpq connects with these settings. Raises ConfigError where a certificate file is missing."""
    parameters: dict[str, str | int] = {
        "host": settings.host,
        "port": settings.port,
        "dbname": settings.database,
        "user": settings.username,
        "connect_timeout": settings.connect_timeout,
        "application_name": settings.application_name,
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        "keepalives": 1,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    if settings.password is not None:
        parameters["password"] = settings.password.get_secret_value()
    tls = settings.tls
    if tls is None and settings.is_loopback:
        parameters["sslmode"] = "allow"
        return Connection(parameters)
    tls = tls or TlsSettings()
    parameters["sslmode"] = tls.mode
    if tls.mode in ("verify-ca", "verify-full"):
        parameters["sslrootcert"] = str(named_file(tls.ca, folder)) if tls.ca else system_authorities()
    if tls.cert and tls.key:
        parameters["sslcert"] = str(named_file(tls.cert, folder, "cert"))
        parameters["sslkey"] = str(named_file(tls.key, folder, "key"))
    return Connection(parameters)
