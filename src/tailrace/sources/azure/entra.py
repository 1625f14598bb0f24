"""Access tokens of Microsoft Entra for a pool: of a service principal, or of this machine's managed identity.

The operator of the process may point elsewhere: TAILRACE_ENTRA_AUTHORITY for service principals (other clouds have
other hosts), and Azure's own IDENTITY_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST for managed identities.
"""

from __future__ import annotations

import json
import os
import struct
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from tailrace.clock import Clock
from tailrace.errors import ConfigError, SourceError, SourceUnavailable
from tailrace.sources.azure.settings import EntraSettings

RESOURCE = "https://database.windows.net/"
AUTHORITY = "https://login.microsoftonline.com"
INSTANCE_METADATA = "http://169.254.169.254"
ACCESS_TOKEN = 1256
"""SQL_COPT_SS_ACCESS_TOKEN ("Using Microsoft Entra ID with the ODBC driver")."""
_EARLY = 300.0
"""A token that ends sooner is not used for a new connection."""
_TIMEOUT = 30.0
_LARGEST = 1 << 20


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Tokens:
    """The token of one identity, kept until shortly before it ends; safe for several threads."""

    def __init__(
        self, settings: EntraSettings, clock: Clock, environ: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._environ = os.environ if environ is None else environ
        self._guard = threading.Lock()
        self._token = ""
        self._ends = 0.0

    def attributes(self) -> dict[int, bytes]:
        """The driver's connection attributes for a login. Raises SourceError, SourceUnavailable."""
        token = self.token().encode("utf-16-le")
        return {ACCESS_TOKEN: struct.pack("<i", len(token)) + token}

    def token(self) -> str:
        """A token that is valid for a while yet. Raises SourceError, SourceUnavailable."""
        with self._guard:
            if not self._token or self._clock.monotonic() > self._ends - _EARLY:
                answer = _answer(self._request())
                self._token = str(answer["access_token"])
                self._ends = self._clock.monotonic() + _lifetime(answer, self._clock.now().timestamp())
            return self._token

    def forget(self) -> None:
        """Ask anew the next time, as after a login that the token did not open."""
        with self._guard:
            self._token = ""

    def _request(self) -> urllib.request.Request:
        settings = self._settings
        if not settings.managed_identity:
            assert settings.client_secret is not None
            form = {
                "grant_type": "client_credentials",
                "client_id": settings.client_id or "",
                "client_secret": settings.client_secret.get_secret_value(),
                "scope": f"{RESOURCE}.default",
            }
            authority = _address(self._environ.get("TAILRACE_ENTRA_AUTHORITY") or AUTHORITY)
            return urllib.request.Request(
                f"{authority}/{settings.tenant_id}/oauth2/v2.0/token",
                data=urllib.parse.urlencode(form).encode(),
                method="POST",
            )
        query = {"resource": RESOURCE} | ({"client_id": settings.client_id} if settings.client_id else {})
        endpoint = self._environ.get("IDENTITY_ENDPOINT")
        if endpoint:
            address = f"{endpoint}?{urllib.parse.urlencode(query | {'api-version': '2019-08-01'})}"
            headers = {"X-IDENTITY-HEADER": self._environ.get("IDENTITY_HEADER", "")}
        else:
            host = self._environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or INSTANCE_METADATA
            form = urllib.parse.urlencode(query | {"api-version": "2018-02-01"})
            address = f"{host.rstrip('/')}/metadata/identity/oauth2/token?{form}"
            headers = {"Metadata": "true"}
        return urllib.request.Request(address, headers=headers)


def _address(authority: str) -> str:
    parsed = urllib.parse.urlsplit(authority)
    plain = parsed.scheme == "http" and parsed.hostname in ("localhost", "127.0.0.1", "::1")
    if not parsed.hostname or (parsed.scheme != "https" and not plain):
        raise ConfigError(
            "TAILRACE_ENTRA_AUTHORITY must be an https address", hint="Correct it.", code="source_settings"
        )
    return authority.rstrip("/")


def _answer(request: urllib.request.Request) -> dict[str, Any]:
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=_TIMEOUT) as response:
            answer = json.loads(response.read(_LARGEST))
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error.code, error.read(_LARGEST)) from None
    except (OSError, ValueError) as error:
        raise SourceUnavailable(
            f"no token of Microsoft Entra could be had from {urllib.parse.urlsplit(request.full_url).netloc}: "
            f"{getattr(error, 'reason', error)}",
            hint="Check the network; a managed identity exists only on a machine of Azure that has one.",
        ) from None
    if not isinstance(answer, dict) or not answer.get("access_token"):
        raise SourceError(
            "Microsoft Entra answered without a token", hint="Check the source's `entra` settings."
        )
    return answer


def _lifetime(answer: Mapping[str, Any], now: float) -> float:
    """Seconds; App Service and its kin say `expires_on` alone. Without a word that can be read: none."""
    try:
        found = answer.get("expires_in")
        return float(found) if found else float(answer["expires_on"]) - now
    except (KeyError, TypeError, ValueError):
        return 0.0


def _refused(status: int, body: bytes) -> SourceError:
    """Entra says why in `error` and `error_description` (without the secret)."""
    try:
        document = json.loads(body)
        reason = str(document.get("error_description") or document.get("error") or "").splitlines()[0]
    except (ValueError, AttributeError, IndexError):
        reason = ""
    if status == 429 or status >= 500:
        return SourceUnavailable(
            f"Microsoft Entra is busy (HTTP {status}) {reason}".rstrip(), hint="Run it again in a while."
        )
    return SourceError(
        f"Microsoft Entra refuses a token (HTTP {status}): {reason or 'no reason given'}",
        hint="Check `tenant_id`, `client_id` and `client_secret` (it may have expired), or the managed identity.",
        code="source_unauthorized",
    )
