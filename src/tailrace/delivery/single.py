"""One request by itself, for testing a destination and for sending a test record: nothing is retried or stored."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass

from tailrace.delivery.http import HttpClient
from tailrace.delivery.verdict import MaybeApplied, NotSent, Verdict, judge
from tailrace.destinations.auth import Auth
from tailrace.destinations.define import Action, Answer, Call, Destination, Limits, Records, Request
from tailrace.destinations.fields import Settings
from tailrace.sources.base import CheckStep

_SHOWN_BODY = 4_000
_TEST_SYNC = "test"
_NOT_REACHED = ("dns", "connection_refused", "connect_timeout", "unreachable", "tls")
_REMEDIES = {
    "dns": "Check the host name in the address.",
    "connection_refused": "Check host and port, and that the receiver is running.",
    "connect_timeout": "Check the address, and firewalls between here and there.",
    "unreachable": "Check the address and the network.",
    "tls": "Check that the certificate is valid for the host name, and trusted on this machine.",
    "timeout": "Check why the receiver takes so long, or raise `timeout` (at most 40s).",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """What went out and what came back, secrets hidden."""

    method: str
    origin: str
    headers: dict[str, str]
    body: str
    verdict: Verdict
    answer: Answer | None
    outcome: str
    """delivered, rejected, aborted or unknown."""
    message: str
    shown_answer: str


def send_one(
    action: Action, call: Call, auth: Auth, item: bytes, records: Records, key: str, unix_time: float
) -> Exchange:
    """Send one rendered record as its own request and judge the answer like the engine would."""
    body = action.body(memoryview(item)[: len(item) - len(action.separator(call))], 1, call)
    headers = action.headers(call, key, body, unix_time) | auth.headers()
    sent = body
    if action.gzip(call.settings):
        sent, headers["Content-Encoding"] = gzip.compress(body, 1, mtime=0), "gzip"
    request = action.request(call)
    limits = action.limits(call.settings)
    event = asyncio.run(_exchange(request, headers, sent, limits))
    deletes = set(records.operations) == {"deleted"}
    verdict = judge(event, deletes_alone=deletes, succeeded=True, maybe_applied=False)
    answer = event if isinstance(event, Answer) else None
    outcome, message = _outcome(verdict)
    if verdict.decision == "accepted" and answer is not None:
        reading = action.read(answer, records, call)
        result = reading.results.get(0) if reading else None
        if result is not None and result.status != "delivered":
            outcome, message = result.status, result.message or result.code
    secrets = call.settings.secrets()
    return Exchange(
        request.method,
        request.origin,
        {name: _scrub(value, secrets) for name, value in headers.items()},
        _scrub(body[:_SHOWN_BODY].decode(errors="replace"), secrets),
        verdict,
        answer,
        outcome,
        _scrub(message, secrets),
        _scrub(answer.body[:_SHOWN_BODY].decode(errors="replace"), secrets) if answer else "",
    )


def probe_destination(
    declaration: Destination, settings: Settings, project: str, unix_time: float
) -> Iterator[CheckStep]:
    """Test a destination by its declared test call: reached, authorised, answered."""
    if declaration.test is None:
        yield CheckStep("request", "skipped", "this destination has no test request")
        return
    call = Call(settings, project, "test", _TEST_SYNC)
    test = declaration.test
    headers = test.headers(call, f"test-{int(unix_time)}", test.body, unix_time)
    headers |= declaration.auth(settings).headers()
    request = test.request(call)
    limits = declaration.actions[0].limits(settings)
    event = asyncio.run(_exchange(request, headers, test.body, limits))
    verdict = judge(event, deletes_alone=False, succeeded=False, maybe_applied=False)
    if verdict.reason in _NOT_REACHED:
        yield CheckStep("connection", "failed", verdict.message, _REMEDIES[verdict.reason])
        yield CheckStep("answer", "skipped")
        return
    yield CheckStep("connection", "passed", request.origin)
    match verdict.decision:
        case "accepted":
            yield CheckStep("answer", "passed", verdict.reason.replace("http_", "HTTP "))
        case "unauthorized":
            yield CheckStep(
                "answer", "failed", verdict.message, "Check the credentials and what they permit."
            )
        case "wrong_address" | "redirected":
            remedy = "Check the address and the method; redirects are never followed."
            yield CheckStep("answer", "failed", verdict.message, remedy)
        case "refused" | "too_large":
            detail = f"{verdict.message} It may not know test messages; records may still be accepted."
            yield CheckStep("answer", "warning", detail, "Send one record with `tailrace send`.")
        case _:
            remedy = _REMEDIES.get(verdict.reason, "Try again; if it stays so, look into the receiver's log.")
            yield CheckStep("answer", "failed", verdict.message, remedy)


async def _exchange(
    request: Request, headers: dict[str, str], body: bytes, limits: Limits
) -> Answer | NotSent | MaybeApplied:
    async with HttpClient(1, limits.timeout) as http:
        try:
            return await http.exchange(request, headers, body, limits.answer_bytes)
        except (NotSent, MaybeApplied) as failure:
            return failure


def _outcome(verdict: Verdict) -> tuple[str, str]:
    if verdict.decision == "accepted":
        return "delivered", ""
    if verdict.decision in ("refused", "too_large"):
        return "rejected", verdict.message
    return ("unknown" if verdict.applied else "aborted"), verdict.message


def _scrub(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***").replace(json.dumps(secret)[1:-1], "***")
    return text
