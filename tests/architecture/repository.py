"""What the tests of the architecture look at: the files that Git knows or would take."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository that is not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return tuple(path for path in map(ROOT.joinpath, listed) if path.is_file())


def python_files(*folders: str) -> list[Path]:
    """Every Python file below these folders."""
    roots = [ROOT / folder for folder in folders]
    return [
        path for path in files() if path.suffix == ".py" and any(path.is_relative_to(root) for root in roots)
    ]


def name(path: Path) -> str:
    """A path as people write it."""
    return str(path.relative_to(ROOT))
