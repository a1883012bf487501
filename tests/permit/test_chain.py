"""On which document the goods of a certificate draw."""

from __future__ import annotations

from datetime import date

import pytest

from epix_node.permit.chain import parent_of, parents_of
from epix_node.permit.model import Line, Origin, Permit

ORIGIN = Origin(country="XA", permit="26XA000001", date=date(2026, 3, 1))
LAST = Origin(country="XB", permit="26XB000001")

SCENARIOS = {
    "nothing is named": (Line(), None),
    "the permit of origin": (Line(origin=ORIGIN), ("XA", "26XA000001", None)),
    "the last re-export before it": (Line(origin=ORIGIN, last_reexport=LAST), ("XB", "26XB000001", "R")),
    "a country alone is no document": (
        Line(origin=ORIGIN, last_reexport=Origin(country="XB")),
        ("XA", "26XA000001", None),
    ),
    "a number alone neither": (Line(origin=Origin(permit="26XA000001")), None),
    "another spelling": (
        Line(origin=Origin(country=" xa ", permit="No. 26xa\u2013000001")),
        ("XA", "26XA-000001", None),
    ),
    "a remark where a number should be": (Line(origin=Origin(country="XA", permit="see annex " * 10)), None),
    "nothing but a word": (Line(origin=Origin(country="XA", permit="No. ")), None),
    "the country itself": (
        Line(origin=ORIGIN, last_reexport=Origin(country="XC", permit="26XC000001")),
        ("XA", "26XA000001", None),
    ),
    "the country itself, and nothing else": (
        Line(last_reexport=Origin(country="XC", permit="26XC000001")),
        ("XC", "26XC000001", "R"),
    ),
}


@pytest.mark.parametrize(("line", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_a_line_of_a_certificate_draws_on_what_its_boxes_name(
    line: Line, expected: tuple[str, str, str | None] | None
) -> None:
    """XC issued the certificate."""
    found = parent_of(line, issuer="XC")
    assert (None if found is None else (found.issuer, found.number, found.type)) == expected


def test_the_date_of_box_12_is_kept_to_choose_between_permits_of_one_number() -> None:
    found = parent_of(Line(origin=ORIGIN), issuer="XC")
    assert found is not None
    assert found.issued_on == ORIGIN.date


@pytest.mark.parametrize("type_", ["E", "I", "O"])
def test_only_certificates_of_re_export_draw_on_anything(type_: str) -> None:
    permit = Permit(type=type_, number="1", issuer="XC", lines=(Line(origin=ORIGIN), Line()))
    assert parents_of(permit) == (None, None)
