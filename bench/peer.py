"""drt (the package drt-core), the yardstick: a full sync of the same table in its best setting, without a diff.

It is measured where it is installed, in an environment of its own, whose folder BENCH_DRT names.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.measure import Cost, run
from bench.places import Place

_SYNC = """\
name: users
model: SELECT * FROM users
destination:
  type: rest_api
  url: "{url}"
  method: POST
  headers: {{Content-Type: application/json}}
  body_mode: batch
  batch_template: "{{{{ rows | tojson_safe }}}}"
  max_records_per_request: 1000
sync:
  mode: full
  batch_size: 10000
  rate_limit: {{requests_per_second: 1000000}}
"""
"""As many records a request as ours; larger batches of the engine, since it makes a client for each; no waiting."""


def command() -> Path | None:
    """The `drt` command, where BENCH_DRT says that there is one."""
    folder = os.environ.get("BENCH_DRT")
    return Path(folder, "bin", "drt") if folder else None


def write(where: Place, url: str) -> None:
    """Write its project beside ours."""
    folder = where.folder / "drt"
    (folder / "syncs").mkdir(parents=True)
    (folder / "drt_project.yml").write_text("name: bench\nversion: '0.1'\nprofile: bench\n")
    (folder / "syncs" / "users.yml").write_text(_SYNC.format(url=url))
    (folder / ".drt").mkdir()
    (folder / ".drt" / "profiles.yml").write_text(json.dumps({"bench": where.profile}))


def sync(drt: Path, where: Place) -> Cost:
    """One full sync by it."""
    folder = where.folder / "drt"
    return run([str(drt), "run"], folder, {"HOME": str(folder)})
