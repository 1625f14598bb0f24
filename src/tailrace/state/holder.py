"""Who holds a lease, and the proof that a holder on this host is dead (R1). Any doubt means: not proven."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

_PROC = Path("/proc")
_DEAD_STATES = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class Holder:
    """One process as others can recognise it; an empty boot id or namespace proves nothing."""

    store: str
    host: str
    boot_id: str
    pid_namespace: str
    pid: int
    started: str

    def to_json(self) -> str:
        """The text that the checkpoint keeps."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | None) -> Holder | None:
        """The holder from the checkpoint's text; None where it does not read as one."""
        try:
            document = json.loads(text or "null")
            return cls(**{name: document[name] for name in cls.__slots__})
        except (ValueError, TypeError, KeyError):
            return None

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def this_holder(store_id: str) -> Holder:
    """This process; where the system does not tell boot id or namespace, they are empty."""
    pid = os.getpid()
    return Holder(
        store=store_id,
        host=socket.gethostname(),
        boot_id=_text(_PROC / "sys/kernel/random/boot_id"),
        pid_namespace=_link(_PROC / "self/ns/pid"),
        pid=pid,
        started=_start_time(pid) or "",
    )


def proven_dead(holder: Holder, me: Holder) -> bool:
    """Whether `holder` ran on this boot and in this pid namespace, and its process is gone or another by now."""
    if not holder.boot_id or not holder.pid_namespace or not holder.started or holder.pid <= 0:
        return False
    if (holder.boot_id, holder.pid_namespace) != (me.boot_id, me.pid_namespace):
        return False
    if not _exists(holder.pid):
        return True
    started = _start_time(holder.pid)
    return started is not None and (started != holder.started or _ended(holder.pid))


def _exists(pid: int) -> bool:
    """Asked of the kernel by signal 0, which also sees what a hidden /proc does not show."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _start_time(pid: int) -> str | None:
    """When the process started, in ticks since boot; None where that cannot be read."""
    try:
        return _state_and_start(_PROC / str(pid) / "stat")[1]
    except (OSError, IndexError):
        return None


def _ended(pid: int) -> bool:
    """Killed and not yet reaped: no thread of it runs any more (its first thread alone would prove nothing)."""
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
        return all(_state_and_start(thread / "stat")[0] in _DEAD_STATES for thread in threads)
    except (OSError, IndexError):
        return False


def _state_and_start(stat: Path) -> tuple[str, str]:
    fields = stat.read_text().rpartition(")")[2].split()
    return fields[0], fields[19]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
