"""Why a server lets nobody in, as its SQLSTATE: libpq tells of a failed login in the server's own language only.

The beginning of a session is spoken here as the protocol has it
(https://www.postgresql.org/docs/current/protocol-flow.html and protocol-message-formats.html), as far as a password
leads, and ends with the first error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import struct
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tailrace.sources.postgres.tls import SSL_REQUEST, tls_context

_PROTOCOL = 196_608
_OK, _CLEAR, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_MECHANISM = b"SCRAM-SHA-256"
_UNAUTHORIZED = "28P01"


def refusal(parameters: Mapping[str, Any]) -> str | None:
    """The SQLSTATE that a login with these parameters ends with; None where the server lets us in, or does not say.

    Raises OSError where it cannot be reached, ssl.SSLError (one of them) where there is no TLS with it.
    """
    timeout = float(parameters["connect_timeout"])
    host, port = str(parameters["host"]), int(parameters["port"])
    if host.startswith("/"):
        with socket.socket(socket.AF_UNIX) as opened:
            opened.settimeout(timeout)
            opened.connect(f"{host}/.s.PGSQL.{port}")
            return _Login(opened, parameters).run()
    with socket.create_connection((host, port), timeout) as opened:
        mode = str(parameters["sslmode"])
        if mode in ("allow", "disable"):
            return _Login(opened, parameters).run()
        opened.sendall(SSL_REQUEST)
        if opened.recv(1) != b"S":
            return None
        with tls_context(parameters, mode).wrap_socket(opened, server_hostname=host) as secured:
            return _Login(secured, parameters).run()


@dataclass
class _Login:
    opened: socket.socket
    parameters: Mapping[str, Any]
    scram: _Scram | None = field(default=None)

    def run(self) -> str | None:
        user, database = str(self.parameters["user"]), str(self.parameters["dbname"])
        names = "".join(f"{each}\0" for each in ("user", user, "database", database)) + "\0"
        self._send(b"", struct.pack("!i", _PROTOCOL) + names.encode())
        while True:
            kind, body = self._message()
            if kind == b"E":
                return _field(body, b"C")
            if kind == b"Z":
                self._send(b"X", b"")
                return None
            if kind == b"R" and (ended := self._answer(body)) is not None:
                return ended or None

    def _answer(self, body: bytes) -> str | None:
        """Answer a demand for a password; a text ends the login, an empty one without knowing why."""
        method, rest = struct.unpack("!i", body[:4])[0], body[4:]
        if method in (_OK, _SASL_FINAL):
            return None
        password = self.parameters.get("password")
        if password is None:
            return _UNAUTHORIZED
        if method == _CLEAR:
            self._send(b"p", str(password).encode() + b"\0")
        elif method == _MD5:
            inner = hashlib.md5(f"{password}{self.parameters['user']}".encode()).hexdigest()
            self._send(b"p", b"md5" + hashlib.md5(inner.encode() + rest).hexdigest().encode() + b"\0")
        elif method == _SASL and _MECHANISM in rest.split(b"\0"):
            self.scram = _Scram(str(password))
            first = self.scram.first()
            self._send(b"p", _MECHANISM + b"\0" + struct.pack("!i", len(first)) + first)
        elif method == _SASL_CONTINUE and self.scram is not None:
            self._send(b"p", self.scram.final(rest))
        else:
            return ""
        return None

    def _send(self, kind: bytes, body: bytes) -> None:
        self.opened.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _message(self) -> tuple[bytes, bytes]:
        head = self._exactly(5)
        return head[:1], self._exactly(struct.unpack("!i", head[1:])[0] - 4)

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self.opened.recv(size - len(found))
            if not more:
                raise ConnectionResetError("the server ended the connection")
            found += more
        return found


class _Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802 and 7677), without channel binding."""

    def __init__(self, password: str) -> None:
        self._password = unicodedata.normalize("NFKC", password).encode()
        self._bare = f"n=,r={secrets.token_urlsafe(18)}"

    def first(self) -> bytes:
        return f"n,,{self._bare}".encode()

    def final(self, challenge: bytes) -> bytes:
        said = dict(each.split("=", 1) for each in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self._password, base64.b64decode(said["s"]), int(said["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        bare = f"c=biws,r={said['r']}"
        message = f"{self._bare},{challenge.decode()},{bare}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()


def _field(body: bytes, kind: bytes) -> str | None:
    found = [each[1:] for each in body.split(b"\0") if each[:1] == kind]
    return found[0].decode() if found else None
