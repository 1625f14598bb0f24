"""Amounts of bytes as users write them: `4MB`, `10GB`, `512KiB`."""

from __future__ import annotations

import re

_SHAPE = re.compile(r"(\d+)(\.\d+)?\s*([kmgtp]?)(i?)(b?)", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def parse_size(text: str) -> int:
    """The bytes that `text` stands for; KB and MB count in 1000, KiB and MiB in 1024. ValueError if no size.

    >>> parse_size("10GB")
    10000000000
    """
    match = _SHAPE.fullmatch(text.strip())
    whole, fraction, prefix, binary, _ = match.groups() if match else ("", "", "", "", "")
    if not whole or (binary and not prefix) or (fraction and not prefix):
        raise ValueError(f"{text!r} is not a size; write for example 500KB, 4MB or 10GB")
    unit = (1024 if binary else 1000) ** _POWERS[prefix.lower()]
    digits = fraction[1:] if fraction else ""
    return int(whole + digits) * unit // 10 ** len(digits)


def format_size(size: int) -> str:
    """The shortest exact way to write so many bytes.

    >>> format_size(4_000_000)
    '4MB'
    """
    for base, mark in ((1000, ""), (1024, "i")):
        for prefix, power in reversed(_POWERS.items()):
            if prefix and size and size % base**power == 0:
                return f"{size // base**power}{prefix.upper()}{mark}B"
    return f"{size}B"
