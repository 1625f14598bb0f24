"""JSON whose numbers stay as they are written: what is shown of a payload is what a destination gets."""

from __future__ import annotations

import json
from typing import Any


class WrittenNumber(float):
    """A number that remembers its digits: 1.50 stays 1.50, for whoever writes it with `laid_out`."""

    __slots__ = ("written",)
    written: str

    def __new__(cls, written: str) -> WrittenNumber:
        number = super().__new__(cls, written)
        number.written = written
        return number

    def __repr__(self) -> str:
        return self.written

    __str__ = __repr__


def parsed(text: str) -> Any:
    """The value of a JSON text. Raises ValueError where it is none."""
    return json.loads(text, parse_float=WrittenNumber, parse_int=_whole)


def _whole(written: str) -> int | float:
    if len(written) > 1000:
        return WrittenNumber(written)
    number = int(written)
    return number if str(number) == written else WrittenNumber(written)


def laid_out(value: Any, indent: str = "") -> str:
    """JSON with two spaces of indent; what JSON does not know becomes text."""
    if isinstance(value, WrittenNumber):
        return value.written
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        lines = (f"{deeper}{_text(str(name))}: {laid_out(each, deeper)}" for name, each in value.items())
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list | tuple) and value:
        return "[\n" + ",\n".join(deeper + laid_out(each, deeper) for each in value) + f"\n{indent}]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
