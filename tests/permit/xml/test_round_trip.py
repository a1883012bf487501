"""What is written reads back as it was, whatever the permit says."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Authority, Line, Origin, Permit, Quota, Reference, TradeParty
from epix_node.permit.normal import normal_form
from epix_node.permit.xml.extension import extension_element, read_extension
from epix_node.permit.xml.reader import read_permit, read_permit_bytes
from epix_node.permit.xml.writer import permit_element, write_permit

XML_CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.one_of(
    st.text(XML_CHARACTERS | st.sampled_from(" \t\n\r<>&'\""), max_size=12),
    # What the tolerant reader would mend, were it not our own document.
    st.sampled_from(
        ["?", "KIL", "PCS", "861", "811", "911", "E", "R", "I", "W/X", "annex", "Replaced document", "true"]
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
REQUIRED = TEXT.map(lambda text: text + "x")
PERMITS = st.builds(
    Permit,
    type=REQUIRED | st.sampled_from("ERIO"),
    number=REQUIRED,
    issuer=REQUIRED,
    lines=st.lists(LINE, min_size=1, max_size=3).map(tuple),
    **dict.fromkeys(["issued_on", "valid_from", "valid_until"], DAY),
    **dict.fromkeys(["multi_use", "copy", "retrospective", "paper_original", "legacy"], st.booleans()),
    **dict.fromkeys(
        ["subtype", "purpose", "replaces", "security_stamp", "special_conditions", "transport_document"], MAYBE
    ),
    exporter=TRADE_PARTY,
    importer=TRADE_PARTY,
    transit=TEXTS,
    authority=st.builds(Authority, name=MAYBE, place=MAYBE, signatory=MAYBE),
    references=st.lists(
        st.builds(Reference, relation=TEXT | st.just("import-permit"), issuer=MAYBE, number=MAYBE, date=DAY), max_size=3
    ).map(tuple),
).map(normal_form)

UGLY = Permit(
    type="O",
    number="No. 26XA–000123∕ é 🐍",
    issuer="XA",
    subtype="no such subtype",
    issued_on=date(1, 1, 1),
    valid_until=date(9999, 12, 31),
    multi_use=True,
    copy=True,
    retrospective=True,
    paper_original=True,
    legacy=True,
    replaces="911",
    transit=("XC", "XC", "nowhere"),
    exporter=TradeParty(address="first\n\n  third\r\nfourth"),
    references=(
        Reference(relation="911", number="1"),
        Reference(relation="annex"),
        Reference(relation="unheard-of", issuer="?"),
        Reference(relation="import-permit", issuer="XB", number="26XB000777", date=date(2026, 2, 20)),
    ),
    lines=(
        Line(),
        Line(sources=("W/X", "W", "W"), quantity="1e3", unit="PCS", quota=Quota(unit="?")),
        Line(sources=("O", "W"), unit="KIL", quota=Quota(used="1"), marks=("a", "a", "]]>")),
        Line(quantity="5", origin=Origin(date=date(2025, 1, 1)), last_reexport=Origin(permit="E")),
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(PERMITS)
@example(UGLY)
def test_writing_and_reading_loses_nothing(permit: Permit) -> None:
    """Through bytes, since that is how it travels; nothing of our own document needs mending."""
    reading = read_permit(etree.fromstring(etree.tostring(permit_element(permit))))
    extension = extension_element(permit)
    if extension is not None:
        extension = etree.fromstring(etree.tostring(extension))
    assert read_extension(extension, reading.permit) == permit
    assert reading.deviations == ()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(PERMITS)
@example(UGLY)
def test_canonical_xml_reads_the_same(permit: Permit) -> None:
    """What a signature covers is the canonical form."""
    element = permit_element(permit)
    canonical = etree.tostring(element, method="c14n", exclusive=True)
    assert read_permit(etree.fromstring(canonical)) == read_permit(element)


def test_the_indented_document_reads_the_same(example: Permit) -> None:
    assert read_permit_bytes(write_permit(example)) == read_permit(permit_element(example))
    assert write_permit(example).startswith(b"<?xml version='1.0' encoding='UTF-8'?>")


def test_elements_stand_in_the_order_of_the_toolkit(example: Permit) -> None:
    """The sequence of cites-formats.md 1.2, header and item."""
    line = dataclasses.replace(
        example.lines[0],
        sources=("O", "W"),
        origin=Origin(country="XA", permit="1", date=date(2026, 1, 1)),
        last_reexport=Origin(country="XC", permit="2"),
        acquired_on=date(2020, 1, 1),
        operation_number="A-XA-501",
    )
    root = permit_element(dataclasses.replace(example, replaces="26XA000100", transport_document="020", lines=(line,)))
    _, header, consignment = root
    assert _names(header) == [
        "ID",
        "TypeCode",
        "IssueDateTime",
        "CopyIndicator",
        "PurposeCode",
        "Information",
        "ReferenceReferencedDocument",
        "ReferenceReferencedDocument",
        "EffectiveSpecifiedPeriod",
        "IssueLogisticsLocation",
        "FirstSignatoryDocumentAuthentication",
        "ThirdSignatoryDocumentAuthentication",
    ]
    assert _names(consignment) == [
        "ConsignorTradeParty",
        "ConsigneeTradeParty",
        "TransportContractReferencedDocument",
        "IncludedSupplyChainConsignmentItem",
    ]
    assert _names(consignment[-1]) == [
        "ID",
        "PhysicalLogisticsShippingMarks",
        "OriginTradeCountry",
        "ExportTradeCountry",
        "AssociatedReferencedDocument",
        "AssociatedReferencedDocument",
        "TransportLogisticsPackage",
        "IncludedSupplyChainTradeLineItem",
        "IncludedSupplyChainTradeLineItem",
        "ApplicableCrossBorderRegulatoryProcedure",
    ]
    assert _names(consignment[-1][-1]) == [
        "UsedToDateQuotaQuantity",
        "AnnualQuotaQuantity",
        "AcquisitionDateTime",
        "PreviousReferencedDocument",
    ]


def test_root_and_children_are_qualified(example: Permit) -> None:
    root = permit_element(example)
    rsm = "{urn:un:unece:uncefact:data:standard:CITESEPermit:2}"
    assert root.tag == f"{rsm}CITESEPermit"
    assert all(child.tag.startswith(rsm) for child in root)
    assert all(
        "ReusableAggregateBusinessInformationEntity" in part.tag
        for child in root
        for part in child.iter("*")
        if part is not child
    )


def test_a_control_character_cannot_be_written(example: Permit) -> None:
    """A permit that skipped its normal form is refused with a word, not with a traceback."""
    with pytest.raises(MalformedDocumentError):
        permit_element(dataclasses.replace(example, purpose="T\x00"))
    with pytest.raises(MalformedDocumentError):
        extension_element(dataclasses.replace(example, subtype="ifs\x01"))


def _names(element) -> list[str]:
    return [etree.QName(child).localname for child in element]
