"""The replay of the real import records through a node for every country: what it found, and how long it took.

    nodes      founded as `epix-node init` does, each with its own keys, register and SQLite; all pinned to each other
    publish    every permit through POST /api/v1/permits of its issuer
    pull       every importer takes the permits that are for it, over HTTP
    confirm    every arrival through POST /api/v1/confirmations of its importer
    round …    a round of all nodes: issuers take the confirmations; then 25 hours later, when findings have cooled
               off, rounds until one brings nothing: alerts, and the evidence that they name

A node follows the countries that it trades with: those whose documents can concern it. Some permits of the records
were used in several countries; these are what the patterns are there to find, and nothing else may look like them.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from epix_node.demo.country import Country, choose_ports
from epix_node.sandbox_clock import SharedClock
from tests.bench import shipments
from tests.bench.replay_nodes import Share, Stage, run
from tests.bench.shipments import Consignment
from tests.trusting import found_and_told

CLOCK = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
"""What the nodes' shared clock shows during the replay: after everything in the records."""

COOL_OFF = timedelta(hours=25)
"""Findings open 24 hours after their newest evidence (contract 5)."""

MAX_CLASS_A = 60
"""More than so many are a defect: about 29 permits were used in several countries, and a few again years later."""

MAX_ROUNDS = 8
PROCESSES = 2

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """How long one stage took in all processes together."""

    name: str
    wall: float
    cpu: float
    documents: int


def play(consignments: Sequence[Consignment]) -> bool:
    """Replay them and print what came out; false where that is a defect."""
    parties = sorted({code for one in consignments for code in (one.exporter, *one.importers)})
    arrivals = sum(len(one.arrivals) for one in consignments)
    print(f"\nReplay: {len(consignments):,} permits, {arrivals:,} arrivals, {len(parties)} countries with a node each")
    with tempfile.TemporaryDirectory(prefix="epix-replay-") as directory:
        began, cpu = time.perf_counter(), time.process_time()
        clock = SharedClock(Path(directory) / "clock.txt")
        clock.set(CLOCK)
        ports = choose_ports(len(parties), first=None)
        countries = found_and_told(Path(directory), parties, ports, now=CLOCK, clock=clock.path)
        times = [
            Timed(
                name="found the nodes",
                wall=time.perf_counter() - began,
                cpu=time.process_time() - cpu,
                documents=0,
            )
        ]
        shares = _shares(countries, consignments)
        with _processes(shares) as parents:
            everything = _stages(parents, clock, times)
    _print_times(times)
    return _print_outcome(consignments, everything)


def _shares(countries: Sequence[Country], consignments: Sequence[Consignment]) -> list[Share]:
    """The countries in as many shares as there are processes, about equal in work."""
    follows: dict[str, set[str]] = defaultdict(set)
    work: Counter[str] = Counter()
    for one in consignments:
        together = {one.exporter, *one.importers}
        for party in together:
            follows[party] |= together - {party}
        work.update((one.exporter, *(arrival.importer for arrival in one.arrivals)))
    members: list[list[Country]] = [[] for _ in range(PROCESSES)]
    loads = [0] * PROCESSES
    for country in sorted(countries, key=lambda country: (-work[country.party], country.party)):
        lightest = loads.index(min(loads))
        members[lightest].append(country)
        loads[lightest] += work[country.party]
    shares = []
    for chosen in members:
        codes = {country.party for country in chosen}
        shares.append(
            Share(
                countries=tuple(chosen),
                follows={party: tuple(sorted(follows[party])) for party in codes},
                consignments=tuple(one for one in consignments if one.exporter in codes),
                arrivals=tuple(
                    (one, arrival) for one in consignments for arrival in one.arrivals if arrival.importer in codes
                ),
            )
        )
    return shares


