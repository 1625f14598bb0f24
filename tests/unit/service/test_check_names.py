"""What `check` says of a name that it cannot check."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.spec.projects import SMALL

from tailrace.errors import ConfigError
from tailrace.service.workspace import Workspace


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("to_crm", "check its model and its destination, customers crm."),
        ("customer", "Did you mean `customers`?"),
    ],
)
def test_a_mapping_is_sent_to_its_parts_and_a_slip_to_what_was_meant(
    tmp_path: Path, name: str, hint: str
) -> None:
    (tmp_path / "tailrace.yml").write_text(SMALL)
    with Workspace.open(tmp_path, None, {}) as workspace, pytest.raises(ConfigError) as refused:
        list(workspace.check([name]))
    assert refused.value.code == "name_unknown"
    assert refused.value.hint.endswith(hint)
