"""What a pair of model row and state row means (R7, R8, R14, R17, R21): one CASE, decided by mode and state.

In the statement, `m` is a model row (`m.problem` says why its key is bad; `m.mine` is NULL where the model has
no such row) and `r` a records row. No operation (NULL) means unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from tailrace.sources.dialect import Dialect

SENDABLE = ("added", "updated", "deleted")
"""Operations that are sent; their rows have a position."""

CANDIDATE = "candidate"
"""Unchanged in its values, but the mapping may render it differently now (R17)."""

FILL = "fill"
"""Unchanged; its values are stored at the commit, for until now there was only their checksum (R14)."""

COUNTED_ONLY = ("not_sent", "deleted_not_sent")
"""Held back by the mode: counted, not stored, so that a later mode finds them (R8)."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The decision for one mode; `differs` is the SQL of whether a pair's values differ."""

    dialect: Dialect
    operations: frozenset[str]
    skip_first: bool
    """New records are taken as known, not sent (`first_sync: skip`)."""
    candidates: bool = False
    resend: bool = False
    fills: bool = False
    """State rows may hold a checksum where values belong now."""

    def new(self) -> str:
        """A record that has no state."""
        if self.skip_first:
            return "'baseline_known'"
        return "'added'" if "added" in self.operations else "'baseline_unsent'"

    def pair(self, differs: str, aside: str) -> str:
        """The operation of a joined pair; NULL for unchanged. `aside`: whether its key cannot be used."""
        adds, updates, deletes = (each in self.operations for each in SENDABLE)
        updated = "'updated'" if updates else "'not_sent'"
        again = "'added'" if adds else "'not_sent'"
        baselines = "r.baseline = 'known'" if adds else "r.baseline IS NOT NULL"
        delivered, doubtful = self.dialect.holds("r.delivered"), self.dialect.holds("r.uncertain")
        uncertain = f"CASE WHEN {delivered} OR {baselines} THEN {updated} ELSE {again} END"
        unsent = "'added'" if adds else f"CASE WHEN {differs} THEN 'updated' END" if updates else "NULL"
        gone = "'deleted'" if deletes else "'deleted_not_sent'"
        gone_baseline = "'deleted'" if deletes and not adds else "'drop'"
        whens = [
            f"WHEN m.mine IS NULL AND ({delivered} OR {doubtful}) THEN {gone}",
            f"WHEN m.mine IS NULL THEN {gone_baseline}",
            f"WHEN {aside} THEN 'set_aside'",
            f"WHEN r.record_id IS NULL THEN {self.new()}",
            f"WHEN {doubtful} THEN {uncertain}",
            f"WHEN r.baseline = 'unsent' THEN {unsent}",
        ]
        if self.resend and updates:
            whens.append(f"WHEN {delivered} THEN 'updated'")
        whens.append(f"WHEN {differs} THEN {updated}")
        if self.fills:
            whens.append(f"WHEN r.checksum IS NOT NULL THEN '{FILL}'")
        if self.candidates and updates:
            whens.append(f"WHEN {delivered} THEN '{CANDIDATE}'")
        return f"CASE {' '.join(whens)} END"

    @staticmethod
    def reason() -> str:
        """Why a judged row is set aside or held back; NULL for the others."""
        return (
            "CASE op WHEN 'set_aside' THEN coalesce(problem, 'repeated')"
            " WHEN 'not_sent' THEN CASE WHEN never_delivered = 1 THEN 'mode:added' ELSE 'mode:updated' END"
            " WHEN 'deleted_not_sent' THEN 'mode:deleted' END"
        )
