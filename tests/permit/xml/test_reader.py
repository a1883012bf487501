"""Toolkit documents are read as they are found, and what was mended is said."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Line, Origin, Quota, Reference
from epix_node.permit.xml.reader import Reading, read_permit, read_permit_bytes

SAMPLES = Path(__file__).parents[3].parent / "shared" / "data" / "permit-xml"
RSM = "urn:un:unece:uncefact:data:standard:CITESEPermit:2"
RAM = "urn:un:unece:uncefact:data:draft:ReusableAggregateBusinessInformationEntity:1"


def el(name: str, *content: str, attributes: str = "") -> str:
    """An element of the toolkit's parts, as text."""
    return f"<r:{name} {attributes}>{''.join(content)}</r:{name}>"


HEADER = """
<r:ID>25XA000417</r:ID><r:TypeCode>E</r:TypeCode><r:IssueDateTime>2025-03-10T09:00:00.00+01:00</r:IssueDateTime>
<r:FirstSignatoryDocumentAuthentication><r:ProviderTradeParty><r:PostalTradeAddress><r:CountryID>XA</r:CountryID>
</r:PostalTradeAddress></r:ProviderTradeParty></r:FirstSignatoryDocumentAuthentication>
"""
ITEM = "<r:ID>A</r:ID>"
VARIANTS = {
    "root unqualified, as in SOAP": (
        f'<CITESEPermit xmlns:m="{RSM}" xmlns:r="{RAM}"><m:HeaderExchangedDocument>{{header}}'
        "</m:HeaderExchangedDocument><m:SpecifiedSupplyChainConsignment>{consignment}</m:SpecifiedSupplyChainConsignment></CITESEPermit>"
    ),
    "all qualified": (
        f'<m:CITESEPermit xmlns:m="{RSM}" xmlns:r="{RAM}"><m:HeaderExchangedDocument>{{header}}'
        "</m:HeaderExchangedDocument><m:SpecifiedSupplyChainConsignment>{consignment}"
        "</m:SpecifiedSupplyChainConsignment></m:CITESEPermit>"
    ),
    "inner elements local": (
        f'<m:CITESEPermit xmlns:m="{RSM}"><m:HeaderExchangedDocument>{{header}}</m:HeaderExchangedDocument>'
        "<m:SpecifiedSupplyChainConsignment>{consignment}</m:SpecifiedSupplyChainConsignment></m:CITESEPermit>"
    ),
}


def document(
    *, header: str = HEADER, item: str = ITEM, consignment: str = "", variant: str = "all qualified"
) -> etree._Element:
    consignment += f"<r:IncludedSupplyChainConsignmentItem>{item}</r:IncludedSupplyChainConsignmentItem>"
    text = VARIANTS[variant].format(header=header, consignment=consignment)
    return etree.fromstring(text.replace("<r:", "<").replace("</r:", "</") if variant.startswith("inner") else text)


def line_of(item: str) -> tuple[Line, list[str]]:
    reading = read_permit(document(item=item))
    return reading.permit.lines[0], [deviation.message for deviation in reading.deviations]


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_habits_of_qualifying_names_are_read(variant: str) -> None:
    reading = read_permit(document(variant=variant))
    assert reading == read_permit(document())
    assert reading.permit.key.to_json() == {"issuer": "XA", "type": "E", "number": "25XA000417", "year": 2025}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2014-01-06T12:03:52.00+01:00", date(2014, 1, 6)),
        ("2014-01-06T00:30:00+14:00", date(2014, 1, 6)),
        ("2014-01-06T23:30:00-11:00", date(2014, 1, 6)),
        ("2014-01-06", date(2014, 1, 6)),
        ("2014-01-06 12:00", date(2014, 1, 6)),
    ],
)
def test_a_date_is_the_date_part_as_written(written: str, day: date) -> None:
    """Its offset is ignored (contract 1)."""
    header = HEADER.replace("2025-03-10T09:00:00.00+01:00", written)
    assert read_permit(document(header=header)).permit.issued_on == day


@pytest.mark.parametrize("written", ["2014-02-30", "0000-01-01", "06.01.2014", "20140106", "soon"])
def test_what_is_no_date_is_missing_and_said(written: str) -> None:
    header = HEADER.replace("2025-03-10T09:00:00.00+01:00", written)
    reading = read_permit(document(header=header))
    assert reading.permit.issued_on is None
    assert [deviation.path for deviation in reading.deviations] == ["HeaderExchangedDocument/IssueDateTime"]


