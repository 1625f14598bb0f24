"""Service accounts: who they are, which tokens they hold, and what they may do.

A permission is granted on the whole project (`dataset=None`) or on one dataset. Whoever creates a dataset becomes
its owner, as https://cloud.google.com/bigquery/docs/control-access-to-resources-iam says of default access; nobody
becomes the owner of a table.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from tests.servers.bigquery.standin.errors import Refusal
from tests.servers.bigquery.standin.roles import OWNER, expand

AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPES = {"https://www.googleapis.com/auth/bigquery", "https://www.googleapis.com/auth/cloud-platform"}
_CLOCK_SKEW, _LONGEST = 300, 3600

Grant = tuple[str, str, str | None]
"""Project, permission, and the dataset it is granted on."""


class GrantError(Exception):
    """What the token endpoint refuses."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}


@dataclass
class Account:
    """A service account; without `restricted` it may do everything, as an administrator."""

    email: str
    public_key: RSAPublicKey | None = None
    restricted: bool = True
    revoked: bool = False
    grants: set[Grant] = field(default_factory=set)
    denials: set[Grant] = field(default_factory=set)

    def may(self, permission: str, project: str, dataset: str | None = None) -> bool:
        """Whether the permission holds on the dataset, or on the whole project where none is named."""
        wanted = {(project, permission, None), (project, permission, dataset)}
        if self.denials & wanted:
            return False
        return not self.restricted or bool(self.grants & wanted)


ADMINISTRATOR = Account("administrator@stand-in.example", restricted=False)


class Accounts:
    """The accounts with their tokens."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._accounts: dict[str, Account] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self.lifetime = 3600.0

    def add(self, email: str, public_key: str) -> None:
        key = load_pem_public_key(public_key.encode())
        assert isinstance(key, RSAPublicKey)
        with self._guard:
            self._accounts[email] = Account(email, key)

    def get(self, email: str) -> Account:
        return self._accounts[email]

    def find(self, email: str) -> Account | None:
        return self._accounts.get(email)

    def change(self, email: str, action: str, names: list[str], project: str, dataset: str | None) -> None:
        """Grant, revoke, deny or allow again permissions or roles."""
        account = self._accounts[email]
        changed = {
            (project, permission, dataset)
            for name in names
            for permission in expand(name, project_wide=dataset is None)
        }
        with self._guard:
            if action == "grant":
                account.grants |= changed
            elif action == "revoke":
                account.grants -= changed
            elif action == "deny":
                account.denials |= changed
            elif action == "allow":
                account.denials -= changed
            else:
                raise ValueError(action)

    def own(self, account: Account, project: str, dataset: str) -> None:
        """Make an account the owner of a dataset it has created."""
        with self._guard:
            account.grants |= {(project, permission, dataset) for permission in OWNER}

    def expire_tokens(self) -> None:
        """Refuse every token given so far."""
        with self._guard:
            self._tokens.clear()

    # -- the token endpoint

    def token(self, form: dict[str, str]) -> dict[str, Any]:
        """Answer the JWT grant of RFC 7523. Raises GrantError."""
        if form.get("grant_type") != GRANT:
            raise GrantError("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        claims = self._claims(form.get("assertion", ""))
        token = "ya29." + secrets.token_urlsafe(24)
        with self._guard:
            self._tokens[token] = (claims["iss"], time.time() + self.lifetime)
        return {"access_token": token, "expires_in": int(self.lifetime), "token_type": "Bearer"}

    def _claims(self, assertion: str) -> dict[str, Any]:
        try:
            head, body, signature = assertion.split(".")
            header = json.loads(_decoded(head))
            claims = json.loads(_decoded(body))
            account = self._accounts.get(claims["iss"])
            algorithm = header["alg"]
        except (ValueError, KeyError, TypeError) as error:
            raise GrantError("invalid_grant", "Invalid JWT: failed to decode") from error
        if account is None or account.public_key is None:
            raise GrantError("invalid_grant", "Invalid grant: account not found")
        try:
            if account.revoked or algorithm != "RS256":
                raise InvalidSignature
            account.public_key.verify(_decoded(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
        except InvalidSignature as error:
            raise GrantError("invalid_grant", "Invalid JWT Signature.") from error
        now, issued, expires = time.time(), claims.get("iat", 0), claims.get("exp", 0)
        if not (issued - _CLOCK_SKEW <= now <= expires + _CLOCK_SKEW and 0 < expires - issued <= _LONGEST):
            raise GrantError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
                " Check your iat and exp values in the JWT claim.",
            )
        if claims.get("aud") != AUDIENCE:
            raise GrantError("invalid_grant", "Invalid JWT: audience is not the token endpoint.")
        if not SCOPES & set(str(claims.get("scope", "")).split()):
            raise GrantError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        return claims

    def authenticate(self, authorization: str | None) -> Account:
        """The account that a request's `Authorization` names. Raises Refusal with authError."""
        token = (authorization or "").removeprefix("Bearer ")
        email, until = self._tokens.get(token, ("", 0.0))
        account = self._accounts.get(email)
        if account is None or until < time.time():
            raise Refusal(
                "authError",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or"
                " other valid authentication credential."
                if token
                else "Request is missing required authentication credential. Expected OAuth 2 access token, login"
                " cookie or other valid authentication credential.",
            )
        return account


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
