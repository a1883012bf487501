"""Purposes that do not fit the goods or their quantity (PUR-01 to PUR-03)."""

from __future__ import annotations

from epix_node.permit.quantity import NotAQuantityError, Quantity, UnitClass, in_unit
from epix_node.rules.identity import edition_of, lineage_of, taxon_of, why_unknown
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Rule
from epix_node.rules.standing import APPENDICES
from epix_node.rules.subject import Specimen, Subject

_HUNTING, _COMMERCIAL, _PERSONAL = "H", "T", "P"


def check_purposes(subject: Subject, report: Report) -> None:
    """Box 5a against the lines."""
    purpose = subject.permit.purpose
    if purpose == _HUNTING:
        _check_hunting(subject, report)
    elif purpose == _COMMERCIAL:
        _check_trophies(subject, report)
    elif purpose == _PERSONAL:
        for specimen in subject.specimens:
            _check_personal(subject, report, specimen)


def _check_hunting(subject: Subject, report: Report) -> None:
    """PUR-01: a hunter takes home parts of a trophy, and of few animals."""
    rule = report.rule("PUR-01")
    animals: dict[tuple[str, str], int] = {}
    for specimen in subject.specimens:
        line, path = specimen.line, f"{specimen.path}/term"
        if line.term is not None and line.term not in rule.codes("trophy_terms"):
            report.add(
                "PUR-01",
                "these goods are no part of a trophy",
                path=path,
                value=line.term,
                expected="parts of a trophy",
            )
        permitted = specimen.permitted
        if line.taxon is None or line.term not in rule.codes("one_of_each_animal") or permitted is None:
            continue
        if permitted.unit_class is UnitClass.COUNT:
            key = (line.taxon, line.term)
            before = animals.get(key, 0)
            animals[key] = before + permitted.micro
            limit = Quantity.parse(str(rule.number("most_animals")), "NAR").micro
            if before <= limit < animals[key]:
                report.add(
                    "PUR-01",
                    f"trophies of more than {rule.number('most_animals')} animals of one taxon",
                    path=f"{specimen.path}/quantity",
                    value=f"{in_unit(animals[key], 'NAR')} NAR",
                    expected=f"{rule.number('most_animals')} at most for one hunter",
                    box="11",
                )


def _check_trophies(subject: Subject, report: Report) -> None:
    """PUR-02."""
    for specimen in subject.specimens:
        if specimen.line.term in report.rule("PUR-02").codes("trophy_terms"):
            report.add(
                "PUR-02",
                "a hunting trophy for commercial purposes",
                path="/purpose",
                value=_COMMERCIAL,
                expected="H or P",
            )
            return


def _check_personal(subject: Subject, report: Report, specimen: Specimen) -> None:
    """PUR-03: more than the personal effects that Parties agreed to let pass without a document."""
    line, permitted, rule = specimen.line, specimen.permitted, report.rule("PUR-03")
    limits = _limits(rule, line.term)
    if permitted is None or not limits or line.appendix not in APPENDICES:
        return
    path = f"{specimen.path}/quantity"
    if taxon_of(specimen) is None:
        report.not_checked("PUR-03", why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
        return
    report.used(edition_of(subject, specimen))
    lineage = lineage_of(specimen)
    for group, limit in limits:
        if group not in lineage:
            continue
        allowed = _quantity(limit)
        if allowed is None or allowed.unit_class is not permitted.unit_class:
            reason = f"the quantity cannot be compared with the limit of {limit}"
            report.not_checked("PUR-03", reason, path=path, edition=edition_of(subject, specimen))
        elif permitted.micro > allowed.micro:
            report.add(
                "PUR-03",
                "more than is usual for personal effects",
                path=path,
                value=f"{permitted.text} {permitted.unit}",
                expected=f"{limit} at most",
                edition=edition_of(subject, specimen),
            )
            return


def _limits(rule: Rule, term: str | None) -> list[tuple[str, str]]:
    """The limits for goods of this term: higher taxon, and "amount unit". The keys of the table are "taxon term"."""
    keys = ((key.rpartition(" "), str(limit)) for key, limit in rule.table("limits").items())
    return [(group, limit) for (group, _, of_term), limit in keys if of_term == term]


def _quantity(limit: str) -> Quantity | None:
    amount, _, unit = limit.partition(" ")
    try:
        return Quantity.parse(amount, unit)
    except NotAQuantityError:
        return None
