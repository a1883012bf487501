"""Read one block of the form, boxes 7 to 12b, from its ``IncludedSupplyChainConsignmentItem``."""

from __future__ import annotations

import re
from types import MappingProxyType

from lxml import etree
from lxml.etree import _Element

from epix_node.permit.codes import UNITS, CodeLists, code_lists
from epix_node.permit.model import Line, Origin, Quota
from epix_node.permit.xml import boxes
from epix_node.permit.xml.boxes import Box
from epix_node.permit.xml.branch import Branch, is_empty, text_of
from epix_node.permit.xml.forms import TOOLKIT_2
from epix_node.permit.xml.page import Page

_NOTHING = Branch(etree.Element("nothing"), TOOLKIT_2, TOOLKIT_2.goods)
_SEVERAL_SOURCES = re.compile(r"[A-Z](?: ?[ ,;/+&] ?[A-Z]){1,5}", re.IGNORECASE | re.ASCII)
_MAX_SOURCES_CHARACTERS = 24

FOREIGN_UNITS = MappingProxyType(
    {
        # Seen in toolkit documents (cites-formats.md 1.7).
        "KIL": "KGM",
        "PCS": "NAR",
        # UN/ECE Recommendation 20, which the attribute is by its type, for units that CITES has a code of its own for.
        "C62": "NAR",
        "EA": "NAR",
        "H87": "NAR",
        "PCE": "NAR",
        "PR": "PAI",
        "TNE": "TON",
        "MC": "MYG",
        "ONZ": "OUN",
        "LBR": "PND",
        "CMT": "CTM",
        "INH": "INC",
        "CMK": "SQC",
        "DMK": "SQD",
        "FTK": "SQF",
        "FTQ": "CUF",
    }
)
"""Unit codes that toolkit documents carry for codes of the CITES list, historical ones included."""

_APPENDICES = MappingProxyType(
    {
        f"{before}{numeral}": roman
        for before in ("", "APPENDIX ", "APP. ", "APP ", "ANNEX ", "ANNEXE ")
        for roman, digit in (("I", "1"), ("II", "2"), ("III", "3"))
        for numeral in (roman, digit)
    }
)


def read_line(page: Page, element: _Element) -> Line:
    """The line as the item states it; what is missing is ``None``."""
    lists = code_lists()
    form = page.form
    item = page.branch(element, form.line)
    quantity, unit = _quantity(page, item, boxes.QUANTITY)
    origin, last_reexport = _origins(page, item, lists)
    block = page.text(item, boxes.BLOCK)
    place = page.enter(boxes.GOODS)
    found = item.elements(boxes.GOODS)
    goods = [page.branch(one, form.goods) for one in found if len(found) == 1 or not is_empty(one)]
    first = goods[0] if goods else _NOTHING
    if len(goods) > 1:
        first = next((one for one in goods if _names_goods(one)), first)
        goods = _of_one_kind(page, goods, first)
    taxon = page.text(first, boxes.TAXON)
    appendix = _appendix(page, goods, lists)
    sources = _sources(page, goods, lists)
    term = _term(page, first, lists)
    page.place = place
    return Line(
        block=block,
        taxon=taxon,
        common_name=", ".join(first.texts(boxes.COMMON_NAME)) or None,
        appendix=appendix,
        sources=sources,
        term=term,
        description="\n".join(first.texts(boxes.DESCRIPTION)) or None,
        quantity=quantity,
        unit=unit,
        marks=tuple(item.texts(boxes.MARK)),
        origin=origin,
        last_reexport=last_reexport,
        acquired_on=page.date(item, boxes.ACQUIRED_ON),
        operation_number=page.text(item, boxes.OPERATION_NUMBER),
        quota=_quota(page, item),
    )


def _term(page: Page, goods: Branch, lists: CodeLists) -> str | None:
    term = page.text(goods, boxes.TERM)
    if term is None or page.is_own or term in lists.terms:
        return term
    return page.meant(boxes.TERM, term, {*lists.terms, *lists.historical_terms})


def _names_goods(goods: Branch) -> bool:
    return not all(map(is_empty, goods.elements(boxes.PRODUCT)))


def _of_one_kind(page: Page, goods: list[Branch], first: Branch) -> list[Branch]:
    """What is said of the first goods: by themselves, and by elements that name no goods of their own."""
    kept = [one for one in goods if one is first or not _names_goods(one)]
    for _ in range(len(goods) - len(kept)):
        page.deviates(boxes.PRODUCT, "names goods a second time in one block; the first are read")
    return kept


def _appendix(page: Page, goods: list[Branch], lists: CodeLists) -> str | None:
    given = [text for one in goods if (text := page.text(one, boxes.APPENDIX)) is not None]
    if len(set(given)) > 1 and not page.is_own:
        page.deviates(boxes.APPENDIX, "differs within one block; the first is read")
    return page.meant(boxes.APPENDIX, given[0], lists.appendices, also=_APPENDICES) if given else None


def _sources(page: Page, goods: list[Branch], lists: CodeLists) -> tuple[str, ...]:
    """One code per element; a second code stands in an element that names no goods of its own."""
    codes = [code for one in goods for code in one.texts(boxes.SOURCE)]
    if page.is_own or all(code in lists.sources for code in codes):
        return tuple(codes)
    if any(_is_several(code) for code in codes):
        page.deviates(boxes.SOURCE, "holds several source codes in one text; read as several")
        codes = [single for code in codes for single in (_single(code) if _is_several(code) else [code])]
    return tuple(page.meant(boxes.SOURCE, code, lists.sources) or code for code in codes)


