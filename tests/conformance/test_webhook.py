"""The webhook against the conformance suite, in each of its shapes."""

from __future__ import annotations

from typing import Any

from tailrace.destinations.webhook import webhook
from tailrace.testing.destinations import DestinationConformance

_SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class TestWebhook(DestinationConformance):
    destination = webhook
    secrets = ("Bearer t0ken-of-the-tool", "t0ken-of-the-tool", _SIGNING, "path-s3cret-0123456789")

    def settings(self, url: str) -> dict[str, Any]:
        return {
            "url": f"{url}?token=path-s3cret-0123456789",
            "headers": {"Authorization": "Bearer t0ken-of-the-tool"},
            "secret": _SIGNING,
            "batch": 4,
            "concurrency": 3,
            "timeout": "2s",
        }


class TestWebhookSingly(TestWebhook):
    def settings(self, url: str) -> dict[str, Any]:
        return super().settings(url) | {"batch": 1}


class TestWebhookLines(TestWebhook):
    def settings(self, url: str) -> dict[str, Any]:
        return super().settings(url) | {"format": "ndjson", "gzip": True, "batch": 7}
