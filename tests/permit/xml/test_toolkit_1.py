"""Toolkit v1 is read as v2 is: its other names stand for the same boxes."""

from __future__ import annotations

from datetime import date

import pytest

from epix_node.permit.model import Line, Origin, Quota, TradeParty
from epix_node.permit.xml.boxes import OWN_MODEL
from epix_node.permit.xml.reader import read_permit_bytes
from tests.permit.xml.samples import PERMIT_1, envelope, response


def test_everything_that_v1_writes_otherwise_is_read() -> None:
    reading = read_permit_bytes(PERMIT_1.encode())
    permit = reading.permit
    assert reading.format == "toolkit-v1"
    assert (permit.type, permit.number, permit.issuer, permit.issued_on) == ("R", "19XA000815", "XA", date(2019, 5, 2))
    assert (permit.authority.name, permit.security_stamp) == ("Authority of Neverland", "XA 77")
    assert permit.exporter == TradeParty(name="Hook Leather", address="7 Jetty Street\nNorth\nNeverland", country="XA")
    assert permit.importer == TradeParty(name="Liddell Watches", country="XB")
    assert permit.lines == (
        Line(
            block="A",
            taxon="Alligator mississippiensis",
            appendix="II",
            sources=("W",),
            term="LPS",
            quantity="5",
            unit="NAR",
            origin=Origin(country="US", permit="US18-7", date=date(2018, 1, 2)),
            acquired_on=date(2017, 6, 5),
            operation_number="A-US-501",
            quota=Quota(used="3", unit="NAR"),
        ),
    )
    assert [one.message for one in reading.deviations] == ["has the unit PCS; read as NAR"]


UNQUALIFIED_ROOT = PERMIT_1.replace("<rsm:CBFShip", "<CBFShip").replace("</rsm:CBFShip", "</CBFShip")
INNER_LOCAL = PERMIT_1.replace("<ram:", "<").replace("</ram:", "</")
FOREIGN = PERMIT_1.replace("urn:un:unece:uncefact", "urn:elsewhere")


@pytest.mark.parametrize("text", [UNQUALIFIED_ROOT, INNER_LOCAL, FOREIGN, envelope(response(UNQUALIFIED_ROOT))])
def test_all_habits_of_qualifying_names_are_read(text: str) -> None:
    assert read_permit_bytes(text.encode()).permit == read_permit_bytes(PERMIT_1.encode()).permit


def test_deviations_are_said_with_the_paths_of_v1() -> None:
    text = PERMIT_1.replace("2017-06-05T", "long ago").replace(
        "<ram:ID>XA</ram:ID><ram:Name>Neverland", "<ram:ID>xa</ram:ID><ram:Name>Neverland"
    )
    deviations = {one.path: one.message for one in read_permit_bytes(text.encode()).deviations}
    item = "SpecifiedSupplyChainConsignment/IncludedSupplyChainConsignmentItem[1]"
    assert f"{item}/ApplicableCrossBorderGovernmentProcedure/AcquisitionDateTime" in deviations
    address = "PostalTradeAddress/CountryIdentificationTradeCountry/ID"
    assert f"SpecifiedSupplyChainConsignment/ConsignorTradeParty/{address}" in deviations


def test_the_country_of_import_is_box_3a_where_the_address_names_another() -> None:
    address = (
        "<ram:PostalTradeAddress><ram:CountryIdentificationTradeCountry><ram:ID>XC</ram:ID>"
        "</ram:CountryIdentificationTradeCountry></ram:PostalTradeAddress>"
    )
    text = PERMIT_1.replace("Liddell Watches</ram:Name>", f"Liddell Watches</ram:Name>{address}")
    reading = read_permit_bytes(text.encode())
    assert reading.permit.importer == TradeParty(name="Liddell Watches", country="XB")
    assert "SpecifiedSupplyChainConsignment/ImportTradeCountry/ID" in {one.path for one in reading.deviations}


def test_v1_is_never_taken_for_our_own_output() -> None:
    """Our writer writes v2 only, so a mark of it in v1 turns no tolerance off."""
    context = (
        "<rsm:SpecifiedExchangedDocumentContext><ram:BIMSpecifiedDocumentContextParameter>"
        f"<ram:ID>{OWN_MODEL}</ram:ID></ram:BIMSpecifiedDocumentContextParameter></rsm:SpecifiedExchangedDocumentContext>"
    )
    text = PERMIT_1.replace("<rsm:SpecifiedExchangedDocumentContext/>", context)
    assert read_permit_bytes(text.encode()).permit.lines[0].unit == "NAR"
