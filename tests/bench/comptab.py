"""Both sides of real trade: what share of it the line states decide, beside what was published.

The comparative tabulations of the CITES Trade Database put what exporters reported beside what importers reported, a
row for each pair of countries, taxon, term, unit, purpose, source and origin of a year. Nothing links the two but that:
permit numbers are left out. So this is the ladder's lowest rung (``domain-rules.md`` 2.2, rung 5) at work, and the
ceiling of what can be decided without permit numbers; a node has them.

    as published   the two columns of a row, compared as they stand
    goods          rows of one pair, taxon, term and year that differ in purpose, source, origin or unit only, old terms
                   under the term that they count as today (2.3, 1.3)
    year-end       the two years of the tabulations together: goods leave in December and arrive in January
    naming         a genus on one side with its only species on the other

Each of these is played as a permit for what its exporter reported, endorsed and confirmed as the two sides say, and the
node's own ``line_states`` tell how it stands. What is left on one side is silence, and whether that says anything
depends on the partner: it is evidence where the lower bound of what the partner reports of such exports is four fifths
(2.2, observability), and nowhere else.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from epix_node.permit.event import Confirmation, Endorsement, EventLine, Outcome, PermitRef
from epix_node.permit.facts import Case, EventFact, PermitFact, Source
from epix_node.permit.model import Line, Permit, TradeParty
from epix_node.permit.quantity import Quantity
from epix_node.permit.terms import successor_of, taxon_group
from epix_node.reconcile.ledger import State, line_states
from epix_node.reconcile.share import Share
from epix_node.rules.ruleset import PatternParameters, load_ruleset
from tests.bench.shipments import DATA, read_codes

FILES = tuple(DATA / "trade-comptab" / f"cites_comptab_{year}.csv" for year in (2012, 2013))

PUBLISHED = {"identical": Fraction(4, 100), "different": Fraction(21, 100), "one side only": Fraction(75, 100)}
"""Berec et al. 2018, American black bear (``domain-rules.md`` 2.5)."""

PUBLISHED_KEYS = Fraction(181, 1000)
"""Share of permit numbers usable for tracing, Berec et al. 2021 (2.5)."""

_MICRO = Decimal("0.000001")
_ISSUED, _MOVED, _ENDS = date(2012, 1, 1), date(2012, 3, 1), date(2012, 6, 30)
_LOOK = datetime(2015, 1, 1, tzinfo=UTC)

Lane = tuple[str, str, str, str, str]
"""Exporter, importer, taxon, term, year (empty where years are taken together)."""

Amounts = dict[str, Decimal]
"""By unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: amounts in ``unit``, ``None`` where that side reported nothing."""

    lane: Lane
    unit: str
    imported: Decimal | None
    exported: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What the two sides reported of one lane, and how many rows that was."""

    rows: int
    imported: Amounts
    exported: Amounts


def is_there() -> bool:
    """Whether the tabulations lie beside this checkout."""
    return all(path.is_file() for path in FILES)


def read_rows() -> list[Row]:
    """Every row of both years."""
    terms, units = read_codes("term"), read_codes("unit")
    found: list[Row] = []
    for path in FILES:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found += [
                _row(record, terms[record["Term"].strip()], units[record["Unit"].strip()])
                for record in csv.DictReader(file)
            ]
    return found


def _row(record: Mapping[str, str], term: str, unit: str) -> Row:
    lineage = {record[name] for name in ("Taxon", "Genus", "Family", "Order", "Class") if record[name]}
    today = successor_of(term, taxon_group(lineage), lineage=lineage, unit=unit) or term
    return Row(
        lane=(record["Exporter"], record["Importer"], record["Taxon"], today, record["Year"]),
        unit=unit,
        imported=_amount(record["Importer reported quantity"]),
        exported=_amount(record["Exporter reported quantity"]),
    )


def _amount(text: str) -> Decimal | None:
    return Decimal(text).quantize(_MICRO, rounding=ROUND_HALF_EVEN) if text else None


