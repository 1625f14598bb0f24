"""Files that come with load jobs, in one request or in several.

https://cloud.google.com/bigquery/docs/reference/api-uploads
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import orjson
from tests.servers.bigquery.standin.calls import Call
from tests.servers.bigquery.standin.errors import Refusal

_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")


class Uploads:
    """Uploads that are not complete."""

    def __init__(self) -> None:
        self._started: dict[str, tuple[dict[str, Any], bytearray]] = {}

    def receive(self, call: Call) -> tuple[str, Any]:
        """('done', (job, file)), ('started', id) or ('more', last byte). Raises Refusal."""
        if call.parameters.get("uploadType") == "multipart":
            return "done", _parts(call)
        number = call.parameters.get("upload_id")
        if number is None:
            number = uuid.uuid4().hex
            self._started[number] = (call.json, bytearray())
            return "started", number
        if number not in self._started:
            raise Refusal("notFound", "Not found: Upload")
        body, media = self._started[number]
        found = _RANGE.fullmatch(call.headers.get("content-range", ""))
        if found is None or (found[1] is not None and int(found[1]) != len(media)):
            raise Refusal("badRequest", "Invalid content range")
        media += call.body
        if found[3] == "*" or int(found[3]) > len(media):
            return "more", len(media) - 1
        del self._started[number]
        return "done", (body, bytes(media))


def _parts(call: Call) -> tuple[dict[str, Any], bytes]:
    """The job and the file of a multipart/related body."""
    kind = call.headers.get("content-type", "")
    found = re.search(r'boundary="?([^";]+)"?', kind)
    if found is None:
        raise Refusal("badRequest", "Missing multipart boundary")
    pieces = call.body.split(b"--" + found[1].encode())
    contents = [piece.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for piece in pieces[1:-1]]
    if len(contents) != 2:
        raise Refusal("badRequest", "Expected two parts")
    return orjson.loads(contents[0]), contents[1]
