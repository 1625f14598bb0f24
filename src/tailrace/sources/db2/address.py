"""Whether a Db2 server can be reached and its TLS trusted, tried before any login."""

from __future__ import annotations

import ssl

from tailrace.errors import SourceError, SourceUnavailable
from tailrace.sources.checking import Doubt
from tailrace.sources.db2.process import reached
from tailrace.sources.db2.settings import Db2Connection
from tailrace.sources.trust import untrusted


def reach(connection: Db2Connection) -> str:
    """Look the host up and open a TCP connection to it. Raises SourceUnavailable, which says why not."""
    with reached(connection, connection.connect_timeout) as opened:
        address = opened.getpeername()[0]
    host = connection.hostname
    return f"{host if address == host else f'{host} ({address})'}, port {connection.port} answers"


def try_tls(connection: Db2Connection) -> str:
    """Make a TLS connection as the settings ask for it. Raises SourceError, or Doubt where it is off."""
    if connection.tls_mode == "disable":
        if connection.is_loopback:
            return "not needed: the server is on this machine"
        raise Doubt(
            "off: whoever can see the network can read the data",
            "Set `tls` to verify-full, and the port for TLS.",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = connection.tls_mode == "verify-full"
    try:
        context.load_verify_locations(connection.ca)
    except (ssl.SSLError, OSError) as error:
        raise SourceError(
            f"the file {connection.ca} of `tls.ca` cannot be used: {error}",
            hint="It must be a PEM file that this user may read, with the certificate of the authority.",
            code="source_tls_files",
        ) from error
    with reached(connection, connection.connect_timeout) as opened:
        try:
            with context.wrap_socket(opened, server_hostname=connection.hostname) as secured:
                version = secured.version()
        except ssl.SSLCertVerificationError as error:
            raise untrusted(error, connection.hostname, "`hostname`, or `tls: {mode: verify-ca}`") from error
        except TimeoutError as error:
            raise SourceUnavailable(
                f"{connection.hostname}, port {connection.port} takes the connection but does not answer to TLS",
                hint="Check that this port is the server's port for TLS: Db2 has another one for plain connections.",
            ) from error
        except (ssl.SSLError, OSError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise SourceError(
                f"there is no TLS at {connection.hostname}, port {connection.port}: {reason}",
                hint="Check that this port is the server's port for TLS (SSL_SVCENAME). Only in a network that you "
                "trust: `tls: disable`.",
                code="source_tls_missing",
            ) from error
    verified = "certificate and host name verified" if context.check_hostname else "certificate verified"
    return f"{version}, {verified}"
