"""Measures syncs on both sources beside what the warehouse and the wire alone would do. See bench/README.md."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import peer
from bench.machine import machine
from bench.measure import Cost, middle, python, receiver, tailrace
from bench.places import Place, place

AIM_OF_DRT = {"duckdb": 6, "postgres": 4}
"""How many times as fast as drt a first sync is to be."""


@dataclass(frozen=True, slots=True)
class Sync:
    """One `tailrace sync` and what it said of itself."""

    cost: Cost
    phases: dict[str, float]
    records: int

    @property
    def rest(self) -> float:
        """Seconds outside the phases: interpreter, imports, connecting, compiling, reporting."""
        return self.cost.wall - sum(self.phases.values())


def sync(where: Place, mapping: str) -> Sync:
    """Run a sync and hold that all went well."""
    cost = tailrace(where.folder, "sync", mapping, "--json")
    (document,) = json.loads(cost.output)["syncs"]
    assert document["status"] == "success", document
    return Sync(cost, document["phases"], document["counts"]["delivered"])


def bare(what: str, where: Place, mapping: str) -> tuple[float, int, Cost]:
    """Seconds and records of the bare pipeline or of the bare statement."""
    cost = python("bench.bare", what, str(where.folder), mapping)
    seconds, records = cost.output.split()
    return float(seconds), int(records), cost


def show_syncs(label: str, syncs: list[Sync], model_rows: int) -> None:
    """One line: medians."""
    wall = middle([each.cost.wall for each in syncs])
    phases = {
        name: middle([each.phases.get(name, 0.0) for each in syncs]) for name in ("plan", "send", "commit")
    }
    rest = middle([each.rest for each in syncs])
    shares = "  ".join(f"{name} {seconds:5.2f}" for name, seconds in [*phases.items(), ("rest", rest)])
    print(
        f"  {label:<17} {model_rows / wall:>9,.0f} rows/s  {wall:6.2f} s wall  "
        f"{middle([each.cost.cpu for each in syncs]):6.2f} s CPU  "
        f"{max(each.cost.peak for each in syncs):5.0f} MiB   {shares}",
        flush=True,
    )


def measure(where: Place, rows: int, rounds: int) -> None:
    """First sync, 1 % changed and nothing changed, each beside its bare counterparts, in turn."""
    first: list[Sync] = []
    changed: list[Sync] = []
    nothing: list[Sync] = []
    pipelines: list[tuple[float, int, Cost]] = []
    diffs: dict[str, list[float]] = {"first": [], "changed": [], "nothing": []}
    drt, peers = peer.command(), list[Cost]()
    for number in range(rounds):
        where.forget()
        sync_of_nothing(where)
        diffs["first"].append(bare("diff", where, "users")[0])
        where.forget()
        first.append(sync(where, "users"))
        pipelines.append(bare("pipeline", where, "users"))
        if drt:
            peers.append(peer.sync(drt, where))
        where.edit(number)
        diffs["changed"].append(bare("diff", where, "users")[0])
        changed.append(sync(where, "users"))
        nothing.append(sync(where, "users"))
        diffs["nothing"].append(bare("diff", where, "users")[0])
    print(f"{where.name}, {rows:,} rows x 12 columns, medians of {rounds}")
    show_syncs("first sync", first, rows)
    show_syncs("1 % changed", changed, rows)
    show_syncs("nothing changed", nothing, rows)
    seconds = middle([each[0] for each in pipelines])
    print(
        f"  bare pipeline     {rows / seconds:>9,.0f} rows/s  {seconds:6.2f} s       "
        f"{middle([each[2].cpu for each in pipelines]):6.2f} s CPU  "
        f"{max(each[2].peak for each in pipelines):5.0f} MiB"
    )
    for label, syncs in (("first", first), ("changed", changed), ("nothing", nothing)):
        plan, alone = middle([each.phases["plan"] for each in syncs]), middle(diffs[label])
        print(
            f"  bare statement, {label:<8} {alone:6.2f} s; the plan phase takes {plan / alone:4.2f} times that"
        )
    sending = rows / middle([each.phases["send"] for each in first])
    print(
        f"  sending           {sending:>9,.0f} rows/s, {sending * seconds / rows:4.0%} of the bare pipeline (aim 60 %)"
    )
    peak = max(each.cost.peak for each in first + changed + nothing)
    print(f"  peak              {peak:>9,.0f} MiB (aim 400); load {os.getloadavg()[0]:.1f}", flush=True)
    if peers:
        show_peers(where.name, peers, first, rows)


def show_peers(name: str, peers: list[Cost], first: list[Sync], rows: int) -> None:
    """A first sync beside drt's full sync, which finds no changes and keeps no state."""
    wall, cpu = middle([each.wall for each in peers]), middle([each.cpu for each in peers])
    times = wall / middle([each.cost.wall for each in first])
    of_cpu = cpu / middle([each.cost.cpu for each in first])
    print(
        f"  drt, full sync    {rows / wall:>9,.0f} rows/s  {wall:6.2f} s wall  {cpu:6.2f} s CPU  "
        f"{max(each.peak for each in peers):5.0f} MiB\n"
        f"  first sync is {times:.1f} times as fast as drt (aim {AIM_OF_DRT[name]}), {of_cpu:.1f} times by CPU",
        flush=True,
    )


