"""What must stand in the boxes of the form, and codes that must be in their lists.

FLD-01, FLD-05 to FLD-11, FLD-15, FLD-16 and STP-01. Boxes of traders are in ``parties``, dates in ``validity``,
quantities in ``quantities``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from epix_node.permit.codes import CodeLists, code_lists
from epix_node.permit.model import Line, Permit, PermitType, Reference, Relation
from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised
from epix_node.permit.parties import party_of
from epix_node.rules.report import Report
from epix_node.rules.subject import Subject

_RELATIONS = frozenset(Relation)


def check_content(subject: Subject, report: Report) -> None:
    """Boxes 1 and 5 to 10, line by line where they are of a line."""
    permit = subject.permit
    lists = code_lists()
    number = normalised(permit.number)
    _check_identity(permit, number, report, lists)
    _check_conditions(subject, report)
    if permit.purpose not in lists.purposes:
        _report_code(report, "FLD-06", "purpose code", permit.purpose, lists.purposes, path="/purpose")
    _check_stamp(subject, report)
    if permit.authority.name is None:
        report.add("FLD-08", "the Management Authority is missing", path="/authority/name", expected="its name")
    if permit.issuer not in lists.traders:
        report.add("FLD-08", "no such country code", path="/issuer", value=permit.issuer, expected="an ISO code")
    for specimen in subject.specimens:
        _check_line(specimen.line, report, lists, specimen.path)
    for position, reference in enumerate(permit.references):
        _check_reference(permit, number, reference, report, lists, f"/references/{position}")


def _check_identity(permit: Permit, number: str, report: Report, lists: CodeLists) -> None:
    """Box 1."""
    if permit.type not in lists.types:
        _report_code(report, "FLD-01", "document type", permit.type, lists.types, path="/type")
    if permit.type == PermitType.OTHER:
        if permit.subtype not in lists.subtypes:
            _report_code(report, "FLD-01", "subtype", permit.subtype, lists.subtypes, path="/subtype")
    elif permit.subtype is not None:
        # A subtype opens boxes 3 and 4 (``domain-rules.md`` 0.1), so it may not stand on an ordinary permit.
        message = "only a document of type O has a subtype"
        report.add("FLD-01", message, path="/subtype", value=permit.subtype, expected="none")
    if 0 < len(number) <= MAX_NUMBER_CHARACTERS:
        _check_form(permit, number, report)
        return
    message = "the number is too long" if number else "the number holds nothing but its introduction"
    expected = f"1 to {MAX_NUMBER_CHARACTERS} characters"
    report.add("FLD-01", message, path="/number", value=permit.number, expected=expected)


def _check_form(permit: Permit, number: str, report: Report) -> None:
    """FLD-16. A warning and never more: real numbers often have another form."""
    shape = _compiled(report.rule("FLD-16").text_of("pattern")).fullmatch(number)
    if shape is None:
        message = "the number does not have the form that is recommended"
        report.add(
            "FLD-16", message, path="/number", value=permit.number, expected="such as 26XA000123 or 26XA000123/01"
        )
        return
    parts = shape.groupdict()
    year = f"{permit.issued_on.year % 100:02d}" if permit.issued_on is not None else None
    if year is not None and parts.get("year") not in {None, year}:
        message = "the number begins with another year than that of issue"
        report.add("FLD-16", message, path="/number", value=permit.number, expected=f"{year}…")
    if parts.get("issuer") not in {None, permit.issuer, party_of(permit.issuer)}:
        message = "the number holds another country's code than the issuer's"
        report.add("FLD-16", message, path="/number", value=permit.number, expected=permit.issuer)


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Few: one of the ruleset, and one for each issuer that has its own by a national measure."""
    return re.compile(pattern, re.ASCII)


