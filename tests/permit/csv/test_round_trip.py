"""What is written as CSV reads back as it was, whatever the permit says."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError, UnacceptableError
from epix_node.permit.csv.reader import CsvPermit, read_csv
from epix_node.permit.csv.writer import MAX_REPEATED_CHARACTERS, write_csv
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.normal import normal_form
from epix_node.permit.number import normalised

CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
UGLY = " \t\n\r,;\"'=+-@[]{}\\＝\u2028\ufeff"
TEXT = st.one_of(
    st.text(CHARACTERS | st.sampled_from(UGLY), max_size=12),
    st.sampled_from(
        [
            "=1+1",
            "'=1+1",
            "''",
            "'",
            "'s-Hertogenbosch",
            "@x",
            "-5",
            "a;b",
            '["a"]',
            "[]",
            "[1]",
            "true",
            "NA",
            "#N/A",
            "sep=;",
            "01/03/2026",
            "annex XA 1",
            "x" * (MAX_REPEATED_CHARACTERS + 1),
            '"',
        ]
    ),
)
MAYBE = st.none() | TEXT
DAY = st.none() | st.dates()
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
TRADE_PARTY = st.none() | st.builds(TradeParty, name=MAYBE, address=MAYBE, country=MAYBE)
ORIGIN = st.none() | st.builds(Origin, country=MAYBE, permit=MAYBE, date=DAY)
LINE = st.builds(
    Line,
    **dict.fromkeys(["block", "taxon", "common_name", "appendix", "term", "description", "quantity", "unit"], MAYBE),
    sources=TEXTS,
    marks=TEXTS,
    origin=ORIGIN,
    last_reexport=ORIGIN,
    acquired_on=DAY,
    operation_number=MAYBE,
    quota=st.none() | st.builds(Quota, used=MAYBE, annual=MAYBE, unit=MAYBE),
)
REFERENCE = st.builds(
    Reference,
    relation=TEXT | st.sampled_from(["import-permit", "export-permit", "annex"]),
    issuer=MAYBE | st.just("XB"),
    number=MAYBE | st.sampled_from(["26XB000777", "No. 7 2026-02-20", "a 1/2/2026"]),
    date=DAY,
)
NUMBER = st.tuples(TEXT, st.sampled_from(["x", "26XA000123"])).map(lambda pair: (pair[0] + pair[1])[-70:])
PERMITS = (
    st.builds(
        Permit,
        type=st.sampled_from("ERIO") | TEXT.map(lambda text: text + "x"),
        number=NUMBER,
        issuer=st.sampled_from(["XA", "NA", "=", "'"]) | TEXT.map(lambda text: text + "x"),
        lines=st.lists(LINE, min_size=1, max_size=3).map(tuple),
        **dict.fromkeys(["issued_on", "valid_from", "valid_until"], DAY),
        **dict.fromkeys(["multi_use", "copy", "retrospective", "paper_original"], st.booleans()),
        **dict.fromkeys(
            ["subtype", "purpose", "replaces", "security_stamp", "special_conditions", "transport_document"], MAYBE
        ),
        exporter=TRADE_PARTY,
        importer=TRADE_PARTY,
        transit=TEXTS,
        authority=st.builds(Authority, name=MAYBE, place=MAYBE, signatory=MAYBE),
        references=st.lists(REFERENCE, max_size=3).map(tuple),
    )
    .map(normal_form)
    .filter(lambda permit: 0 < len(normalised(permit.number)) <= 70)
)

WORST = Permit(
    type="O",
    number="'=26XA–000123∕ é 🐍",
    issuer="'",
    issued_on=date(1, 1, 1),
    valid_until=date(9999, 12, 31),
    multi_use=True,
    copy=True,
    replaces="-1",
    transit=("a;b", "[c", "'"),
    exporter=TradeParty(address="first\n\n  third\r\nfourth\rfifth\u2028sixth\x85seventh"),
    special_conditions='=HYPERLINK("http://example.org";"x")',
    references=(
        Reference(relation="annex"),
        Reference(relation="unheard-of", issuer="?"),
        Reference(relation="import-permit", issuer="XB", number="No. 7 2026-02-20"),
        Reference(relation="import-permit", issuer="XB", number="26XB000777; x", date=date(2026, 2, 20)),
    ),
    lines=(
        Line(),
        Line(block="B", marks=("", "=a", "=a", '["a"]')),
        Line(sources=("O;W", "W"), quantity="-1", quota=Quota(unit="@")),
        Line(marks=("[]",), origin=Origin(date=date(2025, 1, 1)), last_reexport=Origin(permit="E")),
    ),
)


def written(*permits: Permit) -> bytes:
    return b"".join(write_csv(permits))


def read(data: bytes) -> list[Permit]:
    permits = []
    for result in read_csv(io.BytesIO(data)):
        assert isinstance(result, CsvPermit), result.reason
        permits.append(result.permit)
    return permits


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(PERMITS)
@example(normal_form(WORST))
@example(normal_form(replace(WORST, lines=(Line(),))))
def test_writing_and_reading_loses_nothing(permit: Permit) -> None:
    assert read(written(permit)) == [permit]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(PERMITS)
@example(normal_form(WORST))
def test_every_program_that_reads_csv_sees_the_same_cells_and_none_is_a_formula(permit: Permit) -> None:
    rows = list(csv.reader(io.StringIO(written(permit).decode("utf-8"), newline=""), strict=True))
    assert len(rows) == 1 + len(permit.lines)
    assert len({len(row) for row in rows}) == 1
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows[1:] for cell in row)


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_a_spreadsheet_saves_again_reads_the_same(example: Permit, delimiter: str, encoding: str) -> None:
    for permit in (example, normal_form(WORST)):
        rows = csv.reader(io.StringIO(written(permit).decode("utf-8"), newline=""))
        saved = io.StringIO(newline="")
        csv.writer(saved, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
        assert read(saved.getvalue().encode(encoding)) == [permit]


def test_many_permits_stay_apart(example: Permit) -> None:
    permits = [
        example,
        replace(example, number="26XA000124", lines=example.lines * 3),
        replace(example, type="R"),
        replace(example, issuer="NA"),
        replace(example, issued_on=date(2025, 3, 1)),
    ]
    assert read(written(*permits)) == permits


def test_two_permits_that_would_be_read_as_one_are_not_written(example: Permit) -> None:
    for twin in (example, replace(example, number=" 26xa000123 "), replace(example, issued_on=None)):
        with pytest.raises(UnacceptableError):
            written(example, twin)


def test_long_texts_are_not_repeated_on_ten_thousand_rows(example: Permit) -> None:
    """Or a permit of one megabyte would be a file of gigabytes."""
    permit = replace(example, special_conditions="x" * 60_000, lines=example.lines * 1000)
    data = written(permit)
    assert len(data) < 1_000_000
    assert read(data) == [permit]


def test_what_tells_the_permit_is_repeated_however_long(example: Permit) -> None:
    permit = replace(example, number="A" + " " * 300 + "1", lines=example.lines * 3)
    assert read(written(permit)) == [permit]


def test_a_control_character_cannot_be_written(example: Permit) -> None:
    with pytest.raises(MalformedDocumentError):
        written(replace(example, purpose="T\x00"))


def test_permits_are_written_as_they_come(example: Permit) -> None:
    """The first rows are there before the second permit is asked for."""

    def permits():
        yield example
        raise AssertionError("asked for too early")

    rows = write_csv(permits())
    assert next(rows).startswith(b"type,")
    assert b"26XA000123" in next(rows)
