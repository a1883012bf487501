"""What became of each of the permits of the real records that look odd, and why.

``interesting_export_permits.csv`` lists the export permit numbers that stand in the records with several exporters,
importers, years, import permits, or with identical lines. Most of that is ordinary trade. Here each number is played as
its permits and arrivals (``shipments``), the detectors look at them as a node does when every document is held, and the
outcome is said in a sentence: the finding's own where there is one, else why the oddity is none.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

from epix_node.permit.event_json import confirmation_from_json
from epix_node.permit.facts import Case, EventFact, PermitFact, Source
from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.json import permit_from_json
from epix_node.reconcile.detect import detect
from epix_node.reconcile.view import View
from epix_node.rules.ruleset import CURRENT_RULESET, load_ruleset
from tests.bench.shipments import DATA, Consignment, read_consignments

INTERESTING = DATA / "trade-shipments" / "interesting_export_permits.csv"

_LOOK = datetime(2026, 11, 1, tzinfo=UTC)
"""After everything in the records."""


class Outcome(StrEnum):
    """What a number came to."""

    REUSED = "used again"
    USED_LATE = "used after it had expired"
    OTHERWISE_FOUND = "another finding"
    QUIET = "nothing to see"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One number of the list: what it came to at each of its exporters together, and why."""

    number: str
    flags: frozenset[str]
    """What the list says is odd about it."""
    exporters: tuple[str, ...]
    outcome: Outcome
    reasons: tuple[str, ...]
    patterns: tuple[str, ...]
    """``FRD-01 A``, …"""


def is_there() -> bool:
    """Whether the list lies beside this checkout."""
    return INTERESTING.is_file()


def tell_all() -> list[Told]:
    """Every number of the list, in its order."""
    of_number: dict[str, list[Consignment]] = defaultdict(list)
    for one in read_consignments():
        of_number[one.number].append(one)
    with INTERESTING.open(encoding="utf-8", newline="") as file:
        return [
            _tell(row["Export.permit.RandomID"], frozenset(row["flags"].split()), of_number)
            for row in csv.DictReader(file)
        ]


def _tell(number: str, flags: frozenset[str], of_number: dict[str, list[Consignment]]) -> Told:
    mine = of_number[number]
    drafts = [draft for one in mine for draft in findings_of(one)]
    grave = {draft.pattern for draft in drafts if draft.class_ is FindingClass.ALERT}
    if "FRD-01" in grave:
        outcome = Outcome.REUSED
    elif "FRD-14" in grave:
        outcome = Outcome.USED_LATE
    else:
        outcome = Outcome.OTHERWISE_FOUND if drafts else Outcome.QUIET
    reasons = [draft.summary for draft in drafts] or [reason for one in mine for reason in _harmless(one)]
    if len(mine) > 1:
        countries = " and ".join(one.exporter for one in mine)
        reasons.append(f"{countries} gave the same number to permits of their own: {len(mine)} permits, not one.")
    return Told(
        number=number,
        flags=flags,
        exporters=tuple(one.exporter for one in mine),
        outcome=outcome,
        reasons=tuple(dict.fromkeys(reasons)),
        patterns=tuple(sorted({f"{draft.pattern} {draft.class_.value}" for draft in drafts})),
    )


def findings_of(one: Consignment) -> tuple[FindingDraft, ...]:
    """What the detectors say of a permit of the records, once everything is known."""
    return detect(case_of(one), View(parameters=load_ruleset().patterns, ruleset_id=CURRENT_RULESET, now=_LOOK))


def case_of(one: Consignment) -> Case:
    """The permit and its arrivals as facts, each in its Party's register on the day it happened."""
    permit = permit_from_json(one.permit())
    issued = _source("permit", one.exporter, f"{one.key}", date(one.year, 5, 1))
    events = []
    for arrival in one.arrivals:
        body = confirmation_from_json(one.confirmation(arrival))
        source = _source("import-confirmation", arrival.importer, f"{one.key} {arrival.event_id}", arrival.on)
        events.append(EventFact(source=source, body=body))
    return Case(
        issuer=one.exporter,
        number=permit.key.number,
        permits=(PermitFact(source=issued, permit=permit),),
        events=tuple(events),
        uses=(),
    )


def _source(kind: str, party: str, what: str, on: date) -> Source:
    digest = hashlib.sha256(f"{kind} {what}".encode()).hexdigest()
    return Source(document=digest, type=kind, party=party, index=0, at=datetime.combine(on, time(12), tzinfo=UTC))


def _harmless(one: Consignment) -> Iterator[str]:
    """Why what is odd about this permit is ordinary."""
    permits = {row.import_permit for row in one.rows if row.import_permit}
    if len(permits) > 1:
        yield f"{len(permits)} import permits for one consignment: an importing country may give one for each buyer."
    if any(len(arrival.years) > 1 for arrival in one.arrivals):
        yield "Reported in two years that follow each other: goods that leave in December arrive in January."
    lines = Counter((row.importer, row.year, row.goods, row.amount, row.import_permit) for row in one.rows)
    if max(lines.values()) > 1:
        yield f"{max(lines.values())} equal lines, added up: several boxes of the same goods in one consignment."
    yield f"One consignment to {one.importers[0]}; what arrived is what the permit is for."


def show(told: Sequence[Told]) -> None:
    """A table of what they came to, and every number with its reason where there is more to say."""
    print(f"\nReal permits that look odd: {len(told)} numbers, {sum(len(one.exporters) for one in told)} permits")
    print(f"  {'outcome':<28} {'numbers':>8}  findings")
    for outcome in Outcome:
        mine = [one for one in told if one.outcome is outcome]
        patterns = Counter(pattern for one in mine for pattern in one.patterns)
        found = ", ".join(f"{number} × {pattern}" for pattern, number in sorted(patterns.items()))
        print(f"  {outcome.value:<28} {len(mine):>8}  {found}")
    for one in told:
        print(f"  {one.number} ({', '.join(one.exporters)}): {one.outcome.value}. {' '.join(one.reasons)}")
