"""A fake Entra ID on loopback: tokens for a service principal, and for a managed identity (IMDS, App Service)."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TENANT = "0b8e7a6c-1111-4c4c-9d9d-5a5a5a5a5a5a"
CLIENT = "7c1d2e3f-2222-4b4b-8e8e-6b6b6b6b6b6b"
SECRET = "s3cr3t~of.the-app_"
APPLICATION = "tailrace-app"
"""The service principal's name: CREATE USER [tailrace-app] FROM EXTERNAL PROVIDER."""
IDENTITY = "tailrace-identity"
"""The managed identity's name."""
_SCOPE = "https://database.windows.net"
_HOUR = 3599


@dataclass
class Entra:
    """The tokens that were given out."""

    lifetime: int = _HOUR
    failing: tuple[int, str] | None = None
    asked: int = 0
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    def issue(self, name: str) -> dict[str, object]:
        """A token for a principal, as the token endpoint answers."""
        expires = time.time() + self.lifetime
        claims = {"aud": _SCOPE, "appid": CLIENT, "exp": int(expires), "jti": secrets.token_hex(8)}
        parts = [{"alg": "none", "typ": "JWT"}, claims]
        token = ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
        )
        token += "." + secrets.token_urlsafe(16)
        self.tokens[token] = (name, expires)
        return {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "expires_on": str(int(expires)),
            "access_token": token,
            "resource": _SCOPE,
        }

    def owner(self, token: str) -> str | None:
        """Whose token it is; None for a stranger's or one that has expired."""
        name, expires = self.tokens.get(token, ("", 0.0))
        return name if expires > time.time() else None

    def reset(self) -> None:
        self.lifetime, self.failing = _HOUR, None

    def listen(self) -> int:
        """Serve on a free port of loopback."""
        entra = self

        class Requests(_Requests):
            authority = entra

        server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
        threading.Thread(target=server.serve_forever, daemon=True, name="entra").start()
        return server.server_address[1]


class _Requests(BaseHTTPRequestHandler):
    authority: Entra
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Client credentials: POST /<tenant>/oauth2/v2.0/token."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts[1:] != ["oauth2", "v2.0", "token"]:
            return self._answer(404, {"error": "not_found"})
        if parts[0].lower() != TENANT:
            return self._fail(400, "invalid_request", f"AADSTS90002: Tenant '{parts[0]}' not found.")
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").startswith(_SCOPE):
            return self._fail(400, "invalid_scope", "AADSTS70011: The provided value for scope is not valid.")
        if form.get("client_id") != CLIENT:
            found = form.get("client_id", "")
            return self._fail(
                400,
                "unauthorized_client",
                f"AADSTS700016: Application with identifier '{found}' was not found.",
            )
        if form.get("client_secret") != SECRET:
            return self._fail(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        return self._give(APPLICATION)

    def do_GET(self) -> None:
        """Managed identity: GET /metadata/identity/oauth2/token (IMDS), or /msi/token (App Service)."""
        address = urlsplit(self.path)
        resource = parse_qs(address.query).get("resource", [""])[0]
        imds = address.path == "/metadata/identity/oauth2/token"
        if not imds and address.path != "/msi/token":
            return self._answer(404, {"error": "not_found"})
        if imds and self.headers.get("Metadata", "").lower() != "true":
            return self._fail(400, "bad_request_102", "Required metadata header not specified")
        if not resource.startswith(_SCOPE):
            return self._fail(
                400,
                "invalid_resource",
                f"AADSTS500011: The resource principal named {resource} was not found.",
            )
        return self._give(IDENTITY)

    def _give(self, name: str) -> None:
        self.authority.asked += 1
        if self.authority.failing is not None:
            status, words = self.authority.failing
            return self._fail(
                status, "temporarily_unavailable" if status >= 500 else "invalid_request", words
            )
        return self._answer(200, self.authority.issue(name))

    def _fail(self, status: int, error: str, words: str) -> None:
        self._answer(status, {"error": error, "error_description": words, "trace_id": secrets.token_hex(8)})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""