def as_published(rows: Iterable[Row]) -> Counter[str]:
    """Rows whose two sides are identical, differ, or have one side only."""
    found: Counter[str] = Counter()
    for row in rows:
        if row.imported is None or row.exported is None:
            found["one side only"] += 1
        else:
            found["identical" if row.imported == row.exported else "different"] += 1
    return found


def by_goods(rows: Iterable[Row]) -> dict[Lane, Sides]:
    """Rows of the same goods, whatever purpose, source and origin the two sides wrote."""
    found: dict[Lane, list[Sides]] = defaultdict(list)
    for row in rows:
        found[row.lane].append(
            Sides(
                rows=1,
                imported={row.unit: row.imported} if row.imported is not None else {},
                exported={row.unit: row.exported} if row.exported is not None else {},
            )
        )
    return {lane: _together(group) for lane, group in found.items()}


def joined(sides: Mapping[Lane, Sides], to: Callable[[Lane], Lane]) -> dict[Lane, Sides]:
    """The lanes that ``to`` makes one of, added up."""
    groups: dict[Lane, list[Sides]] = defaultdict(list)
    for lane, one in sides.items():
        groups[to(lane)].append(one)
    return {lane: _together(group) for lane, group in groups.items()}


def _together(group: list[Sides]) -> Sides:
    return Sides(
        rows=sum(one.rows for one in group),
        imported=_sum(one.imported for one in group),
        exported=_sum(one.exported for one in group),
    )


def _sum(amounts: Iterable[Amounts]) -> Amounts:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for one in amounts:
        for unit, amount in one.items():
            total[unit] += amount
    return dict(total)


def without_year(lane: Lane) -> Lane:
    """The same goods, whenever they were reported."""
    return (*lane[:4], "")


def under_genus(sides: Mapping[Lane, Sides]) -> dict[Lane, Sides]:
    """A lane of a genus that only one side has, with the only species of it that only the other side has."""
    genera: dict[tuple[str, ...], list[Lane]] = defaultdict(list)
    species: dict[tuple[str, ...], list[Lane]] = defaultdict(list)
    for lane, one in sides.items():
        if not one.imported or not one.exported:
            genus, _, rest = lane[2].partition(" ")
            (genera if rest == "spp." else species)[lane[0], lane[1], genus, lane[3], lane[4]].append(lane)
    moves = {}
    for key, (genus_lane, *more) in genera.items():
        others = species.get(key, [])
        if more or len(others) != 1:
            continue
        if bool(sides[genus_lane].imported) != bool(sides[others[0]].imported):
            moves[genus_lane] = others[0]
    return joined(sides, lambda lane: moves.get(lane, lane))


def states(sides: Mapping[Lane, Sides], parameters: PatternParameters) -> Counter[str]:
    """How many rows stand in each line state, silence taken for no evidence."""
    found: Counter[str] = Counter()
    for lane, one in sides.items():
        found[state_of(lane, one, parameters).value] += one.rows
    return found


def state_of(lane: Lane, one: Sides, parameters: PatternParameters) -> State:
    """How the lane stands, played as a permit for what the exporter reported, else for what came."""
    exporter, importer, taxon, term, _ = lane
    permitted = one.exported or one.imported
    unit = max(permitted, key=lambda unit: permitted[unit])
    permit = Permit(
        type="E",
        number="1",
        issuer=exporter,
        issued_on=_ISSUED,
        valid_until=_ENDS,
        exporter=TradeParty(country=exporter),
        importer=TradeParty(country=importer),
        lines=(Line(block="A", taxon=taxon, term=term, quantity=f"{permitted[unit]:f}", unit=unit),),
    )
    fact = PermitFact(source=_source("permit", exporter), permit=permit)
    ref = PermitRef(issuer=exporter, number="1")
    events = []
    if one.exported:
        left = Endorsement(event_id="E", permit=ref, office="-", date=_MOVED, lines=_lines(one.exported))
        events.append(EventFact(source=_source("export-endorsement", exporter), body=left))
    if one.imported:
        came = Confirmation(
            event_id="C",
            permit=ref,
            office="-",
            date=_MOVED,
            outcome=Outcome.RELEASED,
            lines=_lines(one.imported),
        )
        events.append(EventFact(source=_source("import-confirmation", importer), body=came))
    case = Case(issuer=exporter, number="1", permits=(fact,), events=tuple(events), uses=())
    (line,) = line_states(case, fact, parameters=parameters, now=_LOOK, endorse_observable=True)
    return line.state


