"""Read one block of the form, boxes 7 to 12b, from its ``IncludedSupplyChainConsignmentItem``."""

from __future__ import annotations

import re

from lxml import etree

from epix_node.permit.model import Line, Origin, Quota
from epix_node.permit.xml import boxes
from epix_node.permit.xml.boxes import Box
from epix_node.permit.xml.branch import Branch
from epix_node.permit.xml.page import Page

_NOTHING = Branch(etree.Element("nothing"))
_SEVERAL_SOURCES = re.compile(r"[A-Z](?:\s*[\s,;/+&]\s*[A-Z])+")
_FOREIGN_UNITS = {"KIL": "KGM", "PCS": "NAR"}
"""Unit codes that toolkit documents carry for today's codes."""


def read_line(page: Page, item: Branch) -> Line:
    """The line as the item states it; what is missing is ``None``."""
    goods = item.all(boxes.GOODS)
    first = goods[0] if goods else _NOTHING
    quantity, unit = _quantity(page, item, boxes.QUANTITY)
    origin, last_reexport = _origins(page, item)
    return Line(
        block=page.text(item, boxes.BLOCK),
        taxon=page.text(first, boxes.TAXON),
        common_name=", ".join(first.texts(boxes.COMMON_NAME)) or None,
        appendix=page.text(first, boxes.APPENDIX),
        sources=_sources(page, goods),
        term=page.text(first, boxes.TERM),
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


def _sources(page: Page, goods: list[Branch]) -> tuple[str, ...]:
    """One code per element; a second code stands in an element that names no goods of its own."""
    codes: list[str] = []
    for position, branch in enumerate(goods):
        if position and branch.all(boxes.PRODUCT):
            page.deviates(boxes.GOODS, "names goods a second time in one block; the first are read")
            continue
        codes += branch.texts(boxes.SOURCE)
    if page.is_own or not any(_SEVERAL_SOURCES.fullmatch(code) for code in codes):
        return tuple(codes)
    page.deviates(boxes.GOODS, "holds several source codes in one text; read as several")
    return tuple(
        single
        for code in codes
        for single in (re.findall("[A-Z]", code) if _SEVERAL_SOURCES.fullmatch(code) else [code])
    )


def _quantity(page: Page, item: Branch, box: Box) -> tuple[str | None, str | None]:
    """The amount as it is written, and its unit."""
    branch = page.first(item, box)
    if branch is None:
        return None, None
    unit = page.attribute(branch, "unitCode")
    if page.is_own or branch.text is None:
        return branch.text, unit
    if unit is None:
        page.deviates(box, "has no unit; read as NAR, number of specimens")
        return branch.text, "NAR"
    if unit in _FOREIGN_UNITS:
        page.deviates(box, f"has the unit {unit}; read as {_FOREIGN_UNITS[unit]}")
    return branch.text, _FOREIGN_UNITS.get(unit, unit)


def _quota(page: Page, item: Branch) -> Quota | None:
    used, unit_of_used = _quantity(page, item, boxes.QUOTA_USED)
    annual, unit_of_annual = _quantity(page, item, boxes.QUOTA_ANNUAL)
    if used is not None and annual is not None and unit_of_used != unit_of_annual:
        page.deviates(boxes.QUOTA_ANNUAL, "has another unit than the amount used; that one's is read")
    quota = Quota(used=used, annual=annual, unit=unit_of_used or unit_of_annual)
    return None if quota == Quota() else quota


def _origins(page: Page, item: Branch) -> tuple[Origin | None, Origin | None]:
    """Boxes 12 and 12a: each a country, and the one document of its kind."""
    countries = page.text(item, boxes.ORIGIN_COUNTRY), page.text(item, boxes.LAST_REEXPORT_COUNTRY)
    documents: dict[str, Origin] = {}
    for document in item.all(boxes.ASSOCIATED):
        number = page.text(document, boxes.DOCUMENT_NUMBER)
        day = page.date(document, boxes.DOCUMENT_DATE)
        if number is None and day is None:
            continue
        kind = _kind(page, document, number, *countries)
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
) -> str:
    """Which of boxes 12 and 12a the document belongs to."""
    code = page.text(document, boxes.DOCUMENT_TYPE)
    if code in {boxes.ORIGIN_DOCUMENT, boxes.LAST_REEXPORT_DOCUMENT}:
        return code
    page.deviates(boxes.ASSOCIATED, "is neither 861 nor 811; its box is told by the countries")
    names_origin = origin_country is not None and number is not None and origin_country in number.upper()
    names_last = last_country is not None and number is not None and last_country in number.upper()
    if names_origin != names_last:
        return boxes.ORIGIN_DOCUMENT if names_origin else boxes.LAST_REEXPORT_DOCUMENT
    return boxes.LAST_REEXPORT_DOCUMENT if code == "R" and last_country else boxes.ORIGIN_DOCUMENT


def _with_country(country: str | None, document: Origin | None) -> Origin | None:
    if country is None:
        return document
    return Origin(
        country=country,
        permit=document.permit if document else None,
        date=document.date if document else None,
    )
