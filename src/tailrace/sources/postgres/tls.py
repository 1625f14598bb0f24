"""TLS with a PostgreSQL server as libpq's parameters ask for it."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Mapping
from typing import Any

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What a client sends first that wants TLS."""


def tls_context(parameters: Mapping[str, Any], mode: str) -> ssl.SSLContext:
    """How `sslmode` and the certificate files are used. Raises OSError for files that cannot be (ssl.SSLError too)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify") else ssl.CERT_NONE
    if mode.startswith("verify"):
        context.load_verify_locations(parameters["sslrootcert"])
    if "sslcert" in parameters:
        context.load_cert_chain(parameters["sslcert"], parameters["sslkey"])
    return context