UNITS = {
    "a code of the Guidelines": ('unitCode="KGM"', "KGM", False),
    "a historical code": ('unitCode="BOX"', "BOX", False),
    "a code in no list": ('unitCode="XYZ"', "XYZ", False),
    "KIL": ('unitCode="KIL"', "KGM", True),
    "PCS": ('unitCode="PCS"', "NAR", True),
    "empty": ('unitCode=""', "NAR", True),
    "a question mark": ('unitCode="?"', "NAR", True),
    "none": ("", "NAR", True),
}


@pytest.mark.parametrize(("attribute", "unit", "is_mended"), UNITS.values(), ids=UNITS.keys())
def test_units_of_other_lists_become_codes_of_the_guidelines(attribute: str, unit: str, *, is_mended: bool) -> None:
    line, messages = line_of(el("TransportLogisticsPackage", el("ItemQuantity", " 12.50 ", attributes=attribute)))
    assert (line.quantity, line.unit) == ("12.50", unit)
    assert bool(messages) == is_mended


SOURCES = {
    "one": ("<r:TypeExtensionCode>W</r:TypeExtensionCode>", ("W",), False),
    "two with a slash": ("<r:TypeExtensionCode>O/W</r:TypeExtensionCode>", ("O", "W"), True),
    "two with a comma": ("<r:TypeExtensionCode>I, W</r:TypeExtensionCode>", ("I", "W"), True),
    "a word": ("<r:TypeExtensionCode>wild</r:TypeExtensionCode>", ("wild",), False),
    "none": ("<r:TypeExtensionCode/>", (), False),
}


@pytest.mark.parametrize(("code", "sources", "is_mended"), SOURCES.values(), ids=SOURCES.keys())
def test_source_codes_are_read(code: str, sources: tuple[str, ...], *, is_mended: bool) -> None:
    line, messages = line_of(el("IncludedSupplyChainTradeLineItem", code))
    assert line.sources == sources
    assert bool(messages) == is_mended


def test_a_second_source_stands_in_an_element_without_goods() -> None:
    def goods(source: str, *product: str) -> str:
        return el("IncludedSupplyChainTradeLineItem", el("TypeExtensionCode", source), *product)

    lion, jaguar = (
        el("SpecifiedTradeProduct", el("ScientificName", name)) for name in ("Panthera leo", "Panthera onca")
    )
    line, messages = line_of(goods("O", lion) + goods("W") + goods("C", jaguar))
    assert (line.taxon, line.sources) == ("Panthera leo", ("O", "W"))
    assert messages == ["names goods a second time in one block; the first are read"]


def associated(code: str, number: str) -> str:
    return (
        "<r:AssociatedReferencedDocument><r:IssueDateTime/>"
        f"<r:TypeCode>{code}</r:TypeCode><r:ID>{number}</r:ID></r:AssociatedReferencedDocument>"
    )


COUNTRIES = (
    "<r:OriginTradeCountry><r:ID>US</r:ID></r:OriginTradeCountry>"
    "<r:ExportTradeCountry><r:ID>XC</r:ID></r:ExportTradeCountry>"
)
CHAINS = {
    "by their codes": (associated("861", "1") + associated("811", "2"), "1", "2", 0),
    "in the other order": (associated("811", "2") + associated("861", "1"), "1", "2", 0),
    "by the country in the number": (
        associated("R", "24XC001122") + associated("E", "24US998877"),
        "24US998877",
        "24XC001122",
        2,
    ),
    "without codes": (associated("", "24us1") + associated("", "24xc2"), "24us1", "24xc2", 2),
    "a re-export that names no country": (associated("R", "77"), None, "77", 1),
    "an export that names no country": (associated("E", "77"), "77", None, 1),
    "an invoice": (associated("380", "INV-US-7") + associated("861", "1"), "1", None, 1),
    "two of one kind": (associated("861", "1") + associated("861", "2"), "1", None, 1),
}


@pytest.mark.parametrize(("documents", "origin", "last", "mended"), CHAINS.values(), ids=CHAINS.keys())
def test_documents_of_boxes_12_and_12a_are_told_apart(
    documents: str, origin: str | None, last: str | None, mended: int
) -> None:
    line, messages = line_of(COUNTRIES + documents)
    assert line.origin == Origin(country="US", permit=origin)
    assert line.last_reexport == Origin(country="XC", permit=last)
    assert len(messages) == mended


def test_texts_that_repeat_are_joined_and_codes_that_repeat_are_said() -> None:
    header = HEADER + (
        "<r:Information>one</r:Information><r:Information/><r:Information>two</r:Information>"
        "<r:PurposeCode/><r:PurposeCode>T</r:PurposeCode><r:PurposeCode>Z</r:PurposeCode>"
    )
    reading = read_permit(document(header=header))
    assert reading.permit.special_conditions == "one\ntwo"
    assert reading.permit.purpose == "T"
    assert [deviation.path for deviation in reading.deviations] == ["HeaderExchangedDocument/PurposeCode"]