@contextmanager
def _processes(shares: Sequence[Share]) -> Iterator[list[Connection]]:
    """A process for each share, ready; none of them runs afterwards."""
    context = multiprocessing.get_context("spawn")
    running: list[tuple[BaseProcess, Connection]] = []
    try:
        for share in shares:
            ours, theirs = context.Pipe()
            process: BaseProcess = context.Process(target=run, args=(share, theirs))
            process.start()
            theirs.close()
            running.append((process, ours))
        for _, ours in running:
            ours.recv()
        yield [ours for _, ours in running]
        for _, ours in running:
            ours.send(None)
        for one, _ in running:
            one.join(timeout=30)
    finally:
        for one, _ in running:
            if one.is_alive():
                one.kill()
                one.join()


def _stages(parents: Sequence[Connection], clock: SharedClock, times: list[Timed]) -> Stage:
    """Everything that the stages reported, in one."""
    everything = Stage()

    def stage(name: str, label: str) -> Stage:
        began = time.perf_counter()
        for parent in parents:
            parent.send(name)
        together = Stage()
        for parent in parents:
            _add(together, parent.recv())
        wall = time.perf_counter() - began
        times.append(Timed(name=label, wall=wall, cpu=together.cpu, documents=together.documents))
        print(f"  {label}: {wall:.1f} s", file=sys.stderr, flush=True)
        _add(everything, together)
        return together

    stage("publish", "publish the permits")
    stage("round", "pull the permits")
    stage("confirm", "record the arrivals")
    stage("round", "pull the arrivals")
    clock.set(CLOCK + COOL_OFF)
    for number in range(1, MAX_ROUNDS + 1):
        if stage("round", f"25 hours later, round {number}").documents == 0 and number > 1:
            break
    stage("findings", "ask for the findings")
    return everything


def _add(total: Stage, part: Stage) -> None:
    total.cpu += part.cpu
    total.documents += part.documents
    total.refused.update(part.refused)
    total.remarks.update(part.remarks)
    total.problems.update(part.problems)
    total.findings.update(part.findings)
    total.holders.update(part.holders)


def _print_times(times: Iterable[Timed]) -> None:
    print(f"\n  {'stage':<28} {'wall s':>8} {'CPU s':>8} {'documents':>10} {'per CPU-s':>10}")
    for one in times:
        rate = f"{one.documents / one.cpu:10.0f}" if one.documents and one.cpu else " " * 10
        print(f"  {one.name:<28} {one.wall:8.1f} {one.cpu:8.1f} {one.documents:10,} {rate}")


def _print_outcome(consignments: Sequence[Consignment], everything: Stage) -> bool:
    print("\n  Refused by the rules:")
    if not everything.refused:
        print("    none")
    for rules, number in Counter(everything.refused.values()).most_common():
        print(f"    {number:6,} permits by {', '.join(rules)}")
    for remark, number in sorted(everything.remarks.items()):
        print(f"    {number:6,} permits were published with {remark}")
    for problem, number in everything.problems.most_common(20):
        print(f"    UNEXPECTED {number:,} × {problem}")

    print("\n  Findings, by distinct id over all nodes:")
    by_kind = Counter((f["pattern"], f["class"], f["state"]) for f in everything.findings.values())
    for (pattern, class_, state), number in sorted(by_kind.items()):
        print(f"    {number:6,} {pattern} class {class_}, {state}")
    print(f"    {sum(everything.holders.values()):6,} in all nodes together")

    grave: dict[Key, list[str]] = defaultdict(list)
    for finding in everything.findings.values():
        if finding["class"] == "A":
            grave[_subject(finding)].append(finding["pattern"])
    several = {one.key for one in consignments if len(one.importers) > 1}
    late = {one.key for one in consignments if one.has_gap}
    missed = sorted(key for key in several - set(everything.refused) if "FRD-01" not in grave.get(key, ()))
    bare = {one.key for one in consignments if one.lacks_import_permit}
    wrong = sorted(set(grave) - several - late - bare)
    number = sum(len(patterns) for patterns in grave.values())
    print(f"    permits with several importers: {len(several)}, of which found as FRD-01: {len(several) - len(missed)}")
    print(f"    permits used again after years: {len(late)}, of which found: {len(late & set(grave))}")
    print(f"    Appendix I without an import permit: {len(bare)}, of which found: {len(bare & set(grave))}")
    _print_innocents(consignments, set(grave) - several - late - bare)
    for key in missed:
        print(f"    MISSED {' '.join(key)}")
    for key in wrong:
        print(f"    WRONGLY FOUND {' '.join(key)}: {', '.join(grave[key])}")
    good = number <= MAX_CLASS_A and not missed and not wrong and not everything.problems
    print(f"\n  Class A: {number}, at most {MAX_CLASS_A}: {'met' if good else 'NOT MET'}")
    return good


