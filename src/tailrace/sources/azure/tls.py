"""TLS with a pool, before any login: TDS carries the handshake in packets of its own (MS-TDS 2.2.6.5, PRELOGIN)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tailrace.errors import SourceError, SourceUnavailable
from tailrace.sources.azure.settings import AzureSettings
from tailrace.sources.trust import untrusted

_PRELOGIN = 0x12
_LAST = 1
_HEADER = struct.Struct(">BBHHBB")
_NO_ENCRYPTION = 2


@dataclass(frozen=True, slots=True)
class Handshake:
    """A connection that was secured."""

    version: str
    certificate: bytes
    """The server's own certificate (DER)."""


def handshake(settings: AzureSettings, ca: Path | None, *, verify: bool) -> Handshake:
    """Make a TLS connection as a login would, and end it. Raises SourceError, which says why not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = verify
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if verify:
        _trust(context, ca)
    with connected(settings) as opened:
        opened.settimeout(settings.connect_timeout)
        _ask_for_encryption(opened, settings)
        try:
            return _secured(opened, context, settings.hostname)
        except ssl.SSLCertVerificationError as error:
            raise untrusted(error, settings.hostname, "`hostname`") from error
        except (ssl.SSLError, EOFError) as error:
            raise SourceError(
                f"the TLS handshake failed: {getattr(error, 'reason', None) or error}",
                hint="Check what stands between this machine and the pool: a proxy may break connections up.",
                code="source_tls_failed",
            ) from error


@contextlib.contextmanager
def connected(settings: AzureSettings) -> Iterator[socket.socket]:
    """A TCP connection to the server. Raises SourceUnavailable, which says why there is none."""
    place = f"{settings.hostname}, port {settings.port}"
    try:
        opened = socket.create_connection((settings.hostname, settings.port), settings.connect_timeout)
    except socket.gaierror as error:
        raise SourceUnavailable(
            f"the host name {settings.hostname!r} cannot be resolved: {error.strerror}",
            hint="Check the spelling of the source's `hostname`, and this machine's DNS.",
        ) from error
    except TimeoutError as error:
        raise SourceUnavailable(
            f"{place} does not answer within {settings.connect_timeout} s",
            hint="A firewall may drop the packets: outgoing port 1433 must be open, and 11000 to 11999 inside Azure.",
        ) from error
    except ConnectionRefusedError as error:
        raise SourceUnavailable(
            f"{place} refuses the connection: nothing listens there",
            hint="Check `hostname` and `port`; a pool listens on 1433.",
        ) from error
    except OSError as error:
        raise SourceUnavailable(
            f"{place} cannot be reached: {error.strerror or error}", hint="Check the network."
        ) from error
    with opened:
        yield opened


def _trust(context: ssl.SSLContext, ca: Path | None) -> None:
    try:
        if ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(ca)
    except (ssl.SSLError, OSError) as error:
        raise SourceError(
            f"the file of `tls.ca` cannot be used: {error}",
            hint="It must be a PEM file that this user may read.",
            code="source_tls_files",
        ) from error


def _ask_for_encryption(opened: socket.socket, settings: AzureSettings) -> None:
    version, encryption = bytes(6), b"\x01"
    options = struct.pack(">BHHBHHB", 0, 11, len(version), 1, 11 + len(version), len(encryption), 0xFF)
    _send(opened, options + version + encryption)
    try:
        answer = _receive(opened)
        wanted = _option(answer, 1)
    except (EOFError, struct.error, OSError) as error:
        raise SourceError(
            f"{settings.hostname}, port {settings.port} does not answer as a SQL pool does",
            hint="Check `hostname` and `port`: something else may listen there.",
            code="source_tls_failed",
        ) from error
    if wanted == _NO_ENCRYPTION:
        raise SourceError(
            "the server does not offer TLS", hint="A SQL pool always does.", code="source_tls_missing"
        )


def _option(answer: bytes, wanted: int) -> int:
    at = 0
    while answer[at : at + 1] not in (b"", b"\xff"):
        token, offset, _ = struct.unpack_from(">BHH", answer, at)
        if token == wanted:
            return answer[offset]
        at += 5
    raise EOFError("no answer about encryption")


def _secured(opened: socket.socket, context: ssl.SSLContext, host: str) -> Handshake:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            if outgoing.pending:
                _send(opened, outgoing.read())
            incoming.write(_receive(opened))
    return Handshake(tls.version() or "TLS", tls.getpeercert(binary_form=True) or b"")


def _send(opened: socket.socket, payload: bytes) -> None:
    opened.sendall(_HEADER.pack(_PRELOGIN, _LAST, len(payload) + _HEADER.size, 0, 1, 0) + payload)


def _receive(opened: socket.socket) -> bytes:
    _, _, length, _, _, _ = _HEADER.unpack(_exactly(opened, _HEADER.size))
    return _exactly(opened, length - _HEADER.size)


def _exactly(opened: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = opened.recv(size - len(data))
        if not piece:
            raise EOFError("the server ended the connection")
        data += piece
    return data
