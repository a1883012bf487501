"""A node that is far behind: mirroring, verifying and storing, from a second process, and what that takes in memory.

Bars of the issue "A register that cannot lie, and a pull that cannot lose": 15,000 leaves mirrored per second; per
document, 0.7 times as fast as a bare signxml verify per core, and 1.3 times on two cores; under 300 MB for the process
and its workers together; a sequencing cost that does not grow with the log.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from epix_node.config import load_config
from epix_node.federation import pull as pulling
from epix_node.federation.turns import close
from epix_node.federation.visit import Visit
from epix_node.identity.key_box import OwnKeys
from epix_node.node import open_node
from epix_node.signing.signer import FileSigner
from tests.bench.bare import BareVerifier
from tests.bench.long_register import LongRegister, grow, long_register, some_leaf, unsigned
from tests.bench.servers import node_server

MIRROR_BAR = 15_000
"""Leaves per second."""
CORE_BAR, TWO_CORE_BAR = 0.7, 1.3
"""Times a bare verify."""
MEMORY_BAR = 300
"""MB of the reader and its workers together, each page counted once (PSS)."""
SEQUENCING_BAR = 1.5
"""Times the cost in a short log; a cost that grew with the log would be a hundred times as high."""

_BARE_VERIFIES = 300
_LOOK_EVERY_S = 0.25
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of the pull took: wall seconds, and CPU-seconds of the reader and its workers."""

    wall: float
    cpu: float


def main(*, quick: bool) -> bool:
    """Measure and print; whether every bar is met."""
    leaves, addressed = (20_000, 2_000) if quick else (100_000, 10_000)
    print(f"\nCatch-up of {leaves:,} leaves with {addressed:,} documents for the reader", flush=True)
    with long_register(leaves=leaves, addressed=addressed) as pair:
        before = _bare(pair)
        with node_server(pair.writer):
            parts, peak, result = _read(pair)
        bare = statistics.median([before, _bare(pair)])
        # A register that is kept has grown by what the sequencing of earlier runs added to it.
        if result["leaves"] < leaves or result["documents"] != addressed or result["quarantined"]:
            print(f"  NOT MET: {result}")
            return False
        leaves = result["leaves"]
        mirroring, documents = parts["register"], parts["documents"]
        each = Part(wall=documents.wall / addressed, cpu=documents.cpu / addressed)
        rows = [
            ("leaves mirrored per second", leaves / mirroring.wall, MIRROR_BAR, True),
            ("document, × bare verify, per core", bare / each.cpu, CORE_BAR, True),
            ("document, × bare verify, two cores", bare / each.wall, TWO_CORE_BAR, True),
            ("peak memory with workers, MB", peak, MEMORY_BAR, False),
            ("sequencing one entry, long log, × short", *_sequencing(pair), False),
        ]
        print(
            f"  bare verify {bare * 1000:.2f} ms ({1 / bare:,.0f}/s); a document {each.cpu * 1000:.2f} ms of CPU, "
            f"{1 / each.wall:,.0f}/s; a leaf {mirroring.cpu / leaves * 1e6:.0f} µs of CPU; workers: {result['workers']}"
        )
    good = True
    for name, figure, bar, is_least in rows:
        met = figure >= bar if is_least else figure <= bar
        good = good and met
        print(f"  {name:<44} {figure:>10,.2f}   bar {bar:>8,.1f}   {'met' if met else 'NOT MET'}")
    return good


def _bare(pair: LongRegister) -> float:
    """CPU-seconds of one bare verify of a document like those of the register; a mean, as our own figure is one."""
    keys = OwnKeys.load(load_config(pair.writer.config, {}))
    signed = FileSigner(keys.signing, keys.certificate).sign(unsigned("BARE", pair.now), at=pair.now)
    verifier = BareVerifier(keys.certificate, at=pair.now)
    began = time.process_time()
    for _ in range(_BARE_VERIFIES):
        verifier.verify(signed)
    return (time.process_time() - began) / _BARE_VERIFIES


