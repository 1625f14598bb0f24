"""Values as people read them; whatever comes from data is made harmless for a terminal first."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from typing import Any

from tailrace.service.exact import laid_out, parsed

_WORDS = frozenset({"null", "true", "false"})
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def clean(text: str, keep: str = "") -> str:
    """The text with control, direction and other invisible characters written out, except those in `keep`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in _HIDDEN
        else character.encode("unicode_escape").decode()
        for character in text
    )


def shown(value: Any, limit: int = 200) -> str:
    """One value on one line: text as it is where that cannot mislead, else quoted; long ones are cut."""
    if value is None:
        return "null"
    if isinstance(value, str):
        text = clean(value)
        ambiguous = not text or text != text.strip() or text != value or _reads_as_other(text)
        text = json.dumps(value, ensure_ascii=False) if ambiguous else text
        text = clean(text)
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (dict, list)):
        text = clean(json.dumps(value, ensure_ascii=False, default=str))
    else:
        text = clean(str(value))
    return text if len(text) <= limit else f"{text[: limit - 20]}… ({len(text):,} characters)"


def named(text: str) -> str:
    """A key or a name: as it is, in quotes only where it would be hard to see."""
    return clean(text) if text.strip() == text and text else clean(json.dumps(text, ensure_ascii=False))


def pretty(value: Any) -> str:
    """A payload as indented JSON; text that is JSON is laid out anew without touching its numbers."""
    if isinstance(value, str):
        try:
            value = parsed(value)
        except ValueError:
            return clean(value, keep="\n\t")
    return clean(laid_out(value), keep="\n")


def number(value: int | float) -> str:
    """1234567 as 1,234,567."""
    return f"{value:,.0f}" if isinstance(value, int) or value >= 10 else f"{value:.1f}"


def seconds(value: float) -> str:
    """A duration: `0.4 s`, `42 s`, `3 m 05 s`, `2 h 10 m`."""
    if value < 10:
        return f"{value:.1f} s" if isinstance(value, float) else f"{value} s"
    if value < 60:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"


def moment(value: str | None) -> str:
    """A time of a document as `2026-03-01 12:30:05 UTC`; empty where there is none."""
    if not value:
        return ""
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return clean(value)
    zone = "" if parsed.tzinfo is None else f" {parsed:%Z}".replace("UTC+00:00", "UTC")
    return f"{parsed:%Y-%m-%d %H:%M:%S}{zone}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 record`, `2,000 records`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _reads_as_other(text: str) -> bool:
    """Would the text be taken for null, true or a structure without quotes? (Exact decimals come as text too.)"""
    return text in _WORDS or text[0] in "{["
