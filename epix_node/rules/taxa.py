"""How exactly the goods are named (FLD-17)."""

from __future__ import annotations

from epix_node.rules.identity import edition_of, taxon_of, why_unknown
from epix_node.rules.report import Report
from epix_node.rules.subject import Specimen, Subject


def check_taxa(subject: Subject, report: Report) -> None:
    """Box 7: species or lower, except where a higher taxon is usual."""
    for specimen in subject.specimens:
        # A missing name is FLD-09, and leaves nothing to check here.
        if specimen.line.taxon is None:
            continue
        path, taxon = f"{specimen.path}/taxon", taxon_of(specimen)
        if taxon is None:
            report.not_checked("FLD-17", why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
            continue
        report.used(edition_of(subject, specimen))
        if taxon.is_species_or_lower or _is_usual(report, specimen, taxon.lineage, taxon.kingdom):
            continue
        report.add(
            "FLD-17",
            "the goods are named by a higher taxon",
            path=path,
            value=taxon.name,
            expected="a species or subspecies",
            edition=edition_of(subject, specimen),
        )


def _is_usual(report: Report, specimen: Specimen, lineage: tuple[str, ...], kingdom: str) -> bool:
    rule, line = report.rule("FLD-17"), specimen.line
    if any(name in rule.codes("higher_taxa") for name in lineage):
        return True
    if kingdom != "Plantae":
        return False
    # Hybrids and cultivars are traded under the name of their genus, worked products often too.
    return line.term in rule.codes("plant_terms") or any(s in rule.codes("plant_sources") for s in line.sources)
