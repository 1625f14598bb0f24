"""The control store: syncs, their ledgers and cancel requests. SQLAlchemy is used here and nowhere else."""
