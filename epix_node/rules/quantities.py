"""Blocks, quantities and units: boxes 11 and 11a (FLD-12, QTY-01, QTY-02, QTY-04)."""

from __future__ import annotations

from collections import Counter

from epix_node.permit.model import Line
from epix_node.permit.quantity import (
    CURRENT_UNITS,
    HISTORICAL_UNITS,
    NotAQuantityError,
    Quantity,
    UnitClass,
    parse_amount,
)
from epix_node.rules.report import Report
from epix_node.rules.subject import Specimen, Subject

_AMOUNT = "a decimal number greater than 0, with a point and at most 6 decimals"
_UNIT = "a unit code of the Guidelines"
_ONE = 1_000_000
"""Micro-units of one specimen."""


def check_quantities(subject: Subject, report: Report) -> None:
    """Endorsements and confirmations count by block, so each line needs a block of its own: part of FLD-12."""
    blocks = Counter(specimen.line.block for specimen in subject.specimens)
    for specimen in subject.specimens:
        line, path = specimen.line, specimen.path
        if line.block is None:
            report.add("FLD-12", "the line has no block letter", path=f"{path}/block", expected="A, B, …")
        elif blocks[line.block] > 1:
            report.add(
                "FLD-12",
                "two lines have the same block letter",
                path=f"{path}/block",
                value=line.block,
                expected="a letter of its own",
            )
        if specimen.permitted is None or specimen.permitted.micro <= 0:
            _check_quantity(line, report, path)
        _check_unit(line.unit, report, f"{path}/unit", box="11")
        _check_quota(line, report, path)
        _check_live(specimen, subject, report)


def _check_quantity(line: Line, report: Report, path: str) -> None:
    path = f"{path}/quantity"
    if line.quantity is None:
        # Box 11 is empty (FLD-12), and there is no amount to count with (QTY-01): both are said.
        report.add("FLD-12", "the quantity is missing", path=path, expected=_AMOUNT)
        report.add("QTY-01", "there is no permitted quantity", path=path, expected=_AMOUNT)
        return
    problem = _problem(line.quantity, line.unit)
    if problem is not None:
        report.add("QTY-01", problem, path=path, value=line.quantity, expected=_AMOUNT)


def _problem(text: str, unit: str | None) -> str | None:
    """What is wrong with a permitted quantity, in words; ``None`` where nothing is."""
    try:
        if parse_amount(text) <= 0:
            return "the quantity is not greater than 0"
        # The unit's own fault is FLD-12; here it only decides how large the amount is.
        quantity = Quantity.parse(text, unit if unit in CURRENT_UNITS | HISTORICAL_UNITS else "NAR")
    except NotAQuantityError as error:
        return str(error)
    return "the quantity is smaller than can be counted in its unit" if quantity.micro == 0 else None


def _check_unit(unit: str | None, report: Report, path: str, *, box: str) -> None:
    is_counted = box == "11"
    if unit is None:
        report.add("FLD-12", "the unit is missing", path=path, expected=_UNIT, box=box, structural=is_counted)
    elif unit in HISTORICAL_UNITS:
        report.add("QTY-02", "the unit is no longer in use", path=path, value=unit, expected=_UNIT, box=box)
    elif unit not in CURRENT_UNITS:
        message = "no such unit code"
        report.add("FLD-12", message, path=path, value=unit, expected=_UNIT, box=box, structural=is_counted)


def _check_quota(line: Line, report: Report, path: str) -> None:
    """Box 11a may be empty; what stands there must be a number (0 included) in a known unit.

    Nobody counts by it, so it is no reason to refuse a legacy document.
    """
    if line.quota is None:
        return
    for member, text in (("used", line.quota.used), ("annual", line.quota.annual)):
        if text is None:
            continue
        try:
            problem = "a quota is not below 0" if parse_amount(text) < 0 else None
        except NotAQuantityError as error:
            problem = str(error)
        if problem is not None:
            expected = "a number, 0 or more"
            place = f"{path}/quota/{member}"
            report.add("QTY-01", problem, path=place, value=text, expected=expected, box="11a", structural=False)
    if line.quota.unit is not None:
        _check_unit(line.quota.unit, report, f"{path}/quota/unit", box="11a")


def _check_live(specimen: Specimen, subject: Subject, report: Report) -> None:
    """QTY-04: live animals come in whole numbers, but for those that everybody weighs."""
    line = specimen.line
    rule = report.rule("QTY-04")
    permitted = specimen.permitted
    if line.term not in rule.codes("terms") or permitted is None:
        return
    if permitted.unit_class is UnitClass.COUNT:
        if permitted.micro % _ONE != 0:
            message = "live specimens in a fraction of a number"
            report.add(
                "QTY-04", message, path=f"{specimen.path}/quantity", value=line.quantity, expected="a whole number"
            )
        return
    if permitted.unit_class is not UnitClass.MASS:
        return
    edition = subject.catalogue.species.edition
    if not specimen.lineage:
        message = "live specimens by weight; whether the taxon is traded so is not known here"
        report.not_checked("QTY-04", message, path=f"{specimen.path}/unit", edition=edition)
    elif "Animalia" in specimen.lineage and not set(rule.codes("by_weight")).intersection(specimen.lineage):
        message = "live animals by weight"
        report.add("QTY-04", message, path=f"{specimen.path}/unit", value=line.unit, expected="NAR", edition=edition)
