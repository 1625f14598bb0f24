"""Requests to one destination account: pacing, retries, credentials, and when to stop altogether."""

from __future__ import annotations

import asyncio
import gzip
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from tailrace.delivery import rate, retry
from tailrace.delivery.batch import Part
from tailrace.delivery.http import HttpClient
from tailrace.delivery.summary import DeliverySummary
from tailrace.delivery.verdict import MaybeApplied, NotSent, Verdict, judge
from tailrace.destinations.define import Answer, Limits
from tailrace.errors import AuthError, DestinationError, TailraceError
from tailrace.ids import digest

if TYPE_CHECKING:
    from tailrace.delivery.engine import Delivery

_CONFLICTS = 5
"""So many attempts may end in 409 after a lost answer before the batch is looked at record by record."""
_HOPELESS = 3
"""So many requests in a row whose retries ended in vain stop the delivery; fewer may be poison records."""
_COMPRESS_ASIDE = 1 << 16
"""Larger bodies are compressed in a thread."""
_SHOWN_WAIT = 1.0
_NO_TURN = "The delivery ended before this record had its turn."


@dataclass(slots=True)
class Work:
    """Some records on their way to an outcome."""

    part: Part
    maybe_applied: bool = False
    """By an attempt that did not lead to a verdict."""
    attempts: int = 0
    started: float | None = None
    """When the first attempt was made."""
    split: bool = False
    """A piece of a batch that was refused."""
    rounds: tuple[str, ...] = ()
    """Grows when an answer asked for these records again: that is a new request, with a key of its own."""
    patient: bool = True
    """A 409 after a lost answer is worth asking again; not in pieces of a batch that had its 409s."""


class Ending(NamedTuple):
    """How the attempts for some work ended.

    `conflict`: 409 although an attempt without an answer may have been applied. `stopped`: the delivery is
    ending, and the next attempt was not made.
    """

    kind: Literal["accepted", "refused", "too_large", "conflict", "given_up", "stopped"]
    reason: str
    message: str
    answer: Answer | None = None


