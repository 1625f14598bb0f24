"""A stand-in for BigQuery, started by tests and by hand (`python -m tests.servers.bigquery`)."""

from tests.servers.bigquery.account import SETUPS, Account
from tests.servers.bigquery.faults import Fault
from tests.servers.bigquery.server import BigQueryServer, Dataset, StandInError

__all__ = ["SETUPS", "Account", "BigQueryServer", "Dataset", "Fault", "StandInError"]
