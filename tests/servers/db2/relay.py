"""Between IBM's driver and Derby: what one side sends that the other cannot read is changed on the way.

A client's chain of commands goes through `Link.commands`, command by command: it is forwarded, changed, or
answered here, and the answers are put together again in the client's order.
"""

from __future__ import annotations

import os
import re
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.servers.db2 import sqlca
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.wire import (
    CHAINED,
    OBJECT,
    REPLY,
    REQUEST,
    Frame,
    LinkEnded,
    frame,
    join,
    read_chain,
    split,
)

EXCSAT, ACCSEC, SECCHK, ACCRDB = 0x1041, 0x106D, 0x106E, 0x2001
PRPSQLSTT, EXCSQLIMM, EXCSQLSTT, EXCSQLSET = 0x200D, 0x200A, 0x200B, 0x2014
OPNQRY, CNTQRY, CLSQRY, DSCSQLSTT = 0x200C, 0x2006, 0x2005, 0x2008
RDBCMM, RDBRLLBCK = 0x200E, 0x200F
SECCHKRM, RDBAFLRM, RDBNFNRM, OPNQFLRM = 0x1219, 0x221A, 0x2211, 0x2212
SQLSTT, SQLCARD, SQLDARD, ACCRDBRM = 0x2414, 0x2408, 0x2411, 0x2201
QRYDSC, QRYDTA, ENDQRYRM, OPNQRYRM, SQLCSRHLD = 0x241A, 0x241B, 0x220B, 0x2205, 0x211F
SQLDTA, PRCNAM, FDODTA = 0x2412, 0x2138, 0x147A
RDBNAM, PRDID, TYPDEFNAM, TYPDEFOVR, PKGNAMCSN, QRYINSID = 0x2110, 0x112E, 0x002F, 0x0035, 0x2113, 0x215B
USRID, PASSWORD, SVRCOD, SECCHKCD = 0x11A0, 0x11A1, 0x1149, 0x11A4
_SAME_CORRELATION = 0x10
_CONTINUE = 0x20
_UTF_8 = bytes.fromhex("0006119c04b80006119e04b8")
"""CCSIDSBC and CCSIDMBC 1208, as Derby says them."""
_SECTION = 64
"""How long PKGNAMCSN is whose names are padded to 18 characters."""
_CANCELS, _AGAIN_SECONDS = 100, 0.1


@dataclass(frozen=True)
class Command:
    """A request and the objects that belong to it."""

    frames: tuple[Frame, ...]

    @property
    def code(self) -> int:
        return self.frames[0].code_point

    @property
    def correlation(self) -> int:
        return self.frames[0].correlation

    @property
    def goes_on(self) -> bool:
        """Whether the rest of the chain is wanted even if this command fails."""
        return bool(self.frames[0].flags & _CONTINUE)

    def parameters(self) -> list[tuple[int, bytes]]:
        return list(split(self.frames[0].objects()[0][1]))

    def parameter(self, code: int) -> bytes | None:
        return next((data for found, data in self.parameters() if found == code), None)

    def with_parameters(self, change: Callable[[int, bytes], bytes | None]) -> Command:
        """The request with changed parameters; those for which `change` gives None are left out."""
        changed = [(code, change(code, data)) for code, data in self.parameters()]
        content = b"".join(join(code, data) for code, data in changed if data is not None)
        first = self.frames[0].with_objects([(self.code, content)])
        return Command((first, *self.frames[1:]))

    def to(self, database: str) -> Command:
        """The same for Derby's name of the database, in the packages whose cursors outlive a commit."""
        section = self.parameter(PKGNAMCSN)
        if section is None or len(section) != _SECTION:
            return self
        package = section[36:54].replace(b"SYSSN", b"SYSSH").replace(b"SYSLN", b"SYSLH")
        changed = recode_name(database, section) + section[18:36] + package + section[54:]
        return self.with_parameters(lambda code, data: changed if code == PKGNAMCSN else data)

    @property
    def text(self) -> str | None:
        """The statement that comes with the request."""
        for part in self.frames[1:]:
            for code, data in part.objects():
                if code == SQLSTT:
                    return _nullable_text(data)
        return None

    def with_text(self, text: str) -> Command:
        content = _statement_text(text)
        changed = [
            part.with_objects([(code, content if code == SQLSTT else data) for code, data in part.objects()])
            if part.code_point == SQLSTT
            else part
            for part in self.frames
        ]
        return Command(tuple(changed))

    @property
    def called(self) -> tuple[str, str] | None:
        """The procedure that is called by its name, and its first argument, if that is text."""
        name = self.parameter(PRCNAM)
        if name is None or self.code != EXCSQLSTT:
            return None
        for part in self.frames[1:]:
            for code, data in part.objects():
                if code == SQLDTA:
                    row = next((content for found, content in split(data) if found == FDODTA), b"")
                    return decode_name(name), row[4 : 4 + int.from_bytes(row[2:4], "big")].decode()
        return decode_name(name), ""


