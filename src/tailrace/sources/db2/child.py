"""The process that holds one connection to Db2: `python -m tailrace.sources.db2.child CHANNEL LIFELINE`.

IBM's driver can hang where no timeout of its own reaches, can crash, and has no call to cancel a statement. So it
never runs in Tailrace's own process: whoever started this one may kill it at any time, and it ends by itself when
the process at the other end of its lifeline is gone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from tailrace.sources.db2.wire import Ended, Failure, Wire

if TYPE_CHECKING:
    from tailrace.sources.db2.driver import Driver


def main() -> None:
    """Answer requests until the channel or the lifeline ends."""
    channel, lifeline = int(sys.argv[1]), int(sys.argv[2])
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    wire = Wire(socket.socket(fileno=channel))
    with contextlib.suppress(Ended):
        _serve(wire)
    os._exit(0)  # the driver's own clean-up can hang


def _end_with(lifeline: int) -> None:
    """Nothing is ever written to the lifeline: reading from it ends when its other end is closed."""
    os.read(lifeline, 1)
    os._exit(1)


def _serve(wire: Wire) -> None:
    driver: Driver | None = None
    while True:
        name, arguments = wire.receive()
        try:
            if driver is None:
                from tailrace.sources.db2.driver import Driver

                driver = Driver()
            answer: Any = getattr(driver, name)(*arguments)
        except Exception as error:
            said = error.__cause__ or error  # what broke its promises may still say why
            answer = Failure(type(error).__name__, str(said), driver.last_state() if driver else "")
            if driver is not None:
                driver.settle()
        wire.send(answer)


if __name__ == "__main__":
    main()