def _is_several(code: str) -> bool:
    return len(code) <= _MAX_SOURCES_CHARACTERS and _SEVERAL_SOURCES.fullmatch(" ".join(code.split())) is not None


def _single(code: str) -> list[str]:
    return re.findall("[A-Z]", code.upper())


def _quantity(page: Page, item: Branch, box: Box) -> tuple[str | None, str | None]:
    """The amount, and its unit as a code of the CITES list where it is one in other words."""
    leaf = page.first(item, box)
    if leaf is None:
        return None, None
    text, unit = text_of(leaf), page.attribute(leaf, "unitCode")
    if page.is_own or text is None:
        return text, unit
    text = page.amount(box, text)
    if unit is None:
        page.deviates(box, "has no unit; read as NAR, number of specimens")
        return text, "NAR"
    if unit in FOREIGN_UNITS:
        page.deviates(box, f"has the unit {unit}; read as {FOREIGN_UNITS[unit]}")
        return text, FOREIGN_UNITS[unit]
    capitals = unit.upper() if unit.isascii() else unit
    if unit not in UNITS and (capitals in UNITS or capitals in FOREIGN_UNITS):
        meant = FOREIGN_UNITS.get(capitals, capitals)
        page.deviates(box, f"has a unit that is not written in capitals; read as {meant}")
        return text, meant
    return text, unit


def _quota(page: Page, item: Branch) -> Quota | None:
    used, unit_of_used = _quantity(page, item, boxes.QUOTA_USED)
    annual, unit_of_annual = _quantity(page, item, boxes.QUOTA_ANNUAL)
    if used is None:
        return None if annual is None else Quota(annual=annual, unit=unit_of_annual)
    if annual is not None and unit_of_used != unit_of_annual:
        # With the other's unit it would be another amount.
        page.deviates(boxes.QUOTA_ANNUAL, "has another unit than the amount used; read as missing")
        annual = None
    elif annual is not None and _stand_apart(item):
        page.deviates(boxes.QUOTA_ANNUAL, "stands apart from the amount used; both are read as of one quota")
    return Quota(used=used, annual=annual, unit=unit_of_used)


def _stand_apart(item: Branch) -> bool:
    """Whether the amounts of box 11a are of several procedures, which may be several quotas."""
    amounts = [*item.elements(boxes.QUOTA_USED), *item.elements(boxes.QUOTA_ANNUAL)]
    filled = [amount for amount in amounts if text_of(amount) is not None]
    return any(amount.getparent() is not filled[0].getparent() for amount in filled)


def _origins(page: Page, item: Branch, lists: CodeLists) -> tuple[Origin | None, Origin | None]:
    """Boxes 12 and 12a: each a country, and the one document of its kind."""
    countries = (
        page.code(item, boxes.ORIGIN_COUNTRY, lists.countries),
        page.code(item, boxes.LAST_REEXPORT_COUNTRY, lists.countries),
    )
    documents: dict[str, Origin] = {}
    for position, element in enumerate(item.elements(boxes.ASSOCIATED), start=1):
        place = page.enter(boxes.ASSOCIATED, position)
        document = page.branch(element, page.form.paper)
        number = page.text(document, boxes.DOCUMENT_NUMBER)
        day = page.date(document, boxes.DOCUMENT_DATE)
        kind = None if number is None and day is None else _kind(page, document, number, *countries)
        page.place = place
        if kind is None:
            continue
        if kind in documents:
            page.deviates(boxes.ASSOCIATED, "names a second document of the same kind; the first is read")
        else:
            documents[kind] = Origin(permit=number, date=day)
    return (
        _with_country(countries[0], documents.get(boxes.ORIGIN_DOCUMENT)),
        _with_country(countries[1], documents.get(boxes.LAST_REEXPORT_DOCUMENT)),
    )


def _kind(
    page: Page, document: Branch, number: str | None, origin_country: str | None, last_country: str | None
) -> str | None:
    """Which of boxes 12 and 12a the document belongs to; ``None`` where it is something else, such as an invoice."""
    code = page.text(document, boxes.DOCUMENT_TYPE)
    if code in {boxes.ORIGIN_DOCUMENT, boxes.LAST_REEXPORT_DOCUMENT}:
        return code
    if code is not None and code.isdecimal():
        page.deviates(boxes.DOCUMENT_TYPE, "is neither 861 nor 811; the document is passed over")
        return None
    page.deviates(boxes.DOCUMENT_TYPE, "is neither 861 nor 811; its box is told by the countries")
    names_origin = origin_country is not None and number is not None and origin_country in number.upper()
    names_last = last_country is not None and number is not None and last_country in number.upper()
    if names_origin != names_last:
        return boxes.ORIGIN_DOCUMENT if names_origin else boxes.LAST_REEXPORT_DOCUMENT
    return boxes.LAST_REEXPORT_DOCUMENT if code in {"R", "r"} and last_country else boxes.ORIGIN_DOCUMENT


def _with_country(country: str | None, document: Origin | None) -> Origin | None:
    if country is None:
        return document
    return Origin(
        country=country,
        permit=document.permit if document else None,
        date=document.date if document else None,
    )
