"""One client's connection, command by command."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.servers.db2 import relay
from tests.servers.db2.codes import db2_result
from tests.servers.db2.faults import Moment
from tests.servers.db2.relay import Command
from tests.servers.db2.sqlca import Sqlca
from tests.servers.db2.wire import Frame, LinkEnded

if TYPE_CHECKING:
    from tests.servers.db2.server import Db2Server

_MOMENTS: dict[int, Moment] = {
    relay.EXCSQLIMM: "statement",
    relay.EXCSQLSTT: "statement",
    relay.EXCSQLSET: "statement",
    relay.OPNQRY: "statement",
    relay.CNTQRY: "fetch",
    relay.RDBCMM: "commit",
    relay.RDBRLLBCK: "rollback",
}


@dataclass
class Statement:
    """A statement as the client wrote it, and as Derby gets it."""

    text: str
    derby: str
    refused: Sqlca | None = None
    """Why Db2 would not run it."""


class Dropped(Exception):
    """A fault ends the connection."""


class Session:
    """Takes a client's chains and gives the answers; one thread uses it."""

    def __init__(self, server: Db2Server, client: socket.socket) -> None:
        self._server = server
        self._client = client
        self._upstream = relay.Upstream(socket.create_connection(("127.0.0.1", server.engine.port)))
        self._sections: dict[bytes, Statement] = {}
        self._override: dict[int, Sqlca] = {}
        self.database = ""
        self.user = ""

    def run(self) -> None:
        """Serve the client until it or a fault ends the connection."""
        try:
            for chain in relay.chains(self._client):
                answers = self._answer(relay.commands(chain))
                self._client.sendall(b"".join(part.raw for part in relay.chained(answers)))
        except (LinkEnded, Dropped, OSError):
            pass
        finally:
            self._upstream.close()
            self._client.close()

    def _answer(self, wanted: list[Command]) -> list[Frame]:
        answers: list[Frame] = []
        batch: list[Command] = []
        for command in wanted:
            own = self._own(command)
            if own is None:
                batch.append(self._changed(command))
                continue
            if not self._flush(batch, answers):
                break
            answers += own
            if not command.goes_on:
                break
        else:
            self._flush(batch, answers)
        return answers

    def _flush(self, batch: list[Command], answers: list[Frame]) -> bool:
        """Send what waits to Derby; False where Derby did not get to its end."""
        if not batch:
            return True
        last = batch[-1].correlation
        found = relay.repaired(self._upstream.ask(batch))
        found = relay.results(found, self._result)
        batch.clear()
        answers += found
        return any(part.correlation == last for part in found)

    def _result(self, correlation: int, found: Sqlca) -> Sqlca:
        return self._override.get(correlation) or db2_result(found)

    def _changed(self, command: Command) -> Command:
        code = command.code
        if code in (relay.ACCSEC, relay.SECCHK, relay.ACCRDB):
            return command.with_parameters(self._names)
        if code == relay.DSCSQLSTT:
            return command.with_parameters(lambda name, data: None if name == relay.QRYINSID else data)
        return command

    def _names(self, name: int, data: bytes) -> bytes:
        if name == relay.PRDID:
            return b"DNC10010"
        if name == relay.RDBNAM:
            return relay.recode_name(f"memory:{relay.decode_name(data).upper()}", like=data)
        return data

    def _own(self, command: Command) -> list[Frame] | None:
        return None
