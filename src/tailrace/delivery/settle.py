"""Brings one batch to its end: each of its records gets exactly one outcome, if need be by splitting it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tailrace.delivery.batch import Batch, Part, Size
from tailrace.delivery.lane import Ending, Lane, Work
from tailrace.delivery.summary import DeliverySummary
from tailrace.destinations.define import Action, Answer, Call, Reading, Result
from tailrace.outcomes import Outcome, Refusal, Resolution

_SHOWN_ANSWER = 2_000
_MOST_WARNINGS = 20


def split_budget(records: int) -> int:
    """How many requests finding the bad records of a refused batch may cost.

    Enough to single out some sixteen of them in any batch, plus a quarter of what single records would cost.
    """
    return 32 * max(1, (records - 1).bit_length()) + records // 4


class Settler:
    """Turns batches into resolutions."""

    def __init__(self, lane: Lane, action: Action, call: Call, size: Size, summary: DeliverySummary) -> None:
        self._lane = lane
        self._action = action
        self._call = call
        self._most_bytes = size.bytes
        self._size = size
        self._separator = len(action.separator(call))
        self._summary = summary

    async def settle(self, batch: Batch) -> Resolution:
        """The outcome of every record of the batch; FenceLost passes through."""
        part = batch.part()
        refusals = batch.refusals()
        if part is not None:
            refusals += await self._deliver(part, resumed=batch.resumed)
        delivered = batch.piece.operation_counts(batch.start, batch.stop)
        for refusal in refusals:
            delivered[refusal.operation] -= 1
        if refusals:
            refusals.sort(key=lambda refusal: refusal.seq)
            delivered = {operation: count for operation, count in delivered.items() if count}
        return Resolution(batch.unit, batch.span, batch.records, delivered, tuple(refusals))

    async def _deliver(self, whole: Part, *, resumed: bool) -> list[Refusal]:
        refusals: list[Refusal] = []
        open_work = [Work(whole, maybe_applied=resumed)]
        budget = split_budget(len(whole))
        while open_work:
            work = open_work.pop()
            part = work.part
            if len(part) == 1 and len(part.items(self._separator)) > self._most_bytes:
                message = (
                    f"The record is larger than the {self._most_bytes:,} bytes that one request may carry."
                )
                refusals += self._refuse(work, Outcome.REJECTED, "record_too_large", message)
                continue
            if work.split:
                if budget <= 0:
                    message = "Its batch was refused, and finding the records at fault took too much."
                    refusals += self._refuse(work, _undecided(work), "split_budget", message)
                    continue
                budget -= 1
            ending = await self._lane.send(work)
            reading = self._reading(work, ending)
            match ending.kind:
                case "accepted" | "refused" if reading is not None:
                    refused, again = await self._apply(work, ending, reading)
                    refusals += refused
                    open_work += again
                case "refused" | "too_large" | "conflict" if len(part) > 1:
                    if ending.kind == "too_large":
                        self._size.bytes = max(
                            1, min(self._size.bytes, len(part.items(self._separator)) // 2)
                        )
                    split = work.split or ending.kind != "too_large"
                    patient = work.patient and ending.kind != "conflict"
                    first, second = part.halves()
                    open_work += [
                        Work(half, work.maybe_applied, split=split, patient=patient, rounds=work.rounds)
                        for half in (second, first)
                    ]
                case "refused" | "too_large":
                    refusals += self._refuse(
                        work, Outcome.REJECTED, ending.reason, ending.message, ending.answer
                    )
                case _:
                    refusals += self._refuse(
                        work, _undecided(work), ending.reason, ending.message, ending.answer
                    )
        return refusals

    def _reading(self, work: Work, ending: Ending) -> Reading | None:
        """What the answer says record by record; None where it was no success and says nothing."""
        answer = ending.answer
        if answer is None or not answer.complete or ending.kind not in ("accepted", "refused"):
            return None
        reading = self._action.read(answer, work.part, self._call)
        if reading is not None:
            self._lane.succeeded = True
            self._warn(reading.warnings)
        elif ending.kind == "accepted":
            reading = Reading()
        return reading

    async def _apply(self, work: Work, ending: Ending, reading: Reading) -> tuple[list[Refusal], list[Work]]:
        """The records that a request did not deliver although it was read, and those to be sent again."""
        answer, results = ending.answer, reading.results
        assert answer is not None
        if not results and self._action.undecided == "delivered":
            return [], []
        refusals: list[Refusal] = []
        again: dict[int, Result] = {}
        undecided = Result(
            self._action.undecided, message="The answer did not say what became of this record."
        )
        for index, row in enumerate(work.part.rows):
            result = results.get(index, undecided)
            match result.status:
                case "rejected" | "unknown":
                    refusals.append(self._refusal(work, row, Outcome(result.status), result, answer))
                case "retry":
                    again[row] = result
                case _:
                    pass
        if not again:
            return refusals, []
        rest = Work(work.part.of(list(again)), work.maybe_applied, work.attempts, work.started)
        rest.rounds = (*work.rounds, "again")
        wait = self._lane.next_delay(rest, answer)
        if wait is not None and await self._lane.pause(
            wait, "The destination asked for some records again, later."
        ):
            return refusals, [rest]
        refusals += [
            self._refusal(rest, row, _undecided(rest), result, answer) for row, result in again.items()
        ]
        return refusals, []

    def _refuse(
        self, work: Work, outcome: Outcome, reason: str, message: str, answer: Answer | None = None
    ) -> list[Refusal]:
        code = ""
        if outcome is Outcome.REJECTED and answer is not None:
            code, message = _said(answer, message)
            code = self._call.settings.hide(code)
        text = self._answer_text(answer)
        message = self._call.settings.hide(message)
        part = work.part
        shown = outcome is not Outcome.ABORTED
        return [
            Refusal(
                int(part.piece.seqs[row]), key, operation, outcome, reason, code, message, record_id,
                part.item(row, self._separator) if shown else None, text, work.attempts,
            )
            for row, key, operation, record_id in zip(
                part.rows, part.keys, part.operations, part.record_ids, strict=True
            )
        ]  # fmt: skip

    def _refusal(self, work: Work, row: int, outcome: Outcome, result: Result, answer: Answer) -> Refusal:
        one = work.part.of([row])
        return Refusal(
            one.span.first, one.keys[0], one.operations[0], outcome, "result", self._call.settings.hide(result.code),
            self._call.settings.hide(result.message or "The destination refused this record without saying why."),
            one.record_ids[0], one.item(row, self._separator), self._answer_text(answer), work.attempts,
        )  # fmt: skip

    def _answer_text(self, answer: Answer | None) -> str | None:
        if answer is None:
            return None
        body = answer.body[: _SHOWN_ANSWER * 4].decode(errors="replace")
        return self._call.settings.hide(f"{answer.status} {body}".strip())[:_SHOWN_ANSWER]

    def _warn(self, warnings: Iterable[str]) -> None:
        known = self._summary.warnings
        known += [each for each in warnings if each not in known][: max(0, _MOST_WARNINGS - len(known))]


def _undecided(work: Work) -> Outcome:
    return Outcome.UNKNOWN if work.maybe_applied else Outcome.ABORTED


def _said(answer: Answer, message: str) -> tuple[str, str]:
    """Code and message as the destination words them, where it does so in JSON."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return "", message
    if not isinstance(document, dict):
        return "", message
    said = next(
        (document[name] for name in ("message", "error", "detail") if isinstance(document.get(name), str)), ""
    )
    return str(document.get("code") or ""), f"{message} {said}".strip()
