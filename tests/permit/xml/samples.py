"""Toolkit documents for tests: short texts to put elements into, and the samples that lie beside a checkout."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[3].parent / "shared" / "data" / "permit-xml"

PERMIT_1 = """
<rsm:CBFShip xmlns:rsm="urn:un:unece:uncefact:data:draft:CBFShip:1"
    xmlns:ram="urn:un:unece:uncefact:data:draft:ReusableAggregateBusinessInformationEntity:1">
  <rsm:SpecifiedExchangedDocumentContext/>
  <rsm:HeaderExchangedDocument>
    <ram:ID>19XA000815</ram:ID><ram:Name/><ram:TypeCode>R</ram:TypeCode>
    <ram:IssueDateTime>2019-05-02T08:00:00.00+02:00</ram:IssueDateTime>
    <ram:PurposeCode>T</ram:PurposeCode>
    <ram:FirstSignatoryDocumentAuthentication>
      <ram:TypeCode>A</ram:TypeCode><ram:ID>XA 77</ram:ID>
      <ram:ProviderTradeParty><ram:Name>Authority of Neverland</ram:Name>
        <ram:PostalTradeAddress><ram:CityName>Northport</ram:CityName>
          <ram:CountryIdentificationTradeCountry><ram:ID>XA</ram:ID><ram:Name>Neverland</ram:Name>
          </ram:CountryIdentificationTradeCountry></ram:PostalTradeAddress>
      </ram:ProviderTradeParty>
    </ram:FirstSignatoryDocumentAuthentication>
  </rsm:HeaderExchangedDocument>
  <rsm:SpecifiedSupplyChainConsignment>
    <ram:ConsignorTradeParty><ram:Name>Hook Leather</ram:Name>
      <ram:PostalTradeAddress><ram:StreetName>7 Jetty Street</ram:StreetName>
        <ram:CountryIdentificationTradeCountry><ram:ID>XA</ram:ID><ram:Name>Neverland</ram:Name>
          <ram:SubordinateTradeCountrySubDivision><ram:Name>North</ram:Name></ram:SubordinateTradeCountrySubDivision>
        </ram:CountryIdentificationTradeCountry></ram:PostalTradeAddress>
    </ram:ConsignorTradeParty>
    <ram:ConsigneeTradeParty><ram:Name>Liddell Watches</ram:Name></ram:ConsigneeTradeParty>
    <ram:IncludedSupplyChainConsignmentItem><ram:ID>A</ram:ID>
      <ram:OriginTradeCountry><ram:ID>US</ram:ID><ram:Name>United States</ram:Name>
        <ram:SubordinateTradeCountrySubDivision><ram:Name/></ram:SubordinateTradeCountrySubDivision></ram:OriginTradeCountry>
      <ram:AssociatedReferencedDocument><ram:IssueDateTime>2018-01-02T00:00:00Z</ram:IssueDateTime>
        <ram:TypeCode>861</ram:TypeCode><ram:ID>US18-7</ram:ID></ram:AssociatedReferencedDocument>
      <ram:TransportLogisticsPackage>
        <ram:ItemQuantity unitCode="PCS">5</ram:ItemQuantity></ram:TransportLogisticsPackage>
      <ram:IncludedSupplyChainTradeLineItem><ram:TypeCode>II</ram:TypeCode><ram:TypeExtensionCode>W</ram:TypeExtensionCode>
        <ram:SpecifiedTradeProduct><ram:TypeCode>LPS</ram:TypeCode>
          <ram:ScientificName>Alligator mississippiensis</ram:ScientificName></ram:SpecifiedTradeProduct>
      </ram:IncludedSupplyChainTradeLineItem>
      <ram:ExaminationTransportEvent><ram:InspectedUnitQuantity unitCode="?"/></ram:ExaminationTransportEvent>
      <ram:ApplicableCrossBorderGovernmentProcedure>
        <ram:UsedToDateQuotaQuantity unitCode="NAR">3</ram:UsedToDateQuotaQuantity>
        <ram:AcquisitionDateTime>2017-06-05T00:00:00Z</ram:AcquisitionDateTime>
        <ram:PreviousReferencedDocument><ram:ID>A-US-501</ram:ID></ram:PreviousReferencedDocument>
      </ram:ApplicableCrossBorderGovernmentProcedure>
    </ram:IncludedSupplyChainConsignmentItem>
    <ram:ImportTradeCountry><ram:ID>XB</ram:ID></ram:ImportTradeCountry>
  </rsm:SpecifiedSupplyChainConsignment>
</rsm:CBFShip>
"""
"""Toolkit v1 with everything in which it differs from v2."""

PERMIT_2 = (
    "<CITESEPermit><HeaderExchangedDocument><ID>25XA1</ID><TypeCode>E</TypeCode></HeaderExchangedDocument>"
    "<SpecifiedSupplyChainConsignment><ConsignorTradeParty><PostalTradeAddress><CountryID>XA</CountryID>"
    "</PostalTradeAddress></ConsignorTradeParty><IncludedSupplyChainConsignmentItem><ID>A</ID>"
    "</IncludedSupplyChainConsignmentItem></SpecifiedSupplyChainConsignment></CITESEPermit>"
)
"""The least that is a permit of v2."""


def response(*contents: str, name: str = "GetNonFinalCitesCertificateResponse", version: int = 2) -> str:
    """The response of a data exchange."""
    return f'<v:{name} xmlns:v="urn:CitesDataExchange/v{version}/">{"".join(contents)}</v:{name}>'


def envelope(*contents: str, header: str = "", namespace: str = "http://schemas.xmlsoap.org/soap/envelope/") -> str:
    """A SOAP envelope; 1.1 unless told otherwise."""
    body = "".join(contents)
    return f'<s:Envelope xmlns:s="{namespace}"><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>'


def sample(name: str) -> bytes:
    """A sample that lies beside the checkout; the test is skipped where it does not."""
    if not (SAMPLES / name).exists():
        pytest.skip(f"the sample {name} is not beside this checkout")
    return (SAMPLES / name).read_bytes()


def cpu_seconds(work: Callable[[], object]) -> float:
    """The least processor time of three runs, so that a busy machine does not count."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)
