"""Goods acquired before the Convention applied to them (PRE-01 to PRE-03)."""

from __future__ import annotations

import re
from datetime import date

from epix_node.rules.identity import edition_of, taxon_of, why_unknown
from epix_node.rules.report import Report
from epix_node.rules.ruleset import Rule
from epix_node.rules.subject import Specimen, Subject

_CONVENTION_IN_FORCE = date(1975, 7, 1)
"""Before this day no taxon was in any Appendix (Art. XXII.1), whatever the species data know of its history."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")
_YEAR = re.compile(r"(?<![0-9])(?:1[6-9]|20)[0-9]{2}(?![0-9])")
_REACH = 60
"""So many characters after "before" the date is looked for."""


def check_preconvention(subject: Subject, report: Report) -> None:
    """Every line with source O, and every line of a pre-Convention certificate."""
    for specimen in subject.specimens:
        if "O" not in specimen.line.sources and subject.permit.subtype != "pre-convention":
            continue
        if specimen.line.acquired_on is not None:
            _check_acquired_on(subject, report, specimen, specimen.line.acquired_on)
        else:
            _check_statement(subject, report, specimen)


def is_before_listing(subject: Subject, specimen: Specimen, acquired_on: date) -> bool:
    """Whether goods acquired on this day are known to be older than the first listing of their taxon."""
    if acquired_on < _CONVENTION_IN_FORCE:
        return True
    taxon = taxon_of(specimen)
    first = subject.catalogue.species.first_listed(taxon) if taxon is not None else None
    return first is not None and acquired_on < first


def _check_acquired_on(subject: Subject, report: Report, specimen: Specimen, acquired_on: date) -> None:
    """PRE-02: before the *first* listing, in whatever Appendix that was; a later transfer to I changes nothing."""
    if acquired_on < _CONVENTION_IN_FORCE:
        return
    path = f"{specimen.path}/acquired_on"
    first = _first_listed(subject, report, specimen, "PRE-02", path)
    if first is not None and acquired_on >= first:
        report.add(
            "PRE-02",
            "acquired after the taxon was first listed",
            path=path,
            value=acquired_on.isoformat(),
            expected=f"before {first.isoformat()}",
            edition=edition_of(subject, specimen),
        )


def _check_statement(subject: Subject, report: Report, specimen: Specimen) -> None:
    """PRE-01, and PRE-03 for what the statement says. It stands in box 5, or with the description of the goods."""
    path = f"{specimen.path}/acquired_on"
    text = " ".join(filter(None, (subject.permit.special_conditions, specimen.line.description)))
    stated = _before(text, report.rule("PRE-01"))
    if stated is None:
        if _YEAR.search(text) is None:
            report.add(
                "PRE-01",
                "pre-Convention goods without a date of acquisition",
                path=path,
                expected='the date, or a certified "acquired before" a date',
            )
        else:
            reason = "a year is written, but whether the goods were acquired before it is for a person to read"
            report.not_checked("PRE-01", reason, path=path)
        return
    year, day = stated
    if (day or date(year, 12, 31)) <= _CONVENTION_IN_FORCE:
        return
    first = _first_listed(subject, report, specimen, "PRE-03", path)
    if first is None:
        return
    if day is None and year == first.year:
        reason = f"the taxon was first listed within the year stated, on {first.isoformat()}"
        report.not_checked("PRE-03", reason, path=path, edition=edition_of(subject, specimen))
    elif (day or date(year, 1, 1)) > first:
        report.add(
            "PRE-03",
            "acquired before a date that is later than the first listing",
            path=path,
            value=f"before {day.isoformat() if day is not None else year}",
            expected=f"before {first.isoformat()}",
            edition=edition_of(subject, specimen),
        )


def _before(text: str, rule: Rule) -> tuple[int, date | None] | None:
    """The year, and the day if it is written year first, before which the goods are said to have been acquired.

    Where several dates are named, the earliest: the others may be about something else.
    """
    dates = []
    for word in rule.codes("words_for_before"):
        for found in re.finditer(rf"\b{re.escape(word)}\b", text, re.IGNORECASE):
            year = _YEAR.search(text, found.end(), found.end() + _REACH)
            if year is not None:
                dates.append((int(year[0]), _day(text, year.start())))
    return min(dates, key=lambda stated: stated[1] or date(stated[0], 1, 1), default=None)


def _day(text: str, position: int) -> date | None:
    written = _DAY.match(text, position)
    if written is None:
        return None
    try:
        return date.fromisoformat(written[0])
    except ValueError:
        return None  # No such day: the year still says something.


def _first_listed(subject: Subject, report: Report, specimen: Specimen, rule_id: str, path: str) -> date | None:
    taxon = taxon_of(specimen)
    if taxon is None:
        report.not_checked(rule_id, why_unknown(specimen), path=path, edition=edition_of(subject, specimen))
        return None
    first = subject.catalogue.species.first_listed(taxon)
    report.used(edition_of(subject, specimen))
    if first is None:
        reason = "the species data here do not say when the taxon was first listed"
        report.not_checked(rule_id, reason, path=path, edition=edition_of(subject, specimen))
    return first
