"""Signatures over the exact bytes sent, as the Standard Webhooks specification defines them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache


@lru_cache(maxsize=64)
def signing_keys(secret: str) -> tuple[bytes, ...]:
    """The keys in a secret: `whsec_` and base64; several, separated by spaces, while one is replaced.

    Raises ValueError where one is not base64, without saying what it is.
    """
    try:
        keys = tuple(base64.b64decode(text.removeprefix("whsec_"), validate=True) for text in secret.split())
    except binascii.Error:
        raise ValueError("is not a signing secret") from None
    if not keys or not all(keys):
        raise ValueError("is empty")
    return keys


def signature_headers(secret: str, message: str, body: bytes, now: float) -> dict[str, str]:
    """`webhook-id`, `-timestamp` and `-signature` of one attempt."""
    stamp = str(int(now))
    signed = f"{message}.{stamp}.".encode() + body
    signatures = (hmac.new(key, signed, hashlib.sha256).digest() for key in signing_keys(secret))
    return {
        "webhook-id": message,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join("v1," + base64.b64encode(each).decode() for each in signatures),
    }
