"""The `webhook` destination: records as JSON to any address, signed where a secret is set."""

from __future__ import annotations

import json
from functools import lru_cache
from urllib.parse import urlsplit

from tailrace.destinations.define import (
    Action,
    Answer,
    Call,
    Destination,
    Limits,
    Reading,
    Records,
    Request,
    TestCall,
)
from tailrace.destinations.fields import Field, Settings
from tailrace.destinations.pace import pace_fields, paced
from tailrace.destinations.results import results_by_key
from tailrace.destinations.signing import signature_headers, signing_keys
from tailrace.ids import digest

# fmt: off
_SETTINGS = (
    Field(name="url", label="Address", type="url", required=True, secret=True,
        help="Where records are sent, e.g. https://example.com/hook."),
    Field(name="method", label="Method", type="choice", default="POST", choices=("POST", "PUT", "PATCH"),
        help="The HTTP method."),
    Field(name="headers", label="Headers", type="headers", default={}, secret=True,
        help="Sent with every request, e.g. Authorization."),
    Field(name="batch", label="Records per request", type="integer", default=1, minimum=1, maximum=10_000,
        help="1 sends each record as one object; more sends arrays of at most 4 MB."),
    Field(name="envelope", label="Envelope", type="choice", default="records", choices=("records", "none"),
        help="`records` adds project, mapping, sync, operation, key and id; `none` sends bare records."),
    Field(name="format", label="Format", type="choice", default="json", choices=("json", "ndjson"),
        help="`ndjson` sends one line per record."),
    Field(name="gzip", label="Compress", type="boolean", default=False,
        help="Compresses request bodies with gzip."),
    Field(name="secret", label="Signing secret", secret=True, check=signing_keys,
        help="Signs requests as Standard Webhooks does: `whsec_` and base64 of 24 to 64 random bytes; "
             "two of them, separated by a space, while you change it."),
    *pace_fields(concurrency=4, timeout=30.0, longest_timeout=40.0),
)
# fmt: on


def _identity(settings: Settings) -> str:
    parts = urlsplit(settings["url"])
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return digest(parts.scheme, parts.hostname or "", str(port), parts.path or "/")


def _limits(settings: Settings) -> Limits:
    answer = (1 << 20) + 512 * settings["batch"]
    return paced(settings, Limits(records=settings["batch"], answer_bytes=answer))


@lru_cache(maxsize=64)
def _about(project: str, mapping: str, sync: str) -> str:
    """The opening of a document that says where its records come from, up to the comma."""
    about = {"project": project, "mapping": mapping, "sync": sync}
    return json.dumps(about, ensure_ascii=False, separators=(",", ":"))[:-1] + ","


def _item(call: Call) -> str:
    settings = call.settings
    lines, single = settings["format"] == "ndjson", settings["batch"] == 1
    if settings["envelope"] == "none":
        item = "payload"
    else:
        opening = _about(call.project, call.mapping, call.sync).replace("'", "''") if lines or single else "{"
        item = (
            f"""'{opening}"operation":"', _operation, '","key":', CAST(to_json(_key) AS VARCHAR),"""
            """ ',"id":"', id, '","record":', payload, '}'"""
        )
    end = ", chr(10)" if lines else "" if single else ", ','"
    return f"CASE WHEN payload IS NOT NULL THEN concat({item}{end}) END"


def _body(items: memoryview, _count: int, call: Call) -> bytes:
    settings = call.settings
    if settings["format"] == "ndjson":
        return bytes(items) + b"\n"
    if settings["batch"] == 1:
        return bytes(items)
    if settings["envelope"] == "none":
        return b"".join((b"[", items, b"]"))
    opening = _about(call.project, call.mapping, call.sync) + '"records":['
    return b"".join((opening.encode(), items, b"]}"))


def _headers(call: Call, key: str, body: bytes, now: float) -> dict[str, str]:
    settings = call.settings
    kind = "application/x-ndjson" if settings["format"] == "ndjson" else "application/json"
    headers = {"Content-Type": kind, "Idempotency-Key": key}
    if settings["secret"]:
        headers |= signature_headers(settings["secret"], key, body, now)
    own = settings["headers"]
    if any(name.lower() == "content-type" for name in own):
        del headers["Content-Type"]
    return headers | own


def _read(answer: Answer, records: Records, _call: Call) -> Reading | None:
    if answer.status // 100 != 2 or b'"results"' not in answer.body:
        return None
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    entries = document.get("results") if isinstance(document, dict) else None
    return results_by_key(entries, records) if isinstance(entries, list) else None


def _separator(call: Call) -> bytes:
    return b"\n" if call.settings["format"] == "ndjson" else b"" if call.settings["batch"] == 1 else b","


def _request(call: Call) -> Request:
    return Request(call.settings["method"], call.settings["url"])


webhook = Destination(
    type="webhook",
    title="Webhook",
    description="Sends records as JSON to an HTTP address of yours.",
    settings=_SETTINGS,
    identity=_identity,
    test=TestCall(
        description="Sends a message of type tailrace.test, without records.",
        body=b'{"type": "tailrace.test", "data": {}}',
        request=_request,
        headers=_headers,
    ),
    actions=(
        Action(
            name="send",
            title="Send records",
            description="Sends added, updated and deleted records, singly or in batches.",
            limits=_limits,
            request=_request,
            item=_item,
            separator=_separator,
            body=_body,
            headers=_headers,
            gzip=lambda settings: settings["gzip"],
            read=_read,
        ),
    ),
)
