"""What reading a permit and judging it costs, beside the bare parser; and the species list, beside csv and SQLite.

Bars of the issue "The permit document and its rules": reading and rules of a two-line permit at most 6 times the bare
lxml parse of the same bytes; the 38,079 taxa loaded within 20 times the csv module's reading of the same file, and
under 300 MB; a look-up at most 5 times a dictionary look-up plus one indexed SQLite read.
"""

from __future__ import annotations

import csv
import gzip
import io
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from time import process_time, process_time_ns

from lxml import etree

from epix_node.permit.json import permit_from_json
from epix_node.permit.xml.reader import parse_message, read_permit_bytes
from epix_node.permit.xml.strict import strict_deviations
from epix_node.permit.xml.writer import write_permit
from epix_node.reference.catalogue import Catalogue, builtin
from epix_node.reference.loading.loaders import load
from epix_node.rules.check import check
from epix_node.rules.ruleset import Stage, load_ruleset
from epix_node.rules.subject import Circumstances
from tests.bench.shipments import DATA

FIXTURE = DATA / "permit-xml" / "epix-hub-fixture-v2.xml"
"""A real system's two-line permit: the document of which the bar's own figures (parse 0.23 ms) were taken."""

SPECIES = DATA / "species" / "Index_of_CITES_Species_2017-04-21.csv.gz"

_NAMES_IN_A_TURN = 40
MAX_LOAD_MEBIBYTES = 300
"""Peak of a process that does nothing but load the species list."""