def _nullable_text(data: bytes) -> str:
    at = 0 if data[0] != 0xFF else 1
    length = int.from_bytes(data[at + 1 : at + 5], "big")
    return data[at + 5 : at + 5 + length].decode()


def _statement_text(text: str) -> bytes:
    raw = text.encode()
    return b"\0" + len(raw).to_bytes(4, "big") + raw + b"\xff"


def immediate(section: bytes, sql: str, correlation: int = 1) -> Command:
    """A statement of our own, to be run as if the client had sent it."""
    request = frame(REQUEST, correlation, join(EXCSQLIMM, join(PKGNAMCSN, section)))
    return Command((request, frame(OBJECT, correlation, join(SQLSTT, _statement_text(sql)))))


def commands(chain: list[Frame]) -> list[Command]:
    """A chain's commands."""
    groups: list[list[Frame]] = []
    for part in chain:
        if part.kind == REQUEST or not groups:
            groups.append([part])
        else:
            groups[-1].append(part)
    return [Command(tuple(group)) for group in groups]


def chained(frames: list[Frame]) -> list[Frame]:
    """The frames as one chain."""
    result = []
    for number, part in enumerate(frames):
        flags = part.flags & ~(CHAINED | _SAME_CORRELATION)
        if number + 1 < len(frames):
            flags |= CHAINED
            if frames[number + 1].correlation == part.correlation:
                flags |= _SAME_CORRELATION
        result.append(part.with_head(flags, part.correlation))
    return result


def reply(command: Command, code: int, *parameters: tuple[int, bytes]) -> Frame:
    """A reply message of our own."""
    content = b"".join(join(*parameter) for parameter in parameters)
    return frame(REPLY, command.correlation, join(code, content))


def card(command: Command, result: Sqlca) -> Frame:
    """A SQLCARD of our own."""
    return frame(OBJECT, command.correlation, join(SQLCARD, result.encode()))


def typed_card(command: Command, result: Sqlca) -> Frame:
    """A SQLCARD where no types were agreed upon yet: they come with it."""
    types = join(TYPDEFNAM, b"QTDSQLASC") + join(TYPDEFOVR, _UTF_8)
    return frame(OBJECT, command.correlation, types + join(SQLCARD, result.encode()))


def decode_name(data: bytes) -> str:
    """A name from before or after both sides agreed on UTF-8."""
    return data.decode("cp500" if _is_ebcdic(data) else "utf-8").strip()


def recode_name(name: str, like: bytes) -> bytes:
    """A database's name, padded as DRDA wants it, in the encoding of another."""
    return name.ljust(18).encode("cp500" if _is_ebcdic(like) else "utf-8")


def _is_ebcdic(data: bytes) -> bool:
    return any(byte > 0x7F for byte in data)


def results(answers: list[Frame], change: Callable[[Sqlca], Sqlca]) -> list[Frame]:
    """The answers with changed results."""
    changed = []
    for part in answers:
        if part.kind == OBJECT and part.code_point in (SQLCARD, SQLDARD):
            objects = part.objects()
            code, data = objects[0]
            found, rest = sqlca.parse(data)
            if found is not None:
                wanted = change(found)
                if wanted is not found:
                    part = part.with_objects([(code, wanted.encode() + rest), *objects[1:]])
        changed.append(part)
    return changed


def repaired(answers: list[Frame]) -> list[Frame]:
    """Derby's answers as IBM's driver wants them."""
    result: list[Frame] = []
    for part in answers:
        if part.code_point == ACCRDBRM:
            result.append(_accepted(part))
        elif part.code_point == OPNQRYRM:
            result.append(_held(part))
        elif part.code_point == QRYDSC:
            result.append(_bounded(part))
        elif part.code_point == QRYDTA and _END_OF_DATA.search(part.body[-80:]):
            result += _ended(part)
        else:
            result.append(part)
    return result


def _held(part: Frame) -> Frame:
    """OPNQRYRM: that the cursor outlives a commit, as Derby's do and the driver's must."""
    (code, data), *rest = part.objects()
    return part.with_objects([(code, data + join(SQLCSRHLD, b"\xf1")), *rest])