def _check_reference(
    permit: Permit, number: str, reference: Reference, report: Report, lists: CodeLists, path: str
) -> None:
    if reference.relation not in _RELATIONS:
        where = f"{path}/relation"
        _report_code(report, "FLD-01", "relation", reference.relation, Relation, path=where, structural=False)
    if reference.issuer is not None and reference.issuer not in lists.countries:
        report.add(
            "FLD-01",
            "no such country code",
            path=f"{path}/issuer",
            value=reference.issuer,
            expected="an ISO code",
            structural=False,
        )
    if reference.relation != Relation.ANNEX:
        return
    if reference.number is None or not normalised(reference.number).startswith(number):
        message = "an annex bears the number of its permit"
        report.add("FLD-15", message, path=f"{path}/number", value=reference.number, expected=f"{permit.number}…")
    if reference.date is None or (permit.issued_on is not None and reference.date != permit.issued_on):
        value = reference.date.isoformat() if reference.date is not None else None
        expected = permit.issued_on.isoformat() if permit.issued_on is not None else "the date of issue"
        message = "an annex bears the date of its permit"
        report.add("FLD-15", message, path=f"{path}/date", value=value, expected=expected)


def _check_conditions(subject: Subject, report: Report) -> None:
    if subject.permit.special_conditions is not None:
        return
    if any(specimen.line.term in report.ruleset.live_terms for specimen in subject.specimens):
        report.add(
            "FLD-05",
            "live specimens without any special conditions",
            path="/special_conditions",
            expected="a statement on transport by the CITES guidelines or IATA's regulations",
        )


def _check_stamp(subject: Subject, report: Report) -> None:
    permit, taken = subject.permit, subject.circumstances.stamp_taken
    if permit.security_stamp is None:
        uses_stamps = report.ruleset.uses_stamps(permit.issuer)
        if uses_stamps is None:
            message = "no security stamp; whether the issuer uses stamps is not known here"
            report.not_checked("FLD-07", message, path="/security_stamp")
        elif uses_stamps:
            message = "no security stamp although the issuer uses stamps"
            report.add("FLD-07", message, path="/security_stamp", expected="the number of the stamp")
    elif taken:
        report.add(
            "STP-01",
            "the security stamp is on another document of this issuer",
            path="/security_stamp",
            value=permit.security_stamp,
            expected="a stamp of its own",
        )
    elif taken is None:
        message = "whether another document bears this security stamp is not known here"
        report.not_checked("STP-01", message, path="/security_stamp")


def _check_line(line: Line, report: Report, lists: CodeLists, path: str) -> None:
    if line.taxon is None:
        report.add("FLD-09", "the scientific name is missing", path=f"{path}/taxon", expected="a scientific name")
    if line.term in lists.historical_terms:
        message = "the term is no longer in use"
        report.add("FLD-10", message, path=f"{path}/term", value=line.term, expected="a current term", lesser=True)
    elif line.term not in lists.terms:
        _report_code(report, "FLD-10", "term code", line.term, (), path=f"{path}/term")
    if line.appendix == "I" and line.term in report.ruleset.live_terms and not line.marks:
        message = "live specimens of Appendix I without marks"
        report.add("FLD-10", message, path=f"{path}/marks", expected="marks, tags, rings or microchips", lesser=True)
    if line.appendix not in lists.appendices:
        _report_code(report, "FLD-11", "Appendix", line.appendix, lists.appendices, path=f"{path}/appendix")
    if not line.sources:
        _report_code(report, "FLD-11", "source code", None, lists.sources, path=f"{path}/sources")
    for position, source in enumerate(line.sources):
        if source not in lists.sources:
            _report_code(report, "FLD-11", "source code", source, lists.sources, path=f"{path}/sources/{position}")


def _report_code(
    report: Report,
    rule_id: str,
    what: str,
    value: str | None,
    codes: Iterable[str],
    *,
    path: str,
    structural: bool = True,
) -> None:
    """A code that is missing or in no list fires the rule of its box (``domain-rules.md`` 0.15)."""
    message = f"the {what} is missing" if value is None else f"no such {what}"
    expected = ", ".join(codes) or "a code of the Guidelines"
    report.add(rule_id, message, path=path, value=value, expected=expected, structural=structural)
