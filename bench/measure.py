"""Runs a command as a child process and says what it cost; keeps this process small, for its size would count."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a child process took, and what it printed."""

    wall: float
    cpu: float
    peak: float
    """MiB of the largest resident set."""
    output: str


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> Cost:
    """Run to the end. Raises RuntimeError with what the child said if it fails."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        given = {**os.environ, **(environ or {})}
        given.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
        child = subprocess.Popen(command, cwd=folder, env=given, stdout=output, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said.seek(0)
        text = output.read().decode()
        if child.returncode:
            raise RuntimeError(f"{' '.join(command)}: {child.returncode}\n{text}\n{said.read().decode()}")
        return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


def python(module: str, *arguments: str, folder: Path = ROOT) -> Cost:
    """Run a module of this repository."""
    return run([sys.executable, "-m", module, *arguments], folder, {"PYTHONPATH": str(ROOT)})


def tailrace(folder: Path, *arguments: str) -> Cost:
    """Run the command as users do."""
    return run([str(Path(sys.executable).with_name("tailrace")), *arguments], folder)


@contextmanager
def receiver() -> Iterator[str]:
    """The address of a receiver in a process of its own, which only counts."""
    command = [sys.executable, "-m", "tailrace.testing.receiver", "--count"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


def middle(values: Sequence[float]) -> float:
    """The median."""
    return median(values)
