"""What the tests of the stand-ins share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
from tests.integration.servers.bigquery_clients import Client
from tests.servers.bigquery import Account, Dataset

NewClient = Callable[..., Client]


@pytest.fixture
def bigquery_clients(bigquery_dataset: Dataset) -> Iterator[NewClient]:
    """Makes clients of the dataset's account, or of another, closed at the end."""
    with ExitStack() as stack:

        def new(account: Account | None = None, location: str | None = None) -> Client:
            return stack.enter_context(closing(Client(bigquery_dataset, account, location)))

        yield new


@pytest.fixture
def bigquery_client(bigquery_dataset: Dataset, bigquery_clients: NewClient) -> Client:
    """A client that may do everything in the project."""
    bigquery_dataset.account.grant("roles/bigquery.admin")
    return bigquery_clients()
