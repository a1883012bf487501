"""The template can be read as it is, and its guide names every column."""

from __future__ import annotations

import io

from epix_node.permit.csv.columns import COLUMNS
from epix_node.permit.csv.reader import CsvPermit, read_csv
from epix_node.permit.csv.seen import SeenPermits
from epix_node.permit.csv.template import column_guide, template
from epix_node.permit.json import permit_to_json


def test_the_template_is_one_permit_of_two_lines() -> None:
    (result,) = read_csv(io.BytesIO(template()))
    assert isinstance(result, CsvPermit)
    assert [line.block for line in result.permit.lines] == ["A", "B"]
    assert result.permit.references[0].number == "26XB000777"
    assert result.deviations == ()


def test_spreadsheets_see_that_the_template_is_utf_8() -> None:
    assert template().startswith(b"\xef\xbb\xbf")
    assert "sources" in template().decode("utf-8-sig").splitlines()[0].split(",")


def test_every_member_of_a_permit_has_a_column() -> None:
    (result,) = read_csv(io.BytesIO(template()))
    assert isinstance(result, CsvPermit)
    permit = permit_to_json(result.permit)
    line = permit.pop("lines")[0] | {"last_reexport": {"country": None, "permit": None, "date": None}}
    names = set()
    for member, value in (*permit.items(), *line.items()):
        names |= {f"{member}_{part}" for part in value} if isinstance(value, dict) else {member}
    assert names == {column.name for column in COLUMNS}


def test_the_guide_says_what_every_column_holds() -> None:
    guide = column_guide()
    for column in COLUMNS:
        assert f"| `{column.name}`" in guide
        assert column.holds
    assert "`type` (required)" in guide


def test_permits_are_remembered_with_their_rows() -> None:
    seen = SeenPermits()
    for row in range(5000):
        assert seen.note(("XA", str(row)), row) is None
    assert len(seen) == 5000
    assert all(seen.note(("XA", str(row)), 9) == row for row in range(5000))
