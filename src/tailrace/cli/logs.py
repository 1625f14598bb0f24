"""Logs go to stderr: warnings always, more with `--verbose`, everything of ours with `--debug`."""

from __future__ import annotations


def configure_logs(*, verbose: bool, debug: bool) -> None:
    """Set up logging for this process; without either option nothing is imported for it."""
    if not (verbose or debug):
        return
    import logging
    import sys

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("tailrace")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False
