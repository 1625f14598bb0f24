"""The command as a process: signals, a reader that goes away, a terminal, and what start-up loads."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys, time
sys.path.insert(0, {root!r})
import tailrace.cli.context, tailrace.cli.commands.look
from tailrace.runtime.events import Progress
from tests.unit.cli.workspaces import SYNC, FakeWorkspace, sync_document

def run(stop):
    print("sending", file=sys.stderr, flush=True)
    {body}

FakeWorkspace.during_sync = staticmethod(run)
FakeWorkspace.syncs_run = [sync_document(status="cancelled")]
for module in (tailrace.cli.context, tailrace.cli.commands.look):
    module.workspace_class = lambda: FakeWorkspace
from tailrace.cli.main import run as main
main()
"""
UNTIL_STOPPED = "stop.wait(60)"
UNTIL_AT_ONCE = """
    stop.wait(60)
    print("graceful", file=sys.stderr, flush=True)
    while not stop.immediate: time.sleep(0.01)
"""
STUBBORN = """
    while True: time.sleep(0.01)
"""


def start(body: str, *words: str) -> subprocess.Popen[str]:
    program = PROGRAM.format(root=str(ROOT), body=body)
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the process ended without saying {text!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_gracefully(number: signal.Signals, processes: list[subprocess.Popen[str]]) -> None:
    process = start(UNTIL_STOPPED, "sync", "--json")
    processes.append(process)
    until(process, "sending")
    process.send_signal(number)
    until(process, "stopping: waits for what is in flight")
    out, _ = process.communicate(timeout=60)
    assert json.loads(out)["syncs"][0]["status"] == "cancelled"
    assert process.returncode == 130


def test_a_second_signal_stops_at_once(processes: list[subprocess.Popen[str]]) -> None:
    process = start(UNTIL_AT_ONCE, "sync")
    processes.append(process)
    until(process, "sending")
    process.send_signal(signal.SIGINT)
    until(process, "graceful")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_third_signal_ends_a_process_that_hangs(processes: list[subprocess.Popen[str]]) -> None:
    process = start(STUBBORN, "sync")
    processes.append(process)
    until(process, "sending")
    for said in ("stopping: waits", "stopping at once"):
        process.send_signal(signal.SIGINT)
        until(process, said)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_reader_that_goes_away_is_no_error(processes: list[subprocess.Popen[str]]) -> None:
    for words in (["plan"], ["plan", "--json"], ["schema"], ["--help"]):
        process = start(UNTIL_STOPPED, *words)
        processes.append(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == (1 if words == ["--help"] else 0)


@pytest.mark.parametrize("words", [["--version"], ["sync", "--help"], ["schema"]])
def test_output_that_cannot_be_written_is_told_with_advice(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "tailrace.cli", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == (
        "error: The output cannot be written: No space left on device.\n"
        "  What was done is done; `tailrace syncs` tells of it.\n"
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_that_is_started_with_closed_streams_does_its_work(closed: str) -> None:
    program = f'"{sys.executable}" -m tailrace.cli schema {closed}'
    ended = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "" or json.loads(ended.stdout)


def test_a_terminal_gets_a_bar_that_is_taken_away_again(processes: list[subprocess.Popen[str]]) -> None:
    body = """
    for done in (0, 500): FakeWorkspace.on_event(
        Progress("customers_to_crm", SYNC, done, 1000, done, 0, 0, 0, float(done)))
    """
    program = PROGRAM.format(root=str(ROOT), body=body).replace(
        "FakeWorkspace.during_sync",
        "original = FakeWorkspace.sync\n"
        "def sync(self, names, *, on_event, **more):\n"
        "    FakeWorkspace.on_event = staticmethod(on_event)\n"
        "    yield from original(self, names, on_event=on_event, **more)\n"
        "FakeWorkspace.sync = sync\n"
        "FakeWorkspace.during_sync",
    )
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": "100", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, "sync"], stdout=subprocess.PIPE, stderr=theirs, text=True, env=environ
    )
    processes.append(process)
    os.close(theirs)
    drawn = b""
    try:
        while piece := os.read(ours, 65536):
            drawn += piece
    except OSError:
        pass
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert b"500 of 1,000" in drawn
    assert "\x1b" not in out


LIGHT = """
import sys
from tailrace.cli.main import main
main({words!r})
print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["sync", "--help"]])
def test_start_up_loads_nothing_heavy(words: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT.format(words=words)], capture_output=True, text=True, check=True
    )
    loaded = set(ended.stderr.split())
    heavy = {"rich", "duckdb", "pyarrow", "sqlalchemy", "sqlglot", "aiohttp", "yaml", "asyncio"}
    assert not loaded & heavy
    assert "pydantic" not in loaded or words == ["sync", "--help"]


def test_completion_offers_commands_and_the_names_in_the_files(tmp_path: Path) -> None:
    (tmp_path / "tailrace.yml").write_text("mappings: {customers_to_crm: {}, orders_to_crm: {}}\n")
    for words, offered in (("tailrace pl", "plan"), ("tailrace sync cust", "customers_to_crm")):
        ended = subprocess.run(
            [sys.executable, "-m", "tailrace.cli"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={
                **os.environ,
                "_TAILRACE_COMPLETE": "complete_bash",
                "COMP_WORDS": words,
                "COMP_CWORD": str(len(words.split()) - 1),
                "_TYPER_COMPLETE_ARGS": words,
            },
            check=False,
        )
        assert ended.stdout.split() == [offered]


TORN_DOWN = """
import atexit, os, sys
from tailrace.cli.main import run
atexit.register(os._exit, 99)
sys.argv = ["tailrace", *{words!r}]
run()
"""


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["nonsense"], 2)])
def test_a_command_ends_without_the_teardown_that_driver_threads_do_not_survive(
    words: list[str], code: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", TORN_DOWN.format(words=words)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == code
    assert ended.stdout if code == 0 else ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(("words", "code"), [(["sync"], 1), (["sync", "--json"], 1), (["nope", "--json"], 2)])
def test_output_that_cannot_be_written_is_told_without_a_traceback(words: list[str], code: int) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(root=str(ROOT), body="pass"), *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert ("error: No such command" if code == 2 else "No space left on device") in ended.stderr