PERMIT = {
    "type": "E",
    "number": "26XA000123",
    "issuer": "XA",
    "issued_on": "2026-03-01",
    "valid_from": "2026-03-01",
    "valid_until": "2026-08-31",
    "purpose": "T",
    "exporter": {"name": "Coastal Exports", "address": "1 Sea Road\nPort City", "country": "XA"},
    "importer": {"name": "Lake Imports", "address": "2 Lake Road\nLake City", "country": "XB"},
    "authority": {"name": "CITES Management Authority", "place": "Port City", "signatory": "A. Officer"},
    "security_stamp": "XA0012345",
    "special_conditions": "Transport by the guidelines of CITES",
    "references": [{"relation": "import-permit", "issuer": "XB", "number": "26XB000777", "date": "2026-02-20"}],
    "lines": [
        {
            "block": "A",
            "taxon": "Python regius",
            "common_name": "ball python",
            "appendix": "II",
            "sources": ["C"],
            "term": "LIV",
            "description": "live",
            "quantity": "12",
            "unit": "NAR",
            "marks": ["XA-001", "XA-002"],
            "origin": {"country": "XA"},
        },
        {
            "block": "B",
            "taxon": "Alligator mississippiensis",
            "common_name": "American alligator",
            "appendix": "II",
            "sources": ["W"],
            "term": "SKI",
            "description": "raw skins",
            "quantity": "40",
            "unit": "NAR",
            "origin": {"country": "US", "permit": "25US123456/9", "date": "2025-11-03"},
        },
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiple:
    """What something of ours costs, in times of what it is measured against; at most ``bar``."""

    name: str
    against: str
    ours: float
    bare: float
    bar: float | None

    @property
    def ratio(self) -> float:
        """Times the bare cost."""
        return self.ours / self.bare

    @property
    def is_met(self) -> bool:
        """Whether it is low enough."""
        return self.bar is None or self.ratio <= self.bar


def main(*, quick: bool) -> bool:
    """Measure and print; whether every bar is met. The species list is left out where it is not beside the checkout."""
    figures, is_small = _documents(repetitions=500 if quick else 4_000), True
    if SPECIES.is_file():
        loaded, peak = _species()
        figures += loaded
        is_small = peak <= MAX_LOAD_MEBIBYTES
        verdict = "met" if is_small else "NOT MET"
        print(f"\n  peak of the process that loads the species list: {peak} MiB, bar {MAX_LOAD_MEBIBYTES}  {verdict}")
    _show(figures)
    return is_small and all(figure.is_met for figure in figures)


def _show(figures: list[Multiple]) -> None:
    print(f"\n  {'':<44} {'ours':>12}   {'bare':<44} {'':>12} {'ratio':>7} {'bar':>6}")
    for figure in figures:
        bar = f"{figure.bar:.0f}" if figure.bar is not None else ""
        verdict = "" if figure.bar is None else "met" if figure.is_met else "NOT MET"
        print(
            f"  {figure.name:<44} {_seconds(figure.ours):>12}   {figure.against:<44} {_seconds(figure.bare):>12} "
            f"{figure.ratio:7.2f} {bar:>6}  {verdict}"
        )


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds > 0.1 else f"{seconds * 1e6:,.1f} µs"


def _documents(*, repetitions: int) -> list[Multiple]:
    """Our own compact permit; and a real system's, full of empty elements, where it lies beside the checkout."""
    found = _document("our own", write_permit(permit_from_json(PERMIT)), repetitions=repetitions)
    if FIXTURE.is_file():
        found += _document("a real system's", FIXTURE.read_bytes(), repetitions=repetitions // 4)
    return found


def _document(whose: str, xml: bytes, *, repetitions: int) -> list[Multiple]:
    ruleset, catalogue = load_ruleset(), builtin()
    circumstances = Circumstances(stage=Stage.RECEIPT, today=date(2026, 3, 2), stamp_taken=False)

    def judged() -> None:
        check(read_permit_bytes(xml).permit, ruleset, catalogue=catalogue, circumstances=circumstances)

    def strict() -> None:
        strict_deviations(parse_message(xml))

    assert len(read_permit_bytes(xml).permit.lines) == 2
    bare, read, both, strictly = _side_by_side(
        [lambda: etree.fromstring(xml), lambda: read_permit_bytes(xml), judged, strict], repetitions
    )
    parse = f"lxml parse of the same {len(xml)} bytes"
    return [
        Multiple(name=f"reading {whose} two-line permit", against=parse, ours=read, bare=bare, bar=None),
        Multiple(name="… reading and all rules", against=parse, ours=both, bare=bare, bar=6),
        Multiple(name="… strict check, with the schema", against=parse, ours=strictly, bare=bare, bar=None),
    ]


def _side_by_side(works: list[Callable[[], object]], repetitions: int) -> list[float]:
    """The median CPU time of each, one call at a time and in turns.

    A node reads a document once, so that none is measured as if caches held nothing but its own code; and whatever
    else the machine does meets all of them.
    """
    taken: list[list[int]] = [[] for _ in works]
    for _ in range(repetitions):
        for work, times in zip(works, taken, strict=True):
            begun = process_time_ns()
            work()
            times.append(process_time_ns() - begun)
    return [statistics.median(times) / 1e9 for times in taken]


def _species() -> tuple[list[Multiple], int]:
    """Loading and look-up, and the peak memory of the load in MiB."""
    with tempfile.TemporaryDirectory() as directory:
        plain = Path(directory) / "Index_of_CITES_Species_2017-04-21.csv"
        with gzip.open(SPECIES) as packed:
            plain.write_bytes(packed.read())
        shelf = Path(directory) / "reference.sqlite"
        # A process of its own: the peak of its memory is that of the load.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            taken, peak, seconds = pool.apply(_load, (plain, shelf))
        begun = process_time()
        with plain.open(encoding="utf-8", newline="") as file:
            rows = sum(1 for _ in csv.reader(file)) - 1
        bare = process_time() - begun
        assert taken == rows
        loading = Multiple(
            name=f"loading {rows:,} taxa", against="csv module reading the same file", ours=seconds, bare=bare, bar=20
        )
        return [loading, _look_up(shelf)], peak


def _load(plain: Path, shelf: Path) -> tuple[int, int, float]:
    begun = process_time()
    report = load("species", plain, shelf, as_of=None, now=datetime.now(UTC))
    seconds = process_time() - begun
    # Not ru_maxrss, which begins with what the parent had.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (peak,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return report.taken, int(peak) // 1024, seconds


def _look_up(shelf: Path) -> Multiple:
    """Names in random order, each once, so that no cache helps either side."""
    catalogue = Catalogue.open(shelf)
    with SPECIES.open("rb") as packed, gzip.open(packed) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        names = [row["FullName"] for row in csv.DictReader(text) if row["RankName"] == "SPECIES"]
    random.Random(1).shuffle(names)
    names = names[:20_000]
    table = dict.fromkeys(names, 1)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE taxon (name TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID")
    connection.executemany("INSERT OR IGNORE INTO taxon VALUES (?, ?)", ((name, name * 20) for name in names))

    def bare(names: list[str]) -> None:
        for name in names:
            table[name]
            connection.execute("SELECT body FROM taxon WHERE name = ?", (name,)).fetchone()

    def ours(names: list[str]) -> None:
        for name in names:
            assert catalogue.species.find(name) is not None

    bare_seconds, our_seconds = [], []
    for start in range(0, len(names), _NAMES_IN_A_TURN):
        turn = names[start : start + _NAMES_IN_A_TURN]
        for work, times in ((bare, bare_seconds), (ours, our_seconds)):
            begun = process_time()
            work(turn)
            times.append((process_time() - begun) / len(turn))
    # The median: what a name costs depends on the name, so that the least is no measure.
    return Multiple(
        name="look-up of a species name",
        against="dictionary and indexed SQLite read",
        ours=statistics.median(our_seconds),
        bare=statistics.median(bare_seconds),
        bar=5,
    )