def _subject(finding: Mapping[str, Any]) -> Key:
    permit = finding["permits"][0]
    return permit["issuer"], permit["number"]


def _print_innocents(consignments: Sequence[Consignment], found: set[Key]) -> None:
    """What looks like fraud and is none: how often it occurs, and how often it was found all the same."""
    print(f"\n  {'innocent look-alikes':<52} {'permits':>8} {'class A':>8}")
    for name, is_one in _innocents(consignments).items():
        keys = {one.key for one in consignments if is_one(one)}
        print(f"    {name:<50} {len(keys):8,} {len(keys & found):8,}")


def _innocents(consignments: Iterable[Consignment]) -> dict[str, Callable[[Consignment], bool]]:
    exporters: dict[str, set[str]] = defaultdict(set)
    for one in consignments:
        exporters[one.number].add(one.exporter)
    return {
        "several lines": lambda one: len(one.permitted) > 1,
        "several records of the same goods, added up": lambda one: len(one.rows) > len(one.permitted),
        "identical records": lambda one: (
            len({(r.importer, r.year, r.goods, r.amount, r.import_permit) for r in one.rows}) < len(one.rows)
        ),
        "several import permits on one arrival (the first named)": lambda one: any(
            len(a.import_permits) > 1 for a in one.arrivals
        ),
        "year shift: one arrival in several years": lambda one: any(len(a.years) > 1 for a in one.arrivals),
        "number under several exporters": lambda one: len(exporters[one.number]) > 1,
        "less arrived than was permitted": lambda one: any(
            amount < one.permitted[goods] for a in one.arrivals for goods, amount in a.amounts.items()
        ),
        "quantity rounded to six decimals": lambda one: any(row.is_rounded for row in one.rows),
        "quantity written with an exponent": lambda one: any("e" in row.text for row in one.rows),
        "blank unit, taken as NAR": lambda one: any(row.has_blank_unit for row in one.rows),
        "Namibia (NA)": lambda one: "NA" in {one.exporter, *one.importers},
    }


def sample(consignments: Sequence[Consignment], number: int) -> list[Consignment]:
    """So many of them: those with something to see first, then every n-th of the others. Always the same."""
    exporters: Counter[str] = Counter(one.number for one in consignments)
    looks = _innocents(consignments)
    is_shifted = looks["year shift: one arrival in several years"]
    interesting: list[Consignment] = []
    others: list[Consignment] = []
    for one in consignments:
        has_more = len(one.importers) > 1 or one.has_gap or exporters[one.number] > 1 or is_shifted(one)
        (interesting if has_more else others).append(one)
    left = max(number - len(interesting), 0)
    step = max(len(others) // left, 1) if left else 1
    chosen = [*interesting[:number], *others[::step][:left]]
    return sorted(chosen, key=lambda one: (one.year, one.exporter, one.number))


def main(*, quick: bool) -> bool:
    """The whole replay, or a short one; true where the records are not there."""
    if not shipments.is_there():
        print(f"\nReplay: left out, since {os.path.relpath(shipments.SHIPMENTS)} is not there.")
        return True
    consignments = shipments.read_consignments()
    return play(sample(consignments, 400) if quick else consignments)