def _lines(amounts: Amounts) -> tuple[EventLine, ...]:
    return tuple(
        EventLine(block="A", quantity=Quantity.parse(f"{amount:f}", unit)) for unit, amount in sorted(amounts.items())
    )


def _source(kind: str, party: str) -> Source:
    return Source(document=kind, type=kind, party=party, index=0, at=datetime(2012, 1, 1, tzinfo=UTC))


def evidence_of_silence(sides: Mapping[Lane, Sides], parameters: PatternParameters) -> tuple[int, int, int]:
    """Rows of exports that nobody confirmed; how many of them to partners whose silence is evidence; those pairs."""
    expected: Counter[tuple[str, str]] = Counter()
    met: Counter[tuple[str, str]] = Counter()
    silent: Counter[tuple[str, str]] = Counter()
    for lane, one in sides.items():
        pair = lane[0], lane[1]
        if not one.exported:
            continue
        expected[pair] += 1
        if one.imported:
            met[pair] += 1
        else:
            silent[pair] += one.rows
    rule = parameters.observability
    sure = {
        pair
        for pair, number in expected.items()
        if Share(expected=number, met=met[pair]).is_at_least(rule.least_share, z=rule.z)
    }
    return sum(silent.values()), sum(silent[pair] for pair in sure), len(sure)


DECIDED = (State.MATCHED, State.SHORT, State.OVER_IMPORT)
SHOWN = (*DECIDED, State.INCOMPARABLE, State.NOT_OBSERVABLE, State.UNENDORSED_IMPORT)


def report() -> None:
    """Print the report. It measures the world and not the node, so nothing in it can be too small."""
    parameters = load_ruleset().patterns
    rows = read_rows()
    number = len(rows)
    print(f"\nComparative tabulations of 2012 and 2013: {number:,} rows of exports beside imports")
    published = as_published(rows)
    print(f"\n  {'as published':<28} {'rows':>8} {'share':>8}   black bear, Berec et al. 2018")
    for name, share in PUBLISHED.items():
        print(f"  {name:<28} {published[name]:>8,} {published[name] / number:>8.1%}   {float(share):.0%}")
    goods = by_goods(rows)
    over_the_year = joined(goods, without_year)
    steps = {"goods": goods, "year-end": over_the_year, "naming": under_genus(over_the_year)}
    told = {name: states(sides, parameters) for name, sides in steps.items()}
    print(f"\n  {'line state, share of rows':<28} " + " ".join(f"{name:>10}" for name in told))
    for state in SHOWN:
        print(f"  {state.value:<28} " + " ".join(f"{found[state.value] / number:>10.1%}" for found in told.values()))
    shares = [sum(found[state.value] for state in DECIDED) / number for found in told.values()]
    print(f"  {'decided':<28} " + " ".join(f"{share:>10.1%}" for share in shares))
    silent, evidence, pairs = evidence_of_silence(steps["naming"], parameters)
    print(
        f"\n  Exports that no importer reported: {silent:,} rows. Silence would be evidence for {evidence:,} of them,"
        f"\n  in {pairs} pairs of countries that report nearly everything; for the others it is NOT_OBSERVABLE."
        f"\n  With permit numbers {float(PUBLISHED_KEYS):.1%} could be traced in public data (Berec et al. 2021)."
    )
