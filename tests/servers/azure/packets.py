"""TDS packets over TCP: messages in and out, TLS inside TDS (7.4) or TDS inside TLS (8.0, "strict")."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SQL_BATCH, RPC, REPLY, ATTENTION, BULK, FEDAUTH, TRANSACTION, LOGIN7, PRELOGIN = (
    1, 3, 4, 6, 7, 8, 14, 16, 18,
)  # fmt: skip
_LAST, _RESET = 1, 0x08 | 0x10
_HANDSHAKE = 0x16
"""The first byte of a TLS record that opens a connection: the client speaks TDS 8.0."""


class Gone(Exception):
    """The client went away, or the server dropped it on purpose."""


@dataclass(frozen=True)
class Message:
    """One message of a client, put together from its packets."""

    kind: int
    data: bytes
    reset: bool = False
    """The client asks to clear the session before this message (a pooled connection taken again)."""


class Wire:
    """One client's connection. A thread of its own reads, so that an attention is seen while a statement runs."""

    def __init__(self, connection: socket.socket, certificates: Path, attention: Callable[[], None]) -> None:
        self._socket = connection
        self._certificates = certificates
        self._attention = attention
        self._tls: ssl.SSLObject | None = None
        self._tls_lock = threading.Lock()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._buffer = bytearray()
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._wrapping = False
        self.packet_size = 4096
        self.strict = False
        self.spid = 0
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # -- encryption

    def open(self) -> None:
        """Find out whether the client speaks TDS 8.0, and do its TLS handshake then."""
        first = self._socket.recv(1, socket.MSG_PEEK)
        if not first:
            raise Gone
        if first[0] == _HANDSHAKE:
            self.strict = True
            self.start_tls()

    def start_tls(self) -> None:
        """The TLS handshake; before TDS 8.0 in packets of PRELOGIN, which TLS 1.3 does not survive."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates / "server.crt", self._certificates / "server.key")
        if self.strict:
            context.set_alpn_protocols(["tds/8.0"])
        else:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._send_handshake()
                self._incoming.write(self._receive() if self.strict else self._plain_message().data)
            except ssl.SSLError as error:
                self._send_handshake()
                raise Gone from error
            else:
                break
        self._send_handshake()
        self._tls = tls

    def _send_handshake(self) -> None:
        data = self._outgoing.read()
        if data and self.strict:
            self._socket.sendall(data)
        elif data:
            self._socket.sendall(b"".join(self._packets(PRELOGIN, data)))

    # -- in

    def listen(self) -> None:
        """From now on the messages are read by a thread of their own."""
        threading.Thread(target=self._listen, daemon=True, name="tds-reader").start()

    def _listen(self) -> None:
        try:
            while True:
                message = self._plain_message()
                if message.kind == ATTENTION:
                    self._attention()
                self._messages.put(message)
        except (Gone, OSError, ssl.SSLError):
            pass
        finally:
            self._attention()
            self._messages.put(None)

    def next(self) -> Message:
        """The next message of the client."""
        message = self._messages.get()
        if message is None:
            self._messages.put(None)
            raise Gone
        return message

    def first(self) -> Message:
        """The next message, before `listen`."""
        return self._plain_message()

    def _plain_message(self) -> Message:
        parts: list[bytes] = []
        reset = False
        while True:
            kind, status, length = struct.unpack(">BBH", self._exactly(8)[:4])
            parts.append(self._exactly(length - 8))
            reset = reset or bool(status & _RESET)
            if status & _LAST:
                return Message(kind, b"".join(parts), reset)

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += self._decrypted()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _receive(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise Gone
        return data

    def _decrypted(self) -> bytes:
        if self._tls is None:
            return self._receive()
        while True:
            with self._tls_lock:
                try:
                    data = self._tls.read(65536)
                except ssl.SSLWantReadError:
                    data = None
            if data:
                return data
            if data == b"":
                raise Gone
            received = self._receive()
            with self._tls_lock:
                self._incoming.write(received)

    # -- out

    def send(self, data: bytes, last: bool = True, kind: int = REPLY) -> bytes:
        """Send what fills packets, or everything if this is the `last` of a message; what is left over."""
        room = self.packet_size - 8
        whole = len(data) if last else len(data) // room * room
        if whole or last:
            self._write(b"".join(self._packets(kind, data[:whole], last)))
        return data[whole:]

    def _packets(self, kind: int, data: bytes, last: bool = True) -> list[bytes]:
        room = self.packet_size - 8
        pieces = [data[start : start + room] for start in range(0, len(data), room)] or [b""]
        packets = []
        for number, piece in enumerate(pieces, 1):
            status = _LAST if last and number == len(pieces) else 0
            packets.append(struct.pack(">BBHHBB", kind, status, len(piece) + 8, self.spid, number & 255, 0))
            packets.append(piece)
        return packets

    def _write(self, data: bytes) -> None:
        if self._tls is not None:
            with self._tls_lock:
                self._tls.write(data)
                data = self._outgoing.read()
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Gone from error

    def drop(self) -> None:
        """Cut the connection, as a network does: with a reset."""
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._socket.close()
