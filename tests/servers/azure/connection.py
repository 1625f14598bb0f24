"""One client's conversation: its login, its requests, and the tokens of the answers."""

from __future__ import annotations

import contextlib
import re
import ssl
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.servers.azure import tokens
from tests.servers.azure.errors import SqlError
from tests.servers.azure.login import BadLogin, parse_login, prelogin_answer, prelogin_options
from tests.servers.azure.packets import (
    ATTENTION,
    FEDAUTH,
    LOGIN7,
    PRELOGIN,
    RPC,
    SQL_BATCH,
    TRANSACTION,
    Gone,
    Message,
    Wire,
)
from tests.servers.azure.requests import Call, Parameter, batch_text, calls, transaction_request
from tests.servers.azure.results import Begun, Count, Ended, Notice, Outcome, Rows
from tests.servers.azure.rows import RowWriter, described
from tests.servers.azure.session import CutHere

if TYPE_CHECKING:
    from tests.servers.azure.engine import Engine
    from tests.servers.azure.session import Session

_FLUSH = 32_768
_BEGIN, _COMMIT, _ROLLBACK = 5, 7, 8


class Cancelled(Exception):
    """The client sent an attention."""


class Connection:
    """Serves one client from its first byte to its last."""

    def __init__(self, wire: Wire, engine: Engine) -> None:
        self._wire, self._engine = wire, engine
        self._session: Session | None = None
        self._out = b""
        self._prepared: dict[int, tuple[str, list[str]]] = {}

    def attention(self) -> None:
        """The client wants its running statement stopped; called by the reading thread."""
        if self._session is not None:
            self._session.interrupt()

    def serve(self) -> None:
        """Until the client goes."""
        try:
            if not self._log_in():
                return
            self._wire.listen()
            while True:
                self._answer(self._wire.next())
        except (Gone, BadLogin, OSError, ssl.SSLError):
            pass
        finally:
            try:
                if self._session is not None:
                    self._session.close()
            finally:
                self._wire.close()

    # -- login

    def _log_in(self) -> bool:
        wire = self._wire
        wire.open()
        message = wire.first()
        if message.kind != PRELOGIN:
            raise BadLogin("no PRELOGIN")
        wire.send(prelogin_answer(prelogin_options(message.data)))
        if not wire.strict:
            wire.start_tls()
        message = wire.first()
        if message.kind != LOGIN7:
            raise BadLogin("no LOGIN7")
        login = parse_login(message.data)
        try:
            self._session = self._engine.log_in(login, wire.drop)
        except SqlError as error:
            wire.send(tokens.message(error.number, error.words, error.severity, error.state) + tokens.done(2))
            return False
        wire.spid = self._session.id & 0xFFFF
        size = login.packet_size if 512 <= login.packet_size <= 32_767 else 4096
        wire.send(
            tokens.login_accepted(wire.strict, size, self._session.database.name, login.token is not None)
        )
        wire.packet_size = size
        return True

    # -- requests

    def _answer(self, message: Message) -> None:
        session = self._session
        assert session is not None
        if message.kind == ATTENTION:
            session.clear_interrupt()
            self._wire.send(tokens.done(tokens.DONE_ATTENTION))
            return
        self._out = b""
        if message.reset:
            session.reset()
            self._prepared.clear()
            self._out += tokens.session_reset()
        try:
            self._dispatch(message)
        except Cancelled:
            self._swallow_attention()
            self._out += tokens.done(tokens.DONE_ERROR) + tokens.done(tokens.DONE_ATTENTION)
        session.idle()
        self._out = self._wire.send(self._out)
        if session.killed:
            raise Gone

    def _dispatch(self, message: Message) -> None:
        if message.kind == SQL_BATCH:
            self._batch(batch_text(message.data))
        elif message.kind == RPC:
            self._calls(list(calls(message.data)))
        elif message.kind == TRANSACTION:
            self._transaction(*transaction_request(message.data))
        elif message.kind == FEDAUTH:
            raise BadLogin("a token after the login")
        else:
            self._fail(SqlError(104409, "104409;Unsupported request."), tokens.DONE)
            self._out += tokens.done(tokens.DONE_ERROR)

    def _swallow_attention(self) -> None:
        while self._wire.next().kind != ATTENTION:
            pass
        assert self._session is not None
        self._session.clear_interrupt()

    def _batch(self, text: str) -> None:
        try:
            self._results(text, [], tokens.DONE)
        except SqlError as error:
            self._fail(error, tokens.DONE)
            self._out += tokens.done(tokens.DONE_ERROR)

    def _transaction(self, kind: int, _: bytes) -> None:
        text = {_BEGIN: "BEGIN TRANSACTION", _COMMIT: "COMMIT", _ROLLBACK: "ROLLBACK"}.get(kind)
        if text is None:
            self._fail(SqlError(104409, "104409;Unsupported transaction request."), tokens.DONE)
            self._out += tokens.done(tokens.DONE_ERROR)
        else:
            self._batch(text)

    # -- procedures

    def _calls(self, asked: list[Call]) -> None:
        for number, call in enumerate(asked, 1):
            more = tokens.DONE_MORE if number < len(asked) else 0
            try:
                self._call(call)
                self._out += tokens.done(more, kind=tokens.DONE_PROC, command=0xE0)
            except SqlError as error:
                self._fail(error, tokens.DONE_PROC)
                self._out += tokens.done(tokens.DONE_ERROR | more, kind=tokens.DONE_PROC, command=0xE0)

    def _call(self, call: Call) -> None:
        parameters = call.parameters
        handle: int | None = None
        match call.procedure:
            case "sp_executesql":
                names = _declared(parameters[1]) if len(parameters) > 1 else []
                self._results(parameters[0].value, _named(names, parameters[2:]), tokens.DONE_IN_PROC)
            case "sp_prepare":
                handle = self._prepare(parameters[1], parameters[2])
            case "sp_prepexec":
                handle = self._prepare(parameters[1], parameters[2])
                self._execute(handle, parameters[3:])
            case "sp_execute":
                self._execute(parameters[0].value, parameters[1:])
            case "sp_unprepare":
                self._prepared.pop(parameters[0].value, None)
            case other:
                raise SqlError(2812, f"Could not find stored procedure '{other}'.")
        self._out += tokens.return_status(0)
        if handle is not None:
            self._out += tokens.return_int("", handle)

    def _prepare(self, declaration: Parameter, text: Parameter) -> int:
        handle = max(self._prepared, default=0) + 1
        self._prepared[handle] = (text.value, _declared(declaration))
        return handle

    def _execute(self, handle: int, parameters: list[Parameter]) -> None:
        if handle not in self._prepared:
            raise SqlError(8179, f"Could not find prepared statement with handle {handle}.")
        text, names = self._prepared[handle]
        self._results(text, _named(names, parameters), tokens.DONE_IN_PROC)

    # -- results

    def _results(self, text: str, parameters: list[Parameter], kind: int) -> None:
        """Run a text and write its results; each ends in a DONE, and of a batch the last without "more"."""
        session = self._session
        assert session is not None
        pending: tuple[int, int | None] | None = None
        for outcome in session.run(text, parameters):
            if pending is not None:
                self._out += tokens.done(tokens.DONE_MORE, pending[1], kind, pending[0])
            pending = self._write(outcome, session)
        command, count = pending or (0, None)
        status = tokens.DONE_MORE if kind == tokens.DONE_IN_PROC else 0
        self._out += tokens.done(status, count, kind, command)

    def _write(self, outcome: Outcome, session: Session) -> tuple[int, int | None]:
        """The number of the command and of its rows."""
        match outcome:
            case Rows():
                return tokens.SELECT, self._rows(outcome, session)
            case Count(count, command):
                return tokens.COMMANDS.get(command, 0), count
            case Notice(number, words):
                self._out += tokens.message(number, words, 10)
            case Begun(descriptor):
                self._out += tokens.transaction_begun(descriptor)
            case Ended(descriptor, committed):
                self._out += tokens.transaction_ended(descriptor, committed)
        return 0, None

    def _rows(self, rows: Rows, session: Session) -> int:
        self._out += described(rows.names, rows.types)
        writer = RowWriter(rows.types)
        count = 0
        parts = [self._out]
        held = len(self._out)
        try:
            for columns in self._uninterrupted(rows.batches, session):
                data = writer.write(columns)
                count += len(columns[0]) if columns else 0
                parts.append(data)
                held += len(data)
                if held > _FLUSH:
                    parts = [self._wire.send(b"".join(parts), last=False)]
                    held = len(parts[0])
                session.row_sent(count)
        except CutHere:
            self._wire.send(b"".join(parts), last=False)
            session.cut()
            raise Gone from None
        except (struct.error, OverflowError) as error:
            raise SqlError(
                8115, "Arithmetic overflow error converting expression to data type int."
            ) from error
        finally:
            self._out = b"".join(parts)
        return count

    @staticmethod
    def _uninterrupted(batches: Iterator, session: Session) -> Iterator:
        with contextlib.closing(batches):  # type: ignore[type-var]
            for columns in batches:
                if session.interrupted and not session.killed:
                    raise Cancelled
                yield columns

    def _fail(self, error: SqlError, kind: int) -> None:
        session = self._session
        assert session is not None
        if session.interrupted and not session.killed:
            raise Cancelled
        self._out += tokens.message(error.number, error.words, error.severity, error.state)
        if error.severity >= 20:
            self._out += tokens.done(tokens.DONE_ERROR, kind=kind)
            self._wire.send(self._out)
            raise Gone


def _declared(declaration: Parameter) -> list[str]:
    """The names in a declaration of parameters, such as `@P1 varchar(3),@P2 tinyint`."""
    return re.findall(r"@\w+", declaration.value or "")


def _named(names: list[str], parameters: list[Parameter]) -> list[Parameter]:
    """Parameters that came by position, with the names of their declaration."""
    return [
        replace(parameter, name=parameter.name or name)
        for name, parameter in zip(names, parameters, strict=False)
    ]
