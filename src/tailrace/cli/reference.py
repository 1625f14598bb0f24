"""The reference of the command line, made from the application (`python -m tailrace.cli.reference docs`)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tailrace.cli import exits
from tailrace.cli.command import COMMANDS, GLOBAL_OPTIONS, Declared

_INTRO = """\
# Commands

Run them in a folder with `tailrace.yml`, or with `--project-dir`. This page is generated from the
application.

Shell completion: `tailrace --install-completion`. Colour follows the terminal, `NO_COLOR` and
`FORCE_COLOR`; progress is drawn on terminals only. With `--json` a command writes one document to stdout and
logs to stderr; where it fails before it has a document of its own, it writes
[`{"error": {"code", "message", "hint", "where"}}`](json/failure.schema.json). A failure after the first of
several results stands beside them as `error`.
"""
_SIGNALS = """\
Ctrl-C and SIGTERM stop a sync gracefully: nothing more is offered, what is in flight is waited for and
remembered. A second one stops at once, a third ends the process. The next `tailrace sync` goes on without
loss in every case.
"""


def page() -> str:
    """docs/reference/cli.md."""
    from tailrace.cli.app import build
    from tailrace.cli.help import GROUPS

    root = build()
    parts = [_INTRO, "## Global options\n\nBefore or after the command.\n"]
    parts.append(_options(p for p in root.params if p.name in GLOBAL_OPTIONS or p.name == "version"))
    parts.append("## Exit codes\n\n| code | meaning |\n|--:|---|")
    parts += [f"| {code} | {meaning} |" for code, meaning in exits.MEANINGS.items()]
    parts.append("\nSeveral mappings: the worst of 1, 4, 3, 5.\n\n" + _SIGNALS)
    for group in GROUPS:
        parts.append(f"## {group}\n")
        parts += [_command(d, root.commands[d.name]) for d in COMMANDS.values() if d.group == group]
    return "\n".join(parts).rstrip() + "\n"


def schemas() -> dict[str, str]:
    """The published JSON Schemas by file name, one for each document that a command answers with."""
    from tailrace.service import documents

    names = sorted(
        {d.answers for d in COMMANDS.values() if d.answers} | {"ActionDocument", "FailureDocument"}
    )
    made = {}
    for name in names:
        schema = getattr(documents, name).model_json_schema(mode="serialization")
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        made[schema_file(name)] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return made


def schema_file(document: str) -> str:
    """`SyncsDocument` is published as `syncs.schema.json`."""
    return f"{document.removesuffix('Document').lower()}.schema.json"


def write(docs: Path) -> None:
    """Write both below a folder of documentation."""
    (docs / "reference" / "json").mkdir(parents=True, exist_ok=True)
    (docs / "reference" / "cli.md").write_text(page(), encoding="utf-8")
    for name, text in schemas().items():
        (docs / "reference" / "json" / name).write_text(text, encoding="utf-8")


def _command(declared: Declared, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    own = [p for p in command.params if p.param_type_name == "option" and p.name not in GLOBAL_OPTIONS]
    usage = " ".join(
        ["tailrace", declared.name, *(p.metavar for p in arguments), *(["[OPTIONS]"] if own else [])]
    )
    parts = [f"### {declared.name}\n", f"`{usage}`\n", command.help.strip() + "\n"]
    if arguments:
        parts += [f"- `{p.metavar}`: {p.help}" for p in arguments]
        parts.append("")
    if own:
        parts.append(_options(own))
    if declared.answers:
        parts.append(f"`--json`: [{declared.answers}](json/{schema_file(declared.answers)})\n")
    lines = (f"# {example.does}\n{example.line}" for example in declared.examples)
    parts.append("```sh\n" + "\n".join(lines) + "\n```\n")
    return "\n".join(parts)


def _options(options: Any) -> str:
    rows = []
    for option in options:
        names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len))
        value = "" if option.is_flag else f" `{option.metavar}`".replace("|", "\\|")
        rows.append(f"| {names}{value} | {option.help} |")
    return "| option | |\n|---|---|\n" + "\n".join(rows) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
