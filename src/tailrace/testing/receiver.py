"""A receiver for webhooks that holds what it was sent and can misbehave in every way that real ones do.

In a test: `with Receiver(faults=[Fault(kind="status", status=503, times=2)]) as receiver: … receiver.url …`.
As a process: `python -m tailrace.testing.receiver --port 0`, which prints its address; GET `/__state`,
`/__stats`, `/__history?key=…`, `/__requests`; POST `/__faults` (a list of rules) and `/__reset`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import threading
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tailrace.testing.faults import Fault, FaultPlan, Hit
from tailrace.testing.holdings import Holdings, Received, parse
from tailrace.testing.wire import Connection, Message, answer

_LOGGED = 1_000


class Receiver:
    """Serves in a thread of its own between `start` and `stop`; its methods may be called from any thread.

    With `strict`, an idempotency key is honoured as a strict tool would: the same body again gets the stored
    answer and is not applied twice, another body gets 422, a request whose twin is still at work gets 409.
    With `count`, requests are only counted, which is fast.
    """

    def __init__(
        self,
        *,
        faults: Iterable[Fault] = (),
        seed: int = 0,
        strict: bool = True,
        count: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        key_field: str = "id",
    ) -> None:
        self._plan = FaultPlan(faults, seed)
        self._seed = seed
        self._strict = strict
        self._count = count
        self._host = host
        self.port = port
        self._key_field = key_field
        self._lock = threading.RLock()
        self._holdings = Holdings()
        self._answers: dict[str, tuple[bytes, bytes]] = {}
        self._at_work: set[str] = set()
        self._log: deque[dict[str, Any]] = deque(maxlen=_LOGGED)
        self._stats: Counter[str] = Counter()
        self._in_flight = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._connections: set[Connection] = set()

    @property
    def url(self) -> str:
        """Where to send records; any path will do, each holds records of its own."""
        return f"http://{self._host}:{self.port}/hook"

    def start(self) -> Self:
        """Begin to serve; returns once the port is open."""
        ready = threading.Event()
        failed: list[BaseException] = []

        def work() -> None:
            try:
                asyncio.run(self._serve(ready))
            except BaseException as error:
                failed.append(error)
            finally:
                ready.set()

        self._thread = threading.Thread(target=work, name="tailrace-receiver", daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            raise failed[0]
        return self

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._loop is not None and self._thread is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def fail(self, *faults: Fault, seed: int | None = None) -> None:
        """Replace the rules."""
        with self._lock:
            self._plan = FaultPlan(faults, self._seed if seed is None else seed)

    def fired(self) -> list[int]:
        """How often each rule fired."""
        with self._lock:
            return self._plan.fired()

    def parse(self, body: bytes, headers: dict[str, str]) -> list[Received]:
        """The records in a request; override it for another tool's shapes. Raises ValueError for a 400."""
        return parse(body, headers, self._key_field)

    def state(self, path: str = "/hook") -> dict[str, Any]:
        """The records it holds, by key."""
        with self._lock:
            return dict(self._holdings.collections.get(path, {}))

    def history(self, key: str, path: str = "/hook") -> list[Received]:
        """What was accepted for a key, oldest first (the last fifty)."""
        with self._lock:
            return list(self._holdings.histories.get((path, key), ()))

    def requests(self) -> list[dict[str, Any]]:
        """The last thousand requests: path, headers, keys, operations, records, bytes, status, accepted."""
        with self._lock:
            return list(self._log)

    def stats(self) -> dict[str, Any]:
        """Counts: requests, bytes, records arrived and accepted by operation, resent records, statuses, how many at a
        time."""
        with self._lock:
            statuses = {name[7:]: count for name, count in self._stats.items() if name.startswith("status_")}
            return {
                "requests": self._stats["requests"],
                "bytes": self._stats["bytes"],
                "most_in_flight": self._stats["most_in_flight"],
                "in_flight": self._in_flight,
                "replays": self._stats["replays"],
                "arrived": self._holdings.arrived,
                "resent": self._holdings.resent,
                "accepted": dict(self._holdings.accepted),
                "accepted_twice": sum(1 for count in self._holdings.arrivals.values() if count > 1),
                "records": {path: len(held) for path, held in self._holdings.collections.items()},
                "statuses": statuses,
                "fired": self._plan.fired(),
            }

    def reset(self) -> None:
        """Forget everything but the rules."""
        with self._lock:
            self._holdings = Holdings()
            self._answers.clear()
            self._log.clear()
            self._stats.clear()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        handle = self._counted if self._count else None
        server = await self._loop.create_server(
            lambda: Connection(self._connections, self._handle, handle), self._host, self.port
        )
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stopping.wait()
        server.close()
        for connection in list(self._connections):
            connection.abort()

    def _counted(self, size: int) -> None:
        self._stats["requests"] += 1
        self._stats["bytes"] += size

    async def _handle(self, message: Message, connection: Connection) -> None:
        target = urlsplit(message.target)
        if target.path.startswith("/__"):
            connection.write(self._control(message.method, target.path, parse_qs(target.query), message.body))
            return
        with self._lock:
            self._in_flight += 1
            self._stats["requests"] += 1
            self._stats["bytes"] += len(message.body)
            self._stats["most_in_flight"] = max(self._stats["most_in_flight"], self._in_flight)
        try:
            await self._receive(message, target.path, connection)
        finally:
            with self._lock:
                self._in_flight -= 1

    async def _receive(self, message: Message, path: str, connection: Connection) -> None:
        try:
            records = self.parse(message.body, message.headers)
        except (ValueError, KeyError, TypeError, OSError) as error:
            self._note(message, path, [], 400, False)
            connection.write(answer(400, {"message": f"not understood: {error}"}))
            return
        with self._lock:
            self._holdings.arrive(records)
            faults = [] if self._plan.empty else self._plan.next(_hit(path, records, message))
        key = message.headers.get("idempotency-key", "") if self._strict else ""
        digest = hashlib.sha256(message.body).digest()
        known = self._answers.get(key)
        if key in self._at_work or (known is not None and known[0] != digest):
            status = 409 if key in self._at_work else 422
            self._note(message, path, records, status, False)
            said = {"message": "this idempotency key is at work, or had another body"}
            connection.write(answer(status, said))
            return
        if key:
            self._at_work.add(key)
        try:
            for fault in faults:
                if fault.kind == "latency":
                    await asyncio.sleep(fault.seconds)
            last = faults[-1] if faults and faults[-1].kind != "latency" else None
            reply = self._apply(message, path, records, last, key, digest, known[1] if known else None)
            await self._reply(connection, last, reply)
        finally:
            self._at_work.discard(key)

    def _apply(
        self,
        message: Message,
        path: str,
        records: list[Received],
        fault: Fault | None,
        key: str,
        digest: bytes,
        stored: bytes | None,
    ) -> bytes:
        """Accept the records, unless the fault or a stored answer forbids it, and give the honest answer."""
        applies = stored is None and (fault is None or fault.after or fault.kind not in ("status", "reset"))
        reply = stored or answer(200, {})
        with self._lock:
            if applies:
                accepted = records
                if fault is not None and fault.kind == "results":
                    reply, accepted = self._results(fault, records)
                self._holdings.accept(path, accepted)
                if key:
                    self._answers[key] = (digest, reply)
            elif stored is not None:
                self._stats["replays"] += 1
        status = 200
        if fault is not None:
            status = {"status": fault.status, "reset": 0, "lost": 0}.get(fault.kind, 200)
        self._note(message, path, records, status, applies)
        return reply

    async def _reply(self, connection: Connection, fault: Fault | None, reply: bytes) -> None:
        match fault:
            case Fault(kind="status"):
                body = fault.body or {"message": f"fault {fault.status}"}
                connection.write(answer(fault.status, body, fault.headers))
            case Fault(kind="reset"):
                connection.abort()
            case Fault(kind="lost"):
                connection.close()
            case Fault(kind="slow"):
                await connection.trickle(reply, fault.seconds)
            case Fault(kind="truncate"):
                connection.write(answer(200, {"results": []}, {"Content-Length": "4096"}))
                connection.close()
            case Fault(kind="oversize"):
                connection.write(answer(200, {"padding": "x" * fault.size}))
            case Fault(kind="garbage"):
                connection.write(b"this is not HTTP\r\n\r\n")
                connection.close()
            case _:
                connection.write(reply)

    def _results(self, fault: Fault, records: list[Received]) -> tuple[bytes, list[Received]]:
        random = self._plan.random
        named = [
            record
            for record in records
            if record.key in fault.keys or (fault.chance and random.random() < fault.chance)
        ]
        entries = [{"key": each.key, "operation": each.operation, **fault.result} for each in named]
        random.shuffle(entries)
        refused = {each.key for each in named if fault.result.get("status") != "delivered"}
        return answer(200, {"results": entries}), [each for each in records if each.key not in refused]

    def _note(
        self, message: Message, path: str, records: list[Received], status: int, accepted: bool
    ) -> None:
        with self._lock:
            self._stats[f"status_{status}"] += 1
            self._log.append(
                {
                    "method": message.method,
                    "path": path,
                    "headers": message.headers,
                    "keys": [record.key for record in records],
                    "operations": sorted({record.operation for record in records}),
                    "records": len(records),
                    "bytes": len(message.body),
                    "status": status,
                    "accepted": accepted,
                }
            )

    def _control(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> bytes:
        match (method, path):
            case ("GET", "/__state"):
                with self._lock:
                    return answer(200, {"collections": self._holdings.collections})
            case ("GET", "/__stats"):
                return answer(200, self.stats())
            case ("GET", "/__requests"):
                return answer(200, {"requests": self.requests()})
            case ("GET", "/__history"):
                found = self.history(query.get("key", [""])[0], query.get("path", ["/hook"])[0])
                entries = [
                    {"operation": each.operation, "id": each.id, "record": each.record} for each in found
                ]
                return answer(200, {"history": entries})
            case ("POST", "/__faults"):
                try:
                    self.fail(*(Fault.of(each) for each in json.loads(body or b"[]")))
                except (ValueError, TypeError) as error:
                    return answer(400, {"message": str(error)})
                return answer(200, {})
            case ("POST", "/__reset"):
                self.reset()
                return answer(200, {})
            case _:
                return answer(
                    404, {"message": "known: state, stats, requests, history, faults, reset, each after /__"}
                )


def _hit(path: str, records: list[Received], message: Message) -> Hit:
    return Hit(
        path,
        frozenset(record.key for record in records),
        frozenset(record.operation for record in records),
        len(records),
        len(message.body),
    )


def main() -> None:
    """Serve until interrupted; the first line printed is the address."""
    parser = argparse.ArgumentParser(prog="python -m tailrace.testing.receiver", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="[]", help="a JSON list of rules")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lenient", action="store_true", help="do not honour idempotency keys")
    parser.add_argument("--count", action="store_true", help="only count requests; fast")
    options = parser.parse_args()
    receiver = Receiver(
        faults=[Fault.of(each) for each in json.loads(options.faults)],
        seed=options.seed,
        strict=not options.lenient,
        count=options.count,
        host=options.host,
        port=options.port,
    ).start()
    print(receiver.url, flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    receiver.stop()


if __name__ == "__main__":
    main()