def test_an_address_is_joined_for_reading() -> None:
    consignment = """<r:ConsigneeTradeParty><r:Name>N</r:Name><r:PostalTradeAddress>
        <r:PostcodeCode>00100</r:PostcodeCode><r:PostOfficeBox>Box 7</r:PostOfficeBox>
        <r:StreetName>1 Lagoon Road</r:StreetName><r:StreetName>Flat 2</r:StreetName>
        <r:CityName>Northport</r:CityName><r:CountryID>XB</r:CountryID>
        <r:CountryName>Neverland</r:CountryName><r:CountrySubDivisionName>North</r:CountrySubDivisionName>
        </r:PostalTradeAddress></r:ConsigneeTradeParty>"""
    importer = read_permit(document(consignment=consignment)).permit.importer
    assert importer is not None
    assert importer.address == "Box 7\n1 Lagoon Road\nFlat 2\n00100 Northport\nNorth\nNeverland"
    assert importer.country == "XB"


def test_references_are_read() -> None:
    header = HEADER + "".join(
        el("ReferenceReferencedDocument", *parts)
        for parts in (
            (el("TypeCode", "I"), el("ID", "1", attributes='schemeAgencyID="?"')),
            (el("TypeCode", "811"), el("ID", "2", attributes='schemeAgencyID="XB"')),
            (el("ID", "3"),),
            (el("ID", "4"), el("Name", "replaced document")),
            (el("TypeCode", "916"), el("ID", attributes='schemeAgencyID="?"')),
        )
    )
    reading = read_permit(document(header=header))
    assert reading.permit.references == (
        Reference(relation="import-permit", number="1"),
        Reference(relation="export-permit", issuer="XB", number="2"),
        Reference(relation="annex", number="3"),
    )
    assert reading.permit.replaces == "4"
    assert len(reading.deviations) == 1


@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("IFS", "ifs"),
        ("Certificate of  origin", "origin"),
        ("Musical Instrument Certificate", "musical-instrument"),
        ("Pass", None),
    ],
)
def test_the_name_of_an_other_document_tells_its_subtype(name: str, subtype: str | None) -> None:
    header = HEADER.replace("<r:TypeCode>E", f"<r:Name>{name}</r:Name><r:TypeCode>O")
    assert read_permit(document(header=header)).permit.subtype == subtype


BOX_6 = HEADER[HEADER.index("<r:FirstSignatory") :]
PARTIES = (
    "<r:ConsignorTradeParty><r:PostalTradeAddress><r:CountryID>XC</r:CountryID></r:PostalTradeAddress></r:ConsignorTradeParty>"
    "<r:ConsigneeTradeParty><r:PostalTradeAddress><r:CountryID>XD</r:CountryID></r:PostalTradeAddress></r:ConsigneeTradeParty>"
)


@pytest.mark.parametrize(("type_", "issuer"), [("E", "XC"), ("R", "XC"), ("I", "XD")])
def test_an_empty_box_6_is_read_from_the_party_whose_country_issues(type_: str, issuer: str) -> None:
    header = HEADER.replace(BOX_6, "").replace(">E<", f">{type_}<")
    reading = read_permit(document(header=header, consignment=PARTIES))
    assert reading.permit.issuer == issuer
    assert len(reading.deviations) == 1


def test_a_comment_does_not_split_a_text() -> None:
    """What the signature covers and what is read are the same."""
    header = HEADER.replace("25XA000417", "25XA<!-- not -->000<?x y?>417")
    assert read_permit(document(header=header)).permit.number == "25XA000417"


def test_an_empty_item_is_a_line_that_holds_nothing() -> None:
    line, messages = line_of("<r:ID/>")
    assert line == Line()
    assert not messages


def test_a_quota_in_two_units_is_said() -> None:
    used = el("UsedToDateQuotaQuantity", "1", attributes='unitCode="KGM"')
    annual = el("AnnualQuotaQuantity", "2", attributes='unitCode="GRM"')
    line, messages = line_of(el("ApplicableCrossBorderRegulatoryProcedure", used, annual))
    assert line.quota == Quota(used="1", unit="KGM")  # 2 g are not 2 kg
    assert messages == ["has another unit than the amount used; read as missing"]


def test_a_quota_made_of_two_procedures_is_said() -> None:
    used = el("UsedToDateQuotaQuantity", "1", attributes='unitCode="NAR"')
    annual = el("AnnualQuotaQuantity", "1000", attributes='unitCode="NAR"')
    apart = "".join(el("ApplicableCrossBorderRegulatoryProcedure", part) for part in (used, annual))
    line, messages = line_of(apart)
    assert line.quota == Quota(used="1", annual="1000", unit="NAR")
    assert messages == ["stands apart from the amount used; both are read as of one quota"]


