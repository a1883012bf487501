"""Who issues, who sends, who receives (FLD-03, FLD-04, PTY-01, PTY-02)."""

from __future__ import annotations

from collections.abc import Container

from epix_node.permit.codes import code_lists
from epix_node.permit.model import Permit, PermitType, TradeParty
from epix_node.permit.parties import is_party, party_list_provenance
from epix_node.rules.report import Report
from epix_node.rules.subject import Subject

_COUNTRY = "an ISO 3166-1 alpha-2 code"


def check_parties(subject: Subject, report: Report) -> None:
    """Missing boxes and PTY-02 do not concern documents of many uses nor introduction from the sea (0.1)."""
    permit = subject.permit
    for rule_id, member, party in (("FLD-03", "importer", permit.importer), ("FLD-04", "exporter", permit.exporter)):
        _check_trade_party(subject, report, rule_id, member, party or TradeParty())
    for position, country in enumerate(permit.transit):
        _check_country(report, "FLD-03", country, code_lists().traders, path=f"/transit/{position}", box="3a")
    _check_membership(subject, report)
    if subject.is_open_document:
        return
    if permit.origin_country is not None and permit.origin_country == permit.destination:
        report.add(
            "PTY-02",
            "exporter and importer are in the same country",
            path="/importer/country",
            value=permit.destination,
            expected="two countries",
            box="3a",
        )
    if permit.type == PermitType.REEXPORT:
        _check_origin(subject, report)


def _check_membership(subject: Subject, report: Report) -> None:
    """PTY-01: Art. X lets a non-Party's document stand in for a permit where it says what a permit would."""
    permit: Permit = subject.permit
    if permit.issuer not in code_lists().traders:
        return  # FLD-08 has said that there is no such code
    member = is_party(permit.issuer, permit.issued_on or subject.circumstances.today)
    if member is None:
        report.not_checked("PTY-01", "whether the issuer is a Party to CITES is not known here", path="/issuer")
    elif not member:
        stated = permit.special_conditions is not None
        report.add(
            "PTY-01",
            f"the issuer is not a Party to CITES by the list of {party_list_provenance().date}"
            + ("; see whether the special conditions say what a Party's permit would" if stated else ""),
            path="/special_conditions",
            value=permit.issuer,
            expected="scientific advice, legal acquisition and, for Appendix I, the purpose of the import",
            lesser=stated,
        )


def _check_origin(subject: Subject, report: Report) -> None:
    country = subject.permit.origin_country
    for specimen in subject.specimens:
        origin = specimen.line.origin
        if origin is not None and origin.country is not None and origin.country == country:
            report.add(
                "PTY-02",
                "the country of origin of a re-export is the re-exporting country",
                path=f"{specimen.path}/origin/country",
                value=country,
                expected="another country",
                box="12",
                lesser=True,
            )


def _check_trade_party(subject: Subject, report: Report, rule_id: str, member: str, party: TradeParty) -> None:
    if not subject.is_open_document:
        for field, content in (("name", party.name), ("address", party.address)):
            if content is None:
                # Only that it is missing: names and addresses are never shown (``domain-rules.md`` 4.5).
                report.add(rule_id, f"the {field} of the {member} is missing", path=f"/{member}/{field}")
        if party.country is None:
            report.add(rule_id, f"the country of the {member} is missing", path=f"/{member}/country", expected=_COUNTRY)
    box = "3a" if member == "importer" else "4"
    _check_country(report, rule_id, party.country, code_lists().traders, path=f"/{member}/country", box=box)


def _check_country(
    report: Report, rule_id: str, country: str | None, known: Container[str], *, path: str, box: str
) -> None:
    """A code that is in no list fires the rule of its box (``domain-rules.md`` 0.15)."""
    if country is not None and country not in known:
        report.add(rule_id, "no such country code", path=path, value=country, expected=_COUNTRY, box=box)
