"""The conformance suite of sources: subclass `SourceConformance` and run pytest."""

from __future__ import annotations

from tailrace.testing.source_models import ModelConformance
from tailrace.testing.source_sessions import SessionConformance
from tailrace.testing.source_values import ValueConformance

__all__ = ["SourceConformance"]


class SourceConformance(SessionConformance, ValueConformance, ModelConformance):
    """All that Tailrace asks of a source. Override `source`, `types`, `numbers` and `bytes_value`.

    A source that cannot do something marks the inherited test with a strict xfail and the reason; nothing is
    skipped silently.
    """
