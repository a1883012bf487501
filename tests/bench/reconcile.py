"""What reconciling costs as a store grows: everything again, and one new confirmation.

Bars of the issue "Reconciliation that an authority can act on": the full rebuild grows no faster than n^1.1, takes at
most 12 times as long as DuckDB needs for the bare joins over the same data (stretch: 6 times), and less than 400 MB;
one more confirmation costs the same in a small and in a large store, to n^0.05.

A rebuild is measured in a process of its own, on a copy of a store in which nothing was ever reconciled, so that it
writes every finding. DuckDB reads Parquet with as many threads as there are cores; writing the Parquet is not measured.
Both read from memory what the system has cached of their files.
"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import duckdb
from sqlalchemy import event

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.permit.event import Confirmation, EventLine, Outcome, PermitRef
from epix_node.permit.facts import Source
from epix_node.permit.quantity import Quantity
from epix_node.reconcile.rebuild import rebuild
from epix_node.reconcile.record import record_page
from epix_node.store.arrival import Arrival
from epix_node.store.database import Database
from tests.bench.reconcile_store import NOW, perspective, store_of

GROWTH_BAR = 1.1
"""Exponent of the rebuild's wall time, from the smallest store to the largest."""
JOINS_BAR, JOINS_STRETCH = 12, 6
"""Times the bare joins at the largest size."""
MEMORY_BAR = 400
"""MB of resident memory at most, of the process that rebuilds."""
ONE_MORE_BAR = 0.05
"""Exponent of the CPU time of one more confirmation."""

