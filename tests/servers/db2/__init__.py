"""Db2's stand-in for tests: Apache Derby behind a DRDA relay (docs/explanation/db2-stand-in.md)."""

from tests.servers.db2.database import ADMINISTRATOR, OPTIONS, PASSWORD, Database
from tests.servers.db2.server import Db2Server

__all__ = ["ADMINISTRATOR", "OPTIONS", "PASSWORD", "Database", "Db2Server"]
