"""Reads a JDBC connection string as the Azure portal shows it (Settings, Connection strings, JDBC)."""

from __future__ import annotations

import re
from typing import Any

_PREFIX = re.compile(r"jdbc:sqlserver://", re.IGNORECASE)
_SERVER = re.compile(r"(?P<host>\[[^\]]+\]|[^;:\\]*)(?P<instance>\\[^;:]*)?(?::(?P<port>\d+))?(?=;|$)")
_PROPERTY = re.compile(
    r"\s*(?P<name>[^=;{}]+?)\s*=\s*(?:\{(?P<braced>(?:[^}]|\}\})*)\}|(?P<plain>[^;]*))\s*(?:;|$)"
)
_PLACEHOLDER = re.compile(r"\{?your_password(_here)?\}?", re.IGNORECASE)
_FIELDS = {
    "database": "database",
    "databasename": "database",
    "user": "username",
    "username": "username",
    "password": "password",
    "servername": "hostname",
    "server": "hostname",
    "port": "port",
    "portnumber": "port",
    "logintimeout": "connect_timeout",
}
_LOGINS = {"", "notspecified", "sqlpassword"}


def read_jdbc(text: str) -> dict[str, Any]:
    """The settings in a JDBC string. Raises ValueError, which never shows the string."""
    prefix = _PREFIX.match(text.strip())
    if prefix is None:
        raise ValueError("must begin with jdbc:sqlserver://")
    rest = text.strip()[prefix.end() :]
    server = _SERVER.match(rest)
    if server is None or server["instance"]:
        raise ValueError("must name a server as host or host:port")
    found: dict[str, Any] = {}
    if server["host"]:
        found["hostname"] = server["host"].strip("[]")
    if server["port"]:
        found["port"] = int(server["port"])
    properties = _properties(rest[server.end() :].lstrip(";"))
    _check(properties)
    for name, value in properties.items():
        if field := _FIELDS.get(name):
            found[field] = value
    if _PLACEHOLDER.fullmatch(str(found.get("password", ""))):
        del found["password"]
    return found


def _properties(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PROPERTY.match(text, at)
        if match is None:
            if text[at:].strip(" ;"):
                raise ValueError("must be properties name=value, separated by semicolons")
            break
        value = match["plain"] if match["braced"] is None else match["braced"].replace("}}", "}")
        found[match["name"].replace(" ", "").lower()] = value.strip()
        at = match.end()
    return found


def _check(properties: dict[str, str]) -> None:
    if properties.get("authentication", "").lower() not in _LOGINS:
        raise ValueError(
            "asks for a login by Microsoft Entra: set `entra` instead, to a service principal or managed identity"
        )
    if properties.get("integratedsecurity", "").lower() in ("true", "yes"):
        raise ValueError("asks for integrated security, which a dedicated SQL pool does not have")
    if properties.get("encrypt", "true").lower() in ("false", "no", "optional"):
        raise ValueError("turns encryption off, which a dedicated SQL pool does not permit")
    if properties.get("trustservercertificate", "false").lower() in ("true", "yes"):
        raise ValueError("trusts any certificate; name the authority of a private one in `tls.ca` instead")
