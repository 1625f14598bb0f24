"""The start of a connection: PRELOGIN and LOGIN7, with the token of a federated login (MS-TDS 2.2.6.4, 2.2.6.5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ENCRYPTION, MARS, FEDAUTH_REQUIRED = 1, 4, 6
_FEDAUTH = 2
_SECURITY_TOKEN = 1
VERSION = bytes((10, 0, 0x5D, 0x4E, 0, 0))


class BadLogin(Exception):
    """A client that does not speak this protocol."""


def prelogin_options(data: bytes) -> dict[int, bytes]:
    """The options of a PRELOGIN message, by their token."""
    options: dict[int, bytes] = {}
    at = 0
    while at < len(data) and data[at] != 0xFF:
        token, offset, length = struct.unpack_from(">BHH", data, at)
        options[token] = data[offset : offset + length]
        at += 5
    return options


def prelogin_answer(asked: dict[int, bytes]) -> bytes:
    """The pool's answer: encryption is on, whatever the client prefers, and there is no MARS."""
    answer = {0: VERSION, ENCRYPTION: b"\x01" if asked.get(ENCRYPTION, b"\x01") != b"\x02" else b"\x03"}
    answer |= {2: b"\0", 3: b"", MARS: b"\0"}
    if FEDAUTH_REQUIRED in asked:
        answer[FEDAUTH_REQUIRED] = b"\x01"
    head, body = b"", b""
    start = 5 * len(answer) + 1
    for token, value in answer.items():
        head += struct.pack(">BHH", token, start + len(body), len(value))
        body += value
    return head + b"\xff" + body


@dataclass(frozen=True)
class Login:
    """What a client says of itself in LOGIN7."""

    user: str
    password: str
    database: str
    application: str
    packet_size: int
    token: str | None
    version: int


def parse_login(data: bytes) -> Login:
    """Read a LOGIN7 message."""
    if len(data) < 94:
        raise BadLogin("LOGIN7 is too short")
    version, packet_size = struct.unpack_from("<II", data, 4)
    flags = data[27]

    def text(position: int) -> str:
        offset, length = struct.unpack_from("<HH", data, position)
        return data[offset : offset + 2 * length].decode("utf-16-le")

    offset, length = struct.unpack_from("<HH", data, 44)
    hidden = data[offset : offset + 2 * length]
    password = bytes(((byte ^ 0xA5) << 4 | (byte ^ 0xA5) >> 4) & 255 for byte in hidden).decode("utf-16-le")
    token = None
    if flags & 0x10:
        (pointer,) = struct.unpack_from("<H", data, 56)
        (at,) = struct.unpack_from("<I", data, pointer)
        token = _token(data, at)
    return Login(text(40), password, text(68), text(48), packet_size, token, version)


def _token(data: bytes, at: int) -> str | None:
    """The access token among the feature extensions."""
    while at < len(data) and data[at] != 0xFF:
        feature, length = struct.unpack_from("<BI", data, at)
        body = data[at + 5 : at + 5 + length]
        if feature == _FEDAUTH and body[0] >> 1 == _SECURITY_TOKEN:
            (size,) = struct.unpack_from("<I", body, 1)
            return body[5 : 5 + size].decode("utf-16-le")
        at += 5 + length
    return None
