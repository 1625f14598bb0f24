"""The example of docs/how-to/add-a-destination.md, as it stands there, against the conformance suite."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-destination.md"
_DECLARATION, _TESTS = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)

_module = ModuleType("mailer_for_tailrace")
exec(_DECLARATION, _module.__dict__)
sys.modules[_module.__name__] = _module
exec(_TESTS, globals())
