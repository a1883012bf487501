"""Export quotas: box 11a, and the quantity against what the exporting country published (FLD-13, QUO-01 to QUO-03).

Only what one document shows is decided here: its own quantity, and the total of the year that its box 11a states, in
which this document is included (Res. Conf. 12.3, Annex 1). The sum of all permits of a year is no matter of one
document, so a document that stays below the quota and states no total is "not checked".
"""

from __future__ import annotations

from epix_node.permit.model import PermitType
from epix_node.permit.quantity import NotAQuantityError, Quantity, in_unit
from epix_node.reference.quotas import NationalQuota
from epix_node.rules.identity import taxon_of, why_unknown
from epix_node.rules.provenance import is_first_export
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Stage
from epix_node.rules.subject import Specimen, Subject

_NO_QUOTA_SOURCES = ("I", "O")
"""Confiscated and pre-Convention goods are not taken from this year's quota."""


def check_quotas(subject: Subject, report: Report) -> None:
    """Box 11a of every line; the quantity only of export permits for goods that come from the exporting country."""
    for specimen in subject.specimens:
        _check_own_words(report, specimen)
    if subject.permit.type != PermitType.EXPORT:
        return
    rule_id = "QUO-01" if report.stage is Stage.ISSUE else "QUO-03"
    drawn: dict[NationalQuota, list[Specimen]] = {}
    for specimen in subject.specimens:
        quota = _quota_of(subject, report, specimen, rule_id)
        if quota is not None:
            drawn.setdefault(quota, []).append(specimen)
    for quota, specimens in drawn.items():
        _check_sum(subject, report, rule_id, quota, specimens)


def _check_own_words(report: Report, specimen: Specimen) -> None:
    """QUO-02: box 11a against itself. What is no number there is QTY-01."""
    quota = specimen.line.quota
    if quota is None or quota.used is None or quota.annual is None:
        return
    used, annual = _parse(quota.used, quota.unit), _parse(quota.annual, quota.unit)
    if used is not None and annual is not None and used.micro > annual.micro:
        report.add(
            "QUO-02",
            "more was exported this year than the quota allows",
            path=f"{specimen.path}/quota/used",
            value=quota.used,
            expected=f"{quota.annual} at most",
        )


def _quota_of(subject: Subject, report: Report, specimen: Specimen, rule_id: str) -> NationalQuota | None:
    """The quota that the line draws on; where it cannot be told, both rules say that they did not check."""
    permit, line, quotas = subject.permit, specimen.line, subject.catalogue.quotas
    if permit.issued_on is None or not is_first_export(subject, specimen):
        return None
    if any(source in _NO_QUOTA_SOURCES for source in line.sources):
        return None
    country, taxon, year = permit.origin_country, taxon_of(specimen), permit.issued_on.year
    if quotas.edition is None:
        reason = "no export quotas are loaded here"
    elif country is None:
        reason = "the exporting country is not stated"
    elif taxon is None:
        reason = why_unknown(specimen)
    else:
        report.used(quotas.edition)
        source = line.sources[0] if line.sources else None
        found = quotas.find(
            taxon.lineage, country, year, source, line.term, purpose=permit.purpose, on=permit.issued_on
        )
        if found is not None and not found.unclear:
            _check_box(report, specimen, found)
            return found
        if found is None and quotas.covers(country, year):
            return None
        reason = (
            "whether the quota is meant for these goods is not plain"
            if found is not None
            else f"the quotas here do not speak of {country} in {year}"
        )
    for not_checked in ("FLD-13", rule_id):
        report.not_checked(not_checked, reason, path=f"{specimen.path}/quota", edition=quotas.edition)
    return None


def _check_box(report: Report, specimen: Specimen, quota: NationalQuota) -> None:
    """FLD-13."""
    stated = specimen.line.quota
    if stated is None or stated.used is None or stated.annual is None:
        report.add(
            "FLD-13",
            "there is an export quota, and box 11a does not state it and the total of the year",
            path=f"{specimen.path}/quota",
            expected=f"the total exported this year and the quota of {quota.amount} {quota.unit}",
            edition=quota.edition,
        )


def _check_sum(subject: Subject, report: Report, rule_id: str, quota: NationalQuota, specimens: list[Specimen]) -> None:
    """QUO-01 at the issuer's, QUO-03 elsewhere."""
    path, allowed = f"{specimens[0].path}/quantity", _parse(quota.amount, quota.unit)
    here = [specimen.permitted for specimen in specimens]
    used = [
        _parse(specimen.line.quota.used, specimen.line.quota.unit or specimen.line.unit)
        for specimen in specimens
        if specimen.line.quota is not None and specimen.line.quota.used is not None
    ]
    known = [amount for amount in (*here, *used) if amount is not None]
    if (
        allowed is None
        or len(known) < len(here) + len(used)
        or any(amount.unit_class is not allowed.unit_class for amount in known)
    ):
        reason = f"the quantities cannot be compared with the quota of {quota.amount} {quota.unit}"
        report.not_checked(rule_id, reason, path=path, edition=quota.edition)
        return
    total = max(
        sum(amount.micro for amount in here if amount is not None), *(u.micro for u in used if u is not None), 0
    )
    if total > allowed.micro:
        whose = "a mandatory quota" if quota.mandatory else f"the quota of {subject.permit.origin_country}"
        report.add(
            rule_id,
            f"this document and what its box 11a says was exported this year exceed {whose} for {quota.taxon}",
            path=path,
            value=f"{in_unit(total, quota.unit)} {quota.unit}",
            expected=f"{quota.amount} {quota.unit} at most",
            edition=quota.edition,
        )
    elif not used:
        reason = "how much was exported this year is not stated in box 11a"
        report.not_checked(rule_id, reason, path=path, edition=quota.edition)


def _parse(amount: str, unit: str | None) -> Quantity | None:
    try:
        return Quantity.parse(amount, unit or "NAR")
    except NotAQuantityError:
        return None