_CONFIRMATIONS = 200
_REPETITIONS = 3
_COLUMNS = {
    "permit": "issuer, type, number, year, party, issued_on, valid_until, importer_country, multi_use, is_void",
    "permit_line": "issuer, type, number, year, ordinal, block, taxon, term, unit_class, micro, appendix",
    "event": "party, document, kind, permit_issuer, permit_number, import_issuer, import_number, date, "
    "superseded_by, is_plain, is_void",
    "event_line": "party, document, ordinal, block, unit_class, micro, is_arrival, taxon",
    "draw": "issuer, type, number, year, ordinal, parent_issuer, parent_number",
}
_BARE_JOINS = """
WITH counted AS (
  SELECT e.permit_issuer AS issuer, e.permit_number AS number, e.kind, l.block, sum(l.micro) AS micro,
         count(DISTINCT e.document) AS events, max(e.date) AS last, max(e.party) AS party
  FROM event e JOIN event_line l ON l.party = e.party AND l.document = e.document
  WHERE e.superseded_by IS NULL AND NOT e.is_void AND l.is_arrival
  GROUP BY ALL),
gone AS (SELECT * FROM counted WHERE kind = 'export-endorsement'),
came AS (SELECT * FROM counted WHERE kind = 'import-confirmation'),
used AS (
  SELECT e.import_issuer AS issuer, e.import_number AS number, count(*) AS uses, sum(l.micro) AS micro
  FROM event e JOIN event_line l ON l.party = e.party AND l.document = e.document
  WHERE e.import_number IS NOT NULL AND e.superseded_by IS NULL AND NOT e.is_void
  GROUP BY ALL),
sold_on AS (
  SELECT d.parent_issuer AS issuer, d.parent_number AS number, sum(l.micro) AS micro
  FROM draw d JOIN permit_line l USING (issuer, type, number, year, ordinal)
  GROUP BY ALL)
SELECT count(*),
  count_if(gone.micro > l.micro OR came.micro > coalesce(gone.micro, l.micro)),
  count_if(gone.events > 1 OR came.events > 1),
  count_if(gone.last > p.valid_until OR came.last > p.valid_until),
  count_if(came.party <> p.importer_country),
  count_if(used.micro > l.micro),
  count_if(sold_on.micro > coalesce(gone.micro, came.micro, l.micro))
FROM permit p JOIN permit_line l USING (issuer, type, number, year)
LEFT JOIN gone ON gone.issuer = p.issuer AND gone.number = p.number AND gone.block = l.block
LEFT JOIN came ON came.issuer = p.issuer AND came.number = p.number AND came.block = l.block
LEFT JOIN used ON used.issuer = p.issuer AND used.number = p.number
LEFT JOIN sold_on ON sold_on.issuer = p.issuer AND sold_on.number = p.number
"""
"""Whether more left or came than was permitted, twice, late, elsewhere, by import permit, and by what was sold on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """One rebuild: seconds, the most memory of its process in MB, and how many numbers were followed."""

    wall: float
    cpu: float
    memory: float
    followed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMore:
    """What one more confirmation takes in a store: CPU-seconds and statements, the median of many."""

    cpu: float
    statements: float


def main(*, quick: bool) -> bool:
    """Measure and print; whether every bar is met."""
    sizes = (10_000, 100_000) if quick else (10_000, 100_000, 1_000_000)
    print("\nReconciliation: a full rebuild, and one more confirmation", flush=True)
    stores = {size: store_of(size) for size in sizes}
    rebuilt = {size: _rebuilt(store) for size, store in stores.items()}
    smallest, largest = sizes[0], sizes[-1]
    bare_wall, bare_cpu = _bare_joins(stores[largest])
    permits = {size: _permits(store) for size, store in stores.items()}
    for size in sizes:
        one = rebuilt[size]
        print(
            f"  {permits[size]:>9,} permits: {one.wall:7.2f} s, {one.cpu:7.2f} CPU-s, {one.memory:4.0f} MB, "
            f"{one.followed:,} numbers followed"
        )
    print(
        f"  DuckDB, bare joins over {permits[largest]:,} permits: {bare_wall:.2f} s, {bare_cpu:.2f} CPU-s", flush=True
    )
    few, many = _one_more(stores[smallest], stores[largest])
    times = permits[largest] / permits[smallest]
    for name, more in (("small", few), ("large", many)):
        print(
            f"  one more confirmation, {name} store: {more.cpu * 1000:.2f} ms of CPU, {more.statements:.0f} statements"
        )
    joins = rebuilt[largest].wall / bare_wall
    rows = (
        (
            "growth of the rebuild, exponent",
            _exponent(rebuilt[largest].wall / rebuilt[smallest].wall, times),
            GROWTH_BAR,
        ),
        (f"rebuild, × bare joins (stretch {JOINS_STRETCH})", joins, JOINS_BAR),
        ("peak memory, MB", rebuilt[largest].memory, MEMORY_BAR),
        ("growth of one more, CPU, exponent", _exponent(many.cpu / few.cpu, times), ONE_MORE_BAR),
        ("growth of one more, statements, exponent", _exponent(many.statements / few.statements, times), ONE_MORE_BAR),
    )
    for name, figure, bar in rows:
        print(f"  {name:<44} {figure:>10,.2f}   bar {bar:>8,.2f}   {'met' if figure <= bar else 'NOT MET'}")
    return all(figure <= bar for _, figure, bar in rows)


def _exponent(growth: float, times: float) -> float:
    return math.log(growth) / math.log(times)


def _permits(store: Path) -> int:
    with closing(sqlite3.connect(store)) as connection:
        return int(connection.execute("SELECT count(*) FROM permit").fetchone()[0])


@contextmanager
def _copy(store: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="epix-bench-") as directory:
        copy = Path(directory) / "store.sqlite"
        shutil.copyfile(store, copy)  # which leaves it in the system's cache
        yield copy


def _rebuilt(store: Path) -> Rebuilt:
    """In a process of its own: memory is counted from its start."""
    with _copy(store) as copy:
        program = "import sys; from tests.bench.reconcile import rebuild_here; rebuild_here(sys.argv[1])"
        done = subprocess.run([sys.executable, "-c", program, str(copy)], stdout=subprocess.PIPE, text=True, check=True)
    return Rebuilt(**json.loads(done.stdout.splitlines()[-1]))


def rebuild_here(path: str) -> None:
    """Rebuild this store and print what it took."""
    seen_by = perspective()
    with closing(Database(f"sqlite:///{path}")) as database:
        wall, cpu = perf_counter(), process_time()
        followed = rebuild(database, seen_by, now=NOW)
        wall, cpu = perf_counter() - wall, process_time() - cpu
    print(json.dumps(asdict(Rebuilt(wall=wall, cpu=cpu, memory=_peak_memory(), followed=followed))))


def _peak_memory() -> float:
    """MB of resident memory at most so far; what ``getrusage`` says begins with what the parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _bare_joins(store: Path) -> tuple[float, float]:
    """Wall and CPU seconds of the query, the medians of some repetitions."""
    walls, cpus = [], []
    with tempfile.TemporaryDirectory(prefix="epix-bench-") as directory, closing(duckdb.connect()) as joins:
        joins.execute(f"SET threads = {os.cpu_count() or 1}")
        for table, columns in _COLUMNS.items():
            _to_parquet(joins, store, table, columns, Path(directory))
        for _ in range(_REPETITIONS):
            wall, cpu = perf_counter(), process_time()
            joins.execute(_BARE_JOINS).fetchall()
            walls.append(perf_counter() - wall)
            cpus.append(process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def _to_parquet(joins: Any, store: Path, table: str, columns: str, directory: Path) -> None:
    written, parquet = directory / f"{table}.csv", directory / f"{table}.parquet"
    with closing(sqlite3.connect(store)) as connection, written.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(columns.split(", "))
        rows.writerows(connection.execute(f"SELECT {columns} FROM {table}"))
    joins.execute(f"COPY (SELECT * FROM read_csv('{written}', sample_size = -1)) TO '{parquet}' (FORMAT parquet)")
    written.unlink()
    joins.execute(f"CREATE VIEW {table} AS SELECT * FROM '{parquet}'")


def _one_more(small: Path, large: Path) -> tuple[OneMore, OneMore]:
    """Turn and turn about, so that both meet the same machine."""
    with _copy(small) as one, _copy(large) as other:
        databases = [Database(f"sqlite:///{path}") for path in (one, other)]
        try:
            arrivals = [_confirmations(path) for path in (one, other)]
            seen_by = perspective()
            cpus: tuple[list[float], list[float]] = ([], [])
            statements: tuple[list[int], list[int]] = ([], [])
            for pair in zip(*arrivals, strict=True):
                for place, arrival in enumerate(pair):
                    with _counting(databases[place]) as counted:
                        began = process_time()
                        databases[place].write_now(record_page, seen_by, arrival.source.party, [arrival], now=NOW)
                        cpus[place].append(process_time() - began)
                    statements[place].append(counted[0])
        finally:
            for database in databases:
                database.close()
    few, many = (
        OneMore(cpu=statistics.median(cpu), statements=statistics.median(number))
        for cpu, number in zip(cpus, statements, strict=True)
    )
    return few, many


@contextmanager
def _counting(database: Database) -> Iterator[list[int]]:
    counted = [0]

    def count(*_: Any) -> None:
        counted[0] += 1

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        yield counted
    finally:
        event.remove(database.engine, "before_cursor_execute", count)


def _confirmations(store: Path) -> Sequence[Arrival]:
    """Of goods under permits that nobody used before, each by its country of destination, all over the store."""
    query = """
        SELECT p.issuer, p.number, p.type, p.issued_on, p.importer_country, l.block, l.quantity, l.unit
        FROM permit p JOIN permit_line l USING (issuer, type, number, year)
        WHERE p.type = 'E' AND p.importer_country NOT IN ('XA', p.issuer) AND l.appendix = 'II' AND NOT p.multi_use
          AND NOT EXISTS (SELECT 1 FROM event e WHERE e.permit_issuer = p.issuer AND e.permit_number = p.number)
        ORDER BY p.document LIMIT ?
    """
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute(query, (_CONFIRMATIONS,)).fetchall()
    return [_confirmation(place, *row) for place, row in enumerate(rows)]


def _confirmation(
    place: int, issuer: str, number: str, type_: str, issued_on: str, by: str, block: str, quantity: str, unit: str
) -> Arrival:
    body = Confirmation(
        event_id=f"BENCH-{place}",
        permit=PermitRef(issuer=issuer, number=number, type=type_),
        office=f"{by}-1",
        date=date.fromisoformat(issued_on) + timedelta(days=20),
        outcome=Outcome.RELEASED,
        lines=(EventLine(block=block, quantity=Quantity.parse(quantity, unit)),),
        transport_document=f"BENCH {place}",
    )
    kind = DocumentType.CONFIRMATION
    header = Header(
        environment="sandbox",
        party=by,
        type=kind,
        issued=NOW,
        salt=bytes(16),
        permit_salt=bytes(16),
        permit_issuer=issuer,
        permit_type=type_,
        permit_number=number,
        permit_year=int(issued_on[:4]),
        event_id=body.event_id,
    )
    digest = f"{place:064x}"
    source = Source(document=digest, type=kind.value, party=by, index=place, at=NOW)
    return Arrival(document=ExchangeDocument(header=header, body=body), xml=digest.encode(), source=source)
