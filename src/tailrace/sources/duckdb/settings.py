"""What users write for a source of type `duckdb`."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import Field, field_validator

from tailrace.sources.settings import SourceSettings

_SIZE = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?)?B", re.ASCII)


class DuckDBSettings(SourceSettings):
    """A DuckDB file of the user's, and the file beside it in which Tailrace keeps its state."""

    path: str = Field(description="The DuckDB file that holds your data; opened read-only.")
    state_path: str | None = Field(
        default=None, description="Where Tailrace keeps its state; `<name>.tailrace.duckdb` beside the data."
    )
    memory_limit: str = Field(default="160MB", description="How much memory DuckDB may use before it spills.")
    threads: int = Field(default=2, ge=1, le=256, description="How many threads DuckDB may use.")
    temp_directory: str | None = Field(
        default=None, description="Where DuckDB spills to; a folder beside the state file."
    )

    @field_validator("path", "state_path")
    @classmethod
    def _is_a_file(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.strip() or value.startswith((":", "md:", "motherduck:")) or "://" in value:
            raise ValueError("give the path of a file on this machine")
        return value

    @field_validator("memory_limit")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        if not _SIZE.fullmatch(value):
            raise ValueError("write a size such as 128MB or 2GB")
        return value

    def files(self, folder: Path) -> tuple[Path, Path, Path]:
        """The data, the state and the spill folder; relative paths are relative to the project folder."""
        data = (folder / self.path).resolve()
        state = (
            (folder / self.state_path).resolve()
            if self.state_path
            else data.with_name(f"{data.stem}.tailrace.duckdb")
        )
        spill = (
            (folder / self.temp_directory).resolve()
            if self.temp_directory
            else state.with_name(f"{state.name}.tmp")
        )
        return data, state, spill
