"""The delivery engine: offers batches, sends them, and stores what became of them, in one commit a turn.

A batch is sent only after the ledger holds its offer, and its slot is free again only when the ledger holds
its resolution: so what is offered and not resolved never exceeds `concurrency` batches of the whole sync
(R25).

The ledger is written in the event loop itself: nothing may leave before it is written anyway, answers meanwhile
arrive in the HTTP client's own threads, and a step in another thread would cost more in handing over than in writing.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from tailrace.clock import Clock
from tailrace.delivery.batch import Batch, Cutter, Size
from tailrace.delivery.control import Control
from tailrace.delivery.feed import Feed
from tailrace.delivery.http import HttpClient
from tailrace.delivery.lane import Lane
from tailrace.delivery.outcomes import Ledger, Rendered
from tailrace.delivery.settle import Settler
from tailrace.delivery.summary import Counts, DeliverySummary
from tailrace.destinations.auth import Auth
from tailrace.destinations.define import Action, Call
from tailrace.errors import Cancelled, TailraceError
from tailrace.outcomes import Offer, Resolution, UnitProgress

_FEED_BYTES = 8 << 20
_COMPANY_SECONDS = 0.001
"""So long a step of the ledger waits for more answers, where a quarter of those awaited is not there yet."""


@dataclass(slots=True)
class Delivery:
    """Delivers the rendered pieces of one sync.

    `on_progress` gets the counts so far, `on_wait` a reason, seconds and, of a request that is tried
    again, after how many seconds that ends; both are called from the delivery's thread.
    """

    action: Action
    call: Call
    ledger: Ledger
    clock: Clock
    auth: Auth = field(default_factory=Auth)
    random: Random = field(default_factory=Random)
    control: Control = field(default_factory=Control)
    on_progress: Callable[[Counts], None] = lambda _counts: None
    on_wait: Callable[[str, float, float | None], None] = lambda _reason, _seconds, _left: None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def run(
        self,
        pieces: Iterable[Rendered],
        resume: Mapping[int, UnitProgress] | None = None,
        *,
        succeeded: bool = False,
    ) -> DeliverySummary:
        """Deliver until the pieces end or something stops it, and give the counts of this run.

        `pieces` is read in the calling thread; HTTP and the ledger work in another. `succeeded`: an
        earlier run of this sync had a success, so the address is known to be right (R22).

        Raises AuthError or DestinationError where the destination cannot be used and Blocked where a guard
        says so, both after everything offered was resolved; FenceLost at once and without resolving;
        Cancelled after `control.abort()`; and what reading the pieces raises.
        """
        ready: list[_Run] = []
        started = threading.Event()
        failure: list[BaseException] = []

        def work() -> None:
            try:
                with asyncio.Runner(loop_factory=_fast_loop()) as runner:
                    runner.run(main())
            except BaseException as error:
                failure.append(error)
            finally:
                started.set()

        async def main() -> None:
            run = _Run(self, resume or {}, succeeded)
            ready.append(run)
            started.set()
            await run.deliver()

        thread = threading.Thread(target=work, name="tailrace-delivery", daemon=True)
        thread.start()
        started.wait()
        reading_failed: BaseException | None = None
        if ready:
            run = ready[0]
            try:
                for piece in pieces:
                    if not run.feed.put(piece):
                        break
            except BaseException as error:
                reading_failed = error
                self.control.stop_offering()
            finally:
                run.feed.end()
        thread.join()
        if reading_failed is not None:
            raise reading_failed
        if failure:
            raise failure[0]
        return ready[0].summary


class _Run:
    """One run of a delivery, inside its event loop."""

    def __init__(self, delivery: Delivery, resume: Mapping[int, UnitProgress], succeeded: bool) -> None:
        self._delivery = delivery
        self._resume = resume
        self._loop = asyncio.get_running_loop()
        self._limits = delivery.action.limits(delivery.call.settings)
        frame = len(delivery.action.body(memoryview(b""), 0, delivery.call))
        self._size = Size(self._limits.records, self._limits.bytes - frame, self._limits.one_operation)
        self._http = HttpClient(self._limits.concurrency, self._limits.timeout)
        self.summary = DeliverySummary()
        self._news = asyncio.Event()
        self.feed = Feed(self._loop, _FEED_BYTES, self._news.set)
        self._lane = Lane(delivery, self._limits, self._http, self.summary, succeeded)
        self._settler = Settler(self._lane, delivery.action, delivery.call, self._size, self.summary)
        self._batches = self._cut()
        self._cut_off = False
        self._cutters: dict[int, Cutter] = {}
        self._finished: deque[Resolution] = deque()
        self._failed: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def deliver(self) -> None:
        """Pump until everything is done; raises what stopped it."""
        control = self._delivery.control
        control.attach(self._wake)
        try:
            async with self._http:
                try:
                    await self._pump()
                finally:
                    for task in self._tasks:
                        task.cancel()
                    await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            control.detach()
            self.feed.close()
        if self._lane.error is not None:
            raise self._lane.error

    def _wake(self) -> None:
        def look() -> None:
            self._lane.stop("cancelled")
            self._news.set()

        self._loop.call_soon_threadsafe(look)

    async def _pump(self) -> None:
        free = self._limits.concurrency
        record = self._delivery.ledger.record
        while True:
            self._news.clear()
            self._raise_failure()
            resolutions = list(self._finished)
            self._finished.clear()
            free += len(resolutions)
            batches = self._next(free)
            if resolutions or batches:
                offers = [Offer(batch.unit, batch.span) for batch in batches]
                record(resolutions, offers)
                free -= len(batches)
                for batch in batches:
                    task = self._loop.create_task(self._settle(batch))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                self._count(resolutions)
                continue
            if free == self._limits.concurrency and (self._lane.stopping.is_set() or self._cut_off):
                self.summary.complete = self._cut_off
                return
            await self._news.wait()
            if 0 < 4 * len(self._finished) < self._limits.concurrency - free:
                await asyncio.sleep(_COMPANY_SECONDS)

    def _next(self, most: int) -> list[Batch]:
        found: list[Batch] = []
        while len(found) < most and not self._lane.stopping.is_set():
            batch = next(self._batches, None)
            if batch is None:
                break
            found.append(batch)
        return found

    def _cut(self) -> Iterator[Batch | None]:
        """Batches as they become ready; None where one must wait for the feed."""
        while True:
            ended = self.feed.ended
            piece = self.feed.take()
            if piece is not None:
                cutter = self._cutters.get(piece.unit)
                if cutter is None:
                    cutter = self._cutters[piece.unit] = Cutter(self._size, self._resume.get(piece.unit))
                yield from cutter.push(piece)
            elif ended:
                break
            else:
                yield None
        for cutter in self._cutters.values():
            yield from cutter.finish()
        self._cut_off = True

    async def _settle(self, batch: Batch) -> None:
        try:
            self._finished.append(await self._settler.settle(batch))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._failed = self._failed or error
        self._news.set()

    def _count(self, resolutions: list[Resolution]) -> None:
        if not resolutions:
            return
        counts = self.summary.counts
        for resolution in resolutions:
            counts.add(resolution)
        self._delivery.on_progress(counts)
        if not self._lane.stopping.is_set():
            try:
                self._delivery.control.check(counts)
            except TailraceError as blocked:
                self._lane.stop("guard", blocked)

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise self._failed
        if self._delivery.control.aborting:
            raise Cancelled(
                "The sync was stopped at once.",
                hint="Run it again: it goes on where it was, and settles what was in flight.",
            )


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, which takes a third off a small request (docs/adr/0022), where there is one."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
