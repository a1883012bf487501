"""Terms that fit unit, purpose and taxon, by the tables of pairs (QTY-03, QTY-05, QTY-06)."""

from __future__ import annotations

from epix_node.permit.codes import code_lists
from epix_node.permit.quantity import CURRENT_UNITS
from epix_node.rules.identity import edition_of, taxon_of, why_unknown
from epix_node.rules.report import Report
from epix_node.rules.subject import Specimen, Subject


def check_terms(subject: Subject, report: Report) -> None:
    """Boxes 9 and 11, line by line. Codes that are in no list, or no longer in use, are FLD-10, FLD-12 and QTY-02."""
    lists = code_lists()
    for specimen in subject.specimens:
        line, purpose = specimen.line, subject.permit.purpose
        if line.term is None or line.term not in lists.terms:
            continue
        if line.unit is not None and line.unit in CURRENT_UNITS:
            _check_unit(subject, report, specimen, term=line.term, unit=line.unit)
        if purpose is not None and purpose in lists.purposes:
            _check_purpose(subject, report, term=line.term, purpose=purpose)
        _check_taxon(subject, report, specimen, term=line.term)


def _check_unit(subject: Subject, report: Report, specimen: Specimen, *, term: str, unit: str) -> None:
    """QTY-03."""
    path, pairs = f"{specimen.path}/unit", subject.catalogue.pairs
    allowed = pairs.allows_unit(term, unit)
    if allowed is None:
        reason = f"the table of terms and units does not know {term}"
        report.not_checked("QTY-03", reason, path=path, edition=pairs.units_edition)
        return
    report.used(pairs.units_edition)
    if not allowed:
        report.add(
            "QTY-03",
            "such goods are not usually counted in this unit",
            path=path,
            value=f"{term}, {unit}",
            expected=" or ".join(pairs.term_units[term]),
            edition=pairs.units_edition,
        )


def _check_purpose(subject: Subject, report: Report, *, term: str, purpose: str) -> None:
    """QTY-06."""
    pairs = subject.catalogue.pairs
    allowed = pairs.allows_purpose(term, purpose)
    if allowed is None:
        reason = f"no table of terms and purposes is loaded here that knows {term}"
        report.not_checked("QTY-06", reason, path="/purpose", edition=pairs.purposes_edition)
        return
    report.used(pairs.purposes_edition)
    if not allowed:
        report.add(
            "QTY-06",
            "the purpose is unusual for such goods",
            path="/purpose",
            value=f"{term}, {purpose}",
            expected=", ".join(sorted((pairs.term_purposes or {}).get(term, ()))),
            edition=pairs.purposes_edition,
        )


def _check_taxon(subject: Subject, report: Report, specimen: Specimen, *, term: str) -> None:
    """QTY-05, only for what cannot be: feathers come from birds. A term that no table names goes with any taxon."""
    pairs, path = subject.catalogue.pairs, f"{specimen.path}/term"
    if term not in pairs.taxon_terms:
        return
    taxon = taxon_of(specimen)
    if taxon is None:
        report.not_checked("QTY-05", why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
        return
    report.used(edition_of(subject, specimen))
    report.used(pairs.taxa_edition)
    allowed = pairs.allows_taxon(term, taxon.lineage)
    if allowed is None:
        reason = "the species data here do not say to which group the taxon belongs"
        report.not_checked("QTY-05", reason, path=path, edition=edition_of(subject, specimen))
    elif not allowed:
        report.add(
            "QTY-05",
            "the taxon has no such part",
            path=path,
            value=f"{term}, {taxon.name}",
            expected="a part that such a taxon has",
            edition=pairs.taxa_edition,
        )