def _read(pair: LongRegister) -> tuple[dict[str, Part], float, dict[str, Any]]:
    """The reader pulls, in a process of its own; what each part took, the most memory in MB, and what came."""
    # Workers import the main module of the process that starts them: this way there is none, as for a node.
    program = "import sys; from tests.bench.catchup import reader; reader(*sys.argv[1:])"
    command = [sys.executable, "-c", program, str(pair.reader.config), pair.writer.party]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EPIX_")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    with _peak_memory(process.pid) as peak:
        output, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"the reader ended with exit code {process.returncode}")
    told = json.loads(output.splitlines()[-1])
    return {name: Part(**part) for name, part in told.pop("parts").items()}, peak[0], told


@contextmanager
def _peak_memory(pid: int) -> Iterator[list[float]]:
    peak, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_EVERY_S):
            peak[0] = max(peak[0], sum(_pss(one) for one in (pid, *descendants(pid))) / 1000)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        done.set()
        looking.join()


def _pss(pid: int) -> int:
    """kB of this process, pages that are shared counted in parts; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def descendants(pid: int) -> list[int]:
    """The processes that this one started, and those that they started."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += [int(child), *descendants(int(child))]
    except OSError:
        pass  # it has ended
    return found


def _cpu(pid: int) -> float:
    """CPU-seconds of this process and of what it started, those that ended and were waited for included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / _TICKS_PER_SECOND


def _sequencing(pair: LongRegister) -> tuple[float, float]:
    """What one more entry costs in the long log, in times of its cost in a short one; and the bar."""
    short, long = (_entry_cost(country.config, pair.now, 1_000) for country in (pair.reader, pair.writer))
    print(f"  sequencing one entry: {short[1] * 1000:.2f} ms at {short[0]:,}, {long[1] * 1000:.2f} ms at {long[0]:,}")
    return long[1] / short[1], SEQUENCING_BAR


def _entry_cost(config: Path, now: datetime, at_least: int) -> tuple[int, float]:
    """The size of this node's own log, brought to a thousand entries first, and the CPU-seconds for one more."""
    with open_node(load_config(config, {})) as node:
        size = node.office.sequencer.publish(now=now).checkpoint_size
        if size < at_least:
            node.database.write_now(grow, node, [some_leaf(node, n, now) for n in range(size, at_least)])
            size = node.office.sequencer.publish(now=now).checkpoint_size
        took = []
        for n in range(50):
            leaf = some_leaf(node, 10**9 + size + n, now)
            began = time.process_time()
            node.database.write_now(grow, node, [leaf])
            node.office.sequencer.publish(now=now)
            took.append(time.process_time() - began)
        return size, statistics.median(took)


def reader(config: str, party: str) -> None:
    """Pull once, and print what each part took."""
    parts: dict[str, Part] = {}

    def measured(name: str, work: Callable[[Visit], Awaitable[None]]) -> Callable[[Visit], Awaitable[None]]:
        async def run(visit: Visit) -> None:
            mine = os.getpid()
            cpu, began = sum(map(_cpu, (mine, *descendants(mine)))), time.perf_counter()
            await work(visit)
            wall = time.perf_counter() - began
            workers.extend(descendants(mine))
            parts[name] = Part(wall=wall, cpu=sum(map(_cpu, (mine, *descendants(mine)))) - cpu)

        return run

    async def pull() -> Any:
        try:
            return await pulling.pull(node, party, ignore_backoff=True)
        finally:
            await close(node.database)

    workers: list[int] = []
    pulling.take_register = measured("register", pulling.take_register)  # type: ignore[assignment]
    pulling.take_documents = measured("documents", pulling.take_documents)  # type: ignore[assignment]
    with open_node(load_config(Path(config), {})) as node:
        result = asyncio.run(pull())
    told = {
        "parts": {name: asdict(part) for name, part in parts.items()},
        "leaves": result.leaves,
        "documents": result.documents,
        "quarantined": result.quarantined,
        "problem": result.problem,
        "workers": len(set(workers)),
    }
    print(json.dumps(told))
