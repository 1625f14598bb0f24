"""Tailrace: deliver what changed in your warehouse, and know what was accepted."""

__version__ = "0.1.0"
