"""``python -m tests.bench``: what this node costs, measured beside the bare libraries in the same run.

Exit 1 where a figure is below its target, or the replay found what it should not.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

from tests.bench import (
    catchup,
    comptab,
    documents,
    exchange,
    outcomes,
    reconcile,
    records,
    replay,
    shipments,
    status,
    trust_list,
    year,
)
from tests.bench.figures import Figure, show

PARTS = ("documents", "exchange", "status", "trust", "catchup", "records", "outcomes", "comptab", "replay")

LONG = ("year", "reconcile")
"""Only where they are asked for: a quarter of an hour for each seed, and for the first store of a million permits."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=(*PARTS, *LONG), help="leave the other parts out; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="fewer documents, requests and permits")
    parser.add_argument("--permits", type=int, metavar="N", help="of the invented year")
    parser.add_argument("--seeds", default="1,2,3", metavar="N,N", help="of the invented years")
    given = parser.parse_args()
    parts = given.only or PARTS
    if not Path("/proc/self/stat").exists():
        print("The benchmark reads the CPU time of its servers from /proc, which this system does not have.")
        return 2
    print(f"Python {platform.python_version()}, {platform.machine()}. Rates are per CPU-second of the one process.")
    good = True
    if "documents" in parts:
        good = documents.main(quick=given.quick)
    figures: list[Figure] = []
    if "exchange" in parts:
        figures += exchange.measure(quick=given.quick)
    if "status" in parts:
        figures += status.measure(quick=given.quick)
    if figures:
        show(figures)
    good = all(figure.is_met for figure in figures) and good
    if "trust" in parts:
        good = trust_list.main(quick=given.quick) and good
    if "catchup" in parts:
        good = catchup.main(quick=given.quick) and good
    if "records" in parts:
        if shipments.is_there():
            good = records.main(quick=given.quick) and good
        else:
            print(f"\nRecords: {shipments.SHIPMENTS} is not there; left out.")
    if "outcomes" in parts and outcomes.is_there():
        outcomes.show(outcomes.tell_all())
    if "comptab" in parts and comptab.is_there():
        comptab.report()
    if "replay" in parts:
        good = replay.main(quick=given.quick) and good
    if "year" in parts:
        seeds = [int(seed) for seed in given.seeds.split(",")]
        good = year.main(quick=given.quick, permits=given.permits, seeds=seeds) and good
    if "reconcile" in parts:
        good = reconcile.main(quick=given.quick) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
