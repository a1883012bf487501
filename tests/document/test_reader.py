"""Reading is strict: what we would not have written is no exchange document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from lxml import etree

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.document.schema import document_schema
from epix_node.document.writer import write_document
from epix_node.errors import MalformedDocumentError
from epix_node.permit.event import (
    Confirmation,
    Correction,
    Difference,
    EventLine,
    Outcome,
    PermitRef,
    Presentation,
    Withdrawal,
    WithdrawalReason,
)
from epix_node.permit.model import Line, Permit
from epix_node.permit.number import PermitKey
from epix_node.permit.quantity import Quantity

EPIX = "{urn:epix-node:document:1}"
HEADER = Header(
    environment="sandbox",
    party="XB",
    type=DocumentType.CONFIRMATION,
    issued=datetime(2026, 3, 20, 10, tzinfo=UTC),
    salt=bytes(16),
    permit_salt=bytes(range(16)),
    recipients=("XA",),
    permit_issuer="XA",
    permit_type="E",
    permit_number="26XA000123",
    permit_year=2026,
    event_id="ZRH-1",
)
REF = PermitRef(issuer="XA", number="26XA000123", type="E", issued_on=date(2026, 3, 1))
CONFIRMATION = Confirmation(
    event_id="ZRH-1",
    permit=REF,
    office="ZRH",
    date=date(2026, 3, 20),
    outcome=Outcome.RELEASED,
    lines=(EventLine(block="A", quantity=Quantity.parse("12", "NAR")),),
)
CONFIRMED = ExchangeDocument(header=HEADER, body=CONFIRMATION)
PERMIT = Permit(
    type="E", number="No. 26xa000123", issuer="XA", issued_on=date(2026, 3, 1), lines=(Line(block="A"),), legacy=True
)
PERMIT_HEADER = replace(HEADER, type=DocumentType.PERMIT, party="XA", event_id=None)
PUBLISHED = ExchangeDocument(header=PERMIT_HEADER, body=PERMIT)


def altered(document: ExchangeDocument, change: Callable[[etree._Element], object]) -> bytes:
    root = etree.fromstring(write_document(document))
    change(root)
    return etree.tostring(root)


def at(root: etree._Element, path: str) -> etree._Element:
    element = root.find("/".join(EPIX + step for step in path.split("/")))
    assert element is not None
    return element


def texts(path: str, text: str) -> Callable[[etree._Element], object]:
    return lambda root: setattr(at(root, path), "text", text)


def refusal(data: bytes) -> str:
    with pytest.raises(MalformedDocumentError) as refused:
        read_document(data)
    return refused.value.code


def test_the_structure_is_that_of_decision_1() -> None:
    """Header order, UpperCamelCase, singular repeats, null left out, nothing said twice."""
    root = etree.fromstring(write_document(CONFIRMED))
    assert [etree.QName(child).localname for child in at(root, "Header")] == [
        "Environment",
        "Party",
        "Type",
        "Issued",
        "Salt",
        "PermitSalt",
        "Recipient",
        "PermitIssuer",
        "PermitType",
        "PermitNumber",
        "PermitYear",
        "EventId",
    ]
    body = at(root, "Body/ImportConfirmation")
    assert [etree.QName(child).localname for child in body] == ["Permit", "Office", "Date", "Outcome", "Line"]
    assert [etree.QName(child).localname for child in body[-1]] == ["Block", "Quantity", "Unit"]
    assert etree.tostring(body[0], method="c14n", exclusive=True) == (
        b'<epix:Permit xmlns:epix="urn:epix-node:document:1"><epix:IssuedOn>2026-03-01</epix:IssuedOn></epix:Permit>'
    )


def test_a_signature_as_the_last_child_is_passed_over() -> None:
    """The verifier may hand on the root with or without it."""
    signed = altered(
        CONFIRMED,
        lambda root: etree.SubElement(root, "{http://www.w3.org/2000/09/xmldsig#}Signature").append(
            etree.Element("{http://www.w3.org/2000/09/xmldsig#}SignedInfo")
        ),
    )
    assert read_document(signed) == CONFIRMED


def test_white_space_between_elements_means_nothing() -> None:
    """Another node may indent what it signs."""
    root = etree.fromstring(write_document(CONFIRMED))
    etree.indent(root)
    assert read_document(etree.tostring(root)) == CONFIRMED


def test_a_permit_brings_its_extension() -> None:
    """What toolkit v2 cannot hold stands beside it; its number stays as printed."""
    assert read_document(write_document(PUBLISHED)) == PUBLISHED


def _swap(root: etree._Element) -> None:
    header = at(root, "Header")
    header.insert(0, header[1])


def _double(path: str) -> Callable[[etree._Element], object]:
    def change(root: etree._Element) -> None:
        element = at(root, path)
        copy = etree.fromstring(etree.tostring(element))
        copy.tail = None
        element.addnext(copy)

    return change


def _without(path: str) -> Callable[[etree._Element], object]:
    def change(root: etree._Element) -> None:
        element = at(root, path)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("another root", lambda root: setattr(root, "tag", f"{EPIX}Envelope")),
        ("the root of another namespace", lambda root: setattr(root, "tag", "{urn:epix-node:document:2}Document")),
        ("an attribute of the root", lambda root: root.set("Id", "x")),
        ("an attribute of the header", lambda root: at(root, "Header").set("Id", "x")),
        ("an attribute of the body", lambda root: at(root, "Body").set("Id", "x")),
        ("an attribute of a text", lambda root: at(root, "Header/Party").set("Id", "x")),
        ("text in the root", lambda root: setattr(root, "text", "x")),
        ("text after the body", lambda root: setattr(at(root, "Body"), "tail", "x")),
        ("text in the header", lambda root: setattr(at(root, "Header"), "text", "x")),
        ("text between members", lambda root: setattr(at(root, "Header/Party"), "tail", "\u00a0")),
        ("no header", _without("Header")),
        ("no body", _without("Body")),
        ("two headers", _double("Header")),
        ("two bodies", _double("Body")),
        ("something after the body", lambda root: etree.SubElement(root, f"{EPIX}More")),
        (
            "a signature first",
            lambda root: root.insert(0, etree.Element("{http://www.w3.org/2000/09/xmldsig#}Signature")),
        ),
        ("an empty body", lambda root: at(root, "Body").clear()),
        ("two of our elements", _double("Body/ImportConfirmation")),
        ("an element in a text", lambda root: etree.SubElement(at(root, "Header/Party"), f"{EPIX}More")),
        ("an unknown member", lambda root: etree.SubElement(at(root, "Header"), f"{EPIX}More")),
        ("a member without namespace", lambda root: etree.SubElement(at(root, "Header"), "Supersedes")),
        ("members out of order", _swap),
        ("a member twice", _double("Header/Party")),
        ("a missing member", _without("Header/Salt")),
        ("an empty member", texts("Header/EventId", "")),
        ("no event id", _without("Header/EventId")),
        ("no permit", _without("Header/PermitNumber")),
        ("an unknown type", texts("Header/Type", "note")),
        ("the type of another body", texts("Header/Type", "export-endorsement")),
        ("an unknown environment", texts("Header/Environment", "live")),
        ("no Party code", texts("Header/Party", "Xb")),
        ("a time without zone", texts("Header/Issued", "2026-03-20T10:00:00")),
        ("a time with an offset", texts("Header/Issued", "2026-03-20T10:00:00+00:00")),
        ("a time in another form", texts("Header/Issued", "20260320T100000Z")),
        ("a time that is none", texts("Header/Issued", "2026-03-20T25:00:00Z")),
        ("a padded salt", texts("Header/Salt", "AAAAAAAAAAAAAAAAAAAAAA==")),
        ("a short salt", texts("Header/PermitSalt", "AAAA")),
        ("a number that is not normalised", texts("Header/PermitNumber", "26xa000123")),
        ("a year that is none", texts("Header/PermitYear", "26")),
        ("an unknown permit type", texts("Header/PermitType", "Q")),
        ("an event id that is none", texts("Header/EventId", "a b")),
        ("a date in another form", texts("Body/ImportConfirmation/Date", "20260320")),
        ("an unknown outcome", texts("Body/ImportConfirmation/Outcome", "eaten")),
        ("no office", _without("Body/ImportConfirmation/Office")),
        ("two offices", _double("Body/ImportConfirmation/Office")),
        ("a negative quantity", texts("Body/ImportConfirmation/Line/Quantity", "-1")),
        ("a quantity that is none", texts("Body/ImportConfirmation/Line/Quantity", "twelve")),
        ("an unknown unit", texts("Body/ImportConfirmation/Line/Unit", "XXX")),
        ("a line without quantity", _without("Body/ImportConfirmation/Line/Quantity")),
    ],
)
def test_what_we_would_not_have_written_is_no_document(name: str, change: Callable[[etree._Element], object]) -> None:
    """One thing wrong at a time."""
    assert refusal(altered(CONFIRMED, change)) == "NOT_A_DOCUMENT", name


@pytest.mark.parametrize(
    ("document", "path", "text"),
    [
        (CONFIRMED, "Header/PermitYear", "2025"),
        (PUBLISHED, "Header/PermitIssuer", "XB"),
        (PUBLISHED, "Header/PermitType", "R"),
        (PUBLISHED, "Header/PermitNumber", "26XA000124"),
        (PUBLISHED, "Header/PermitYear", "2025"),
    ],
)
def test_a_header_that_speaks_of_another_permit_is_not_believed(
    document: ExchangeDocument, path: str, text: str
) -> None:
    """Whoever routes by the header would be led astray."""
    assert refusal(altered(document, texts(path, text))) == "CONTENT_MISMATCH"


def test_a_permit_whose_key_the_header_leaves_out_is_not_believed() -> None:
    """Type and year are known here."""
    assert refusal(altered(PUBLISHED, _without("Header/PermitYear"))) == "CONTENT_MISMATCH"


def test_a_correction_must_name_the_document_that_it_takes_back() -> None:
    """The header by digest, the body by event id."""
    header = replace(HEADER, type=DocumentType.CORRECTION, supersedes="0" * 64)
    document = ExchangeDocument(header=header, body=Correction(event_id="ZRH-1", supersedes="ZRH-0", permit=REF))
    assert read_document(write_document(document)) == document
    assert refusal(altered(document, _without("Header/Supersedes"))) == "CONTENT_MISMATCH"
    assert refusal(altered(document, _without("Body/Correction/Supersedes"))) == "NOT_A_DOCUMENT"


def test_a_permit_without_an_issuer_inside_is_no_document() -> None:
    """The permit is read tolerantly, but it must be one."""
    assert refusal(altered(PUBLISHED, lambda root: at(root, "Body")[0].clear())) == "NOT_A_DOCUMENT"


def test_a_signed_document_inside_a_permit_is_no_document() -> None:
    """A signature has one place."""

    def hide(root: etree._Element) -> None:
        etree.SubElement(at(root, "Body")[0], "{http://www.w3.org/2000/09/xmldsig#}Signature")

    assert refusal(altered(PUBLISHED, hide)) == "NOT_A_DOCUMENT"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "NOT_A_DOCUMENT"),
        (b"{}", "NOT_A_DOCUMENT"),
        (write_document(CONFIRMED)[:-1], "NOT_A_DOCUMENT"),
        (write_document(CONFIRMED).replace(b"<epix:Body>", b"<!-- x --><epix:Body>"), "FORBIDDEN_XML"),
        (write_document(CONFIRMED).replace(b"<epix:Body>", b"<?x?><epix:Body>"), "FORBIDDEN_XML"),
        (b"<!DOCTYPE a>" + write_document(CONFIRMED), "FORBIDDEN_XML"),
        (write_document(CONFIRMED).decode().encode("utf-16"), "NOT_UTF8"),
        (b" " * 1_048_577, "TOO_LARGE"),
    ],
    ids=["nothing", "JSON", "cut off", "comment", "instruction", "DOCTYPE", "UTF-16", "too large"],
)
def test_bytes_that_are_no_safe_xml_keep_the_parsers_code(data: bytes, code: str) -> None:
    """Contract 4's reason codes."""
    assert refusal(data) == code


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (HEADER, PERMIT),
        (replace(HEADER, event_id="ZRH-2"), CONFIRMATION),
        (replace(HEADER, permit_issuer="XC"), CONFIRMATION),
        (replace(HEADER, permit_type=None), CONFIRMATION),
        (replace(HEADER, permit_year=2025), CONFIRMATION),
        (PERMIT_HEADER, replace(PERMIT, issued_on=None)),
        (
            replace(HEADER, type=DocumentType.CORRECTION),
            Correction(event_id="ZRH-1", supersedes="ZRH-0", permit=REF),
        ),
        (
            replace(HEADER, type=DocumentType.WITHDRAWAL),
            Withdrawal(
                permit=PermitKey(issuer="XA", type="E", number="26XA000124", year=2026), reason=WithdrawalReason.LOST
            ),
        ),
    ],
)
def test_header_and_body_that_do_not_belong_together_make_no_document(header: Header, body: Any) -> None:
    """A mistake of this program, found before anything is signed."""
    with pytest.raises(ValueError, match=r"header|hold|date|digest"):
        ExchangeDocument(header=header, body=body)


