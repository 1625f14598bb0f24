"""Measures what docs/explanation/speed.md says; run as `python -m bench`."""
