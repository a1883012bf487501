"""The day of issue, the last day, and how far apart they may be (FLD-02, FLD-14, VAL-01 to VAL-03)."""

from __future__ import annotations

import calendar
from datetime import date

from epix_node.permit.model import Permit, PermitType
from epix_node.rules.report import Report

_MAX_VALIDITY_RULES: dict[str, str] = {
    PermitType.EXPORT: "VAL-01",
    PermitType.REEXPORT: "VAL-02",
    PermitType.IMPORT: "VAL-03",
}


def check_validity(permit: Permit, report: Report) -> None:
    """Type O has no longest validity here: it depends on the subtype (VAL-04 and following)."""
    if permit.issued_on is None:
        report.add("FLD-14", "the date of issue is missing", path="/issued_on", expected="a date")
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
    rule_id = _MAX_VALIDITY_RULES.get(permit.type)
    if rule_id is None or permit.issued_on is None:
        return
    months = report.ruleset.max_months[permit.type]
    latest = months_later(permit.issued_on, months)
    if permit.valid_until > latest:
        report.add(
            rule_id,
            f"the permit is valid for more than {months} months from its issue",
            path="/valid_until",
            value=permit.valid_until.isoformat(),
            expected=f"{latest.isoformat()} or earlier",
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
