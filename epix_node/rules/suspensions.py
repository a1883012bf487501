"""Recommendations to suspend trade, and measures for missing annual reports (SUS-01, SUS-02)."""

from __future__ import annotations

from datetime import date, timedelta

from epix_node.permit.parties import party_of
from epix_node.reference.edition import Edition
from epix_node.reference.suspensions import Suspension
from epix_node.rules.identity import lineage_of, taxon_of, why_unknown
from epix_node.rules.provenance import is_first_export, is_state
from epix_node.rules.report import Report
from epix_node.rules.subject import Specimen, Subject

_CONFISCATED = "I"


def check_suspensions(subject: Subject, report: Report) -> None:
    """On the day of issue; without one there is nothing to ask for (FLD-14)."""
    suspensions, issued_on = subject.catalogue.suspensions, subject.permit.issued_on
    if suspensions.edition is None:
        for rule_id in ("SUS-01", "SUS-02"):
            report.not_checked(rule_id, "no suspensions are loaded here")
        return
    if issued_on is None:
        for rule_id in ("SUS-01", "SUS-02"):
            report.not_checked(rule_id, "without a date of issue the suspensions in force are not known")
        return
    for specimen in subject.specimens:
        if set(specimen.line.sources) != {_CONFISCATED}:
            _check_trade(subject, report, specimen, issued_on)
    _check_annual_report(subject, report, issued_on)


def _check_trade(subject: Subject, report: Report, specimen: Specimen, issued_on: date) -> None:
    """SUS-01: the exporting country, and the importing one where the suspension says so. Re-exports are free."""
    permit = subject.permit
    if is_first_export(subject, specimen):
        _check_country(subject, report, specimen, issued_on, permit.origin_country, is_import=False)
        _check_country(subject, report, specimen, issued_on, permit.destination, is_import=True)


def _check_country(
    subject: Subject, report: Report, specimen: Specimen, issued_on: date, country: str | None, *, is_import: bool
) -> None:
    suspensions, line, permit = subject.catalogue.suspensions, specimen.line, subject.permit
    path = f"{specimen.path}/taxon"
    if country is None or suspensions.edition is None:
        return
    if taxon_of(specimen) is None:
        report.not_checked("SUS-01", why_unknown(specimen), path=path)
        return
    report.used(suspensions.edition)
    sources = tuple(source for source in line.sources if source != _CONFISCATED)
    for source in sources or (None,):
        asked = (issued_on, country, lineage_of(specimen), source, permit.purpose, line.term)
        found = suspensions.matching(*asked, is_import=is_import)
        if found is not None:
            _report(report, found, country=country, on=issued_on, edition=suspensions.edition, path=path)
            return
        if suspensions.possible(*asked, is_import=is_import) is not None:
            reason = f"a suspension of trade of {country} may or may not be meant for these goods"
            report.not_checked("SUS-01", reason, path=path, edition=suspensions.edition)
            return
    if not is_state(subject, country):
        reason = f"the suspensions here do not speak of {country}"
        report.not_checked("SUS-01", reason, path=path, edition=suspensions.edition)


def _report(report: Report, found: Suspension, *, country: str, on: date, edition: Edition, path: str) -> None:
    is_dated = edition.age(on) > timedelta(days=report.rule("SUS-01").number("data_max_age_days"))
    message = f"trade of {country} in this taxon is suspended since {found.start.isoformat()}"
    if found.notification:
        message = f"{message} ({found.notification})"
    if is_dated:
        message = f"{message}, by data that are much older than the document"
    report.add(
        "SUS-01",
        message,
        path=path,
        value=country,
        expected="a taxon or country whose trade is not suspended",
        # What was suspended long ago may have been lifted since.
        lesser=is_dated or not found.is_cites,
        edition=edition,
    )


def _check_annual_report(subject: Subject, report: Report, issued_on: date) -> None:
    """SUS-02: the Standing Committee asks Parties not to accept documents of a Party that sent no annual reports."""
    suspensions, issuer = subject.catalogue.suspensions, subject.permit.issuer
    affected = suspensions.annual_report(issued_on, party_of(issuer))
    if affected:
        report.add(
            "SUS-02",
            "the issuer is under measures for missing annual reports",
            path="/issuer",
            value=issuer,
            expected="an issuer whose documents Parties may accept",
            edition=suspensions.edition,
        )
    elif affected is None or not is_state(subject, issuer):
        reason = f"whether {issuer} is under measures for missing annual reports is not known here"
        report.not_checked("SUS-02", reason, path="/issuer", edition=suspensions.edition)
