"""Whom this machine trusts for TLS, and why it does not trust a server."""

from __future__ import annotations

import ssl
from pathlib import Path

from tailrace.errors import ConfigError, SourceError

_NAME_MISMATCH = {62, 63, 64}
_EXPIRED = {9, 10}
"""As OpenSSL numbers the reasons: https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/"""


def named_file(path: str, folder: Path, setting: str = "ca") -> Path:
    """A file that the settings of `tls` name. Raises ConfigError where it is not there."""
    found = (folder / path).resolve()
    if not found.is_file():
        raise ConfigError(
            f"the file {found} of `tls.{setting}` does not exist",
            hint="Relative paths are relative to the project folder.",
            code="source_settings",
        )
    return found


def system_authorities() -> str:
    """The file of authorities that this machine trusts. Raises ConfigError where there is none."""
    candidates = (
        ssl.get_default_verify_paths().cafile,
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem",
    )
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return candidate
    raise ConfigError(
        "this machine has no file of trusted certificate authorities",
        hint="Install the package ca-certificates, or name your authority's file in the source's `tls.ca`.",
        code="source_settings",
    )


def untrusted(error: ssl.SSLCertVerificationError, host: str, name: str) -> SourceError:
    """Why a server's certificate is refused; `name` tells how to name the host otherwise."""
    if error.verify_code in _NAME_MISMATCH:
        return SourceError(
            f"the server's certificate is for another name than {host!r}",
            hint=f"Use the name in the certificate as the source's {name}.",
            code="source_tls_name",
        )
    if error.verify_code in _EXPIRED:
        return SourceError(
            f"the server's certificate is not valid now: {error.verify_message}",
            hint="Check this machine's clock; the server, or what ends TLS on the way, may need a new certificate.",
            code="source_tls_untrusted",
        )
    return SourceError(
        f"the server's certificate is not trusted: {error.verify_message}",
        hint="Name the file of the authority that signed it in the source's `tls.ca`.",
        code="source_tls_untrusted",
    )
