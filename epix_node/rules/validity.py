"""The day of issue, the last day, and how far apart they may be (FLD-02, FLD-14, VAL-01 to VAL-09, VAL-12, VAL-15)."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from epix_node.permit.model import Permit, PermitType
from epix_node.permit.parties import party_of
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Stage
from epix_node.rules.subject import Subject

_LONGEST: dict[str, str] = {
    # Type, or subtype of type O: the rule that says for how many months it may be valid. Subtype "other" has no limit.
    PermitType.EXPORT: "VAL-01",
    PermitType.REEXPORT: "VAL-02",
    PermitType.IMPORT: "VAL-03",
    "origin": "VAL-04",
    "ifs": "VAL-05",
    "travelling-exhibition": "VAL-06",
    "personal-ownership": "VAL-06",
    "musical-instrument": "VAL-07",
    "sample-collection": "VAL-08",
    "pre-convention": "VAL-09",
    "captive-bred": "VAL-09",
    "artificially-propagated": "VAL-09",
}
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)


def check_validity(subject: Subject, report: Report) -> None:
    """Boxes 2 and 13, and what certificates of a subtype are for."""
    permit = subject.permit
    if permit.issued_on is None:
        report.add("FLD-14", "the date of issue is missing", path="/issued_on", expected="a date")
    if permit.authority.place is None:
        report.add("FLD-14", "the place of issue is missing", path="/authority/place", expected="a place", lesser=True)
    _check_period(permit, report)
    if permit.type == PermitType.OTHER:
        _check_use(subject, report)
    _check_day_of_issue(subject, report)


def _check_period(permit: Permit, report: Report) -> None:
    if permit.valid_until is None:
        report.add("FLD-02", "the last day of validity is missing", path="/valid_until", expected="a date")
        return
    first_day = permit.in_force_from
    if first_day is not None and permit.valid_until < first_day:
        report.add(
            "FLD-02",
            "the permit ends before it begins",
            path="/valid_until",
            value=permit.valid_until.isoformat(),
            expected=f"{first_day.isoformat()} or later",
        )
    rule_id = _LONGEST.get(permit.type if permit.type != PermitType.OTHER else permit.subtype or "")
    if rule_id is None or permit.issued_on is None:
        return
    months = report.rule(rule_id).number("months")
    latest = months_later(permit.issued_on, months)
    if permit.valid_until > latest:
        report.add(
            rule_id,
            f"the permit is valid for more than {months} months from its issue",
            path="/valid_until",
            value=permit.valid_until.isoformat(),
            expected=f"{latest.isoformat()} or earlier",
        )
    elif permit.subtype == "sample-collection":
        report.not_checked("VAL-08", "the last day of the ATA carnet is not known here", path="/valid_until")


def _check_use(subject: Subject, report: Report) -> None:
    """What the certificates of a subtype may not be used for."""
    permit = subject.permit
    if permit.subtype == "musical-instrument" and permit.purpose in report.rule("VAL-07").codes("purposes"):
        report.add(
            "VAL-07",
            "a musical instrument certificate is not for a sale",
            path="/purpose",
            value=permit.purpose,
            expected="a purpose that is not commercial",
            box="5a",
        )
    if permit.subtype == "personal-ownership":
        _check_acceptance(subject, report)


def _check_acceptance(subject: Subject, report: Report) -> None:
    permit = subject.permit
    if all(specimen.line.term not in report.ruleset.live_terms for specimen in subject.specimens):
        return
    if permit.destination is None and not permit.transit:
        report.not_checked("VAL-15", "where the certificate will be presented is not on it", path="/importer/country")
    ownership = subject.catalogue.ownership
    report.used(ownership.edition)
    route = [("/importer/country", permit.destination)]
    route += [(f"/transit/{position}", country) for position, country in enumerate(permit.transit)]
    for path, country in route:
        if country is not None and ownership.refused_by(party_of(country)):
            report.add(
                "VAL-15",
                "this Party does not accept certificates of ownership for live animals; ask it before the journey",
                path=path,
                value=country,
                expected="a Party that accepts them, or a permit",
                box="3a",
                edition=ownership.edition,
            )


def _check_day_of_issue(subject: Subject, report: Report) -> None:
    """VAL-12. Entering a legacy document long after its issue is no back-dating (``domain-rules.md`` 0.10)."""
    permit, circumstances = subject.permit, subject.circumstances
    if permit.issued_on is None or permit.legacy:
        return
    if permit.valid_from is not None and permit.valid_from < permit.issued_on:
        report.add(
            "VAL-12",
            "the validity begins before the day of issue",
            path="/valid_from",
            value=permit.valid_from.isoformat(),
            expected=f"{permit.issued_on.isoformat()} or later",
            box="2",
        )
    at_receipt = circumstances.stage is Stage.RECEIPT
    if at_receipt and circumstances.entered_on is None:
        report.not_checked("VAL-12", "when the document was entered is not known here", path="/issued_on")
    seen_on = circumstances.entered_on or circumstances.today
    # Elsewhere it may already be tomorrow: the day of issue is that of its place, the day of entry is in UTC.
    if permit.issued_on - seen_on > (_DAY if at_receipt else timedelta(0)):
        report.add(
            "VAL-12",
            "the day of issue lies in the future",
            path="/issued_on",
            value=permit.issued_on.isoformat(),
            expected=f"{seen_on.isoformat()} or earlier",
        )
    elif circumstances.entered_on is not None:
        _check_entry(permit.issued_on, circumstances.entered_on, report)


def _check_entry(issued_on: date, entered_on: date, report: Report) -> None:
    rule = report.rule("VAL-12")
    days = rule.number("working_days")
    latest = working_days_later(issued_on, days, weekend=frozenset(rule.codes("weekend")))
    if entered_on > latest:
        report.add(
            "VAL-12",
            f"the document was signed and entered on {entered_on.isoformat()}, "
            f"more than {days} working days after its day of issue",
            path="/issued_on",
            value=issued_on.isoformat(),
            expected=f"entered on {latest.isoformat()} or earlier",
        )


def months_later(day: date, months: int) -> date:
    """The same day of the month, or the month's last day where it has no such day; never later than year 9999.

    So 31 August and six months give the end of February, and a permit that ends on the day before the same day,
    as real ones do, is within the limit too.
    """
    month_index = day.year * 12 + day.month - 1 + months
    year, month = divmod(month_index, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def working_days_later(day: date, days: int, *, weekend: frozenset[str]) -> date:
    """The day that so many working days later is; public holidays are not known here and count as working days.

    ``weekend``: names of days in English, lower case. Where every day is in it, none is a working day: year 9999.
    """
    if weekend.issuperset(_WEEK):
        return date.max
    while days > 0 and day < date.max:
        day += _DAY
        if _WEEK[day.weekday()] not in weekend:
            days -= 1
    return day
