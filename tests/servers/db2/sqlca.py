"""The SQL communications area as it stands in DRDA's answers (SQLCAGRP, big-endian, SQLAM 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace

_NULL = 0xFF
_TOKENS_AT = 1 + 4 + 5 + 8 + 1 + 24 + 11 + 2
TOKEN_LIMIT = 70
"""SQLERRMC holds no more bytes than this."""


@dataclass(frozen=True)
class Sqlca:
    """One result: code, state, the tokens of its message and how many rows were changed."""

    code: int
    state: str
    tokens: bytes
    middle: bytes = bytes(1 + 24) + b" " * 11 + bytes(2)
    """SQLERRD1-6, SQLWARN0-A and the empty SQLRDBNAME."""

    @classmethod
    def of(cls, code: int, state: str, *tokens: str) -> Sqlca:
        """A result of our own, with tokens for the driver's message text."""
        return cls(code, state, b"").with_tokens(*tokens)

    def with_tokens(self, *tokens: str) -> Sqlca:
        """The same with other tokens, cut to what SQLERRMC holds."""
        joined = b"\xff".join(token.encode() for token in tokens)
        while len(joined) > TOKEN_LIMIT:
            joined = (
                joined[:TOKEN_LIMIT].decode(errors="ignore").encode() if len(tokens) == 1 else _cut(joined)
            )
        return replace(self, tokens=joined)

    @property
    def rows(self) -> int:
        """How many rows the statement changed (SQLERRD3)."""
        return int.from_bytes(self.middle[1 + 8 : 1 + 12], "big", signed=True)

    def encode(self) -> bytes:
        """The group without diagnostics, which follow it as one null byte."""
        return (
            b"\0"
            + self.code.to_bytes(4, "big", signed=True)
            + self.state.encode()
            + b"SQL12014"
            + self.middle
            + len(self.tokens).to_bytes(2, "big")
            + self.tokens
            + bytes(2)
            + b"\xff"
        )


def _cut(joined: bytes) -> bytes:
    return joined[:TOKEN_LIMIT].rstrip(b"\xff")


def parse(data: bytes) -> tuple[Sqlca | None, bytes]:
    """The group at the beginning of `data` (None where it is null), and what follows it."""
    if data[0] == _NULL:
        return None, data[1:]
    code = int.from_bytes(data[1:5], "big", signed=True)
    state = data[5:10].decode(errors="replace")
    at = _TOKENS_AT
    length = int.from_bytes(data[at : at + 2], "big")
    tokens = data[at + 2 : at + 2 + length]
    at += 2 + length
    second = int.from_bytes(data[at : at + 2], "big")
    tokens = tokens or data[at + 2 : at + 2 + second]
    at += 2 + second
    if data[at] != _NULL:
        raise ValueError("diagnostics groups are not understood")
    return Sqlca(code, state, tokens, data[18:_TOKENS_AT]), data[at + 1 :]
