"""IBM's driver in a child process, for it can crash or hang: one request and one answer per line."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[3]
DEADLINE = 60.0


class Failed(Exception):
    """What the driver says is wrong; `code` is the SQLCODE."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        _, _, code = text.rpartition("SQLCODE=")
        self.code = int(code) if code.lstrip("-").isdigit() else None


class Silent(Exception):
    """The driver gave no answer within the deadline."""


def dsn(settings: dict[str, Any]) -> str:
    """The settings of a source as the driver's keywords."""
    words = {
        "DATABASE": settings["database"],
        "HOSTNAME": settings["hostname"],
        "PORT": settings["port"],
        "PROTOCOL": "TCPIP",
        "UID": settings["username"],
        "PWD": settings["password"],
        "CONNECTTIMEOUT": 5,
        **settings["options"],
    }
    if "tls" in settings:
        words |= {
            "SECURITY": "SSL",
            "SSLServerCertificate": settings["tls"]["ca"],
            "SSLClientHostnameValidation": "Basic",
        }
    return "".join(f"{name}={value};" for name, value in words.items())


class Client:
    """One connection of the real driver."""

    def __init__(
        self, settings: dict[str, Any], *, autocommit: bool = True, deadline: float = DEADLINE
    ) -> None:
        self._deadline = deadline
        self._answers: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, __file__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self._ask("connect", dsn(settings), autocommit)
        except BaseException:
            self.end()
            raise

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _ask(self, *request: Any) -> Any:
        self.send(*request)
        return self.receive()

    def send(self, *request: Any) -> None:
        """Ask without waiting: `receive` gives the answer."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        """The answer to a request. Raises Failed, or Silent after the deadline."""
        try:
            line = self._answers.get(timeout=self._deadline)
        except queue.Empty:
            raise Silent from None
        if not line:
            raise Failed(f"the driver's process ended with {self._process.wait(10)}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["value"]

    def sql(self, *statements: str) -> list[list[Any]]:
        """Run statements; the rows of the last one. Bytes come as hex, other types as text or numbers."""
        return [self._ask("sql", text) for text in statements][-1]

    def count(self, statement: str) -> int:
        """Run a statement; how many rows it changed."""
        return self._ask("count", statement)

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement with markers for several rows at once."""
        self._ask("many", statement, rows)

    def commit(self) -> None:
        self._ask("commit")

    def rollback(self) -> None:
        self._ask("rollback")

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait(30)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _serve() -> None:
    import ibm_db

    connection = None

    def run(text: str) -> Any:
        return ibm_db.exec_immediate(connection, text)

    for line in sys.stdin:
        what, *arguments = json.loads(line)
        value: Any = None
        try:
            if what == "connect":
                connection = ibm_db.connect(arguments[0], "", "")
                ibm_db.autocommit(connection, int(arguments[1]))
            elif what == "sql":
                statement = run(arguments[0])
                value = []
                if ibm_db.num_fields(statement):
                    while row := ibm_db.fetch_tuple(statement):
                        value.append([_plain(one) for one in row])
            elif what == "count":
                value = ibm_db.num_rows(run(arguments[0]))
            elif what == "many":
                statement = ibm_db.prepare(connection, arguments[0])
                ibm_db.execute_many(statement, tuple(tuple(row) for row in arguments[1]))
            elif what == "commit":
                ibm_db.commit(connection)
            elif what == "rollback":
                ibm_db.rollback(connection)
            answer = {"value": value}
        except BaseException as error:
            answer = {"error": str(error) or repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
