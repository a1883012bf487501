"""What is no extract as we write it is no exchange document, and what is read can be kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.document.writer import write_document
from epix_node.errors import MalformedDocumentError
from epix_node.permit.event import Outcome, WithdrawalReason
from epix_node.permit.extract import PermitExtract
from epix_node.permit.facts import Source
from epix_node.permit.passage import Passage
from epix_node.store import extracts
from tests.document.test_reader import EPIX, _double, _without, at, refusal, texts
from tests.permit.test_extract import TOLD, extracted
from tests.signing.mutations import mutated
from tests.stores import open_store

EXTRACT = replace(
    extracted(TOLD),
    withdrawn=WithdrawalReason.STOLEN,
    passages=(
        Passage(on=date(2026, 3, 4), party="XC"),
        Passage(on=date(2026, 3, 9), party="XD", outcome=Outcome.REFUSED.value),
    ),
)
HEADER = Header(
    environment="sandbox",
    party="XC",
    type=DocumentType.EXTRACT,
    issued=datetime(2026, 3, 20, 10, tzinfo=UTC),
    salt=bytes(16),
    permit_salt=bytes(range(16)),
    recipients=("XA", "XB", "XE"),
    permit_issuer="XC",
    permit_type="R",
    permit_number="26XC000123",
    permit_year=2026,
)
DOCUMENT = ExchangeDocument(header=HEADER, body=EXTRACT)
BODY = "Body/PermitExtract"


def altered(change: Callable[[etree._Element], object]) -> bytes:
    root = etree.fromstring(write_document(DOCUMENT))
    change(root)
    return etree.tostring(root)


def adds(path: str, tag: str, text: str) -> Callable[[etree._Element], object]:
    def change(root: etree._Element) -> None:
        etree.SubElement(at(root, path), EPIX + tag).text = text

    return change


def test_an_extract_is_laid_out_as_its_table_says() -> None:
    """Members in order, null left out, nothing said twice that the header says."""
    body = at(etree.fromstring(write_document(DOCUMENT)), BODY)
    assert [etree.QName(child).localname for child in body] == [
        "Document",
        "Withdrawn",
        "Subtype",
        "IssuedOn",
        "ValidFrom",
        "ValidUntil",
        "Purpose",
        "ExporterCountry",
        "ImporterCountry",
        "Transit",
        "Passage",
        "Passage",
        "Line",
    ]
    assert [(etree.QName(child).localname, child.text) for child in body[-1] if not len(child)] == [
        ("Block", "A"),
        ("Taxon", "Python regius"),
        ("Appendix", "II"),
        ("Source", "C"),
        ("Term", "SKI"),
        ("Quantity", "12.50"),
        ("Unit", "KGM"),
        ("Endorsed", "0"),
        ("Confirmed", "0"),
        ("Remaining", "12.5"),
    ]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("no digest of the permit", _without(f"{BODY}/Document")),
        ("a digest that is none", texts(f"{BODY}/Document", "abc")),
        ("an unknown reason", texts(f"{BODY}/Withdrawn", "eaten")),
        ("no date of issue", _without(f"{BODY}/IssuedOn")),
        ("a date in another form", texts(f"{BODY}/ValidUntil", "31.8.2026")),
        ("no line", _without(f"{BODY}/Line")),
        ("no type in the header", _without("Header/PermitType")),
        ("no number in the header", _without("Header/PermitNumber")),
        ("an event id", adds("Header", "EventId", "ZRH-1")),
        ("an exporter with a name", adds(BODY, "Exporter", "Hook Leather")),
        ("a line with a mark", adds(f"{BODY}/Line", "Mark", "XA-001")),
        ("a line with a description", adds(f"{BODY}/Line", "Description", "skins")),
        ("nothing said of what left", _without(f"{BODY}/Line/Endorsed")),
        ("less than nothing arrived", texts(f"{BODY}/Line/Confirmed", "-1")),
        ("a sum that is none", texts(f"{BODY}/Line/Endorsed", "1e3")),
        ("a sum with leading zeros", texts(f"{BODY}/Line/Endorsed", "007")),
        ("a sum with seven decimals", texts(f"{BODY}/Line/Endorsed", "0.0000001")),
        ("a sum beyond all measure", texts(f"{BODY}/Line/Endorsed", "9" * 41)),
        ("a number of origin that is not normalised", texts(f"{BODY}/Line/Origin/Permit", "26xa000001")),
        ("an origin that says nothing", lambda root: at(root, f"{BODY}/Line/LastReexport").clear()),
        ("a passage without a day", _without(f"{BODY}/Passage/On")),
        ("a passage seen by nobody", _without(f"{BODY}/Passage/Party")),
        ("a passage seen by somebody with a name", texts(f"{BODY}/Passage/Party", "Mr Smee")),
        ("a passage with another end", adds(f"{BODY}/Passage", "Outcome", "eaten")),
        ("a passage with an office", adds(f"{BODY}/Passage", "Office", "PORT-1")),
        ("two origins", _double(f"{BODY}/Line/Origin")),
        ("two bodies", _double(BODY)),
    ],
)
def test_what_we_would_not_have_written_is_no_extract(name: str, change: Callable[[etree._Element], object]) -> None:
    """One thing wrong at a time."""
    assert refusal(altered(change)) in {"NOT_A_DOCUMENT", "CONTENT_MISMATCH"}, name


@pytest.mark.parametrize(
    ("path", "text"),
    [("Header/PermitYear", "2025"), (f"{BODY}/IssuedOn", "2025-03-01")],
)
def test_a_header_that_speaks_of_another_year_is_not_believed(path: str, text: str) -> None:
    """The key stands in the header for everybody who routes the document."""
    assert refusal(altered(texts(path, text))) == "CONTENT_MISMATCH"


def test_what_is_read_can_be_kept(tmp_path: Path) -> None:
    """Whatever the strict reader lets through comes back unchanged from the store."""
    database = open_store(tmp_path / "XA.sqlite")
    found = 0
    for number in range(400):
        try:
            document = read_document(mutated(write_document(DOCUMENT), number))
        except MalformedDocumentError:
            continue
        found += 1
        assert read_document(write_document(document)) == document, number
        told = document.body
        assert isinstance(told, PermitExtract)
        source = Source(document=json.dumps(number), type="permit-extract", party="XC", index=number, at=HEADER.issued)
        database.write_now(extracts.add, told, source=source)
        assert database.read_now(extracts.written, "XC", told.key) == told, number
    database.close()
    assert found > 10
