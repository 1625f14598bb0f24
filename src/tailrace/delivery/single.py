"""One request by hand: a record sent as a test, and the test of a destination's connection, step by step."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tailrace.delivery.http import CONNECT_SECONDS, HttpClient
from tailrace.delivery.verdict import MaybeApplied, NotSent, Verdict, judge
from tailrace.destinations.auth import Auth
from tailrace.destinations.define import Action, Answer, Call, Destination, Records, Request
from tailrace.destinations.fields import Settings
from tailrace.ids import digest
from tailrace.outcomes import Outcome
from tailrace.sources.base import CheckStep

_SHOWN = 4_000
_PROBE_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it, fit to be shown: secrets are hidden."""

    method: str
    origin: str
    headers: dict[str, str]
    body: str
    answer: Answer | None
    shown_answer: str
    outcome: Outcome
    message: str


def send_one(
    action: Action, call: Call, auth: Auth, item: str, records: Records, key: str, unix_time: float
) -> Exchange:
    """Send one record's item in one attempt, and say what its outcome would be."""
    text = item.encode()
    separator = len(action.separator(call))
    plain = action.body(memoryview(text)[: len(text) - separator], 1, call)
    body = gzip.compress(plain, 1, mtime=0) if action.gzip(call.settings) else plain
    headers = action.headers(call, key, body, unix_time) | dict(auth.headers())
    if body is not plain:
        headers["Content-Encoding"] = "gzip"
    request = action.request(call)
    limits = action.limits(call.settings)
    event = asyncio.run(_once(request, headers, body, limits.timeout, limits.answer_bytes))
    deletes = set(records.operations) == {"deleted"}
    verdict = judge(event, deletes_alone=deletes, succeeded=True, maybe_applied=False)
    answer = event if isinstance(event, Answer) else None
    outcome, message = _outcome(action, call, verdict, answer, records)
    hidden = set(auth.headers())
    return Exchange(
        method=request.method,
        origin=request.origin,
        headers={
            name: "***" if name in hidden else call.settings.hide(value) for name, value in headers.items()
        },
        body=call.settings.hide(plain.decode()),
        answer=answer,
        shown_answer=call.settings.hide(answer.body.decode(errors="replace"))[:_SHOWN] if answer else "",
        outcome=outcome,
        message=call.settings.hide(message),
    )


def probe_destination(
    destination: Destination, settings: Settings, project: str, unix_time: float
) -> Iterator[CheckStep]:
    """Test address, connection, TLS and credentials; stops at the first step that fails."""
    test = destination.test
    if test is None:
        yield CheckStep("test message", "skipped", "this destination has no test that changes nothing")
        return
    call = Call(settings, project, "test", "test")
    request = test.request(call)
    parts = urlsplit(request.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    for step in asyncio.run(_reach(parts.hostname or "", port, secure=parts.scheme == "https")):
        yield step
        if step.status == "failed":
            return
    key = digest("test", project, str(unix_time))
    headers = test.headers(call, key, test.body, unix_time) | dict(destination.auth(settings).headers())
    event = asyncio.run(_once(request, headers, test.body, _PROBE_TIMEOUT, 1 << 20))
    yield _judged(judge(event, deletes_alone=False, succeeded=False, maybe_applied=False), test.description)


async def _once(
    request: Request, headers: dict[str, str], body: bytes, timeout: float, most: int
) -> Answer | NotSent | MaybeApplied:
    async with HttpClient(1, timeout) as http:
        try:
            return await http.exchange(request, headers, body, most)
        except (NotSent, MaybeApplied) as failure:
            return failure


def _outcome(
    action: Action, call: Call, verdict: Verdict, answer: Answer | None, records: Records
) -> tuple[Outcome, str]:
    match verdict.decision:
        case "accepted" if answer is not None:
            reading = action.read(answer, records, call)
            result = reading.results.get(0) if reading else None
            if result is None:
                return Outcome(action.undecided), verdict.message
            if result.status == "retry":
                return Outcome.ABORTED, result.message or "The destination asks to send it again later."
            return Outcome(result.status), result.message or result.code or verdict.message
        case "refused" | "too_large":
            return Outcome.REJECTED, verdict.message
        case _:
            return (Outcome.UNKNOWN if verdict.applied else Outcome.ABORTED), verdict.message


async def _reach(host: str, port: int, *, secure: bool) -> list[CheckStep]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
    except OSError:
        remedy = "Check the host name in the destination's address, and this machine's DNS."
        return [CheckStep("address", "failed", f"the host name {host} could not be resolved", remedy)]
    steps = [CheckStep("address", "passed", f"{host} is {found[0][4][0]}")]
    try:
        await _connect(host, port, None)
    except (OSError, TimeoutError):
        remedy = "Check host and port, that the receiver is running, and firewalls in between."
        return [*steps, CheckStep("connection", "failed", f"no connection to port {port}", remedy)]
    steps.append(CheckStep("connection", "passed", f"port {port} is open"))
    if not secure:
        return [*steps, CheckStep("tls", "skipped", "the address is plain http")]
    try:
        await _connect(host, port, ssl.create_default_context())
    except (OSError, TimeoutError) as error:
        remedy = "Check that the certificate is valid, and issued for this host name."
        reason = getattr(error, "verify_message", None) or "the handshake failed"
        return [*steps, CheckStep("tls", "failed", reason, remedy)]
    return [*steps, CheckStep("tls", "passed", "the certificate is valid")]


async def _connect(host: str, port: int, context: ssl.SSLContext | None) -> None:
    async with asyncio.timeout(CONNECT_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _judged(verdict: Verdict, description: str) -> CheckStep:
    match verdict.decision:
        case "accepted":
            return CheckStep("test message", "passed", f"{description} {verdict.message}")
        case "refused" | "too_large":
            detail = f"{verdict.message} It was reached, and refused the test message."
            return CheckStep(
                "test message", "warning", detail, "Send a record with `tailrace send` to be sure."
            )
        case "unauthorized":
            remedy = "Check the credentials in the destination's settings, and what they permit."
        case "wrong_address" | "redirected":
            remedy = "Check path and method of the destination's address; redirects are not followed."
        case _:
            remedy = "Try again later; if it goes on, ask whoever runs the destination."
    return CheckStep("test message", "failed", verdict.message, remedy)
