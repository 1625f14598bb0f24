"""The demo's story: each command printed, run as a process of its own, and repeatable by hand."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tailrace.cli import exits
from tailrace.cli.demo.process import ReceiverProcess, stop_kept
from tailrace.cli.demo.shop import Shop, differences
from tailrace.cli.render.values import plural
from tailrace.errors import TailraceError

if TYPE_CHECKING:
    from tailrace.cli.context import Invocation
    from tailrace.service.documents import DemoDocument, DemoStepDocument

_MAPPING = "customers_to_crm"
_REFUSED = "42"
_NOT_FOR_CHILDREN = ("TAILRACE_ENV", "TAILRACE_STORE")


Execute: TypeAlias = Callable[[Sequence[str], Path, int | None], int]
"""Runs one command line in a folder, its output sent to a file descriptor or left alone; gives its code."""


def execute_tailrace(words: Sequence[str], folder: Path, output: int | None) -> int:
    """Run `tailrace` as a process of its own, kept apart from other projects' environments and stores."""
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_CHILDREN}
    ended = subprocess.run(
        [sys.executable, "-m", "tailrace.cli", *words],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=output,
        check=False,
    )
    return ended.returncode


class Demo:
    """One run of the demo in a folder of its own."""

    def __init__(
        self, run: Invocation, folder: Path, *, keep_receiver: bool, execute: Execute | None = None
    ) -> None:
        self._run = run
        self._execute = execute or execute_tailrace
        self._shop = Shop(folder)
        self._keep = keep_receiver
        self._steps: list[DemoStepDocument] = []

    def play(self) -> int:
        """Tell the whole story; raises TailraceError where a step ends otherwise than it should."""
        earlier = self._shop.clear()
        if "url" in earlier:
            stop_kept(earlier["url"], earlier["token"])
        receiver = ReceiverProcess(keep=self._keep)
        try:
            return self._play(receiver)
        except BaseException:
            receiver.keep = False
            raise
        finally:
            receiver.close()

    def _play(self, receiver: ReceiverProcess) -> int:
        notes = {"url": receiver.url, "token": receiver.token} if self._keep else {}
        self._shop.build(f"{receiver.url}/crm", notes)
        folder = self._shop.folder
        self._say(f"A small shop stands in {folder}: 3,000 customers and 8,000 orders in shop.duckdb,")
        self._say(f"a tailrace.yml, and a receiver that plays the business tool, at {receiver.url}.")
        self._command(f"cd {shlex.quote(str(folder))}")

        self._chapter("Can everything be reached, and may Tailrace do what it must?")
        self._tailrace("check")
        self._chapter("The first sync: every customer is new to the tool.")
        self._tailrace("sync")
        self._receiver_says(receiver)

        self._chapter(
            "A day in the shop: edits.sql adds, changes and deletes customers, and makes two mistakes."
        )
        self._command("cat edits.sql")
        self._text((folder / "edits.sql").read_text(encoding="utf-8").rstrip())
        self._shop.run("edits.sql")
        self._chapter("What would be sent now? Nothing is sent by asking.")
        self._tailrace("plan", _MAPPING, "--samples", "1")
        self._chapter(
            "The second sync sends only what changed. One record is refused: exit code 3 says partial."
        )
        self._tailrace("sync", _MAPPING, expect=exits.PARTIAL)
        self._chapter("Which records were refused, and why?")
        self._tailrace("rejections", _MAPPING)
        self._chapter(f"All that is known of customer {_REFUSED}:")
        self._tailrace("why", _MAPPING, _REFUSED)
        return self._ending(receiver)

    def _ending(self, receiver: ReceiverProcess) -> int:
        summary = receiver.get("/summary")
        refused = set(summary["refused_keys"])
        different = differences(receiver.get("/records"), self._shop.expected(), refused)
        equal = not different and refused == {_REFUSED}
        self._chapter("In the end")
        self._receiver_says(receiver)
        verdict = (
            "yes" if equal else f"no: {', '.join(different[:10]) or 'it refused ' + str(sorted(refused))}"
        )
        self._say(f"Equal to the model, the refused one aside: {verdict}.")
        if self._keep:
            self._say(
                f"The receiver runs on at {receiver.url} (/summary, /records); its process is {receiver.pid}."
            )
            self._say("`tailrace demo` stops it and starts anew.")
        else:
            self._say(
                "The receiver has ended; `tailrace demo --keep-receiver` leaves it running, to play on."
            )
        if self._run.out.json:
            self._run.out.document(self._document(summary, equal))
        return exits.SUCCESS if equal else exits.FAILED

    def _document(self, summary: dict[str, object], equal: bool) -> DemoDocument:
        from tailrace.service.documents import DemoDocument

        return DemoDocument(folder=str(self._shop.folder), steps=self._steps, receiver=summary, equal=equal)

    def _tailrace(self, *words: str, expect: int = exits.SUCCESS) -> None:
        """Print the command, run it, and check that it ended as it should."""
        from tailrace.service.documents import DemoStepDocument

        line = shlex.join(["tailrace", *words])
        self._command(line)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        code = self._execute(words, self._shop.folder, self._where_to())
        self._steps.append(DemoStepDocument(command=line, exit_code=code))
        if code != expect:
            raise TailraceError(
                f"`{line}` ended with {code}, and {expect} was expected",
                hint=f"Run it again in {self._shop.folder} with --debug.",
                code="demo_failed",
            )

    def _receiver_says(self, receiver: ReceiverProcess) -> None:
        summary = receiver.get("/summary")
        seen = ", ".join(
            f"{summary.get(name, 0):,} {name}" for name in ("added", "updated", "deleted", "refused")
        )
        holds = f"The receiver holds {summary['records']:,} records"
        self._say(f"{holds}; it saw {plural(summary['requests'], 'request')}: {seen}.")

    def _where_to(self) -> int | None:
        """With --json, stdout is for the one document, so the story goes to stderr."""
        if self._run.out.quiet:
            return subprocess.DEVNULL
        return sys.stderr.fileno() if self._run.out.json else None

    def _chapter(self, title: str) -> None:
        self._print("")
        self._print(title, "bold")

    def _command(self, line: str) -> None:
        self._print(f"$ {line}", "cyan")

    def _say(self, text: str) -> None:
        self._print(text)

    def _text(self, text: str) -> None:
        self._print(text, "dim")

    def _print(self, text: str, style: str = "") -> None:
        if not self._run.out.quiet:
            target = self._run.out.stderr if self._run.out.json else self._run.out.stdout
            target.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
