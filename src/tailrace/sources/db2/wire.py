"""Messages between Tailrace and the child process that holds a connection to Db2.

A message is its length and a pickle. Both ends are ours and the channel is an unnamed socket pair that nobody
else can open, so nothing foreign is ever unpickled.
"""

from __future__ import annotations

import pickle
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

_LENGTH = struct.Struct("!Q")
_PIECE = 1024 * 1024


class Field(NamedTuple):
    """A result's column as the driver describes it: its name there, its sort of type, and its sizes."""

    name: str
    sort: str
    precision: int
    scale: int
    width: int
    display: int


@dataclass(frozen=True, slots=True)
class Failure:
    """What the driver raised: the exception's name, its text, and what the driver says of it besides."""

    kind: str
    text: str
    state: str = ""


class Ended(Exception):
    """The other side is gone."""


class Late(Exception):
    """No answer came within the deadline."""


class Wire:
    """One end of the channel; one message at a time in each direction."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: object, seconds: float | None = None) -> None:
        """Send one message. Raises Ended, or Late if it is not taken within so many seconds."""
        data = pickle.dumps(message, protocol=5)
        try:
            self._end.settimeout(seconds)
            self._end.sendall(_LENGTH.pack(len(data)))
            self._end.sendall(data)
        except TimeoutError:
            raise Late from None
        except OSError as error:
            raise Ended from error

    def receive(self, seconds: float | None = None) -> Any:
        """The next message. Raises Ended, or Late if it is not whole after so many seconds."""
        until = None if seconds is None else time.monotonic() + seconds
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, until))
        return pickle.loads(self._read(length, until))

    def close(self) -> None:
        """Close this end, which ends the other."""
        self._end.close()

    def _read(self, length: int, until: float | None) -> bytes:
        data = bytearray(length)
        view = memoryview(data)
        filled = 0
        while filled < length:
            try:
                if until is not None:
                    left = until - time.monotonic()
                    if left <= 0:
                        raise Late
                    self._end.settimeout(left)
                count = self._end.recv_into(view[filled : filled + _PIECE])
            except TimeoutError:
                raise Late from None
            except OSError as error:
                raise Ended from error
            if not count:
                raise Ended
            filled += count
        return bytes(data)
