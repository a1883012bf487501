"""Refreshing the trust list with 10, 50 and 250 Parties: cold, with nothing new, and with one Party rotated.

Files come from the disk, so what is measured is the work, and what is counted is what a node would ask over the wire.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice, product
from pathlib import Path
from string import ascii_uppercase
from time import process_time

from epix_node.trust.chain import Wanted
from epix_node.trust.refresh import Refreshed, refresh
from epix_node.trust.trust_list import TrustList
from tests.trust.stage import Stage, counted_signature_checks

SIZES = (10, 50, 250)
TARGET = 3.0
"""One Party's rotation, in times of a refresh that finds nothing new (issue "Trust", Must show)."""
REPETITIONS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one refresh: what it asked and checked."""

    seconds: float
    """Of the processor, the median."""
    requests: int
    checks: int
    party_requests: int
    """Files of Parties among the requests."""
    party_checks: int
    """Signatures of Parties' keys among the checks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of a list with so many Parties."""

    parties: int
    cold: Cost
    warm: Cost
    rotated: Cost
    stored_bytes: int
    load_seconds: float
    """``TrustList.from_bytes``, at the start of a node."""

    @property
    def ratio(self) -> float:
        """A rotation in times of a warm refresh."""
        return self.rotated.seconds / self.warm.seconds


def measure(parties: int, *, repetitions: int = REPETITIONS) -> Costs:
    """What refreshing a list of so many Parties costs."""
    with tempfile.TemporaryDirectory(prefix="epix-bench-") as directory:
        stage = Stage(Path(directory))
        codes = ["".join(pair) for pair in islice(product(ascii_uppercase, repeat=2), parties)]
        for code in codes:
            stage.party(code)
        # One act for all, where the Secretariat would take them one by one: admitting reads every other manifest.
        admit_all(stage)
        cold, known = _refresh(stage, stage.node, repetitions)
        assert len(known.trust_list.parties) == parties
        assert not known.problems
        stage.later(hours=1).publish()
        warm, known = _refresh(stage, known.trust_list, repetitions)
        assert not known.changed
        party = stage.parties[codes[parties // 2]]
        party.sign(party.manifest, stage.later(hours=1).now)
        stage.publish(party)
        rotated, changed = _refresh(stage, known.trust_list, repetitions)
        assert changed.changed == {party.code}
        stored = changed.trust_list.to_bytes()
        begun = process_time()
        TrustList.from_bytes(stored)
        return Costs(
            parties=parties,
            cold=cold,
            warm=warm,
            rotated=rotated,
            stored_bytes=len(stored),
            load_seconds=process_time() - begun,
        )


def admit_all(stage: Stage) -> None:
    """All Parties on the stage are in the list."""
    from epix_node.trust.repository_state import RepositoryState

    state = RepositoryState.load(stage.secretariat.files, stage.secretariat.keys)
    for party in stage.parties.values():
        state.issuers = state.issuers.with_codes(party.code, frozenset({party.code}))
        party.role.delegate(state.targets.signed)
        state.list_version(party.code, party.version)
    state.sign_targets(stage.now)
    state.sign_online(stage.now)
    state.write()


def _refresh(stage: Stage, known: TrustList, repetitions: int) -> tuple[Cost, Refreshed]:
    asked: list[str] = []

    def fetch(wanted: Sequence[Wanted]) -> Iterator[bytes | None]:
        asked.extend(one.path for one in wanted)
        yield from stage.secretariat.files.fetch(wanted)

    own = {key.keyid for party in stage.parties.values() for key in party.role.keys}
    with counted_signature_checks() as checks:
        refreshed = refresh(known, fetch, stage.now)
    requests = list(asked)
    seconds = []
    for _ in range(repetitions):
        begun = process_time()
        refresh(known, fetch, stage.now + timedelta(seconds=1))
        seconds.append(process_time() - begun)
    assert refreshed.failure is None
    cost = Cost(
        seconds=statistics.median(seconds),
        requests=len(requests),
        checks=checks.total(),
        party_requests=sum("party-" in path or "parties/" in path for path in requests),
        party_checks=sum(count for keyid, count in checks.items() if keyid in own),
    )
    return cost, refreshed


def show(costs: Sequence[Costs]) -> None:
    """Print them as a table."""
    print("\n  Parties            cold             warm          rotated   ratio  target   stored    load")
    print("             ms  req  sig      ms  req  sig      ms  req  sig")
    for one in costs:
        cells = "  ".join(
            f"{c.seconds * 1000:6.1f} {c.requests:4} {c.checks:4}" for c in (one.cold, one.warm, one.rotated)
        )
        verdict = "met" if one.ratio <= TARGET else "NOT MET"
        print(
            f"  {one.parties:5}  {cells}  {one.ratio:5.2f}  {TARGET:5.1f} {verdict}  "
            f"{one.stored_bytes / 1024:6.0f} KiB  {one.load_seconds * 1000:5.0f} ms"
        )


def main(*, quick: bool) -> bool:
    """Whether the target is met at every size."""
    costs = [measure(parties, repetitions=3 if quick else REPETITIONS) for parties in SIZES]
    show(costs)
    return all(one.ratio <= TARGET and one.warm.party_requests == one.warm.party_checks == 0 for one in costs)


if __name__ == "__main__":
    sys.exit(0 if main(quick="--quick" in sys.argv) else 1)