def test_the_header_may_know_the_year_although_the_event_does_not() -> None:
    """Whoever resolved the number knows more than whoever reported."""
    body = replace(CONFIRMATION, permit=replace(REF, issued_on=None))
    document = ExchangeDocument(header=HEADER, body=body)
    assert read_document(write_document(document)) == document


@pytest.mark.parametrize(
    "header",
    [
        replace(HEADER, environment="live"),
        replace(HEADER, issued=datetime(2026, 3, 20)),  # noqa: DTZ001  # naive on purpose
        replace(HEADER, salt=b"short"),
        replace(HEADER, recipients=("everybody",)),
        replace(HEADER, token_digest="x"),
    ],
)
def test_a_header_that_could_not_be_read_is_not_written(header: Header) -> None:
    """A mistake of this program is a ``ValueError``, and nothing is signed."""
    with pytest.raises(ValueError, match=r".+"):
        write_document(ExchangeDocument(header=header, body=CONFIRMATION))


def test_a_switch_that_differs_stays_a_switch() -> None:
    """And a list stays a list, also of one."""
    shown = Presentation(
        event_id="ZRH-1",
        permit=REF,
        office="ZRH",
        date=date(2026, 3, 20),
        presented={"copy": True, "transit": ["XC"]},
        differences=(
            Difference(field="copy", presented=True, registered=False, class_="A"),
            Difference(field="transit", presented=["XC"], registered=None, class_="A"),
        ),
    )
    document = ExchangeDocument(header=replace(HEADER, type=DocumentType.PRESENTATION), body=shown)
    assert read_document(write_document(document)) == document
    wrong = altered(document, texts("Body/Presentation/Difference/Presented", "yes"))
    assert refusal(wrong) == "NOT_A_DOCUMENT"


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    """A schema that accepts everything would prove nothing."""
    schema = document_schema()
    assert schema.validate(etree.fromstring(write_document(CONFIRMED)))
    for change in (_swap, _without("Header/Salt"), texts("Header/Issued", "today"), _double("Header/Party")):
        assert not schema.validate(etree.fromstring(altered(CONFIRMED, change)))
