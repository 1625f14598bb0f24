"""A running sync on a terminal: a bar with rate and remaining time; elsewhere lines for those who asked."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tailrace.cli.render.values import clean, number, seconds
from tailrace.runtime.events import (
    Event,
    PhaseStarted,
    PlanSealed,
    Progress,
    SyncFinished,
    Waiting,
    Warned,
)
from tailrace.runtime.stop import StopSignal

if TYPE_CHECKING:
    from tailrace.cli.output import Output

_WINDOW_SECONDS = 15.0
_LONG_WAIT = 10.0
_PHASES = {"plan": "planning", "send": "sending", "commit": "committing"}


@dataclass(slots=True)
class Rate:
    """Records a second over the last moments, and what that says about the rest."""

    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def add(self, at: float, done: int) -> None:
        """Note how many were done at a time; times only grow."""
        self.seen.append((at, done))
        while len(self.seen) > 2 and at - self.seen[0][0] > _WINDOW_SECONDS:
            self.seen.popleft()

    @property
    def per_second(self) -> float:
        """0 until there is something to measure."""
        if len(self.seen) < 2:
            return 0.0
        (start, before), (end, after) = self.seen[0], self.seen[-1]
        return max(after - before, 0) / (end - start) if end > start else 0.0

    def remaining(self, total: int) -> float | None:
        """Seconds until `total`, as far as one can tell."""
        rate = self.per_second
        return None if not rate or not self.seen else max(total - self.seen[-1][1], 0) / rate


class SyncDisplay:
    """Shows events as they come, from any thread; leaves the terminal as it found it."""

    def __init__(self, out: Output, stop: StopSignal) -> None:
        self.said: set[str] = set()
        self._waited: set[tuple[str, str]] = set()
        self._out = out
        self._stop = stop
        self._lock = threading.Lock()
        self._rates: dict[str, Rate] = {}
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> SyncDisplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the bars off the terminal, so that something can be printed; the next event draws anew."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
            self._tasks.clear()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._show(event)

    def _show(self, event: Event) -> None:
        match event:
            case PhaseStarted():
                self._set(event.mapping, _PHASES[event.phase], total=None)
                self._log(f"{event.mapping}: {_PHASES[event.phase]} ({event.sync})")
            case PlanSealed():
                planned = event.counts.get("planned", 0)
                self._set(event.mapping, f"planned {number(planned)}", total=planned or None)
                self._log(f"{event.mapping}: planned {number(planned)} records")
            case Progress():
                rate = self._rates.setdefault(event.sync, Rate())
                rate.add(event.at_monotonic, event.done)
                self._set(event.mapping, _sending(event, rate), total=event.total, done=event.done)
            case Waiting():
                self._wait(event)
            case Warned():
                self.said.add(event.message)
                self._out.warn(f"{event.mapping}: {clean(event.message)}")
            case SyncFinished():
                self._clear()

    def _wait(self, event: Waiting) -> None:
        """On a terminal each wait; elsewhere, once for each reason, those that a person may want to end."""
        reason = clean(event.reason)
        if event.gives_up_in is None:
            told = f"waits {seconds(event.seconds)}: {reason}"
            self._set(event.mapping, told)
        else:
            told = f"{reason} Tries again, for up to {seconds(event.gives_up_in)}"
            self._set(event.mapping, f"tries again, for up to {seconds(event.gives_up_in)}")
        matters = event.gives_up_in is not None or event.seconds >= _LONG_WAIT
        if self._out.verbose:
            self._log(f"{event.mapping}: {told}")
        elif matters and (event.mapping, reason) not in self._waited:
            self._waited.add((event.mapping, reason))
            self._out.note(f"{event.mapping}: {told}. Ctrl-C stops; the next sync goes on.")

    def _log(self, text: str) -> None:
        if not self._out.live and self._out.verbose:
            self._out.note(text)

    def _set(self, mapping: str, text: str, **numbers: int | None) -> None:
        if not self._out.live:
            return
        if self._bars is None:
            self._bars = _bars(self._out, self._stop)
            self._bars.start()
        if mapping not in self._tasks:
            self._tasks[mapping] = self._bars.add_task(clean(mapping), total=None, text="")
        values: dict[str, Any] = {"text": text}
        if "done" in numbers:
            values["completed"] = numbers["done"]
        if "total" in numbers:
            values["total"] = numbers["total"]
        self._bars.update(self._tasks[mapping], **values)


def _sending(event: Progress, rate: Rate) -> str:
    parts = [f"{number(event.done)} of {number(event.total)}"]
    if rate.per_second:
        parts.append(f"{number(rate.per_second)}/s")
    remaining = rate.remaining(event.total)
    if remaining is not None and event.done < event.total:
        parts.append(f"{seconds(remaining)} left")
    for name in ("rejected", "aborted", "unknown"):
        if count := getattr(event, name):
            parts.append(f"{number(count)} {name}")
    return " · ".join(parts)


def _bars(out: Output, stop: StopSignal) -> Any:
    from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.progress import Progress as Bars
    from rich.table import Column
    from rich.text import Text

    class State(ProgressColumn):
        """What the sync does, or that it was asked to stop; drawn often enough to show that at once."""

        def render(self, task: Task) -> Text:
            if stop.immediate:
                return Text("stopping at once", style="red")
            if stop.graceful:
                return Text("stopping: waits for what is in flight", style="yellow")
            return Text(task.fields["text"])

    return Bars(
        SpinnerColumn(),
        TextColumn("{task.description}", style="bold", markup=False),
        BarColumn(bar_width=12 if out.stderr.width < 100 else 30, pulse_style="dim"),
        State(table_column=Column(no_wrap=True, overflow="ellipsis")),
        console=out.stderr,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
