"""Every row of the real trade records as a permit: through the readers, the rules and the writers, and what was found.

Each row makes two permits, that of the exporting and that of the importing country. Each goes from JSON through the
rules at both stages, with reference data loaded and with the built-in ones alone, into strict toolkit v2 and back,
and into CSV and back. Nothing may be raised, and what is read must be what was written.
"""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import Any

from epix_node.permit.csv.reader import CsvPermit, read_csv
from epix_node.permit.csv.writer import write_csv
from epix_node.permit.json import load_json, permit_from_json, permit_to_json
from epix_node.permit.model import Permit
from epix_node.permit.xml.reader import parse_message, read_root
from epix_node.permit.xml.strict import strict_deviations
from epix_node.permit.xml.writer import write_permit
from epix_node.reference.catalogue import Catalogue, builtin
from epix_node.reference.loading.loaders import load
from epix_node.rules.check import check
from epix_node.rules.finding import RuleFinding, Severity
from epix_node.rules.ruleset import Stage, load_ruleset
from epix_node.rules.subject import Circumstances
from tests.bench.shipments import DATA, Record, read_records

LOADED = (
    ("species", "species/Index_of_CITES_Species_2017-04-21.csv.gz", None),
    ("quotas", "quotas/sapi_mandatory_quotas.csv", date(2023, 1, 1)),
    ("quotas", "quotas/reptile_export_quotas_1997-2023.csv", date(2023, 12, 31)),
    ("reservations", "quotas/sapi_reservations.csv", date(2023, 1, 1)),
)
"""Data set, file beside the checkout, and the day of which it is where the file does not say so."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that say the same of documents of one kind."""

    catalogue: str
    document: str
    stage: str
    rule: str
    message: str


@dataclass(slots=True)
class Outcome:
    """What came out of all documents."""

    documents: int = 0
    checks: int = 0
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Findings by catalogue, rule and severity at each stage, as ``BLOCK at issue``."""
    blocks: dict[Group, list[tuple[Record, RuleFinding]]] = field(default_factory=lambda: defaultdict(list))
    changed: list[str] = field(default_factory=list)
    """What was not the same after writing and reading, or not as the schema has it: a defect."""


def libraries(directory: Path) -> dict[str, Catalogue]:
    """The built-in data alone, and what can be loaded."""
    shelf = directory / "reference.sqlite"
    for name, file, as_of in LOADED:
        load(name, DATA / file, shelf, as_of=as_of, now=datetime.now(UTC))
    return {"loaded": Catalogue.open(shelf), "built in": builtin()}


def examine(records: Sequence[Record], among: Mapping[str, Catalogue]) -> Outcome:
    """Everything that is to be done with the permits of these rows."""
    outcome = Outcome()
    for kind in ("export", "import"):
        permits = []
        for record in records:
            value = record.export_permit() if kind == "export" else record.import_permit()
            permits.append(_examine(record, kind, value, among, outcome))
        _through_csv(permits, outcome)
    return outcome


def _examine(
    record: Record, kind: str, value: dict[str, Any], among: Mapping[str, Catalogue], outcome: Outcome
) -> Permit:
    permit = permit_from_json(load_json(json.dumps(value).encode()))
    outcome.documents += 1
    for name, catalogue in among.items():
        for stage, findings in _findings(permit, catalogue).items():
            outcome.checks += 1
            for finding in findings:
                outcome.counts[name, finding.rule, f"{finding.severity} at {stage}"] += 1
                if finding.severity is Severity.BLOCK:
                    group = Group(name, kind, stage.value, finding.rule, finding.message)
                    outcome.blocks[group].append((record, finding))
    root = parse_message(write_permit(permit))
    deviations, reading = strict_deviations(root), read_root(root)
    if deviations or reading.deviations or reading.permit != permit:
        outcome.changed.append(f"row {record.place}, {kind}: XML")
    if permit_from_json(permit_to_json(permit)) != permit:
        outcome.changed.append(f"row {record.place}, {kind}: JSON")
    return permit


def _findings(permit: Permit, catalogue: Catalogue) -> dict[Stage, tuple[RuleFinding, ...]]:
    """On the day of issue, and two months later where the goods arrive."""
    assert permit.issued_on is not None
    arrived_on = date(permit.issued_on.year, 7, 1)
    at_issue = Circumstances(stage=Stage.ISSUE, today=permit.issued_on, stamp_taken=False)
    at_receipt = Circumstances(stage=Stage.RECEIPT, today=arrived_on, entered_on=permit.issued_on, stamp_taken=False)
    return {
        circumstances.stage: check(permit, load_ruleset(), catalogue=catalogue, circumstances=circumstances).findings
        for circumstances in (at_issue, at_receipt)
    }


def _through_csv(permits: Sequence[Permit], outcome: Outcome) -> None:
    read = list(read_csv(BytesIO(b"".join(write_csv(permits)))))
    assert len(read) == len(permits)
    for permit, result in zip(permits, read, strict=True):
        if not isinstance(result, CsvPermit) or result.permit != permit or result.deviations:
            outcome.changed.append(f"permit {permit.number}: CSV")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A name in the list of species, whether accepted or a synonym."""

    kingdom: str
    states: frozenset[str]


