"""What users write for a source of type `db2`, and the connection string that IBM's driver gets of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from tailrace.errors import ConfigError
from tailrace.sources.db2.options import checked_options, unsafe
from tailrace.sources.settings import SourceSettings
from tailrace.sources.trust import named_file, system_authorities

Db2TlsMode = Literal["disable", "verify-ca", "verify-full"]


class Db2TlsSettings(SourceSettings):
    """How far the connection is protected. IBM's driver always verifies the certificate."""

    mode: Db2TlsMode = "verify-full"
    ca: str | None = Field(
        default=None,
        description="Authorities to trust (PEM); those of IBM's driver and this machine by default.",
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Db2TlsSettings:
        if self.mode == "disable" and self.ca:
            raise ValueError("`ca` has no meaning with mode disable: nothing would be verified against it")
        return self


class Db2Settings(SourceSettings):
    """A Db2 database for Linux, UNIX and Windows (11.1 or later), or one on IBM Cloud."""

    hostname: str = Field(min_length=1, max_length=255, description="The server's name or address.")
    port: int = Field(default=50001, ge=1, le=65_535, description="The port for TLS, where TLS is on.")
    database: str = Field(min_length=1, max_length=128)
    username: str = Field(min_length=1, max_length=128)
    password: SecretStr
    tls: Db2TlsSettings | None = Field(
        default=None, description="verify-full by default, except on loopback."
    )
    connect_timeout: int = Field(default=15, ge=2, le=300, description="Seconds to wait for a connection.")
    options: dict[str, str] = Field(
        default_factory=dict, description="Keywords of IBM's driver, allow-listed."
    )

    @field_validator("tls", mode="before")
    @classmethod
    def _mode_alone(cls, value: object) -> object:
        return {"mode": value} if isinstance(value, str) else value

    @field_validator("options", mode="before")
    @classmethod
    def _allowed(cls, value: object) -> object:
        return checked_options(value) if isinstance(value, dict) else value

    @field_validator("hostname", "database", "username")
    @classmethod
    def _safe(cls, value: str) -> str:
        if problem := unsafe(value):
            raise ValueError(problem)
        return value

    @field_validator("password")
    @classmethod
    def _safe_password(cls, value: SecretStr) -> SecretStr:
        if problem := unsafe(value.get_secret_value()):
            raise ValueError(problem)
        if not value.get_secret_value():
            raise ValueError("must not be empty")
        return value

    @model_validator(mode="after")
    def _no_open_password(self) -> Db2Settings:
        open_text = self.options.get("AUTHENTICATION", "").upper() == "SERVER"
        if open_text and not self.is_loopback and self.tls is not None and self.tls.mode == "disable":
            raise ValueError(
                "AUTHENTICATION=SERVER without TLS would send the password readable for anybody on the way"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether the connection never leaves this machine."""
        return _is_loopback(self.hostname)

    @property
    def tls_mode(self) -> Db2TlsMode:
        """How far the connection is protected, whether said or not."""
        if self.tls is not None:
            return self.tls.mode
        return "disable" if self.is_loopback else "verify-full"


def _is_loopback(hostname: str) -> bool:
    if hostname.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Db2Connection:
    """What the driver is given; the password stays out of the repr."""

    hostname: str
    port: int
    tls_mode: Db2TlsMode
    ca: str | None
    connect_timeout: int
    keywords: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        shown = {name: value for name, value in self.keywords if name != "PWD"}
        return f"Db2Connection({shown})"

    @property
    def is_loopback(self) -> bool:
        """Whether it never leaves this machine."""
        return _is_loopback(self.hostname)

    def text(self) -> str:
        """The driver's connection string, password included: for the child process alone, over its pipe."""
        return "".join(f"{name}={value};" for name, value in self.keywords)


def connection_of(settings: Db2Settings, folder: Path) -> Db2Connection:
    """How the driver connects with these settings. Raises ConfigError where a certificate file is missing."""
    keywords = {
        "DATABASE": settings.database,
        "HOSTNAME": settings.hostname,
        "PORT": str(settings.port),
        "PROTOCOL": "TCPIP",
        "UID": settings.username,
        "PWD": settings.password.get_secret_value(),
        "CONNECTTIMEOUT": str(settings.connect_timeout),
        "KEEPALIVETIMEOUT": "60",
        "TXNISOLATION": "2",
    }
    mode, ca = settings.tls_mode, None
    if mode != "disable":
        ca = _authorities(settings.tls.ca if settings.tls else None, folder)
        keywords |= {
            "SECURITY": "SSL",
            "SSLCLIENTHOSTNAMEVALIDATION": "BASIC" if mode == "verify-full" else "OFF",
            "SSLSERVERCERTIFICATE": ca,
        }
    keywords |= settings.options
    return Db2Connection(
        settings.hostname, settings.port, mode, ca, settings.connect_timeout, tuple(keywords.items())
    )


def _authorities(path: str | None, folder: Path) -> str:
    if path is None:
        return system_authorities()
    found = named_file(path, folder)
    if problem := unsafe(str(found)):
        raise ConfigError(
            f"the path {found} of `tls.ca` {problem}",
            hint="Move the file to a folder with a plain name.",
            code="source_settings",
        )
    return str(found)
