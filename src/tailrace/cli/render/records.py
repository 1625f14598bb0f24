"""Single records: refused ones, a test, everything that is known of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from tailrace.cli.render.layout import Flowing, Rows, indented
from tailrace.cli.render.parts import SIGNS, heading, json_text, sign, values
from tailrace.cli.render.values import clean, moment, named, plural, shown

if TYPE_CHECKING:
    from tailrace.service.documents import AttemptDocument, RejectionDocument, SendDocument, WhyDocument

_OUTCOME_STYLES = {"delivered": "green", "rejected": "red", "aborted": "yellow", "unknown": "yellow"}


def rejection(document: RejectionDocument) -> Iterator[RenderableType]:
    """One record that was not delivered: why, what was sent, what was answered, when it goes again."""
    yield Flowing(
        [
            Text.assemble(sign(document.operation), " ", (named(document.key), "bold")),
            Text(document.outcome, style=_OUTCOME_STYLES.get(document.outcome, "")),
            Text(reason(document.reason, document.code), style="dim"),
        ],
        hang=4,
    )
    yield indented(Text(clean(document.message)), 4)
    last = f", the last {moment(document.last_at)}" if document.last_at else ""
    yield indented(Text(plural(document.attempts, "attempt") + last, style="dim"), 4)
    waits = f"quarantined until {moment(document.next_try_at)}"
    yield indented(Text(waits if document.next_try_at else "goes with the next sync", style="dim"), 4)
    if document.payload is not None:
        yield indented(Text("payload", style="dim"), 4)
        yield indented(json_text(document.payload), 6)
    if document.answer is not None:
        yield indented(Text("answer", style="dim"), 4)
        status, body = _answer(document.answer)
        if status:
            yield indented(Text(status), 6)
        if body:
            yield indented(json_text(body), 6)


def _answer(text: str) -> tuple[str, str]:
    """The status and the body of an answer kept as `200 {"results": …}`."""
    code, _, body = text.partition(" ")
    return (f"HTTP {code}", body) if len(code) == 3 and code.isdigit() else ("", text)


def reason(reason_: str, code: str) -> str:
    """`result / invalid_email`."""
    return clean(" / ".join(part for part in (reason_, code) if part))


def send(document: SendDocument) -> Iterator[RenderableType]:
    """One test: the request, the answer, the outcome."""
    request = document.request
    yield heading("Request")
    line = f"{request.get('method', '')} {request.get('url', '')}".strip()
    yield indented(Text(clean(line), style="bold"))
    yield from _headers(request.get("headers"))
    if request.get("body") is not None:
        yield indented(json_text(request["body"]))
    yield Text()
    yield heading("Answer")
    if document.answer is None:
        yield indented(Text("none", style="dim"))
    else:
        yield indented(Text(f"HTTP {shown(document.answer.get('status'))}", style="bold"))
        yield from _headers(document.answer.get("headers"))
        if document.answer.get("body"):
            yield indented(json_text(document.answer["body"]))
    yield Text()
    yield Flowing(
        [
            Text.assemble(sign(document.operation), f" {named(document.key)}"),
            Text(document.outcome, style=_OUTCOME_STYLES.get(document.outcome, "")),
            Text(clean(document.message)),
        ],
        hang=4,
    )
    yield Text("This was a test: no state was changed.", style="dim")


def why(document: WhyDocument) -> Iterator[RenderableType]:
    """All that is known of one record, the conclusion first."""
    yield Text.assemble((clean(document.mapping), "bold"), (" / ", "dim"), (named(document.key), "bold"))
    yield Text(clean(document.verdict))
    yield Text()
    yield heading("In the model", "no row" if not document.model else plural(len(document.model), "row"))
    for row in document.model:
        yield indented(_marked(row, document.changed_columns))
    yield Text()
    yield heading("As delivered", "" if document.state else "never")
    if document.state:
        yield indented(_state(document.state))
    if document.change:
        yield Text()
        symbol, style = SIGNS.get(document.change, ("·", ""))
        columns = f" in {', '.join(map(clean, document.changed_columns))}" if document.changed_columns else ""
        yield Text.assemble(
            ("Change  ", "bold"), (f"{symbol} {document.change.replace('_', ' ')}", style), columns
        )
    if document.problem:
        yield indented(Text.assemble(("✗ ", "red"), "refused by the mapping: ", clean(document.problem)))
    if document.payload is not None:
        yield Text()
        yield heading("Payload")
        yield indented(json_text(document.payload))
    if document.quarantine is not None:
        yield Text()
        yield heading("Refused")
        yield from map(indented, rejection(document.quarantine.model_copy(update={"payload": None})))
    yield Text()
    yield heading("Attempts", "" if document.attempts else "none known")
    yield from (indented(part) for attempt in document.attempts for part in _attempt(attempt))


def _attempt(attempt: AttemptDocument) -> Iterator[RenderableType]:
    outcome = (attempt.outcome, _OUTCOME_STYLES.get(attempt.outcome, ""))
    yield Flowing(
        [
            Text(moment(attempt.at)),
            Text.assemble(sign(attempt.operation), " ", outcome),
            Text(f"sync {attempt.sync}", style="dim"),
        ],
        hang=4,
    )
    if told := ": ".join(part for part in (attempt.code, attempt.message) if part):
        yield indented(Text(clean(told)), 4)
    if attempt.answer is not None:
        yield indented(Text.assemble(("answered ", "dim"), clean(attempt.answer)), 4)


def _marked(row: Mapping[str, Any], changed: list[str]) -> RenderableType:
    if not changed:
        return values(row.items())
    return Rows(_marked_row(name, value, differs=name in changed) for name, value in row.items())


def _marked_row(name: str, value: Any, *, differs: bool) -> tuple[Text, Flowing]:
    told = [
        Text(shown(value), style="yellow" if differs else ""),
        Text("changed" if differs else "", style="dim"),
    ]
    return Text(clean(name), style="bold" if differs else ""), Flowing(told)


def _state(state: Mapping[str, Any]) -> RenderableType:
    """The values, then what is not as usual of the record, then the sync that it was last delivered by."""
    record = state.get("values")
    made = values(record.items() if isinstance(record, Mapping) else ())
    remarks: list[str] = []
    if state.get("uncertain"):
        remarks.append("it may or may not have arrived")
    elif not state.get("delivered", True):
        remarks.append("it was taken as it stood, and never sent")
    by = [moment(state.get("at")), f"sync {clean(str(state['sync']))}"] if state.get("sync") else []
    return Group(
        made,
        *(Text(line, style="dim") for line in remarks),
        Flowing(Text(part, style="dim") for part in by),
    )


def _headers(headers: Any) -> Iterator[RenderableType]:
    if isinstance(headers, Mapping) and headers:
        yield indented(values(headers.items(), style="dim"))