def _bounded(part: Frame) -> Frame:
    """QRYDSC: Derby doubles the lengths of bytes, also beyond what the driver takes for one."""
    ((code, data),) = part.objects()
    content, start = bytearray(data), 0
    while content[start + 1] in _GROUPS:
        end = start + content[start]
        for at in range(start + 3, end, 3):
            if content[at] in _BYTES and content[at + 1] & 0x80:
                content[at + 1 : at + 3] = (int.from_bytes(content[at + 1 : at + 3], "big") // 2).to_bytes(
                    2, "big"
                )
        start = end
    return part.with_objects([(code, bytes(content))])


_GROUPS, _BYTES = (0x76, 0x7F), (0x28, 0x29)
"""FD:OCA's triplets that hold the columns of a row, and the types of bytes in them."""

_END_OF_DATA = re.compile(rb"\x00\x00\x00\x00d02000CSS10140.{38}\x00{4}\xff\xff$", re.DOTALL)
"""A row of nothing but +100: how Derby ends a result, which leaves the cursor open in the driver's eyes."""


def _ended(part: Frame) -> list[Frame]:
    """The end of a result as Db2 gives it: the cursor is closed (ENDQRYRM), and +100 stands beside the data."""
    match = _END_OF_DATA.search(part.body)
    assert match is not None
    data = part.body[: match.start()]
    code, rows = next(split(data)) if len(data) > 4 else (QRYDTA, b"")
    found = [part.with_objects([(code, rows)])] if rows else []
    end = frame(REPLY, part.correlation, join(ENDQRYRM, join(SVRCOD, b"\0\x04")))
    return [*found, end, frame(OBJECT, part.correlation, join(SQLCARD, Sqlca(100, "02000", b"").encode()))]


def _accepted(part: Frame) -> Frame:
    """ACCRDBRM: Derby nests what does not belong there into TYPDEFOVR."""
    objects = part.objects()
    code, data = objects[0]
    content = b"".join(join(name, value[:12] if name == TYPDEFOVR else value) for name, value in split(data))
    return part.with_objects([(code, content), *objects[1:]])


def introduced(answers: list[Frame], product: str) -> list[Frame]:
    """The answers to ACCRDB of a server that is this product."""
    (code, data), *rest = answers[0].objects()
    if code != ACCRDBRM:
        return answers
    content = b"".join(
        join(name, product.encode() if name == PRDID else value) for name, value in split(data)
    )
    return [answers[0].with_objects([(code, content), *rest]), *answers[1:]]


class Upstream:
    """The connection to Derby on behalf of a client."""

    def __init__(self, link: socket.socket, client: socket.socket, cancel: Callable[[int], None]) -> None:
        self.link = link
        self._client = client
        self._cancel = cancel
        self._port = int(link.getsockname()[1])
        self._stream = link.makefile("rb", buffering=1 << 16)

    def ask(self, command: Command) -> list[Frame]:
        """Send a command; the answers. Raises LinkEnded, also where the client goes away meanwhile."""
        parts = chained(list(command.frames))
        try:
            self.link.sendall(b"".join(part.raw for part in parts))
            self._wait()
            answers = read_chain(self._stream)
        except (OSError, ValueError) as error:
            raise LinkEnded from error
        # Derby counts the commands of a chain; here every chain has one
        return [part.with_head(part.flags, command.correlation) for part in answers]

    def rest(self, seconds: float) -> None:
        """Do nothing for so long. Raises LinkEnded where the client goes away meanwhile."""
        ready, _, _ = select.select([self._client], [], [], seconds)
        if ready and _hung_up(self._client):
            raise LinkEnded

    def _wait(self) -> None:
        """Wait for Derby; a client that hangs up ends what runs for it, as Db2 would."""
        ready, _, _ = select.select([self.link, self._client], [], [])
        if self.link not in ready and _hung_up(self._client):
            self._end_what_runs()
            raise LinkEnded

    def _end_what_runs(self) -> None:
        """Derby may only be about to begin a statement, and then there is none to end: ask until it answers."""
        for _ in range(_CANCELS):
            self._cancel(self._port)
            answered, _, _ = select.select([self.link], [], [], _AGAIN_SECONDS)
            if answered:
                return

    def close(self) -> None:
        self._stream.close()
        self.link.close()


def _hung_up(client: socket.socket) -> bool:
    """Whether a client ended its connection; under TLS it may say goodbye first (record type 21)."""
    with socket.socket(fileno=os.dup(client.fileno())) as plain:
        return plain.recv(1, socket.MSG_PEEK) in (b"", b"\x15")


def chains(link: socket.socket) -> Iterator[list[Frame]]:
    """What a client sends, until it goes away."""
    with link.makefile("rb", buffering=1 << 16) as stream:
        while True:
            try:
                yield read_chain(stream)
            except (LinkEnded, OSError):
                return