class Lane:
    """Sends work until it has an ending; shared by all batches of a delivery, in one event loop."""

    def __init__(
        self,
        delivery: Delivery,
        limits: Limits,
        http: HttpClient,
        summary: DeliverySummary,
        succeeded: bool,
    ) -> None:
        action, call = delivery.action, delivery.call
        self._action = action
        self._call = call
        self._auth = delivery.auth
        self._limits = limits
        self._http = http
        self._clock = delivery.clock
        self._random = delivery.random
        self._sleep = delivery.sleep
        self._control = delivery.control
        self._on_wait = delivery.on_wait
        self._summary = summary
        self._request = action.request(call)
        self._separator = len(action.separator(call))
        self._gzip = action.gzip(call.settings)
        self._bucket = rate.bucket(limits.requests_per_second, self._clock.monotonic())
        self._refresh = asyncio.Lock()
        self._refreshed = False
        self._last_success = -math.inf
        self._given_up = 0
        self.succeeded = succeeded
        self.stopping = asyncio.Event()
        self.error: TailraceError | None = None
        self.stop_reason = "cancelled"

    def stop(self, reason: str, error: TailraceError | None = None) -> None:
        """Make no further attempt; the first reason stands."""
        if not self.stopping.is_set():
            self.stopping.set()
            self.stop_reason = reason
            self.error = error

    async def send(self, work: Work) -> Ending:
        """Attempt until there is an ending; FenceLost passes through."""
        body = self._action.body(work.part.items(self._separator), len(work.part), self._call)
        span = work.part.span
        key = digest(self._call.sync, str(span.first), str(span.last), body, *work.rounds)
        if self._gzip:
            body = await _compressed(body)
        renewed, said = False, ""
        while await self._turn():
            sent_at = self._clock.monotonic()
            if work.started is None:
                work.started = sent_at
            event = await self._attempt(work, key, body)
            verdict = judge(
                event,
                deletes_alone=isinstance(event, Answer)
                and event.status in (404, 410)
                and work.part.deletes_alone(),
                succeeded=self.succeeded,
                maybe_applied=work.maybe_applied,
            )
            answer = event if isinstance(event, Answer) else None
            if verdict.decision == "accepted":
                if verdict.applied:
                    self.succeeded = True
                    self._last_success = self._clock.monotonic()
                    self._given_up = 0
                return Ending("accepted", verdict.reason, verdict.message, answer)
            if verdict.decision == "unauthorized" and not renewed and await self._renew():
                renewed = True
                continue
            if verdict.decision != "retry":
                return self._ending(verdict, answer)
            work.maybe_applied = work.maybe_applied or verdict.applied
            if verdict.reason == "http_409" and not (work.patient and work.attempts < _CONFLICTS):
                return Ending("conflict", verdict.reason, verdict.message, answer)
            if not await self._again(work, verdict, answer, sent_at):
                return Ending("given_up", verdict.reason, verdict.message, answer)
            self._summary.retries += 1
            said = verdict.message
        said = f"It was stopped before the next attempt; the last one: {said}" if said else _NO_TURN
        return Ending("stopped", self.stop_reason, said)

    async def pause(self, seconds: float, reason: str, left: float | None = None) -> bool:
        """Wait, and tell of it: long waits, and tries that end after `left` seconds. False if the delivery is ending."""
        if self.stopping.is_set():
            return False
        if seconds >= _SHOWN_WAIT or left is not None:
            self._on_wait(reason, seconds, left)
        waits = {asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self.stopping.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
        return not self.stopping.is_set()

    def next_delay(self, work: Work, answer: Answer | None, *, limited: bool = False) -> float | None:
        """How long until the next attempt; None where retries have ended."""
        now = self._clock.monotonic()
        asked = retry.hint(answer.headers, self._clock.now(), limited=limited) if answer else None
        elapsed = now - (work.started if work.started is not None else now)
        return retry.delay(work.attempts, elapsed, self._limits.retry_for, asked, self._random.random())

    async def _turn(self) -> bool:
        """Wait for the rate; False if the delivery is ending."""
        if self.stopping.is_set():
            return False
        self._bucket, wait = rate.take(self._bucket, self._clock.monotonic())
        while wait > 0:
            if not await self.pause(wait, "The destination's limits ask for a pause."):
                return False
            wait = self._bucket.paused_until - self._clock.monotonic()
        return True

    async def _attempt(self, work: Work, key: str, body: bytes) -> Answer | NotSent | MaybeApplied:
        headers = self._action.headers(self._call, key, body, self._clock.now().timestamp())
        headers.update(self._auth.headers())
        if self._gzip:
            headers["Content-Encoding"] = "gzip"
        self._control.may_send()
        work.attempts += 1
        self._summary.requests += 1
        self._summary.bytes_sent += len(body)
        try:
            return await self._http.exchange(self._request, headers, body, self._limits.answer_bytes)
        except (NotSent, MaybeApplied) as failure:
            return failure

    async def _again(self, work: Work, verdict: Verdict, answer: Answer | None, sent_at: float) -> bool:
        """Wait for the next attempt of this work; False where there is none to come."""
        wait = self.next_delay(work, answer, limited=verdict.limited)
        now = self._clock.monotonic()
        if wait is None:
            self._given_up += 1
            elapsed = now - (now if work.started is None else work.started)
            asked_for_longer = verdict.limited and elapsed < self._limits.retry_for
            of_all = (answer is None and not verdict.applied) or verdict.limited
            idle = work.started is None or self._last_success < work.started
            if asked_for_longer or (of_all and idle) or self._given_up >= _HOPELESS:
                self.stop("unavailable", self._unavailable(verdict))
            return False
        if verdict.limited:
            self._bucket = rate.slow_down(self._bucket, now, wait, sent_at)
            return True
        started = now if work.started is None else work.started
        await self.pause(wait, verdict.message, max(0.0, started + self._limits.retry_for - now))
        return True

    async def _renew(self) -> bool:
        async with self._refresh:
            if not self._refreshed and self._auth.refresh is not None:
                self._refreshed = True
                return await self._auth.refresh()
            return self._auth.refresh is not None

    def _ending(self, verdict: Verdict, answer: Answer | None) -> Ending:
        kind: Literal["refused", "too_large", "given_up"] = "given_up"
        match verdict.decision:
            case "refused" | "too_large" as kind:
                pass
            case "unauthorized":
                self.stop("unauthorized", self._unauthorized(verdict))
            case "redirected" if self.succeeded:
                pass
            case _:
                self.stop(verdict.decision, self._misconfigured(verdict, answer))
        return Ending(kind, verdict.reason, verdict.message, answer)

    def _unauthorized(self, verdict: Verdict) -> AuthError:
        status = verdict.reason.removeprefix("http_")
        return AuthError(
            f"{self._request.origin} refused the credentials ({status}).",
            hint="Check the credentials in the destination's settings, and what they permit. "
            "Records that were not accepted go again with the next sync.",
        )

    def _misconfigured(self, verdict: Verdict, answer: Answer | None) -> DestinationError:
        origin = self._request.origin
        if verdict.decision == "tls":
            return DestinationError(
                f"{origin}: {verdict.message}",
                hint="Check the address, and that the certificate is valid for its host name.",
                code="destination_tls",
            )
        what = f"answered {answer.status if answer else ''}, so nothing there takes these requests"
        if verdict.decision == "redirected":
            what = f"answered {answer.status if answer else ''}, a redirect, which is never followed"
        return DestinationError(
            f"{origin} {what}.",
            hint="Check the destination's address and method. No record was rejected; all go again.",
            code="destination_wrong_address",
        )

    def _unavailable(self, verdict: Verdict) -> DestinationError:
        return DestinationError(
            f"{self._request.origin} could not be used until retries ended: {verdict.message}",
            hint="Run the sync again once the destination works; records that were not accepted go again.",
            code="destination_limited" if verdict.limited else "destination_unavailable",
        )


async def _compressed(body: bytes) -> bytes:
    if len(body) < _COMPRESS_ASIDE:
        return gzip.compress(body, 1, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)
