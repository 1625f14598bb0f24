"""How a filter is declared, and how one is put onto a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tailrace.mapping.allowed import (
    CONSTANT_LIMIT,
    FACTOR_LIMIT,
    Growth,
    Refused,
    Size,
    as_first,
)
from tailrace.mapping.convert import shown, to_number, to_text, to_time
from tailrace.mapping.expression import ColumnRef, FieldError, Literal_, Path
from tailrace.mapping.program import Program, Scalar, literal

Takes = Literal["text", "number", "time", "any"]
WHITE_SPACE = "(' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))"
"""SQL for the characters that stand for nothing at the ends of a text."""
Group = Literal["text", "number", "date", "hash", "json", "logic"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a filter takes after its colon. `fixed` ones must be written out, not taken from a column."""

    name: str
    type: Literal["text", "number", "integer", "any"] = "text"
    default: Any = ...
    fixed: bool = False
    many: bool = False
    low: int = -(2**31)
    high: int = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of the catalogue: its help, an example that is run by the tests, and its DuckDB form.

    In a form given as text, `@` is the value and `@1`, `@2` … the arguments.
    """

    name: str
    group: Group
    help: str
    example: tuple[str, str]
    """A template, and the JSON that it renders."""
    takes: Takes
    form: str | Callable[[Program, Scalar, list[Scalar], Path], Scalar]
    parameters: tuple[Parameter, ...] = ()
    result: str | None = None
    """The DuckDB type of the result where it is always the same."""
    fails: bool = False
    """It can fail for some values: such a record is refused."""
    growth: Growth = as_first
    alias_of: str | None = None

    @property
    def signature(self) -> str:
        """How it is written: `replace: old, new`."""
        listed: list[str] = []
        for parameter in self.parameters:
            name = parameter.name + (", …" if parameter.many else "")
            listed.append(name if parameter.default is ... else f"[{name}]")
        return f"{self.name}: {', '.join(listed)}" if listed else self.name

    def check_arguments(self, arguments: Sequence[Literal_ | ColumnRef], path: Path) -> None:
        """Raises FieldError where the arguments do not fit the parameters."""
        least = sum(1 for parameter in self.parameters if parameter.default is ...)
        most = 100 if any(parameter.many for parameter in self.parameters) else len(self.parameters)
        if not least <= len(arguments) <= most:
            raise FieldError(
                f"`{self.name}` takes {self._count(least, most)}, not {len(arguments)}",
                path,
                hint=f"Write {self.signature}.",
            )
        for index, argument in enumerate(arguments):
            parameter = self.parameters[min(index, len(self.parameters) - 1)]
            self._check(argument, parameter, path)

    def _check(self, argument: Literal_ | ColumnRef, parameter: Parameter, path: Path) -> None:
        wrong = ""
        if isinstance(argument, ColumnRef):
            wrong = "must be written out, not taken from a column" if parameter.fixed else ""
        elif parameter.type == "integer":
            value = argument.value
            if not isinstance(value, int) or isinstance(value, bool):
                wrong = "must be a whole number"
            elif not parameter.low <= value <= parameter.high:
                wrong = f"must be between {parameter.low} and {parameter.high}"
        elif parameter.fixed and parameter.type == "text":
            if not isinstance(argument.value, str):
                wrong = "must be a text in quotes"
            elif len(argument.value) > 500:
                wrong = "is longer than 500 characters"
        if wrong:
            raise FieldError(f"`{parameter.name}` of `{self.name}` {wrong}", path)

    @staticmethod
    def _count(least: int, most: int) -> str:
        if most == 0:
            return "no argument"
        if least == most:
            return f"{least} argument{'s' if least > 1 else ''}"
        return f"at least {least}" if most == 100 else f"{least} to {most} arguments"

    def apply(self, program: Program, source: Scalar, arguments: list[Scalar], path: Path) -> Scalar:
        """The filtered value. Raises FieldError where its kind does not fit, or it could grow too large."""
        value = self._taken(program, source, path)
        given = [
            self._argument(program, argument, self.parameters[min(index, len(self.parameters) - 1)], path)
            for index, argument in enumerate(arguments)
        ]
        for parameter in self.parameters[len(given) :]:
            if parameter.default is not ... and parameter.default is not None and not parameter.many:
                given.append(constant(parameter.default))
        try:
            size = self.growth([value.size, *(argument.size for argument in given)])
        except Refused as refused:
            raise FieldError(f"`{self.name}`: {refused}", path, code="expression_not_allowed") from None
        if size.factor > FACTOR_LIMIT or size.constant > CONSTANT_LIMIT:
            raise FieldError(
                f"`{self.name}`: the result could become too large", path, code="expression_not_allowed"
            )
        faults = tuple(fault for argument in given for fault in argument.faults)
        value = replace(value, faults=(*value.faults, *faults))
        if callable(self.form):
            return replace(self.form(program, value, given, path), size=size, literal=None)
        texts = [value.sql, *(argument.sql for argument in given)]
        sql = re.sub(r"@(\d?)", lambda match: texts[int(match.group(1) or 0)], f"({self.form})")
        result = replace(
            value,
            sql=sql,
            type=self.result or program.infer(sql, path),
            size=size,
            literal=None,
            checked=False,
        )
        if self.fails:
            return program.attempt(
                result, f"{literal(f'`{self.name}` cannot take ')} || {shown(to_text(source).sql)}"
            )
        return result

    def _taken(self, program: Program, source: Scalar, path: Path) -> Scalar:
        if self.takes == "text":
            return program.value(to_text(source)) if self.form != "@" else to_text(source)
        if self.takes == "number":
            return program.value(to_number(program, source, self.name, path))
        if self.takes == "time":
            return program.value(to_time(program, source, self.name, path))
        return program.value(source)

    def _argument(self, program: Program, argument: Scalar, parameter: Parameter, path: Path) -> Scalar:
        if parameter.type == "text":
            return to_text(argument)
        if parameter.type in ("number", "integer"):
            return to_number(program, argument, self.name, path)
        return argument


def constant(value: Any) -> Scalar:
    """A constant as a value."""
    if value is None:
        return Scalar("NULL", "NULL", size=Size())
    if isinstance(value, bool):
        return Scalar(str(value).lower(), "BOOLEAN", size=Size(), literal=value)
    if isinstance(value, int):
        small = -(2**63) <= value < 2**63
        if small:
            return Scalar(f"({value}::BIGINT)", "BIGINT", size=Size(0, 64, str(value)), literal=value)
        return Scalar(literal(str(value)), "NUMBER", size=Size(), literal=value)
    if isinstance(value, str):
        text = literal(value)
        return Scalar(text, "VARCHAR", size=Size(0, len(value.encode()) + 16, value), literal=value)
    digits = format(value, "f") if hasattr(value, "as_tuple") else repr(value)
    return Scalar(literal(digits), "NUMBER", size=Size(0, 64, digits), literal=value)
