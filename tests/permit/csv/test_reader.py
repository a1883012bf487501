"""CSV as people make it: what is read, what is tolerated, and what is refused with its row and column."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from datetime import date

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.csv.group import MAX_LINES, block_letters
from epix_node.permit.csv.reader import CsvFault, CsvPermit, read_csv
from epix_node.permit.csv.rows import MAX_ROW_BYTES
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS

HEAD = "type,number,issuer,issued_on,importer_country,multi_use,sources,quantity,marks,references,block"


def rows(*lines: str, head: str = HEAD) -> bytes:
    return ("\n".join([head, *lines]) + "\n").encode("utf-8")


def results(data: bytes) -> list[CsvPermit | CsvFault]:
    return list(read_csv(io.BytesIO(data)))


def the_permit(data: bytes) -> CsvPermit:
    (result,) = results(data)
    assert isinstance(result, CsvPermit), result.reason
    return result


def the_fault(data: bytes) -> CsvFault:
    (result,) = results(data)
    assert isinstance(result, CsvFault)
    return result


def refusal(data: bytes) -> MalformedDocumentError:
    with pytest.raises(MalformedDocumentError) as refused:
        results(data)
    return refused.value


def test_a_row_is_a_line_and_rows_with_the_same_number_are_one_permit() -> None:
    result = the_permit(rows("E,1,XA,2026-03-01,XB,no,C;O,12,,,A", "E,1,XA,2026-03-01,XB,no,W,5,,,B"))
    assert [(line.block, line.sources, line.quantity) for line in result.permit.lines] == [
        ("A", ("C", "O"), "12"),
        ("B", ("W",), "5"),
    ]
    assert (result.first_row, result.last_row, result.deviations) == (2, 3, ())
    assert result.permit.issued_on == date(2026, 3, 1)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiter_byte_order_mark_and_line_ends_are_recognised(delimiter: str, mark: bytes, end: str) -> None:
    lines = [delimiter.join(["type", "number", "issuer", "taxon"]), delimiter.join(["E", "1", "XA", "Panthera leo"])]
    assert the_permit(mark + end.join(lines).encode()).permit.lines[0].taxon == "Panthera leo"


def test_a_last_line_of_one_character_is_a_row() -> None:
    assert the_permit(b"number,issuer,type\r1,XA,E\r,,\r'").permit.lines
    assert the_permit(b"type,number,issuer\rE,1,XA\r").last_row == 2


def test_the_separator_line_of_a_spreadsheet_is_passed_over() -> None:
    result = the_permit(b"sep=;\r\ntype;number;issuer\r\nE;1;XA\r\n")
    assert result.first_row == 2  # as the spreadsheet numbers it, which hides that line


@pytest.mark.parametrize(
    "head", ["Type,NUMBER, issuer ,Issued on", '"type","Number","issuer","issued.on"', "type,number,issuer,ISSUED-ON,"]
)
def test_headings_may_be_spelled_in_many_ways(head: str) -> None:
    assert the_permit(rows("E,1,XA,2026-03-01", head=head)).permit.issued_on == date(2026, 3, 1)


def test_na_is_namibia() -> None:
    assert the_permit(rows("E,NA,NA,,NA")).permit.importer.country == "NA"


def test_blocks_are_lettered_where_no_row_names_one() -> None:
    lines = the_permit(rows("E,1,XA", "E,1,XA", "E,1,XA")).permit.lines
    assert [line.block for line in lines] == ["A", "B", "C"]
    lines = the_permit(rows("E,1,XA,,,,,,,,B", "E,1,XA")).permit.lines
    assert [line.block for line in lines] == ["B", None]
    lines = the_permit(rows("E,1,XA,,,,,,,,'")).permit.lines
    assert [line.block for line in lines] == [None]


@pytest.mark.parametrize(
    ("position", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (702, "AAA")]
)
def test_letters_go_on_after_z(position: int, letters: str) -> None:
    assert block_letters(position) == letters


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("true", True), ("YES", True), ("1", True), ("false", False), ("No", False), ("0", False), ("", False)],
)
def test_a_switch_is_read(cell, expected) -> None:
    assert the_permit(rows(f"E,1,XA,,,{cell}")).permit.multi_use is expected


def test_lists_are_read_in_both_forms() -> None:
    permit = the_permit(
        rows(
            'E,1,XA,,,,C; O;,,"[""a;b"", ""c""]",import-permit XB 26XB000777 2026-02-20; annex XA No. 7 b,',
        )
    ).permit
    assert permit.lines[0].sources == ("C", "O")
    assert permit.lines[0].marks == ("a;b", "c")
    assert [(r.relation, r.issuer, r.number, r.date) for r in permit.references] == [
        ("import-permit", "XB", "26XB000777", date(2026, 2, 20)),
        ("annex", "XA", "No. 7 b", None),
    ]


def test_a_text_in_brackets_is_a_text() -> None:
    assert the_permit(rows("E,1,XA,,,,,,[ring 7]; [8]")).permit.lines[0].marks == ("[ring 7]", "[8]")


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("'=1+1", "=1+1"),
        ("'-5", "-5"),
        ("''=1", "'=1"),
        ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ("=1+1", "=1+1"),
        (" 5 ", "5"),
    ],
)
def test_defused_formulas_are_restored(cell: str, text: str) -> None:
    assert the_permit(rows(f"E,1,XA,,,,,{cell}")).permit.lines[0].quantity == text


def test_rows_of_a_permit_may_leave_out_what_its_other_rows_say() -> None:
    permit = the_permit(rows("E,1,XA,2026-03-01,,yes", "E,1,XA,,XB,", "E,1,,2026-03-01,XB,TRUE")).permit
    assert (permit.importer.country, permit.multi_use, len(permit.lines)) == ("XB", True, 3)


def test_a_row_that_names_no_permit_belongs_to_the_one_above_and_that_is_said() -> None:
    """As spreadsheets save merged cells."""
    result = the_permit(rows("E,1,XA,2026-03-01,XB,,,5,,,", ",,,,,,,6,,,"))
    assert [line.quantity for line in result.permit.lines] == ["5", "6"]
    assert [deviation.path for deviation in result.deviations] == ["row 3"]


def test_tolerated_things_are_told() -> None:
    result = the_permit(rows("E,26XA-1,XA,,,,,#NAME?,,,A", "E,26xa–1,XA,,,,,5"))
    assert [deviation.path for deviation in result.deviations] == [
        "row 2, column quantity",
        "row 3, column number",
        "row 3",
    ]
    assert result.permit.number == "26XA-1"


def test_empty_rows_mean_nothing() -> None:
    assert the_permit(rows("", "E,1,XA", ",,,", "E,1,XA", "", head="\n\n" + HEAD)).last_row == 7


FAULTS = {
    "a spreadsheet's date": ("E,1,XA,01/03/2026", "issued_on", "YYYY-MM-DD"),
    "a date with a time": ("E,1,XA,2026-03-01 00:00", "issued_on", "YYYY-MM-DD"),
    "a day that is none": ("E,1,XA,2026-02-30", "issued_on", "YYYY-MM-DD"),
    "a switch that is none": ("E,1,XA,,,maybe", "multi_use", "true nor false"),
    "no type": (",1,XA", "type", "empty"),
    "no issuer": ("E,1,", "issuer", "empty"),
    "a number of nothing": ("E,No.,XA", "number", "1 to 70"),
    "a number too long": (f"E,{'1' * 71},XA", "number", "1 to 70"),
    "a number of white space, and no end": (f"E,1{' ' * 1000}2,XA", "number", "1000 characters"),
    "a control character": ("E,1,XA,,,,,,\x01", "marks", "U+0001"),
    "a reference that is none": ("E,1,XA,,,,,,,26XB000777", "references", "import-permit XB"),
    "a reference with a spreadsheet's date": ("E,1,XA,,,,,,,annex XB 7 20.02.2026", "references", "YYYY-MM-DD"),
    "references that are other JSON": ("E,1,XA,,,,,,,[1]", "references", "JSON"),
    "more cells than headings": ("E,1,XA,,,,,,,,,x", None, "12 cells"),
    "a comma that moved the cells": ("E,1,XA,,,,,,,12,5,", None, "12 cells"),
}


@pytest.mark.parametrize(("line", "column", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_a_bad_permit_is_a_fault_with_row_and_column_and_does_not_stop_the_rest(line, column, words) -> None:
    before, fault, after = results(rows("E,a,XA", line, "E,b,XA"))
    assert isinstance(before, CsvPermit)
    assert isinstance(after, CsvPermit)
    assert isinstance(fault, CsvFault)
    assert (fault.first_row, fault.code) == (3, "NOT_UNDERSTOOD")
    assert fault.faults[0].column == column
    assert words in fault.reason
    assert "row 3" in fault.reason


def test_nothing_may_stand_under_an_empty_heading() -> None:
    """It is what a comma in a number moved there, or a column that nobody named."""
    padded = HEAD + ",,,"
    assert the_permit(rows("E,1,XA,,,,,12,,,,,,", head=padded)).permit.lines[0].quantity == "12"
    fault = the_fault(rows("E,1,XA,,,,,12,5,,,B,,", head=padded))
    assert [(item.row, item.column) for item in fault.faults][-1] == (2, None)
    assert "empty heading" in fault.reason


def test_a_row_without_a_number_takes_the_permit_above_with_it() -> None:
    """It may be a line of that permit, which nobody may publish without it."""
    fault = the_fault(rows("E,a,XA", "E,,XA"))
    assert (fault.first_row, fault.faults[0].row, fault.faults[0].column) == (2, 3, "number")


def test_all_faults_of_a_permit_are_told_at_once_but_not_thousands() -> None:
    fault = the_fault(rows("E,1,XA,1.3.26,,x", "E,1,XA,,,,,,,,,y"))
    assert {(item.row, item.column) for item in fault.faults} == {(2, "issued_on"), (2, "multi_use"), (3, None)}
    many = the_fault(rows(*["E,1,XA,,,,,,,,,y"] * 100))
    assert len(many.faults) == 10
    assert many.last_row == 101


def test_rows_of_one_permit_that_contradict_each_other_name_the_column() -> None:
    fault = the_fault(rows("E,1,XA,2026-03-01,XB", "E,1,XA,2026-03-01,XB", "E,1,XA,2026-03-02,XC"))
    assert [(item.row, item.column) for item in fault.faults] == [(4, "issued_on"), (4, "importer_country")]
    assert "row 2" in fault.reason


def test_lists_and_switches_may_be_repeated_in_another_spelling() -> None:
    assert the_permit(rows("E,1,XA,,,yes,,,,annex XA 7", 'E,1,XA,,,TRUE,,,,"annex  XA 7;"')).permit.multi_use


def test_a_permit_that_comes_back_later_is_a_fault_that_names_both_rows() -> None:
    first, second, back = results(rows("E,1,XA", "E,2,XA", "E,1,XA", "E,1,XA"))
    assert isinstance(first, CsvPermit)
    assert isinstance(second, CsvPermit)
    assert isinstance(back, CsvFault)
    assert (back.first_row, back.last_row) == (4, 5)
    assert "row 4" in back.reason
    assert "row 2" in back.reason


def test_another_type_issuer_or_year_is_another_permit() -> None:
    found = results(rows("E,1,XA,2026-03-01", "R,1,XA,2026-03-01", "R,1,XB,2026-03-01", "R,1,XB,2025-03-01"))
    assert [isinstance(result, CsvPermit) for result in found] == [True] * 4


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "NOT_UNDERSTOOD", "empty"),
        (b"\n\n", "NOT_UNDERSTOOD", "empty"),
        (b"\xef\xbb\xbf", "NOT_UNDERSTOOD", "empty"),
        (b"type,number,issuer,issue_date\n", "NOT_UNDERSTOOD", "issued_on"),
        (b"type,number,issuer,zzzzzzzz\n", "NOT_UNDERSTOOD", "no column 'zzzzzzzz'"),
        (b"type,number,issuer,Number\n", "NOT_UNDERSTOOD", "twice"),
        (b"type,issuer\n", "NOT_UNDERSTOOD", "no column number"),
        (b"<?xml version='1.0'?><CITESEPermit/>", "NOT_UNDERSTOOD", "no column"),
        (b"type,number,issuer\nE,\x00,XA\n", "NOT_UNDERSTOOD", "NUL"),
        ("type,number,issuer\nE,1,XA\n".encode("utf-16"), "NOT_UTF8", "UTF-8"),
        ("type,number,issuer\nE,é,XA\n".encode("latin-1"), "NOT_UTF8", "UTF-8"),
        (b'type,number,issuer\nE,"1,XA\n', "NOT_UNDERSTOOD", "quotation mark"),
        (b'type,number,issuer\nE,"1"x,XA\n', "NOT_UNDERSTOOD", "row 2"),
        (b"type,number,issuer\nE," + b"1" * (MAX_ROW_BYTES + 9), "LIMIT_EXCEEDED", "bytes"),
        (b'type,number,issuer\nE,"' + b"1\n" * (MAX_ROW_BYTES // 2), "LIMIT_EXCEEDED", "quotation mark"),
    ],
)
def test_a_file_of_which_nobody_can_say_what_is_in_it_is_refused(data: bytes, code: str, words: str) -> None:
    refused = refusal(data)
    assert refused.code == code
    assert words in str(refused)


@pytest.mark.parametrize("broken", [b'E,"3"x,XA\n', b"E,\xff,XA\n", b"E,\x00,XA\n"])
def test_what_stands_before_a_broken_place_is_read(broken: bytes) -> None:
    """But for the permit just before it, of which nobody knows whether it is complete."""
    found = read_csv(io.BytesIO(rows("E,1,XA", "E,2,XA") + broken))
    assert isinstance(next(found), CsvPermit)
    with pytest.raises(MalformedDocumentError, match="row 4"):
        next(found)


def test_a_text_that_is_too_long_is_a_fault_of_its_permit() -> None:
    fault, other = results(rows(f"E,1,XA,,,,,,{'x' * (MAX_TEXT_CHARACTERS + 1)}", "E,2,XA"))
    assert isinstance(fault, CsvFault)
    assert isinstance(other, CsvPermit)
    assert (fault.code, fault.faults[0].column) == ("LIMIT_EXCEEDED", "marks")


def test_too_many_lines_of_one_permit_are_a_fault_and_the_rest_is_read() -> None:
    fault, other = results(rows(*["E,1,XA"] * (MAX_LINES + 5), "E,2,XA"))
    assert isinstance(fault, CsvFault)
    assert isinstance(other, CsvPermit)
    assert (fault.code, fault.last_row) == ("LIMIT_EXCEEDED", MAX_LINES + 6)


def test_too_much_text_in_one_permit_is_a_fault() -> None:
    text = "x" * MAX_TEXT_CHARACTERS
    assert the_fault(rows(*[f"E,1,XA,,,,,,{text}"] * 65)).code == "LIMIT_EXCEEDED"


def test_the_stream_stays_open() -> None:
    stream = io.BytesIO(rows("E,1,XA"))
    list(read_csv(stream))
    assert not stream.closed


def test_reading_may_end_early_even_on_a_closed_stream() -> None:
    """As where somebody asks for the first permit and leaves."""
    stream = io.BufferedReader(io.BytesIO(rows("E,1,XA", "E,2,XA")))
    found = read_csv(stream)
    next(found)
    stream.close()
    found.close()


def test_a_long_file_does_not_need_much_memory() -> None:
    """Eight thousand rows arrive one by one; what is kept of a permit is 16 bytes or a little more."""

    class Endless(io.RawIOBase):
        def __init__(self, lines: Iterator[bytes]) -> None:
            self.lines = lines

        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            line = next(self.lines, b"")
            buffer[: len(line)] = line
            return len(line)

    def lines() -> Iterator[bytes]:
        yield b"type,number,issuer,special_conditions\n"
        for number in range(8_000):
            yield b"E,%d,XA,%s\n" % (number, b"x" * 1000)

    tracemalloc.start()
    try:
        count = sum(isinstance(result, CsvPermit) for result in read_csv(io.BufferedReader(Endless(lines()))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 8_000
    assert peak < 3 * 1024 * 1024
