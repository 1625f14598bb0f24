"""When a process on this host is proven dead (R1); any doubt means that it is not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tailrace.state.holder import Holder, proven_dead, this_holder

WHO_AM_I = (
    "from tailrace.state.holder import this_holder; print(this_holder('s').to_json(), flush=True); input()"
)

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/ns/pid"), reason="needs Linux's /proc")


@contextmanager
def other_process() -> Iterator[tuple[subprocess.Popen[str], Holder]]:
    with subprocess.Popen(
        [sys.executable, "-c", WHO_AM_I], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        holder = Holder.from_json(process.stdout.readline())
        assert holder is not None
        try:
            yield process, holder
        finally:
            process.kill()


def test_r01_this_process_is_alive_to_itself() -> None:
    me = this_holder("store")
    assert me.pid == os.getpid()
    assert not proven_dead(me, me)


def test_r01_a_running_or_stopped_process_is_not_dead_and_a_killed_one_is_before_it_is_reaped() -> None:
    with other_process() as (process, holder):
        assert holder.pid == process.pid
        assert not proven_dead(holder, this_holder("store"))
        process.send_signal(19)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        assert not proven_dead(holder, this_holder("store"))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert proven_dead(holder, this_holder("store"))
    assert proven_dead(holder, this_holder("store"))


def test_r01_another_process_with_the_same_number_proves_the_holder_dead() -> None:
    me = this_holder("store")
    assert proven_dead(replace(me, started="1"), me)


@pytest.mark.parametrize(
    "change",
    [
        {"boot_id": "another boot"},
        {"boot_id": ""},
        {"pid_namespace": "pid:[1]"},
        {"pid_namespace": ""},
        {"started": ""},
        {"pid": 0},
        {"pid": -1},
    ],
)
def test_r01_any_doubt_waits(change: dict[str, object]) -> None:
    me = this_holder("store")
    gone = replace(me, pid=2**22 + 1)
    assert proven_dead(gone, me)
    assert not proven_dead(replace(gone, **change), me)


def test_a_holder_survives_the_checkpoint_and_nonsense_is_nobody() -> None:
    me = this_holder("store")
    assert Holder.from_json(me.to_json()) == me
    assert [Holder.from_json(text) for text in (None, "", "null", "{}", "[1]", "no json")] == [None] * 6
