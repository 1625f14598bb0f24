"""T-SQL as the translation reads it: functions keep the names they were written with."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.tsql import TSQL

_KEPT = ("CAST", "CONVERT", "TRY_CAST", "TRY_CONVERT", "TRIM", "OPENJSON")


class PoolSql(TSQL):
    """T-SQL whose functions are not turned into those of other databases."""

    class Parser(TSQL.Parser):
        FUNCTIONS: ClassVar[dict] = {}
        NO_PAREN_FUNCTIONS: ClassVar[dict] = {}
        FUNCTION_PARSERS: ClassVar[dict] = {
            name: parse for name, parse in TSQL.Parser.FUNCTION_PARSERS.items() if name in _KEPT
        }


class EngineSql(DuckDB):
    """DuckDB's SQL, with casts and literals written as the translation made them."""

    class Generator(DuckDB.Generator):
        TRANSFORMS: ClassVar[dict] = {
            **DuckDB.Generator.TRANSFORMS,
            exp.Anonymous: lambda self, node: self.func(node.name, *node.expressions, normalize=False),
        }


def parse(text: str) -> list[exp.Expression | None]:
    return PoolSql().parse(text)


def generate(tree: exp.Expression) -> str:
    return EngineSql().generate(tree, copy=False)