def sync_of_nothing(where: Place) -> None:
    """Make the managed tables, without records in them."""
    tailrace(where.folder, "sync", "users", "--limit", "1", "--json")
    python("bench.bare", "empty", str(where.folder), "users")


def one_by_one(where: Place, records: int, rounds: int) -> None:
    """A request for each record."""
    syncs: list[Sync] = []
    pipelines: list[float] = []
    for _ in range(rounds):
        where.forget()
        syncs.append(sync(where, "one_by_one"))
        pipelines.append(bare("pipeline", where, "one_by_one")[0])
    rate = records / middle([each.phases["send"] for each in syncs])
    whole = records / middle([each.cost.wall for each in syncs])
    cpu = middle([each.cost.cpu for each in syncs])
    alone = records / middle(pipelines)
    print(
        f"batch 1, {records:,} records, concurrency 64: {rate:,.0f} requests/s while sending (aim 8,000), {whole:,.0f} "
        f"by the wall, {cpu:.1f} s CPU, {max(each.cost.peak for each in syncs):.0f} MiB; bare pipeline {alone:,.0f}",
        flush=True,
    )


def starts(where: Place, rounds: int) -> None:
    """How long the command takes to answer."""
    for arguments in (["--version"], ["--help"], ["validate"], ["ls"]):
        costs = [tailrace(where.folder, *arguments) for _ in range(rounds * 3)]
        wall, cpu = middle([each.wall for each in costs]), middle([each.cpu for each in costs])
        print(
            f"tailrace {' '.join(arguments):<10} {wall:5.2f} s wall, {cpu:5.2f} s CPU (aim 0.40)", flush=True
        )


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--one-by-one", type=int, default=100_000, metavar="RECORDS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sources", default="duckdb,postgres")
    parser.add_argument("--only", choices=("syncs", "one-by-one", "starts"))
    given = parser.parse_args()
    print(machine(), flush=True)
    for name in given.sources.split(","):
        with (
            tempfile.TemporaryDirectory(prefix="tailrace-bench-") as folder,
            place(name, Path(folder)) as where,
            receiver() as url,
        ):
            some = min(given.rows, given.one_by_one)
            where.write(url, some)
            where.fill(given.rows)
            peer.write(where, url)
            if given.only in (None, "syncs"):
                measure(where, given.rows, given.rounds)
            if name == "duckdb":
                if given.only in (None, "one-by-one"):
                    one_by_one(where, some, given.rounds)
                if given.only in (None, "starts"):
                    starts(where, given.rounds)


if __name__ == "__main__":
    main()
