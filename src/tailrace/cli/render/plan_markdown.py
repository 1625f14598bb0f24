"""A plan as a comment on a pull request: the same facts as on the terminal, in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tailrace.cli.render.parts import SIGNS
from tailrace.cli.render.plan import changed_columns, cost_lines, remarks, sampled, sampling, sends
from tailrace.cli.render.values import clean, named, number, plural, pretty, shown

if TYPE_CHECKING:
    from tailrace.service.documents import ChangeDocument, PlanDocument

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&@])")


def plans(documents: list[PlanDocument], command: str) -> str:
    """All plans as one comment; `command` applies a single one."""
    parts = ["## Tailrace plan\n"]
    for document in documents:
        parts.extend(_plan(document))
    if len(documents) == 1 and documents[0].counts.planned and not documents[0].blocked:
        parts.append(f"Apply exactly this plan:\n\n{_fenced(command, 'sh')}")
    return "\n".join(parts).rstrip() + "\n"


def _plan(document: PlanDocument) -> Iterator[str]:
    counts = document.counts
    verdict = " · ⛔ **blocked**" if document.blocked else ""
    target = f"{document.destination}.{document.action}"
    yield f"### {_code(document.mapping)} → {_code(target)}{verdict}\n"
    yield f"Sends {sends(document)}.\n"
    for remark in remarks(document):
        yield f"> {_text(remark)}\n"
    if document.error is not None:
        yield f"> ⛔ {_text(document.error.message)} {_text(document.error.hint)}\n"
    yield "| + added | ~ updated | − deleted | = to send | unchanged | set aside | quarantined | not sent |"
    yield "|--:|--:|--:|--:|--:|--:|--:|--:|"
    shown_counts = (
        counts.added,
        counts.updated,
        counts.deleted,
        counts.planned,
        counts.unchanged,
        counts.set_aside,
        counts.quarantined,
        counts.not_sent,
    )
    yield "| " + " | ".join(number(count) for count in shown_counts) + " |\n"
    good, bad = sampled(document)
    if good:
        title = f"Changes: {sampling(document, good)}"
        yield _details(title, "\n".join(_change(change) for change in good))
    if bad:
        title = f"Refused by the mapping: {plural(len(bad), 'sample')}"
        yield _details(title, "\n".join(_change(change) for change in bad))
    if document.set_aside:
        rows = (
            f"| {s.reason} | {'' if s.key is None else _code(named(s.key))} | {number(s.rows)} |"
            for s in document.set_aside
        )
        yield _details("Set aside", "| reason | key | rows |\n|---|---|--:|\n" + "\n".join(rows) + "\n")
    for guard in document.guards:
        sign = "✅" if guard.passed else "⛔"
        yield f"- {sign} {_code(guard.name)}: {_text(guard.value)}, limit {_text(guard.limit)}"
    if document.guards:
        yield ""
    if counts.planned:
        yield " · ".join(f"{_text(name)} {_text(value)}" for name, value in cost_lines(document)) + "\n"
        yield f"Plan {_code(document.plan)}\n"
    else:
        yield "Nothing to send.\n"
    for statement in document.statements:
        yield _details("Statement", _fenced(clean(statement.strip(), keep="\n\t"), "sql"))


def _change(change: ChangeDocument) -> str:
    lines = [f"@@ {SIGNS.get(change.operation, ('?', ''))[0]} {named(change.key)} @@"]
    if change.problem is not None:
        lines.append(f"! {clean(change.problem)}")
    if change.old is not None and change.new is not None:
        for name, old, new in changed_columns(change):
            lines += [f"-   {clean(name)}: {shown(old)}", f"+   {clean(name)}: {shown(new)}"]
    else:
        prefix = "+" if change.old is None else "-"
        row = change.new if change.new is not None else (change.old or {})
        lines += [f"{prefix}   {clean(name)}: {shown(value)}" for name, value in row.items()]
    made = _fenced("\n".join(lines), "diff")
    return made if change.payload is None else made + "\n" + _fenced(pretty(change.payload), "json")


def _details(title: str, body: str) -> str:
    return f"<details><summary>{_html(title)}</summary>\n\n{body}\n</details>\n"


def _fenced(body: str, language: str) -> str:
    """A code block that its content cannot close."""
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}\n"


def _code(text: str) -> str:
    text = clean(text).replace("|", "\\|")
    ticks = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    return f"{ticks} {text} {ticks}" if "`" in text else f"`{text}`"


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", clean(text))


def _html(text: str) -> str:
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