def _synonyms(text: str) -> Iterator[str]:
    """Genus and epithet of each; what follows is the author."""
    for synonym in text.split(","):
        words = synonym.split()
        if len(words) > 1 and words[1].islower():
            yield f"{words[0]} {words[1]}"


class Witness:
    """What the files beside the checkout say, read with the csv module alone, of what a BLOCK says of a row."""

    def __init__(self) -> None:
        with gzip.open(DATA / LOADED[0][1], "rt", encoding="utf-8", newline="") as file:
            synonyms: dict[str, _Seen] = {}
            accepted: dict[str, _Seen] = {}
            for row in csv.DictReader(file):
                seen = _Seen(kingdom=row["Kingdom"], states=frozenset(row["All_DistributionISOCodes"].split(", ")))
                accepted[row["FullName"]] = seen
                synonyms.update(dict.fromkeys(_synonyms(row["SynonymsWithAuthors"]), seen))
            # A name that is accepted for one taxon may have been another one's.
            self._taxa = synonyms | accepted
        with (DATA / "parties" / "cites_parties_guide_v9_2022.csv").open(encoding="utf-8", newline="") as file:
            self._joined = {row["iso2"]: date.fromisoformat(row["entry_into_force"]) for row in csv.DictReader(file)}
        with (DATA / "codes" / "territory_codes.csv").open(encoding="utf-8", newline="") as file:
            self._party_of = {row["code"]: row["party"] for row in csv.DictReader(file)}

    def _lives_in(self, country: str, taxon: _Seen) -> bool:
        """A Party may write its own code for goods of its territories."""
        return country in taxon.states or country in {self._party_of.get(state) for state in taxon.states}

    def defect(self, record: Record, document: str, finding: RuleFinding) -> str | None:
        """What is wrong with the row, seen without any rule; ``None`` where nothing of the kind is."""
        fields, rule = record.fields, finding.rule
        exporter, source, taxon = fields["Exporter"], fields["Source"], self._taxa.get(fields["Taxon"])
        if rule in {"FLD-04", "FLD-08"} and exporter == "XX":
            return "the exporter is XX, which is no country"
        if rule == "SRC-01" and source == "R" and taxon is not None and taxon.kingdom == "Plantae":
            return "source R, which is said of animals, for a plant"
        # What is ranched was taken from the wild.
        if rule == "SRC-08" and source in {"W", "R"} and taxon is not None and not self._lives_in(exporter, taxon):
            return "wild or ranched goods from where the species does not live"
        if (
            rule == "APP-02"
            and document == "import"
            and (fields["Appendix"], fields["Purpose"], source) == tuple("ITW")
        ):
            return "wild goods of Appendix I imported for commercial purposes"
        if rule == "PTY-01":
            issuer = exporter if document == "export" else fields["Importer"]
            if self._joined.get(issuer, date.max) > date(int(fields["Year"]), 5, 1):
                return "the issuer was not, or not yet, a Party"
        return None


def main(*, quick: bool) -> bool:
    """Do it and print what was found; whether nothing is wrong with us."""
    records = read_records()[:: 20 if quick else 1]
    with tempfile.TemporaryDirectory(prefix="epix-bench-") as directory:
        among = libraries(Path(directory))
        begun = process_time()
        outcome = examine(records, among)
    seconds = process_time() - begun
    print(
        f"\nRecords: {len(records):,} rows, {outcome.documents:,} permits, {outcome.checks:,} checks in {seconds:.0f}"
        f" CPU-s; {len(outcome.changed)} were not the same when they were read again"
    )
    for changed in outcome.changed[:20]:
        print(f"  DEFECT  {changed}")
    _show_counts(outcome)
    unexplained = _show_blocks(outcome)
    print(f"  {unexplained} BLOCKs that no defect of their row explains")
    return not outcome.changed and not unexplained


def _show_counts(outcome: Outcome) -> None:
    by_rule: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (catalogue, rule, severity), count in outcome.counts.items():
        by_rule[rule, catalogue][severity] = count
    print("\n  rule     reference   findings")
    for (rule, catalogue), counts in sorted(by_rule.items()):
        told = ", ".join(f"{count:,} {severity}" for severity, count in sorted(counts.items()))
        print(f"  {rule:<8} {catalogue:<10}  {told}")


def _show_blocks(outcome: Outcome) -> int:
    """How many nothing explains."""
    witness = Witness()
    causes: dict[tuple[str, str], list[tuple[Group, Record]]] = defaultdict(list)
    for group, found in outcome.blocks.items():
        for record, finding in found:
            cause = witness.defect(record, group.document, finding) or "NOT EXPLAINED"
            causes[group.rule, cause].append((group, record))
    print("\n  Why permits were blocked:")
    for (rule, cause), cases in sorted(causes.items()):
        rows = {record.place: record for _, record in cases}
        print(f"  {rule:<8} {len(cases):6,} times, {len(rows):5,} rows: {cause}")
        for record in list(rows.values())[:3]:
            told = (record.fields[name] for name in ("Taxon", "Appendix", "Source", "Exporter", "Importer", "Year"))
            print(f"             row {record.place}: {', '.join(told)}")
    return sum(len(cases) for (_, cause), cases in causes.items() if cause == "NOT EXPLAINED")
