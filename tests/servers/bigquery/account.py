"""Service accounts of the stand-in, as a user meets them: a key, and what it may do."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from tests.servers.bigquery.server import BigQueryServer

SETUPS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "user": (("roles/bigquery.user", "roles/bigquery.jobUser"), ()),
    "custom": (("datasets.create", "datasets.get", "jobs.create"), ()),
    "own dataset": (("jobs.create",), ("datasets.get", "tables.create")),
    "data editor": (("roles/bigquery.user", "roles/bigquery.dataEditor"), ()),
    "dataset editor": (("datasets.get", "jobs.create", "tables.getData"), ("roles/bigquery.dataEditor",)),
}
"""What users of the field have granted: on the project, and on a dataset of their own that must exist."""


@cache
def _pair(number: int) -> tuple[str, str]:
    """A private and a public key; making one takes a tenth of a second, so accounts share a few."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def key_pair(number: int = 0) -> tuple[str, str]:
    """The private and public key of that number, in PEM."""
    return _pair(number)


@dataclass
class Account:
    """A service account of one project; it may do nothing until something is granted."""

    server: BigQueryServer
    project: str
    email: str
    number: int = 0
    key_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def key(self) -> dict[str, Any]:
        """The content of its JSON key file."""
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": self.key_id,
            "private_key": key_pair(self.number)[0],
            "client_email": self.email,
            "client_id": "100000000000000000000",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token",
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{self.email}",
            "universe_domain": "googleapis.com",
        }

    def grant(self, *names: str, dataset: str | None = None) -> Account:
        """Grant permissions (`tables.getData`) or roles (`roles/bigquery.user`), on the project or one dataset."""
        return self._change("grant", names, dataset)

    def revoke(self, *names: str, dataset: str | None = None) -> Account:
        """Take back what was granted in the same words."""
        return self._change("revoke", names, dataset)

    def deny(self, *names: str, dataset: str | None = None) -> Account:
        """Withhold permissions whatever else is granted; denied on the project is denied everywhere."""
        return self._change("deny", names, dataset)

    def allow(self, *names: str, dataset: str | None = None) -> Account:
        """Withhold no longer what was denied in the same words."""
        return self._change("allow", names, dataset)

    def setup(self, name: str, dataset: str = "__segment_reverse_etl") -> Account:
        """Grant one of `SETUPS`."""
        project_wide, on_dataset = SETUPS[name]
        self.grant(*project_wide)
        return self.grant(*on_dataset, dataset=dataset) if on_dataset else self

    def revoke_key(self, revoked: bool = True) -> None:
        """Let the token endpoint refuse its key from now on, as after the key was deleted."""
        self.server.control("revoke-key", email=self.email, revoked=revoked)

    def _change(self, action: str, names: tuple[str, ...], dataset: str | None) -> Account:
        self.server.control(
            "permissions",
            email=self.email,
            action=action,
            names=list(names),
            project=self.project,
            dataset=dataset,
        )
        return self
