"""Where the control store lives: `.tailrace/store.db` beside the project, or what `TAILRACE_STORE` says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tailrace.errors import ConfigError, StoreError

VARIABLE = "TAILRACE_STORE"
FILE = "store.db"


@dataclass(frozen=True, slots=True)
class Location:
    """A store's address: a file of this machine, or the URL of a database server."""

    path: Path | None = None
    url: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.path else self._without_password()

    def __repr__(self) -> str:
        return f"Location({self})"

    def _without_password(self) -> str:
        scheme, _, rest = (self.url or "").partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"


def locate(folder: Path, environ: Mapping[str, str]) -> Location:
    """Find the store of a project. Raises ConfigError for an address of an unsupported kind."""
    written = environ.get(VARIABLE, "").strip()
    if not written:
        return Location(path=folder / ".tailrace" / FILE)
    if "://" not in written:
        return Location(path=_file(folder, written))
    scheme, _, rest = written.partition("://")
    if scheme == "sqlite":
        return Location(path=_file(folder, rest.removeprefix("/")))
    if scheme in {"postgres", "postgresql", "postgresql+psycopg"}:
        return Location(url=f"postgresql+psycopg://{rest}")
    raise ConfigError(
        f"{VARIABLE} names a store of the unknown kind {scheme!r}",
        hint="Use a path, sqlite:///path or postgresql://user:password@host/database.",
        code="store_unsupported",
    )


def _file(folder: Path, written: str) -> Path:
    path = folder / Path(written).expanduser()
    return path / FILE if written.endswith(os.sep) or path.is_dir() else path


def create_file(path: Path) -> None:
    """Make the store's file and folder, readable by their owner only: it holds payloads and answers."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (path.parent / ".gitignore").write_text("*\n")
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreError(
            f"The control store {path} cannot be created: {error.strerror}",
            hint=f"Make its folder writable, or point {VARIABLE} to another place.",
        ) from None
