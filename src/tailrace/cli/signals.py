"""Ctrl-C and SIGTERM while a sync runs: noticed at once, even while the main thread waits in a driver."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tailrace.runtime.stop import StopSignal

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_SECONDS = 10.0


@contextmanager
def stop_on_signals(stop: StopSignal, say: Callable[[str], None]) -> Iterator[None]:
    """Turn signals into requests to stop: the first graceful, the second at once, a third ends the process.

    The interpreter runs signal handlers only between steps of the main thread, which may sit in a long query;
    so the signals' numbers are read from a socket by a thread of their own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    ended = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(reader, stop, say, ended), name="tailrace-signals", daemon=True
    )
    before = {number: signal.signal(number, _noted) for number in _SIGNALS}
    wakeup = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        writer.close()
        watcher.join(timeout=1)
        reader.close()


def _watch(
    reader: socket.socket, stop: StopSignal, say: Callable[[str], None], ended: threading.Event
) -> None:
    while numbers := reader.recv(16):
        for number in numbers:
            if number not in _SIGNALS:
                continue
            times = stop.request()
            if times == 1:
                say("stopping: waits for what is in flight; once more to stop at once")
            elif times == 2:
                say("stopping at once; the next sync goes on from here")
                threading.Thread(target=_end_after_grace, args=(ended,), daemon=True).start()
            else:
                os._exit(130)


def _end_after_grace(ended: threading.Event) -> None:
    """A sync can be killed at any instant without loss: one that hangs in a driver is not waited for."""
    if not ended.wait(_GRACE_SECONDS):
        os._exit(130)


def _noted(number: int, frame: FrameType | None) -> None:
    """The wake-up socket has it already."""
