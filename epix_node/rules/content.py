"""What must stand in the boxes of the form, and codes that must be in their lists (FLD-01, FLD-05 … FLD-11, STP-01)."""

from __future__ import annotations

from collections.abc import Iterable

from epix_node.permit.codes import CodeLists, code_lists
from epix_node.permit.model import Line, Permit, PermitType, Relation
from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised
from epix_node.rules.report import Report


def check_content(permit: Permit, report: Report, *, stamp_taken: bool | None) -> None:
    """Boxes 1 and 5 to 10, line by line where they are of a line."""
    lists = code_lists()
    _check_identity(permit, report, lists)
    _check_conditions(permit, report)
    if permit.purpose not in lists.purposes:
        _report_code(report, "FLD-06", "purpose code", permit.purpose, lists.purposes, path="/purpose")
    _check_stamp(permit, report, stamp_taken=stamp_taken)
    if permit.authority.name is None:
        report.add("FLD-08", "the Management Authority is missing", path="/authority/name", expected="its name")
    if permit.issuer not in lists.traders:
        report.add("FLD-08", "no such country code", path="/issuer", value=permit.issuer, expected="an ISO code")
    for position, line in enumerate(permit.lines):
        _check_line(line, report, lists, f"/lines/{position}")


def _check_identity(permit: Permit, report: Report, lists: CodeLists) -> None:
    """Box 1, and the other documents that the permit names."""
    if permit.type not in lists.types:
        _report_code(report, "FLD-01", "document type", permit.type, lists.types, path="/type")
    if permit.type == PermitType.OTHER:
        if permit.subtype not in lists.subtypes:
            _report_code(report, "FLD-01", "subtype", permit.subtype, lists.subtypes, path="/subtype")
    elif permit.subtype is not None:
        # A subtype opens boxes 3 and 4 (``domain-rules.md`` 0.1), so it may not stand on an ordinary permit.
        message = "only a document of type O has a subtype"
        report.add("FLD-01", message, path="/subtype", value=permit.subtype, expected="none")
    length = len(normalised(permit.number))
    if not 0 < length <= MAX_NUMBER_CHARACTERS:
        message = "the number is too long" if length else "the number holds nothing but its introduction"
        expected = f"1 to {MAX_NUMBER_CHARACTERS} characters"
        report.add("FLD-01", message, path="/number", value=permit.number, expected=expected)
    for position, reference in enumerate(permit.references):
        path = f"/references/{position}"
        if reference.relation not in set(Relation):
            _report_code(report, "FLD-01", "relation", reference.relation, Relation, path=f"{path}/relation")
        if reference.issuer is not None and reference.issuer not in lists.countries:
            message = "no such country code"
            report.add("FLD-01", message, path=f"{path}/issuer", value=reference.issuer, expected="an ISO code")


def _check_conditions(permit: Permit, report: Report) -> None:
    is_live = any(line.term in report.ruleset.live_terms for line in permit.lines)
    if is_live and permit.special_conditions is None:
        report.add(
            "FLD-05",
            "live specimens without any special conditions",
            path="/special_conditions",
            expected="a statement on transport by the CITES guidelines or IATA's regulations",
        )


def _check_stamp(permit: Permit, report: Report, *, stamp_taken: bool | None) -> None:
    if permit.security_stamp is None:
        message = "no security stamp; whether the issuer uses stamps is not known here"
        report.add("FLD-07", message, path="/security_stamp")
    elif stamp_taken:
        report.add(
            "STP-01",
            "the security stamp is on another document of this issuer",
            path="/security_stamp",
            value=permit.security_stamp,
            expected="a stamp of its own",
        )
    elif stamp_taken is None:
        message = "whether another document bears this security stamp is not known here"
        report.add("STP-01", message, path="/security_stamp", value=permit.security_stamp, checked=False)


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
    report: Report, rule_id: str, what: str, value: str | None, codes: Iterable[str], *, path: str
) -> None:
    """A code that is missing or in no list fires the rule of its box (``domain-rules.md`` 0.15)."""
    message = f"the {what} is missing" if value is None else f"no such {what}"
    report.add(rule_id, message, path=path, value=value, expected=", ".join(codes) or "a code of the Guidelines")
