"""Who sends, who receives, and the countries that the permit names (FLD-03, FLD-04, PTY-02, and codes of box 12)."""

from __future__ import annotations

from collections.abc import Container

from epix_node.permit.codes import code_lists
from epix_node.permit.model import Permit, PermitType, TradeParty
from epix_node.rules.report import Report, is_open_document

_COUNTRY = "an ISO 3166-1 alpha-2 code"


def check_parties(permit: Permit, report: Report) -> None:
    """Missing boxes and PTY-02 do not concern documents of many uses nor introduction from the sea (0.1)."""
    for rule_id, member, party in (("FLD-03", "importer", permit.importer), ("FLD-04", "exporter", permit.exporter)):
        _check_trade_party(permit, report, rule_id, member, party or TradeParty())
    for position, country in enumerate(permit.transit):
        _check_country(report, "FLD-03", country, code_lists().traders, path=f"/transit/{position}", box="3a")
    _check_origins(permit, report)
    if is_open_document(permit):
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
    if permit.type != PermitType.REEXPORT:
        return
    for position, line in enumerate(permit.lines):
        if line.origin and line.origin.country is not None and line.origin.country == permit.origin_country:
            report.add(
                "PTY-02",
                "the country of origin of a re-export is the re-exporting country",
                path=f"/lines/{position}/origin/country",
                value=line.origin.country,
                expected="another country",
                box="12",
                lesser=True,
            )


def _check_trade_party(permit: Permit, report: Report, rule_id: str, member: str, party: TradeParty) -> None:
    if not is_open_document(permit):
        for field, content in (("name", party.name), ("address", party.address)):
            if content is None:
                # Only that it is missing: names and addresses are never shown (``domain-rules.md`` 4.5).
                report.add(rule_id, f"the {field} of the {member} is missing", path=f"/{member}/{field}")
        if party.country is None:
            report.add(rule_id, f"the country of the {member} is missing", path=f"/{member}/country", expected=_COUNTRY)
    box = "3a" if member == "importer" else "4"
    _check_country(report, rule_id, party.country, code_lists().traders, path=f"/{member}/country", box=box)


def _check_origins(permit: Permit, report: Report) -> None:
    for position, line in enumerate(permit.lines):
        for member, origin, box in (("origin", line.origin, "12"), ("last_reexport", line.last_reexport, "12a")):
            if origin is not None:
                path = f"/lines/{position}/{member}/country"
                # Goods may come from the high seas, from nobody knows where, or from a country of former times.
                _check_country(report, "RXP-01", origin.country, code_lists().countries, path=path, box=box)


def _check_country(
    report: Report, rule_id: str, country: str | None, known: Container[str], *, path: str, box: str
) -> None:
    """A code that is in no list fires the rule of its box (``domain-rules.md`` 0.15)."""
    if country is not None and country not in known:
        report.add(rule_id, "no such country code", path=path, value=country, expected=_COUNTRY, box=box)
