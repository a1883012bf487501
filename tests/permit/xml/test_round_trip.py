"""What is written reads back as it was, whatever the permit says."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from hypothesis import HealthCheck, example, given, settings
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Origin, Permit
from epix_node.permit.xml.extension import extension_element, read_extension
from epix_node.permit.xml.reader import read_permit, read_permit_bytes
from epix_node.permit.xml.soap import Enclosure, write_soap
from epix_node.permit.xml.writer import permit_element, write_permit
from tests.permit.xml.permits import PERMITS, UGLY, without_extension


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(PERMITS)
@example(UGLY)
def test_both_outputs_read_back_as_the_permit(permit: Permit) -> None:
    """All but the members that only the extension has."""
    alone, in_soap = read_permit_bytes(write_permit(permit)), read_permit_bytes(write_soap(permit))
    assert alone.permit == in_soap.permit == without_extension(permit)
    assert alone.deviations == in_soap.deviations == ()


@pytest.mark.parametrize(("is_final", "name"), [(False, b"GetNonFinalCites"), (True, b"GetFinalCites")])
def test_the_soap_response_carries_attachments(example: Permit, name: bytes, *, is_final: bool) -> None:
    written = write_soap(
        example, attachments=[Enclosure(name="annex é.pdf", content=b"\x00\x01\xff")], is_final=is_final
    )
    assert name in written
    reading = read_permit_bytes(written)
    assert [(one.name, one.size) for one in reading.attachments] == [("annex é.pdf", 3)]
    assert reading.attachments[0].sha256 == "26a66b061e8f48f39927c312f25293959729eee95978e2892d49d3512a5cc092"
    assert (reading.format, reading.composite) == ("toolkit-v2", False)


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
