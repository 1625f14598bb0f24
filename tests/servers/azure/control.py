"""How a test steers the server's process: calls by name over a loopback connection of their own."""

from __future__ import annotations

import contextlib
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener, answer_challenge, deliver_challenge
from typing import Any

_KEY = b"tailrace azure stand-in"


class Refused(RuntimeError):
    """What was asked of the server failed."""


class Controller:
    """Answers calls in the server's process: each is the name of a method of `target`, and its arguments."""

    def __init__(self, target: object) -> None:
        self._target = target
        self._listener = Listener(("127.0.0.1", 0), backlog=16)
        self.port: int = self._listener.address[1]
        threading.Thread(target=self._accept, daemon=True, name="control").start()

    def _accept(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                threading.Thread(target=self._serve, args=(self._listener.accept(),), daemon=True).start()

    def _serve(self, caller: Connection) -> None:
        """In a thread of its own from the first byte on: a caller that was ended in the middle stops nobody."""
        with caller, contextlib.suppress(EOFError, OSError, AuthenticationError):
            deliver_challenge(caller, _KEY)
            answer_challenge(caller, _KEY)
            name, arguments, options = caller.recv()
            try:
                answer: tuple[bool, Any] = True, getattr(self._target, name)(*arguments, **options)
            except Exception as error:
                answer = False, f"{type(error).__name__}: {error}"
            caller.send(answer)


def call(port: int, name: str, *arguments: Any, **options: Any) -> Any:
    """Call a method in the server's process. Raises Refused with its error."""
    with Client(("127.0.0.1", port), authkey=_KEY) as connection:
        connection.send((name, arguments, options))
        good, answer = connection.recv()
    if not good:
        raise Refused(answer)
    return answer
