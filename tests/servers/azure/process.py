"""The server's own process: it listens, serves each client in a thread, and ends when its standard input does."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from tests.servers.azure.connection import Connection
from tests.servers.azure.control import Controller
from tests.servers.azure.engine import Engine
from tests.servers.azure.packets import Wire
from tests.servers.azure.steering import Steering


def listen(port: int, certificates: Path, engine: Engine) -> int:
    """Serve clients on this port of loopback, or on a free one."""
    listener = socket.create_server(("127.0.0.1", port), backlog=64)

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, certificates, engine), daemon=True).start()

    threading.Thread(target=accept, daemon=True, name="tds").start()
    return listener.getsockname()[1]


def _serve(client: socket.socket, certificates: Path, engine: Engine) -> None:
    def attention() -> None:
        connection.attention()

    wire = Wire(client, certificates, attention)
    connection = Connection(wire, engine)
    connection.serve()


def main(folder: Path, port: int) -> None:
    """Run until standard input ends; SIGUSR1 shows on standard error what each thread does, and so does a crash."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
    sys.setrecursionlimit(20_000)  # statements may be nested as deep as long UNIONs are
    threading.stack_size(64 * 1024 * 1024)
    engine = Engine()
    steering = Steering(engine)
    ports = {"port": listen(port, folder, engine), "control": Controller(steering).port}
    ports["entra"] = engine.entra.listen()
    print(json.dumps(ports), flush=True)
    sys.stdin.read()
    sys.stdout.flush()
    os._exit(0)  # clients may still be served: nothing is to be kept


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
