"""Whether a PostgreSQL server can be reached and its TLS trusted, tried before any login."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailrace.errors import SourceError, SourceUnavailable, TailraceError
from tailrace.sources.checking import Doubt
from tailrace.sources.postgres.tls import SSL_REQUEST, tls_context
from tailrace.sources.trust import untrusted

if TYPE_CHECKING:
    from tailrace.sources.postgres.settings import PostgresSettings
    from tailrace.sources.postgres.source import PostgresSource


def reach(settings: PostgresSettings) -> str:
    """Look the host up and open a TCP connection to it. Raises SourceUnavailable, which says why."""
    if settings.host.startswith("/"):
        path = Path(settings.host) / f".s.PGSQL.{settings.port}"
        if not path.exists():
            raise SourceUnavailable(
                f"there is no socket {path}", hint="Check the source's `host` and `port`, and that it runs."
            )
        return str(path)
    with _connected(settings) as opened:
        address = opened.getpeername()[0]
    shown = settings.host if address == settings.host else f"{settings.host} ({address})"
    return f"{shown}, port {settings.port} answers"


@contextlib.contextmanager
def _connected(settings: PostgresSettings) -> Iterator[socket.socket]:
    place = f"{settings.host}, port {settings.port}"
    try:
        with socket.create_connection((settings.host, settings.port), settings.connect_timeout) as opened:
            yield opened
    except socket.gaierror as error:
        raise SourceUnavailable(
            f"the host name {settings.host!r} cannot be resolved: {error.strerror}",
            hint="Check the spelling of the source's `host`, and this machine's DNS.",
        ) from error
    except TimeoutError as error:
        raise SourceUnavailable(
            f"{place} does not answer within {settings.connect_timeout} s",
            hint="A firewall or security group may drop the packets: let this machine in.",
        ) from error
    except ConnectionRefusedError as error:
        raise SourceUnavailable(
            f"{place} refuses the connection: nothing listens there",
            hint="Check `host` and `port`, that the server runs, and its listen_addresses.",
        ) from error
    except ssl.SSLError:
        raise
    except OSError as error:
        raise SourceUnavailable(
            f"{place} cannot be reached: {error.strerror or error}", hint="Check the network."
        ) from error


def try_tls(source: PostgresSource) -> str:
    """Make a TLS connection as the settings ask for it. Raises SourceError, or Doubt where it is off."""
    settings, mode = source.settings, str(source.connection.parameters["sslmode"])
    if mode == "allow":
        return "not needed: the server is on this machine"
    if mode == "disable":
        if settings.is_loopback:
            return "off: the server is on this machine"
        raise Doubt(
            "off: whoever can see the network can read the data and the password", "Set `tls` to verify-full."
        )
    try:
        return _handshake(settings, source.connection.parameters, mode)
    except SourceError as error:
        if error.code.startswith("source_tls") and _libpq_agrees(source):
            return "verified by libpq"
        raise


def _libpq_agrees(source: PostgresSource) -> bool:
    """libpq has the last word: it also takes certificates without alternative names, say."""
    try:
        source.connect().close()
    except TailraceError as error:
        return error.code in ("source_unauthorized", "source_missing", "source_permission")
    return True


def _handshake(settings: PostgresSettings, parameters: dict[str, Any], mode: str) -> str:
    with _connected(settings) as opened:
        opened.sendall(SSL_REQUEST)
        answer = opened.recv(1)
        if answer != b"S":
            raise SourceError(
                "the server does not offer TLS",
                hint="Turn `ssl` on in the server's configuration. Only in a network that you trust: "
                "`tls: {mode: disable}`.",
                code="source_tls_missing",
            )
        try:
            context = tls_context(parameters, mode)
        except OSError as error:
            raise SourceError(
                f"the certificate files of `tls` cannot be used: {error}",
                hint="They must be PEM files that this user may read, and `key` must belong to `cert`.",
                code="source_tls_files",
            ) from error
        try:
            with context.wrap_socket(opened, server_hostname=settings.host) as secured:
                version = secured.version()
        except ssl.SSLCertVerificationError as error:
            raise untrusted(error, settings.host, "`host`, or `tls: {mode: verify-ca}`") from error
        except ssl.SSLError as error:
            raise SourceError(
                f"the TLS handshake failed: {error.reason or error}",
                hint="Check the server's TLS versions and whether it asks for a client certificate.",
                code="source_tls_failed",
            ) from error
    verified = {"verify-full": "certificate and host name verified", "verify-ca": "certificate verified"}
    return f"{version}, {verified.get(mode, 'encrypted, but the server is not verified')}"
