"""Parts and derivatives that the listing of a plant covers (ANN-02)."""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.model import PermitType
from epix_node.rules.identity import edition_of, taxon_of, why_unknown
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Rule
from epix_node.rules.standing import Standing
from epix_node.rules.subject import Subject


def check_annotations(subject: Subject, report: Report, standings: Iterable[Standing]) -> None:
    """Only plants have annotations of this kind; an Appendix-I listing covers everything."""
    rule = report.rule("ANN-02")
    for standing in standings:
        line, taxon = standing.specimen.line, taxon_of(standing.specimen)
        path = f"{standing.specimen.path}/term"
        if line.term is None or line.term in rule.codes("always_covered"):
            continue
        if taxon is None:
            report.not_checked(
                "ANN-02", why_unknown(standing.specimen), path=path, edition=edition_of(subject, standing.specimen)
            )
            continue
        if standing.appendix == "I" or (taxon.annotation is None and standing.listing is None):
            continue
        if standing.listing is None:
            reason = "the species data here do not say what the listing covered on the day of issue"
            report.not_checked("ANN-02", reason, path=path, edition=edition_of(subject, standing.specimen))
            continue
        annotation = standing.listing.annotation
        if annotation is None:
            continue
        report.used(edition_of(subject, standing.specimen))
        covered = _is_covered(rule, annotation, line.term, is_reexport=subject.permit.type == PermitType.REEXPORT)
        if covered is None:
            reason = f"which terms annotation {annotation} covers is not in the ruleset"
            report.not_checked("ANN-02", reason, path=path, edition=edition_of(subject, standing.specimen))
        elif not covered:
            report.add(
                "ANN-02",
                f"the listing, with annotation {annotation}, does not cover these goods",
                path=path,
                value=line.term,
                expected=f"goods that annotation {annotation} covers",
                edition=edition_of(subject, standing.specimen),
            )


def _is_covered(rule: Rule, annotation: str, term: str, *, is_reexport: bool) -> bool | None:
    """``None``: the ruleset does not say."""
    covered, left_out = rule.table("covered"), rule.table("not_covered")
    if annotation in covered:
        return term in str(covered[annotation]).split()
    if annotation not in left_out:
        return None
    terms = str(left_out[annotation]).split()
    if is_reexport:
        terms += str(rule.table("not_covered_reexport").get(annotation, "")).split()
    return term not in terms
