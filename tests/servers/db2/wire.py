"""DRDA's framing: DSS segments and the DDM objects in them (The Open Group, DRDA volume 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

REQUEST, REPLY, OBJECT = 1, 2, 3
CHAINED = 0x40
_SEGMENT = 0x7FFF
_MORE = 0x8000


class LinkEnded(Exception):
    """The other side closed the connection, or sends what is not DRDA."""


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise LinkEnded
    return data


@dataclass(frozen=True)
class Frame:
    """One DSS; `body` is what it carries, without the lengths between its segments."""

    flags: int
    correlation: int
    body: bytes
    raw: bytes = field(repr=False)

    @property
    def kind(self) -> int:
        return self.flags & 0x0F

    @property
    def chained(self) -> bool:
        """Whether another DSS follows at once."""
        return bool(self.flags & CHAINED)

    @property
    def code_point(self) -> int:
        """The code point of the first object."""
        return int.from_bytes(self.body[2:4], "big")

    def objects(self) -> list[tuple[int, bytes]]:
        """The DDM objects: (code point, content)."""
        return list(split(self.body))

    def with_objects(self, objects: list[tuple[int, bytes]]) -> Frame:
        """The same DSS with other content."""
        return frame(self.flags, self.correlation, b"".join(join(code, data) for code, data in objects))

    def with_head(self, flags: int, correlation: int) -> Frame:
        """The same content under another head."""
        if (flags, correlation) == (self.flags, self.correlation):
            return self
        raw = self.raw[:3] + bytes([flags]) + correlation.to_bytes(2, "big") + self.raw[6:]
        return replace(self, flags=flags, correlation=correlation, raw=raw)


def split(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The DDM objects or parameters that follow each other in `body`."""
    at = 0
    while at + 4 <= len(body):
        length = int.from_bytes(body[at : at + 2], "big")
        code = int.from_bytes(body[at + 2 : at + 4], "big")
        start = at + 4
        if length & _MORE:
            extra = (length & ~_MORE) - 4
            end = start + extra + int.from_bytes(body[start : start + extra], "big") if extra else len(body)
            start += extra
        else:
            end = at + length
        if end < start:
            raise LinkEnded
        yield code, body[start:end]
        at = end


def join(code: int, data: bytes) -> bytes:
    """One DDM object or parameter."""
    length = len(data) + 4
    if length < _MORE:
        return length.to_bytes(2, "big") + code.to_bytes(2, "big") + data
    return (_MORE | 8).to_bytes(2, "big") + code.to_bytes(2, "big") + len(data).to_bytes(4, "big") + data


def frame(flags: int, correlation: int, body: bytes) -> Frame:
    """A DSS, in as many segments as it takes."""
    head = b"\xd0" + bytes([flags]) + correlation.to_bytes(2, "big")
    if len(body) + 6 <= _SEGMENT:
        return Frame(flags, correlation, body, (len(body) + 6).to_bytes(2, "big") + head + body)
    parts = [(0xFFFF).to_bytes(2, "big"), head, body[: _SEGMENT - 6]]
    at = _SEGMENT - 6
    while len(body) - at + 2 > _SEGMENT:
        parts += [(0xFFFF).to_bytes(2, "big"), body[at : at + _SEGMENT - 2]]
        at += _SEGMENT - 2
    parts += [(len(body) - at + 2).to_bytes(2, "big"), body[at:]]
    return Frame(flags, correlation, body, b"".join(parts))


def read_frame(stream: BinaryIO) -> Frame:
    """The next DSS of a stream. Raises LinkEnded."""
    head = _exactly(stream, 6)
    length = int.from_bytes(head[:2], "big")
    if head[2] != 0xD0:
        raise LinkEnded
    flags, correlation = head[3], int.from_bytes(head[4:6], "big")
    if not length & _MORE:
        body = _exactly(stream, length - 6)
        return Frame(flags, correlation, body, head + body)
    raw, parts = [head], [_exactly(stream, _SEGMENT - 6)]
    raw.append(parts[0])
    while length & _MORE:
        mark = _exactly(stream, 2)
        length = int.from_bytes(mark, "big")
        parts.append(_exactly(stream, (length & _SEGMENT) - 2))
        raw += [mark, parts[-1]]
    return Frame(flags, correlation, b"".join(parts), b"".join(raw))


def read_chain(stream: BinaryIO) -> list[Frame]:
    """All that belongs together: one or more DSS. Raises LinkEnded."""
    frames = [read_frame(stream)]
    while frames[-1].chained:
        frames.append(read_frame(stream))
    return frames
