"""`${env:NAME}` and `${file:path}` in settings: found early, resolved late, never shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from tailrace.errors import ConfigError, ConfigErrors, Where
from tailrace.ids import digest
from tailrace.spec.nodes import Path, dotted

LARGEST_FILE = 1 << 20
_START = re.compile(r"\$?\$\{")
_REFERENCE = re.compile(r"\$\{(env|file):([^${}\r\n]+)\}")


class Reference(NamedTuple):
    """A reference in a setting: `env` or `file`, what it names, and the path of the setting."""

    scheme: str
    target: str
    path: Path


class Resolved(str):
    """Text that came from a reference: text in every way, but its repr shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


Piece = str | Reference


def references_in(value: Any) -> tuple[Reference, ...]:
    """Every reference in a value, however deep, in order; malformed ones are left to `malformed`."""
    found: list[Reference] = []
    for path, text in _texts(value, ()):
        found += [piece for piece in _pieces(text, path, []) if isinstance(piece, Reference)]
    return tuple(found)


def malformed(value: Any) -> Iterator[tuple[Path, str]]:
    """The settings, with a message each, in which `${` begins nothing that can be resolved."""
    for path, text in _texts(value, ()):
        wrong: list[str] = []
        _pieces(text, path, wrong)
        for message in wrong:
            yield path, message


def resolve(
    value: Any,
    folder: FilePath,
    environ: Mapping[str, str],
    *,
    locate: Callable[[Path], Where] | None = None,
) -> Any:
    """A copy of `value` with every reference replaced; numbers and other text stay as they are.

    `folder` is what `${file:…}` paths are relative to; one newline at a file's end is dropped. ConfigErrors
    names every variable that is not set and every file that cannot be read, and shows no value; `locate`
    gives the place of a setting in the files.
    """
    problems: list[ConfigError] = []

    def report(path: Path, message: str, hint: str) -> None:
        where = locate(path) if locate else Where(field=dotted(path) or None)
        problems.append(ConfigError(message, hint=hint, where=where, code="reference_invalid"))

    def text(written: str, path: Path) -> str:
        wrong: list[str] = []
        pieces = _pieces(written, path, wrong)
        for message in wrong:
            report(path, message, WRITE_REFERENCES)
        if not any(isinstance(piece, Reference) for piece in pieces):
            return "".join(str(piece) for piece in pieces)
        return Resolved("".join(_read(piece, folder, environ, report) for piece in pieces))

    resolved = _rebuild(value, (), text)
    if problems:
        raise ConfigErrors(problems)
    return resolved


WRITE_REFERENCES = "Write ${env:NAME} or ${file:path}; for the text ${ itself, write $${."


def hide(value: Any, secret: Collection[str]) -> Any:
    """The same structure without secrets: literals below the fields named in `secret` become digests.

    References stay, being no secrets; what stands beside one in the same text becomes a digest of its own.
    """

    def text(written: str, path: Path) -> str:
        if not any(step in secret for step in path):
            return written
        pieces = _pieces(written, path, [])
        return "".join(
            f"${{{piece.scheme}:{piece.target}}}" if isinstance(piece, Reference) else _digest(piece)
            for piece in pieces
        )

    def number(written: Any, path: Path) -> Any:
        return _digest(str(written)) if any(step in secret for step in path) else written

    return _rebuild(value, (), text, number)


def _digest(literal: str) -> str:
    return f"sha256:{digest(literal)}"


def _rebuild(
    value: Any,
    path: Path,
    text: Callable[[str, Path], str],
    number: Callable[[Any, Path], Any] = lambda written, path: written,
) -> Any:
    if isinstance(value, str):
        return text(value, path)
    if isinstance(value, Mapping):
        return {key: _rebuild(item, (*path, key), text, number) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuild(item, (*path, index), text, number) for index, item in enumerate(value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value, path)
    return value


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []

    def keep(text: str, path: Path) -> str:
        found.append((path, text))
        return text

    _rebuild(value, path, keep)
    yield from found


def _pieces(text: str, path: Path, wrong: list[str]) -> list[Piece]:
    """Literal text (escapes undone) and references, in order; what is neither is described in `wrong`."""
    pieces: list[Piece] = []
    position = 0
    while start := _START.search(text, position):
        pieces.append(text[position : start.start()])
        if start[0] == "$${":
            pieces.append("${")
            position = start.end()
        elif match := _REFERENCE.match(text, start.start()):
            pieces.append(Reference(match[1], match[2].strip(), path))
            position = match.end()
        else:
            wrong.append("`${` begins a reference here, but what follows is none.")
            pieces.append("${")
            position = start.end()
    pieces.append(text[position:])
    return [piece for piece in pieces if piece != ""]


def _read(
    piece: Piece, folder: FilePath, environ: Mapping[str, str], report: Callable[[Path, str, str], None]
) -> str:
    if not isinstance(piece, Reference):
        return piece
    setting = f"`{dotted(piece.path)}`" if piece.path else "this setting"
    if piece.scheme == "env":
        found = environ.get(piece.target)
        if found is None:
            report(
                piece.path,
                f"The environment variable {piece.target} is not set; {setting} needs it.",
                f"Set it for this process, for example: export {piece.target}=…",
            )
        return found or ""
    try:
        with (folder / piece.target).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError("it is larger than 1 MiB")
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        report(
            piece.path, f"The file {piece.target} is not UTF-8 text; {setting} needs it.", "Check the path."
        )
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        report(
            piece.path,
            f"The file {piece.target} cannot be read ({reason}); {setting} needs it.",
            "The path is relative to the project folder.",
        )
    else:
        return text.removesuffix("\n").removesuffix("\r")
    return ""
