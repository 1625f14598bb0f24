"""Which process runs a sync, so that its death can be proven, and when it was last heard of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("syncs", sa.Column("holder", sa.Text))
    op.add_column("syncs", sa.Column("renewed_at", sa.DateTime))
