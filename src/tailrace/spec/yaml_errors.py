"""What the YAML parser complains of, in words that say what to do."""

from __future__ import annotations

import re

import yaml

from tailrace.errors import ConfigError, Where

_TABS = "Indent with spaces; YAML does not allow tabs."
_HINTS = (
    (r"\\t|tab", _TABS),
    (r"mapping values", "Text that contains `: ` needs quotes, and entries of one level the same indent."),
    (
        r"undefined alias",
        "Text that begins with * needs quotes; an alias needs an anchor (`&name`) above it.",
    ),
    (r"single document", "Remove the line `---`, or put the rest into a file of its own under tailrace/."),
    (r"cannot start any token", "Text that begins with @, ` or % needs quotes."),
    (r"quoted scalar", "A quote is not closed; look at this line and the ones below."),
    (r"flow|',' or", 'Inside {…} and […], text with { } [ ] , needs quotes, for example "${env:NAME}".'),
    (
        r"block|document start|find expected key",
        "Give entries of one level the same indent, and each its `name:`.",
    ),
)


def syntax_error(error: yaml.MarkedYAMLError, file: str, text: str) -> ConfigError:
    """Where the text stops being YAML, and the most likely reason."""
    problem, context = error.problem or "", error.context or ""
    ended = "end of stream" in problem
    mark = (error.context_mark if ended else None) or error.problem_mark or error.context_mark
    lines = text.splitlines() or [""]
    line = min(mark.line + 1, len(lines)) if mark else 1
    said = f"{context} {problem}"
    hint = next((hint for shape, hint in _HINTS if re.search(shape, said)), "")
    if re.match(r" *\t", lines[line - 1]):
        hint = _TABS
    return ConfigError(
        f"This is not valid YAML: {said.strip() if problem.startswith('but ') or not problem else problem}.",
        hint=hint or "Check quotes and indentation of this line and the one above.",
        where=Where(file, line),
    )


def control_character(file: str, line: int) -> ConfigError:
    """A character that YAML forbids."""
    return ConfigError(
        "This file holds a character that YAML does not allow (a control character).",
        hint="Delete it, or write it in double quotes as an escape such as \\x07.",
        where=Where(file, line),
    )


def too_deep(file: str, line: int, deepest: int) -> ConfigError:
    """More levels than anyone writes by hand, or without end."""
    return ConfigError(
        f"This nests deeper than {deepest} levels, or an alias contains itself.",
        hint="Flatten it.",
        where=Where(file, line),
    )


def too_large(file: str, line: int, most: int) -> ConfigError:
    """More values than a project has, most likely by aliases of aliases."""
    return ConfigError(
        f"This file unfolds to more than {most:,} values.",
        hint="Use fewer aliases (`*name`), or split the file in several under tailrace/.",
        where=Where(file, line),
    )
