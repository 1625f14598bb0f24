"""Apache Derby's network server as a child process, and statements in it without a driver."""

from __future__ import annotations

import base64
import datetime
import hashlib
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import zipfile
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

_JARS = ("derby.jar", "derbynet.jar", "derbytools.jar")
_ASM = "java.base/jdk.internal.org.objectweb.asm=ALL-UNNAMED"
_SOURCES = Path(__file__).parent / "java"
_PROPERTIES = {
    "derby.drda.host": "127.0.0.1",
    "derby.drda.maxThreads": "0",
    "derby.drda.sslMode": "off",
    "derby.locks.deadlockTimeout": "2",
    "derby.language.maxMemoryPerTable": "1000000000",  # KiB; with less it joins long keys row by row
    "derby.language.statementCache.size": "100",
    "derby.stream.error.field": "java.lang.System.err",
}


class DerbyMissing(RuntimeError):
    """Apache Derby or a Java compiler is not installed."""


class DerbyError(Exception):
    """A statement that Derby refused; `state` is Derby's own SQLSTATE."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(f"{state}: {message}")
        self.state = state
        self.message = message


def _jars() -> list[Path]:
    folders = [Path(os.environ["DERBY_HOME"]) / "lib"] if "DERBY_HOME" in os.environ else []
    for folder in [*folders, Path("/usr/share/java")]:
        found = [folder / name for name in _JARS]
        if all(path.exists() for path in found):
            return found
    raise DerbyMissing(
        "these tests need Apache Derby 10.14 (derby.jar, derbynet.jar, derbytools.jar) and a JDK: `make setup` "
        "installs them, or `apt-get install libderby-java derby-tools openjdk-17-jdk-headless`"
    )


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise DerbyMissing(
            f"these tests need `{name}` of a JDK (11 or later): `make setup` installs it, "
            "or `apt-get install openjdk-17-jdk-headless`"
        )
    return found


def _compiled(jars: list[Path]) -> Path:
    """The jar with our Java classes, compiled once per version of their source."""
    sources = sorted(_SOURCES.glob("*.java"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    jar = Path(tempfile.gettempdir()) / f"tailrace-db2-{os.getuid()}-{digest}.jar"
    if jar.exists() and jar.stat().st_uid == os.getuid():
        return jar
    with tempfile.TemporaryDirectory(prefix="tailrace-db2-") as folder:
        done = subprocess.run(
            [_program("javac"), "-nowarn", "--add-exports", _ASM, "-cp", os.pathsep.join(map(str, jars)),
             "-d", folder, *sources],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"javac failed: {done.stderr}")
        made = Path(folder, "made.jar")
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr(
                "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nPremain-Class: tailrace.db2.Types\n\n"
            )
            for path in sorted(Path(folder).rglob("*.class")):
                archive.write(path, path.relative_to(folder))
        own = jar.with_suffix(f".{os.getpid()}")
        shutil.copyfile(made, own)
        own.rename(jar)
    return jar


def _encode(text: str) -> str:
    return "." + base64.b64encode(text.encode()).decode()


def _decode(word: str) -> str:
    return base64.b64decode(word[1:]).decode()


def _value(cell: str) -> Any:
    type_name, _, word = cell.partition(":")
    if type_name == "null":
        return None
    if type_name == "BYTES":
        return base64.b64decode(word)
    text = _decode(word)
    match type_name:
        case "SMALLINT" | "INTEGER" | "BIGINT":
            return int(text)
        case "DOUBLE" | "REAL":
            return float(text)
        case "DECIMAL" | "NUMERIC":
            return Decimal(text)
        case "BOOLEAN":
            return text == "true"
        case "DATE":
            return datetime.date.fromisoformat(text)
        case "TIME":
            return datetime.time.fromisoformat(text)
        case "TIMESTAMP":
            whole, _, fraction = text.partition(".")
            return datetime.datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}")
        case _:
            return text


class Engine:
    """One Java process with Derby in it; its databases live in memory."""

    def __init__(self, lock_wait: int) -> None:
        self._lock_wait = lock_wait
        self.folder = Path(tempfile.mkdtemp(prefix="tailrace-db2-"))
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.Queue[str]] = {}
        self._count = 0
        self._ended = False

    def start(self, port: int) -> None:
        """Start the process and wait until it listens."""
        jars = _jars()
        ours = _compiled(jars)
        self.port = port
        command = [
            _program("java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx768m",
            "-XX:-UsePerfData", "-Duser.timezone=UTC", "--add-exports", _ASM, f"-javaagent:{ours}",
            f"-Dderby.system.home={self.folder}",
            *(f"-D{name}={value}" for name, value in _PROPERTIES.items()),
            f"-Dderby.locks.waitTimeout={self._lock_wait}",
            "-cp", os.pathsep.join(map(str, [ours, *jars])), "tailrace.db2.Engine", str(port),
        ]  # fmt: skip
        with (self.folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for us; it ends with its standard input
            )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        self._ask("ping", "")

    def stop(self) -> None:
        """End the process and remove what it wrote."""
        process = self._process
        if process is not None:
            self._process = None
            assert process.stdin
            assert process.stdout
            process.kill()
            process.wait(30)
            self._reader.join(30)
            process.stdin.close()
            process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, database: str) -> None:
        self._ask("create", database, (_SOURCES / "seed.sql").read_text().strip().rstrip(";"))

    def drop(self, database: str) -> None:
        """Let a database go; Derby sleeps for half a second before it does, so nobody waits."""
        threading.Thread(target=self._drop, args=(database,), daemon=True).start()

    def _drop(self, database: str) -> None:
        with suppress(RuntimeError):  # the engine was stopped, and all its databases are gone
            self._ask("drop", database)

    def sql(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement in Derby's own words, as the owner of the database, and commit. Raises DerbyError."""
        answer = self._ask("sql", database, statement)
        if not answer:
            return []
        width, cells = int(answer[1]), [_value(cell) for cell in answer[2:]]
        return [tuple(cells[start : start + width]) for start in range(0, len(cells), width)]

    def cancel(self, port: int) -> None:
        """End the statement that runs for the client connected from this port."""
        with suppress(RuntimeError, DerbyError):
            self._ask("cancel", "", str(port))

    def _ask(self, *words: str) -> list[str]:
        process = self._process
        if process is None:
            raise RuntimeError("the engine does not run")
        assert process.stdin
        answers: queue.Queue[str] = queue.Queue()
        with self._lock:
            self._count += 1
            number = str(self._count)
            self._waiting[number] = answers
            with suppress(OSError):
                process.stdin.write(f"{number} {' '.join(map(_encode, words))}\n")
                process.stdin.flush()
            if self._ended:
                answers.put("")
        line = answers.get()
        if not line:
            raise RuntimeError(f"Derby ended: {self._log()}")
        state, *answer = line.split()
        if state == "error":
            raise DerbyError(_decode(answer[0]), _decode(answer[1]))
        return answer

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            number, _, answer = line.partition(" ")
            with self._lock:
                self._waiting.pop(number).put(answer)
        with self._lock:
            self._ended = True
            for answers in self._waiting.values():
                answers.put("")

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""
