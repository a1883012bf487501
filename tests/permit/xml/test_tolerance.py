"""Each rule of tolerance, and each oddity of real documents as a row of its own: what is read, and what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Permit, Quota
from epix_node.permit.quantity import HISTORICAL_UNITS
from epix_node.permit.xml.amount import plain_decimal, xs_decimal
from epix_node.permit.xml.line import FOREIGN_UNITS
from epix_node.permit.xml.reader import Reading, read_permit_bytes
from epix_node.permit.xml.writer import write_permit


def read(*, header: str = "", item: str = "", goods: str = "", context: str = "", type_: str = "E") -> Reading:
    """The reading of a small permit with these parts, names in no namespace."""
    return read_permit_bytes(
        f"<CITESEPermit>{context}<HeaderExchangedDocument><ID>25XA1</ID><TypeCode>{type_}</TypeCode>{header}"
        "<FirstSignatoryDocumentAuthentication><ProviderTradeParty><PostalTradeAddress><CountryID>XA</CountryID>"
        "</PostalTradeAddress></ProviderTradeParty></FirstSignatoryDocumentAuthentication></HeaderExchangedDocument>"
        "<SpecifiedSupplyChainConsignment><IncludedSupplyChainConsignmentItem><ID>A</ID>"
        f"{item}<IncludedSupplyChainTradeLineItem>{goods}</IncludedSupplyChainTradeLineItem>"
        "</IncludedSupplyChainConsignmentItem></SpecifiedSupplyChainConsignment></CITESEPermit>".encode()
    )


def quantity(text: str, unit: str = 'unitCode="NAR"') -> str:
    return f"<TransportLogisticsPackage><ItemQuantity {unit}>{text}</ItemQuantity></TransportLogisticsPackage>"


ITEM = "SpecifiedSupplyChainConsignment/IncludedSupplyChainConsignmentItem[1]"

AMOUNTS = {
    # written: (read, whether that is said)
    "12": ("12", False),
    "12.50": ("12.50", False),
    " 12 ": ("12", False),
    "\n\t12\n": ("12", False),
    "+5": ("5", False),
    ".5": ("0.5", False),
    "5.": ("5", False),
    "0012": ("12", False),
    "-0.50": ("-0.50", False),
    "000": ("0", False),
    "1e3": ("1000", True),
    "1.5E+2": ("150", True),
    "25E-1": ("2.5", True),
    "1 500": ("1500", True),
    "1\u00a0500,5": ("1500.5", True),
    "1'500.25": ("1500.25", True),
    "1,500.25": ("1500.25", True),
    "1.500,25": ("1500.25", True),
    "1,500,000": ("1500000", True),
    "1.500.000": ("1500000", True),
    "12,5": ("12.5", True),
    "0,125": ("0.125", True),
    "1500,125": ("1500.125", True),
    # Two numbers, or none: left for the rules (QTY-01).
    "1,500": ("1,500", False),
    "1e99999999": ("1e99999999", False),
    "12 kg": ("12 kg", False),
    "10-12": ("10-12", False),
    "١٢": ("١٢", False),
    "NaN": ("NaN", False),
    "9" * 41 + ",5": ("9" * 41 + ",5", False),
}


@pytest.mark.parametrize(("written", "amount"), AMOUNTS.items(), ids=map(ascii, AMOUNTS))
def test_an_amount_is_read_where_only_one_number_can_be_meant(written: str, amount: tuple[str, bool]) -> None:
    reading = read(item=quantity(written))
    assert reading.permit.lines[0].quantity == amount[0]
    said = [one.path for one in reading.deviations]
    assert said == ([f"{ITEM}/TransportLogisticsPackage/ItemQuantity"] if amount[1] else [])


@pytest.mark.parametrize("text", ["1" + " " * 100_000 + "x", "1" + ",000" * 20_000, "." * 100_000, "0" * 100_000 + "x"])
def test_a_text_that_only_looks_like_an_amount_costs_nothing(text: str) -> None:
    assert xs_decimal(text) is None
    assert plain_decimal(text) is None


UNITS = {
    "as listed": ('unitCode="KGM"', "KGM", False),
    "KIL": ('unitCode="KIL"', "KGM", True),
    "small letters": ('unitCode="kgm"', "KGM", True),
    "kil": ('unitCode="Kil"', "KGM", True),
    "pieces": ('unitCode="PCS"', "NAR", True),
    "none": ("", "NAR", True),
    "empty": ('unitCode=" "', "NAR", True),
    "a question mark": ('unitCode="?"', "NAR", True),
    "one, of Recommendation 20": ('unitCode="C62"', "NAR", True),
    "tonne, of Recommendation 20": ('unitCode="TNE"', "TON", True),
    "in no list": ('unitCode="XYZ"', "XYZ", False),
}


@pytest.mark.parametrize(("attribute", "unit", "is_said"), UNITS.values(), ids=UNITS.keys())
def test_units_are_read_as_codes_of_the_list(attribute: str, unit: str, *, is_said: bool) -> None:
    reading = read(item=quantity("5", attribute))
    assert reading.permit.lines[0].unit == unit
    assert bool(reading.deviations) == is_said


@pytest.mark.parametrize("unit", sorted(HISTORICAL_UNITS - FOREIGN_UNITS.keys()))
def test_a_historical_unit_stays_as_it_is(unit: str) -> None:
    """It is for a rule to refer it (QTY-02)."""
    reading = read(item=quantity("5", f'unitCode="{unit}"'))
    assert (reading.permit.lines[0].unit, reading.deviations) == (unit, ())


def test_a_quota_is_read_with_the_same_tolerance() -> None:
    procedure = "ApplicableCrossBorderRegulatoryProcedure"
    used = '<UsedToDateQuotaQuantity unitCode="kil">1 500</UsedToDateQuotaQuantity>'
    annual = '<AnnualQuotaQuantity unitCode="KGM">+2000</AnnualQuotaQuantity>'
    reading = read(item=f"<{procedure}>{used}{annual}</{procedure}>")
    assert reading.permit.lines[0].quota == Quota(used="1500", annual="2000", unit="KGM")
    assert len(reading.deviations) == 2


def code_of(reading: Reading, member: str) -> object:
    return getattr(reading.permit if hasattr(reading.permit, member) else reading.permit.lines[0], member)


CODES = {
    "type": ({"type_": "e"}, "type", "E", "HeaderExchangedDocument/TypeCode"),
    "purpose": (
        {"header": "<PurposeCode>t</PurposeCode>"},
        "purpose",
        "T",
        "HeaderExchangedDocument/PurposeCode",
    ),
    "appendix ii": ({"goods": "<TypeCode>ii</TypeCode>"}, "appendix", "II", "TypeCode"),
    "appendix 2": ({"goods": "<TypeCode>2</TypeCode>"}, "appendix", "II", "TypeCode"),
    "appendix in words": ({"goods": "<TypeCode>App. III</TypeCode>"}, "appendix", "III", "TypeCode"),
    "source": ({"goods": "<TypeExtensionCode>w</TypeExtensionCode>"}, "sources", ("W",), "TypeExtensionCode"),
    "sources": ({"goods": "<TypeExtensionCode>o / w</TypeExtensionCode>"}, "sources", ("O", "W"), "TypeExtensionCode"),
    "term": (
        {"goods": "<SpecifiedTradeProduct><TypeCode>liv</TypeCode></SpecifiedTradeProduct>"},
        "term",
        "LIV",
        "SpecifiedTradeProduct/TypeCode",
    ),
    "historical term": (
        {"goods": "<SpecifiedTradeProduct><TypeCode>vnm</TypeCode></SpecifiedTradeProduct>"},
        "term",
        "VNM",
        "SpecifiedTradeProduct/TypeCode",
    ),
}


@pytest.mark.parametrize(("parts", "member", "code", "path"), CODES.values(), ids=CODES.keys())
def test_a_code_that_is_plainly_meant_is_read_and_said(
    parts: dict[str, str], member: str, code: object, path: str
) -> None:
    reading = read(**parts)
    assert code_of(reading, member) == code
    goods = f"{ITEM}/IncludedSupplyChainTradeLineItem/"
    assert [one.path for one in reading.deviations] == [path if path.startswith("Header") else goods + path]


UNKNOWN_CODES = {
    "type": ({"type_": "export"}, "type", "export"),
    "purpose": ({"header": "<PurposeCode>trade</PurposeCode>"}, "purpose", "trade"),
    "appendix": ({"goods": "<TypeCode>IV</TypeCode>"}, "appendix", "IV"),
    "appendix of the EU": ({"goods": "<TypeCode>A</TypeCode>"}, "appendix", "A"),
    "source": ({"goods": "<TypeExtensionCode>wild</TypeExtensionCode>"}, "sources", ("wild",)),
    "a letter that capitals change": ({"goods": "<TypeCode>ıı</TypeCode>"}, "appendix", "ıı"),
}


@pytest.mark.parametrize(("parts", "member", "text"), UNKNOWN_CODES.values(), ids=UNKNOWN_CODES.keys())
def test_a_code_that_is_not_plain_stays_for_the_rules(parts: dict[str, str], member: str, text: object) -> None:
    reading = read(**parts)
    assert code_of(reading, member) == text
    assert reading.deviations == ()


def test_countries_are_read_in_capitals() -> None:
    origin = "<OriginTradeCountry><ID>na</ID></OriginTradeCountry>"
    reading = read(item=origin)
    assert reading.permit.lines[0].origin is not None
    assert reading.permit.lines[0].origin.country == "NA"
    assert [one.path for one in reading.deviations] == [f"{ITEM}/OriginTradeCountry/ID"]


@pytest.mark.parametrize("value", ["CITES PERMITTING", "CITES Permitting", "cites permitting", "something else", "?"])
def test_the_process_is_never_a_reason_to_refuse(value: str) -> None:
    context = (
        "<SpecifiedExchangedDocumentContext><BusinessProcessSpecifiedDocumentContextParameter>"
        f"<Value>{value}</Value></BusinessProcessSpecifiedDocumentContextParameter></SpecifiedExchangedDocumentContext>"
    )
    assert read(context=context) == read()


def test_of_several_purposes_the_first_is_kept_and_information_is_joined() -> None:
    reading = read(
        header="<PurposeCode/><PurposeCode>t</PurposeCode><PurposeCode>Z</PurposeCode>"
        "<Information>one</Information><Information> </Information><Information>two</Information>"
    )
    assert (reading.permit.purpose, reading.permit.special_conditions) == ("T", "one\ntwo")
    assert [one.path for one in reading.deviations] == ["HeaderExchangedDocument/PurposeCode"] * 2


EMPTY = (
    "<ReferenceReferencedDocument><IssueDateTime/><ID schemeID='?' schemeAgencyID='?'/></ReferenceReferencedDocument>"
)


def test_what_is_empty_says_nothing() -> None:
    """Empty elements and "?" in attributes change neither the permit nor what is said of it."""
    assert read(header=f"<Name languageID='EN'/><IssueDateTime> </IssueDateTime>{EMPTY * 3}") == read()


@pytest.mark.parametrize("date", ["2014-01-06Z", "2014-01-06+01:00", "2014-01-06T12:03:52.00+01:00"])
def test_a_day_may_have_an_offset(date: str) -> None:
    assert str(read(header=f"<IssueDateTime>{date}</IssueDateTime>").permit.issued_on) == "2014-01-06"


def test_a_number_without_text_gives_way_to_one_with_text() -> None:
    header = (
        "<ReferenceReferencedDocument><TypeCode>911</TypeCode><ID schemeAgencyID='?'/>"
        "<ID schemeAgencyID='XB'>7</ID></ReferenceReferencedDocument>"
    )
    reading = read(header=header)
    assert (reading.permit.references[0].number, reading.permit.references[0].issuer) == ("7", "XB")
    assert reading.deviations == ()


def period(end: str, start: str = "") -> str:
    begins = f"<StartDateTime>{start}</StartDateTime>" if start else ""
    return f"<EffectiveSpecifiedPeriod>{begins}<EndDateTime>{end}</EndDateTime></EffectiveSpecifiedPeriod>"


SECOND = {
    "a header that lasts longer": ("<HeaderExchangedDocument>", period("2030-01-01"), "</HeaderExchangedDocument>"),
    "a consignment": (
        "<SpecifiedSupplyChainConsignment><IncludedSupplyChainConsignmentItem>",
        quantity("500"),
        "</IncludedSupplyChainConsignmentItem></SpecifiedSupplyChainConsignment>",
    ),
}


@pytest.mark.parametrize("second", SECOND.values(), ids=SECOND.keys())
def test_two_headers_or_consignments_are_not_read_as_one(second: tuple[str, ...]) -> None:
    """Together they would be a permit that nobody wrote: the longer validity of one with the goods of the other."""
    with pytest.raises(MalformedDocumentError, match="more than one"):
        read(context="".join(second))


def test_a_second_header_that_is_empty_says_nothing() -> None:
    assert read(context=f"<HeaderExchangedDocument>{EMPTY}</HeaderExchangedDocument>") == read()


REPEATED = {
    "two periods": (
        {"header": "<EffectiveSpecifiedPeriod><StartDateTime>2026-01-01</StartDateTime></EffectiveSpecifiedPeriod>"
        + period("2026-06-30")},
        "HeaderExchangedDocument/EffectiveSpecifiedPeriod",
    ),
    "two products": (
        {"goods": "<SpecifiedTradeProduct><TypeCode>SKI</TypeCode></SpecifiedTradeProduct>"
        "<SpecifiedTradeProduct><ScientificName>Boa constrictor</ScientificName></SpecifiedTradeProduct>"},
        f"{ITEM}/IncludedSupplyChainTradeLineItem/SpecifiedTradeProduct",
    ),
    "two countries of origin": (
        {"item": "<OriginTradeCountry/><OriginTradeCountry><ID>US</ID></OriginTradeCountry>"
        "<OriginTradeCountry><Name>Canada</Name><ID/></OriginTradeCountry>"},
        f"{ITEM}/OriginTradeCountry",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("parts", "path"), REPEATED.values(), ids=REPEATED.keys())
def test_what_is_read_from_two_elements_as_of_one_is_said(parts: dict[str, str], path: str) -> None:
    messages = {one.path: one.message for one in read(**parts).deviations}
    assert messages == {path: "stands there more than once; what they hold is read as of one"}


def test_what_the_toolkit_allows_several_times_is_no_deviation() -> None:
    """Marks, packages and procedures may stand there as often as is needed."""
    marks = "".join(
        f"<PhysicalLogisticsShippingMarks><Marking>{mark}</Marking></PhysicalLogisticsShippingMarks>" for mark in "ab"
    )
    reading = read(item=f"{marks}<TransportLogisticsPackage/>{quantity('5')}")
    assert (reading.permit.lines[0].marks, reading.deviations) == (("a", "b"), ())


DATES = {
    # written: (read, whether that is said)
    "2026-06-30": ("2026-06-30", False),
    "2026-06-30Z": ("2026-06-30", False),
    "2026-06-30T23:59:59-05:00": ("2026-06-30", False),
    "2026-06-30 12:00": ("2026-06-30", False),
    "2026-06-30T12:00:00.000+0200": ("2026-06-30", False),
    "2026-06-30 or until 2030-01-01": ("2026-06-30", True),
    "2026-06-30T": ("2026-06-30", True),
    "2026-06-30/2030-01-01": ("None", True),
    "30.06.2026": ("None", True),
    "٢٠٢٦-٠٦-٣٠": ("None", True),
}


@pytest.mark.parametrize(("written", "day"), DATES.items(), ids=map(ascii, DATES))
def test_a_date_with_more_than_a_time_behind_it_is_said(written: str, day: tuple[str, bool]) -> None:
    reading = read(header=period(written))
    assert (str(reading.permit.valid_until), bool(reading.deviations)) == day


SWITCHES = {
    "true": (True, False),
    "0": (False, False),
    "TRUE": (True, True),
    "False": (False, True),
    "x": (False, True),
}


@pytest.mark.parametrize(("written", "copy"), SWITCHES.items(), ids=SWITCHES)
def test_a_copy_is_one_in_any_case(written: str, copy: tuple[bool, bool]) -> None:
    reading = read(header=f"<CopyIndicator>{written}</CopyIndicator>")
    assert (reading.permit.copy, bool(reading.deviations)) == copy


AGENCIES = {"XB": ("XB", False), "xb": ("XB", True), "6": (None, True), "UNECE": (None, True), "?": (None, False)}


@pytest.mark.parametrize(("agency", "issuer"), AGENCIES.items(), ids=AGENCIES)
def test_the_agency_of_a_number_is_an_issuer_where_it_is_a_country(agency: str, issuer: tuple[str, bool]) -> None:
    number = f"<TypeCode>911</TypeCode><ID schemeAgencyID='{agency}'>7</ID>"
    reading = read(header=f"<ReferenceReferencedDocument>{number}</ReferenceReferencedDocument>")
    assert (reading.permit.references[0].issuer, bool(reading.deviations)) == issuer


def test_the_number_of_a_replaced_document_is_said_at_its_place() -> None:
    replaced = "<ID>1</ID><ID>2</ID><Name>Replaced document</Name>"
    reading = read(header=f"<ReferenceReferencedDocument>{replaced}</ReferenceReferencedDocument>")
    assert reading.permit.replaces == "1"
    assert [one.path for one in reading.deviations] == ["HeaderExchangedDocument/ReferenceReferencedDocument[1]/ID"]


def test_an_empty_block_beside_others_is_no_line() -> None:
    """Form generators write one for each row of the form."""
    consignment = "</IncludedSupplyChainConsignmentItem><IncludedSupplyChainConsignmentItem><ID/>" + quantity(
        "", 'unitCode="?"'
    )
    reading = read(goods="<TypeCode>II</TypeCode></IncludedSupplyChainTradeLineItem>" + consignment
                   + "<IncludedSupplyChainTradeLineItem>")  # fmt: skip
    assert [line.block for line in reading.permit.lines] == ["A"]
    assert [one.path for one in reading.deviations] == [ITEM.replace("[1]", "[2]")]


def goods(*parts: str) -> str:
    return "</IncludedSupplyChainTradeLineItem><IncludedSupplyChainTradeLineItem>".join(parts)


def test_another_appendix_in_one_block_is_said() -> None:
    reading = read(goods=goods("<TypeCode>II</TypeCode>", "<TypeCode>I</TypeCode>"))
    assert reading.permit.lines[0].appendix == "II"
    assert [one.message for one in reading.deviations] == ["differs within one block; the first is read"]


def test_goods_are_found_behind_an_element_that_names_none() -> None:
    product = "<SpecifiedTradeProduct><ScientificName>Boa constrictor</ScientificName></SpecifiedTradeProduct>"
    reading = read(goods=goods("<TypeCode>II</TypeCode>", f"<TypeExtensionCode>W</TypeExtensionCode>{product}"))
    line = reading.permit.lines[0]
    assert (line.taxon, line.appendix, line.sources) == ("Boa constrictor", "II", ("W",))
    assert reading.deviations == ()


def test_a_document_of_two_kinds_is_of_none() -> None:
    reading = read(type_="O</TypeCode><Name>pre-convention</Name><Name>ifs</Name><TypeCode>")
    assert reading.permit.subtype is None
    assert [one.path for one in reading.deviations] == ["HeaderExchangedDocument/Name"]


def test_the_country_of_import_of_version_1_is_said_in_version_2() -> None:
    reading = read(item="</IncludedSupplyChainConsignmentItem><ImportTradeCountry><ID>XB</ID></ImportTradeCountry>"
                   "<IncludedSupplyChainConsignmentItem><ID>B</ID>")  # fmt: skip
    assert reading.permit.importer is not None
    assert [one.path for one in reading.deviations] == ["SpecifiedSupplyChainConsignment/ImportTradeCountry/ID"]


def test_nothing_is_mended_in_what_our_own_writer_wrote(example: Permit) -> None:
    """Codes and units are there as the issuer gave them."""
    line = replace(example.lines[0], quantity="+1 500", unit="kgm", appendix="ii", sources=("w",), term="liv")
    odd = replace(example, type="e", purpose="t", lines=(line,), transit=())
    reading = read_permit_bytes(write_permit(odd))
    assert (reading.permit, reading.deviations) == (odd, ())
