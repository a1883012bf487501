"""Where re-exported goods come from: boxes 12 and 12a (RXP-01, RXP-02, RXP-05).

Whether the documents that are named there exist and agree takes those documents (RXP-03, RXP-06: reconciliation).
"""

from __future__ import annotations

import re

from epix_node.permit.codes import code_lists
from epix_node.permit.model import Line, Origin, Permit, PermitType
from epix_node.rules.report import Report
from epix_node.rules.subject import Specimen, Subject
from epix_node.rules.validity import months_later

_LABEL = re.compile(r"[A-Z]{3}\s*/\s*[A-Z]{1,2}\s*/\s*[A-Z]{2}\s*/\s*[0-9]{4}\s*/", re.ASCII)
"""How a caviar label begins: species / source / country / year / … (Res. Conf. 12.7, Annex 1)."""


def check_reexport(subject: Subject, report: Report) -> None:
    """Boxes 12 and 12a, line by line. Only a re-export certificate must fill them in."""
    for specimen in subject.specimens:
        for member, origin, box in _origins(specimen.line):
            # Goods may come from the high seas, from nobody knows where, or from a country of former times.
            if origin.country is not None and origin.country not in code_lists().countries:
                report.add(
                    "RXP-01",
                    "no such country code",
                    path=f"{specimen.path}/{member}/country",
                    value=origin.country,
                    expected="an ISO 3166-1 alpha-2 code",
                    box=box,
                )
        if subject.permit.type == PermitType.REEXPORT:
            _check_origin(subject.permit, specimen, report)
            _check_last_reexport(subject.permit, specimen, report)
            _check_order(subject.permit, specimen, report)
            _check_caviar(subject.permit, specimen, report)


def _origins(line: Line) -> list[tuple[str, Origin, str]]:
    named = (("origin", line.origin, "12"), ("last_reexport", line.last_reexport, "12a"))
    return [(member, origin, box) for member, origin, box in named if origin is not None]


def _check_origin(permit: Permit, specimen: Specimen, report: Report) -> None:
    origin = specimen.line.origin or Origin()
    path = f"{specimen.path}/origin"
    if origin.country is None:
        _miss(permit, report, "the country of origin is missing", path=f"{path}/country", box="12")
    if origin.permit is None:
        _miss(permit, report, "the permit of the country of origin is missing", path=f"{path}/permit", box="12")
    if origin.date is None:
        _miss(permit, report, "the date of the permit of origin is missing", path=f"{path}/date", box="12")


def _check_last_reexport(permit: Permit, specimen: Specimen, report: Report) -> None:
    """Box 12a is for goods that came through another country than that of origin; else it stays empty."""
    last, origin = specimen.line.last_reexport, specimen.line.origin or Origin()
    if last is None or (last.country is not None and last.country == origin.country):
        return
    path = f"{specimen.path}/last_reexport"
    if last.country is None:
        _miss(permit, report, "the country of the last re-export is missing", path=f"{path}/country", box="12a")
    if last.permit is None:
        _miss(permit, report, "the certificate of the last re-export is missing", path=f"{path}/permit", box="12a")
    if last.date is None:
        message = "the date of the certificate of the last re-export is missing"
        _miss(permit, report, message, path=f"{path}/date", box="12a")


def _miss(permit: Permit, report: Report, message: str, *, path: str, box: str) -> None:
    """Milder where box 5 holds something: whether it justifies the gap is for a person to read."""
    justified = permit.special_conditions is not None
    report.add(
        "RXP-01",
        message + ("; see whether the special conditions justify it" if justified else " and nothing justifies it"),
        path=path,
        expected="what the document of origin says, or a justification in box 5",
        box=box,
        lesser=justified,
    )


def _check_order(permit: Permit, specimen: Specimen, report: Report) -> None:
    for member, origin, box in _origins(specimen.line):
        if origin.date is not None and permit.issued_on is not None and origin.date > permit.issued_on:
            report.add(
                "RXP-02",
                "the document that the goods came with is dated after this certificate",
                path=f"{specimen.path}/{member}/date",
                value=origin.date.isoformat(),
                expected=f"{permit.issued_on.isoformat()} or earlier",
                box=box,
            )


def _check_caviar(permit: Permit, specimen: Specimen, report: Report) -> None:
    line = specimen.line
    rule = report.rule("RXP-05")
    if line.term not in rule.codes("terms"):
        return
    if not line.marks and _LABEL.search((line.description or "").upper()) is None:
        expected = "a code such as HUS/W/XA/2026/xxxx/nnnn"
        report.add("RXP-05", "caviar without a label code", path=f"{specimen.path}/marks", expected=expected)
    if permit.issued_on is None:
        return
    if line.origin is None or line.origin.date is None:
        message = "how old the caviar's permit of origin is, is not known here"
        report.not_checked("RXP-05", message, path=f"{specimen.path}/origin/date")
        return
    months = rule.number("months")
    latest = months_later(line.origin.date, months)
    if permit.issued_on > latest:
        report.add(
            "RXP-05",
            f"caviar more than {months} months after its permit of origin",
            path=f"{specimen.path}/origin/date",
            value=line.origin.date.isoformat(),
            expected=f"a re-export on {latest.isoformat()} or earlier",
            box="12",
        )
