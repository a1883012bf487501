"""Blocks, quantities and units: boxes 11 and 11a (FLD-12, QTY-01, QTY-02)."""

from __future__ import annotations

from collections import Counter

from epix_node.permit.model import Line, Permit
from epix_node.permit.quantity import CURRENT_UNITS, HISTORICAL_UNITS, NotAQuantityError, Quantity, parse_amount
from epix_node.rules.report import Report

_AMOUNT = "a decimal number greater than 0, at most 6 decimals"
_UNIT = "a unit code of the Guidelines"


def check_quantities(permit: Permit, report: Report) -> None:
    """Endorsements and confirmations count by block, so each line needs a block of its own: part of FLD-12."""
    blocks = Counter(line.block for line in permit.lines)
    for position, line in enumerate(permit.lines):
        path = f"/lines/{position}"
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
        _check_quantity(line, report, path)
        _check_unit(line.unit, report, f"{path}/unit", box="11")
        _check_quota(line, report, path)


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
    if unit is None:
        report.add("FLD-12", "the unit is missing", path=path, expected=_UNIT, box=box)
    elif unit in HISTORICAL_UNITS:
        report.add("QTY-02", "the unit is no longer in use", path=path, value=unit, expected=_UNIT, box=box)
    elif unit not in CURRENT_UNITS:
        report.add("FLD-12", "no such unit code", path=path, value=unit, expected=_UNIT, box=box)


def _check_quota(line: Line, report: Report, path: str) -> None:
    """Box 11a may be empty; what stands there must be a number (0 included) in a known unit."""
    if line.quota is None:
        return
    for member, text in (("used", line.quota.used), ("annual", line.quota.annual)):
        if text is None:
            continue
        try:
            amount = parse_amount(text)
        except NotAQuantityError as error:
            report.add("QTY-01", str(error), path=f"{path}/quota/{member}", value=text, expected="a number", box="11a")
            continue
        if amount < 0:
            message = "a quota is not below 0"
            report.add("QTY-01", message, path=f"{path}/quota/{member}", value=text, expected="0 or more", box="11a")
    if line.quota.unit is not None:
        _check_unit(line.quota.unit, report, f"{path}/quota/unit", box="11a")