def test_an_empty_amount_of_a_quota_lends_its_unit_to_no_other() -> None:
    used = el("UsedToDateQuotaQuantity", attributes='unitCode="KGM"')
    annual = el("AnnualQuotaQuantity", "1000", attributes='unitCode="NAR"')
    line, messages = line_of(el("ApplicableCrossBorderRegulatoryProcedure", used, annual))
    assert (line.quota, messages) == (Quota(annual="1000", unit="NAR"), [])
    assert line_of(el("ApplicableCrossBorderRegulatoryProcedure", used))[0].quota is None


NOT_UNDERSTOOD = {
    "another document": etree.fromstring("<CBFShip/>"),
    "no number": document(header=HEADER.replace("25XA000417", " ")),
    "no type": document(header=HEADER.replace(">E<", "><")),
    "no issuer": document(header=HEADER.replace(BOX_6, "")),
    "no issuer of another type": document(header=HEADER.replace(BOX_6, "").replace(">E<", ">O<"), consignment=PARTIES),
    "no lines": etree.fromstring(VARIANTS["all qualified"].format(header=HEADER, consignment="")),
    "nothing": etree.fromstring("<CITESEPermit/>"),
}


@pytest.mark.parametrize("element", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_what_is_no_permit_is_not_understood(element: etree._Element) -> None:
    with pytest.raises(MalformedDocumentError) as refusal:
        read_permit(element)
    assert refusal.value.code == "NOT_UNDERSTOOD"


SIGNED = {
    "an exchange document": '<Document xmlns="urn:epix-node:document:1"/>',
    "a signature": '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>',
    "a signature in a permit": '<CITESEPermit><a><s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"/></a></CITESEPermit>',
    "a signature in something else": '<a><s:Signature xmlns:s="http://www.w3.org/2000/09/xmldsig#"/></a>',
}


@pytest.mark.parametrize("text", SIGNED.values(), ids=SIGNED.keys())
def test_a_signed_document_is_not_read_as_a_plain_permit(text: str) -> None:
    """Its signature would be dropped silently (contract 4: 400 SIGNED_DOCUMENT)."""
    with pytest.raises(MalformedDocumentError) as refusal:
        read_permit(etree.fromstring(text))
    assert refusal.value.code == "SIGNED_DOCUMENT"


@pytest.mark.parametrize("data", [b"", b"not XML", b"<a>", b'<!DOCTYPE a SYSTEM "x"><a/>'])
def test_bytes_that_are_no_safe_xml_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedDocumentError):
        read_permit_bytes(data)


def sample(name: str) -> Reading:
    if not (SAMPLES / name).exists():
        pytest.skip(f"the sample {name} is not beside this checkout")
    root = etree.parse(SAMPLES / name).getroot()
    return read_permit(next(element for element in root.iter("{*}CITESEPermit")))


def test_the_hand_written_sample_is_read() -> None:
    reading = sample("own-sample-v2-reexport.xml")
    permit = reading.permit
    assert reading.deviations == ()
    assert (permit.key.number, permit.type, permit.issuer) == ("25XA000417", "R", "XA")
    assert (permit.valid_from, permit.valid_until) == (date(2025, 3, 10), date(2025, 9, 9))
    assert permit.security_stamp == "XA 0012345"
    assert permit.authority.signatory == "J. Darling, Permit Officer"
    assert permit.lines == (
        Line(
            block="A",
            taxon="Alligator mississippiensis",
            common_name="American alligator",
            appendix="II",
            sources=("W",),
            term="LPS",
            description="watchstraps",
            quantity="5",
            unit="NAR",
            marks=("TAG US-24-000991..000995",),
            origin=Origin(country="US", permit="24US998877/9", date=date(2024, 7, 9)),
            last_reexport=Origin(country="XC", permit="24XC001122", date=date(2024, 11, 23)),
            quota=Quota(used="120", annual="500", unit="NAR"),
        ),
    )


def test_the_fixture_of_the_real_hub_is_read() -> None:
    """Empty elements everywhere, "?" in attributes, pieces as a unit, and a root without a namespace."""
    reading = sample("epix-hub-fixture-v2.xml")
    assert [line.unit for line in reading.permit.lines] == ["NAR", "NAR"]
    assert [line.taxon for line in reading.permit.lines] == ["Alligator mississippiensis", "Crocodylus siamensis"]
    assert reading.permit.lines[1].last_reexport == Origin(
        country="FR", permit="FR1202501030-R", date=date(2012, 2, 23)
    )
    assert reading.permit.references == ()
    assert reading.permit.transport_document is None
    assert {deviation.message for deviation in reading.deviations} == {"has the unit PCS; read as NAR"}
