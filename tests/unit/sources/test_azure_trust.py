"""Whom the driver trusts during a login: a private authority for its own source, and for no other."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tailrace.sources.azure.connection import trusting

ONE, OTHER = Path("one.pem"), Path("other.pem")


@pytest.mark.parametrize("before", [None, "system.pem"])
def test_the_variable_is_as_it_was_afterwards(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if before:
        monkeypatch.setenv("SSL_CERT_FILE", before)
    with trusting(ONE), trusting(ONE):
        assert os.environ["SSL_CERT_FILE"] == "one.pem"
    with trusting(None):
        assert os.environ.get("SSL_CERT_FILE") == before
    assert os.environ.get("SSL_CERT_FILE") == before


@pytest.mark.parametrize("later", [OTHER, None])
def test_a_login_with_other_authorities_waits(monkeypatch: pytest.MonkeyPatch, later: Path | None) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    found: list[str | None] = []
    begun = threading.Event()

    def log_in() -> None:
        begun.set()
        with trusting(later):
            found.append(os.environ.get("SSL_CERT_FILE"))

    with trusting(ONE):
        thread = threading.Thread(target=log_in)
        thread.start()
        begun.wait()
        assert found == []
    thread.join()
    assert found == [str(later) if later else None]
