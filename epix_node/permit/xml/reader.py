"""Read toolkit permits, v1 (``CBFShip``) and v2 (``CITESEPermit``), as they are found in the world.

Local names are compared, so that all three habits of qualifying names are read. Real documents carry empty elements,
``?`` in attributes, texts that repeat, unit codes of other lists and document codes that UNTDID does not mean; each
is mended in one stated way and reported as a deviation (cites-formats.md 1.7). What our own writer wrote
(``boxes.OWN_MODEL``) is read exactly: codes and units are there as the issuer gave them.

Not here: how strictly the document keeps to the toolkit (``strict``), signatures (a signed document is refused, its
permit is read by ``document``), and whether the permit keeps the rules (``rules``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lxml import etree
from lxml.etree import _Element

from epix_node import safexml
from epix_node.errors import MalformedDocumentError
from epix_node.permit.codes import code_lists
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS
from epix_node.permit.model import Authority, Line, Permit, PermitType, Reference, Relation, TradeParty
from epix_node.permit.xml import boxes
from epix_node.permit.xml.boxes import Box
from epix_node.permit.xml.branch import Branch, is_empty, text_of
from epix_node.permit.xml.deviation import Deviation, Deviations
from epix_node.permit.xml.forms import TOOLKIT_2, Form
from epix_node.permit.xml.line import read_line
from epix_node.permit.xml.message import Attachment, open_message, refuse_signatures
from epix_node.permit.xml.page import Page

_RELATIONS = {code: Relation(relation) for relation, code in boxes.RELATION_CODES.items()}
_FOREIGN_RELATIONS = _RELATIONS | {
    "I": Relation.IMPORT_PERMIT,
    "E": Relation.EXPORT_PERMIT,
    "R": Relation.EXPORT_PERMIT,
    "861": Relation.EXPORT_PERMIT,
}
_EMPTY = Line()
_NOBODY = TradeParty()
_count_characters = etree.XPath("string-length(.)")


@dataclass(frozen=True, slots=True)
class Reading:
    """A permit in normal form, what had to be tolerated to read it, and what came with it."""

    permit: Permit
    deviations: tuple[Deviation, ...]
    format: str = TOOLKIT_2.name
    attachments: tuple[Attachment, ...] = ()
    """Of the SOAP response; only named and measured, never kept."""
    composite: bool | None = None
    """As the SOAP response says; ``None`` where there is none."""


def read_permit_bytes(data: bytes, *, max_bytes: int = safexml.DEFAULT_LIMITS.max_bytes) -> Reading:
    """The permit in a toolkit document of version 1 or 2, stand-alone or inside a SOAP response.

    Raises:
        MalformedDocumentError: not safe XML (the parser's reason code), or as ``read_root``.
    """
    return read_root(parse_message(data, max_bytes=max_bytes), size=len(data))


def parse_message(data: bytes, *, max_bytes: int = safexml.DEFAULT_LIMITS.max_bytes) -> _Element:
    """The root of a toolkit document for ``read_root`` and ``strict.strict_deviations``.

    One text may be as long as the whole document: an attachment is one. Texts of the permit have contract 5's limit.

    Raises:
        MalformedDocumentError: not safe XML (the parser's reason code).
    """
    return safexml.parse(data, limits=safexml.XmlLimits(max_bytes=max_bytes, max_text_characters=max_bytes))


def read_root(root: _Element, *, size: int | None = None) -> Reading:
    """The one permit of a document, stand-alone or inside a SOAP response.

    ``size`` is that of the document in bytes, where it is known: no text in it has more characters.

    Raises:
        MalformedDocumentError: as ``read_permit``, and ``NOT_UNDERSTOOD`` for a SOAP fault, for several permits, and
            for a permit where none may stand.
    """
    deviations = Deviations()
    message = open_message(root, deviations)
    permit = _read(message.permit, message.form, deviations, size=size)
    return Reading(permit, deviations.listed, message.form.name, message.attachments, message.composite)


def read_permit(element: _Element) -> Reading:
    """The permit in a ``CITESEPermit`` element, whatever stands around it.

    Raises:
        MalformedDocumentError: ``SIGNED_DOCUMENT`` for an exchange document or anything with a signature inside;
            ``NOT_UNDERSTOOD`` for what is no ``CITESEPermit`` or has no issuer, type, number or lines;
            ``LIMIT_EXCEEDED`` for a text longer than one of contract 5.
    """
    refuse_signatures(element)
    if str(element.tag).rpartition("}")[2] != boxes.ROOT:
        raise MalformedDocumentError(f"the document is no {boxes.ROOT}")
    deviations = Deviations()
    permit = _read(element, TOOLKIT_2, deviations)
    return Reading(permit, deviations.listed)


def _read(element: _Element, form: Form, deviations: Deviations, *, size: int | None = None) -> Permit:
    root = Branch(element, form, form.document)
    for again in root.repeated:
        name = str(again.tag).rpartition("}")[2]
        if name in {boxes.HEADER, boxes.CONSIGNMENT}:
            # Read together they would be a permit that neither of them says.
            raise MalformedDocumentError(f"the permit has more than one {name}")
    is_own = form is TOOLKIT_2 and boxes.OWN_MODEL in root.texts(boxes.MODEL)
    page = Page(form, deviations, is_own=is_own)
    page.note_repeated(root)
    permit = _permit(page, root)
    # Several texts may be joined, with at most two characters between any two: never more than three times as many.
    if (size is None or size * 3 > MAX_TEXT_CHARACTERS) and (
        _count_characters(element) * 3 > MAX_TEXT_CHARACTERS and _has_long_text(permit)
    ):
        # JSON has this limit, and a permit that is held is read again from JSON whenever somebody asks for it.
        raise MalformedDocumentError(f"a text of more than {MAX_TEXT_CHARACTERS} characters", code="LIMIT_EXCEEDED")
    return permit


def _has_long_text(part: object) -> bool:
    """Whether a text in a permit or a part of it is longer than JSON may have it."""
    if part is None:
        return False
    if isinstance(part, str):
        return len(part) > MAX_TEXT_CHARACTERS
    if isinstance(part, tuple):
        return any(map(_has_long_text, part))
    return any(_has_long_text(getattr(part, name)) for name in getattr(part, "__dataclass_fields__", ()))


def _permit(page: Page, root: Branch) -> Permit:
    number, items = page.text(root, boxes.NUMBER), root.elements(boxes.LINE)
    type_ = page.code(root, boxes.TYPE, code_lists().types)
    if number is None or type_ is None or not items:
        missing = "number" if number is None else "type" if type_ is None else "line"
        raise MalformedDocumentError(f"the permit has no {missing}")
    papers = [page.branch(element, page.form.paper) for element in root.elements(boxes.REFERENCE)]
    exporter = _trade_party(page, root, boxes.EXPORTER)
    importer = _with_import_country(page, root, _trade_party(page, root, boxes.IMPORTER))
    return Permit(
        type=type_,
        number=number,
        issuer=_issuer(page, root, type_, exporter=exporter, importer=importer),
        subtype=_subtype(page, root, type_),
        issued_on=page.date(root, boxes.ISSUED_ON),
        valid_from=page.date(root, boxes.VALID_FROM),
        valid_until=page.date(root, boxes.VALID_UNTIL),
        purpose=page.code(root, boxes.PURPOSE, code_lists().purposes),
        copy=_switch(page, root, boxes.COPY),
        replaces=_replaced(page, papers),
        exporter=exporter,
        importer=importer,
        authority=Authority(
            name=page.text(root, boxes.AUTHORITY),
            place=_place(page, root),
            signatory=page.text(root, boxes.SIGNATORY),
        ),
        security_stamp=page.text(root, boxes.SECURITY_STAMP),
        special_conditions="\n".join(root.texts(boxes.SPECIAL_CONDITIONS)) or None,
        transport_document=page.text(root, boxes.TRANSPORT_DOCUMENT),
        references=_references(page, papers),
        lines=_lines(page, items),
    )


def _lines(page: Page, items: Sequence[_Element]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for position, item in enumerate(items, start=1):
        place = page.enter(boxes.LINE, position)
        lines.append(read_line(page, item))
        page.place = place
    return tuple(lines) if page.is_own else _filled(page, lines)


def _filled(page: Page, lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines without those that hold nothing, as form generators send them; all of them where none holds anything.

    Our own writer writes such a line only where the issuer gave it.
    """
    empty = [position for position, line in enumerate(lines, start=1) if line == _EMPTY]
    if len(empty) == len(lines):
        return tuple(lines)
    for position in empty:
        page.deviations.add(f"{page.form.path(boxes.LINE.path)}[{position}]", "holds nothing; it is no line")
    return tuple(line for line in lines if line != _EMPTY)


def _issuer(page: Page, root: Branch, type_: str, *, exporter: TradeParty | None, importer: TradeParty | None) -> str:
    """The country of box 6; where that is empty, the country whose authority issues documents of this type."""
    issuer = page.code(root, boxes.ISSUER, code_lists().traders)
    if issuer is not None:
        return issuer
    is_import = type_ == PermitType.IMPORT
    party = importer if is_import else exporter if type_ in {PermitType.EXPORT, PermitType.REEXPORT} else None
    if party is None or party.country is None:
        raise MalformedDocumentError("the permit has no issuer: there is no country in box 6")
    page.deviates(boxes.ISSUER, f"is missing; read from box {3 if is_import else 4}")
    return party.country


def _subtype(page: Page, root: Branch, type_: str) -> str | None:
    """What an O is: toolkit v2 has only the name of the document for it; ours travels in the extension."""
    if type_ != PermitType.OTHER or page.is_own:
        return None
    subtypes = code_lists().subtypes
    names = {" ".join(name.casefold().split()) for name in root.texts(boxes.TYPE_NAME)}
    named = [code for code, meaning in subtypes.items() if code in names or meaning.casefold() in names]
    if len(named) > 1:
        page.deviates(boxes.TYPE_NAME, "names several kinds of document; none is read")
        return None
    return named[0] if named else None


def _switch(page: Page, root: Branch, box: Box) -> bool:
    text = page.text(root, box)
    if text in {None, "true", "1", "false", "0"}:
        return text in {"true", "1"}
    is_on = str(text).casefold() == "true"
    if str(text).casefold() in {"true", "false"}:
        page.deviates(box, f"is not written in small letters; read as {str(is_on).lower()}")
    else:
        page.deviates(box, "is neither true nor false; read as false")
    return is_on


def _place(page: Page, root: Branch) -> str | None:
    place = page.text(root, boxes.PLACE)
    return place if place is not None or page.is_own else page.text(root, boxes.SIGNATORY_PLACE)


def _trade_party(page: Page, root: Branch, box: Box) -> TradeParty | None:
    element = page.first(root, box)
    if element is None:
        return None
    place = page.enter(box)
    branch = page.branch(element, page.form.party)
    party = TradeParty(
        name=page.text(branch, boxes.NAME),
        address=_address(branch),
        country=page.code(branch, boxes.COUNTRY, code_lists().traders),
    )
    page.place = place
    return None if party == _NOBODY else party


def _with_import_country(page: Page, root: Branch, importer: TradeParty | None) -> TradeParty | None:
    """The importer with the country of v1's own element for box 3a; the address may lie elsewhere."""
    country = None if page.is_own else page.code(root, boxes.IMPORT_COUNTRY, code_lists().traders)
    if country is None or (importer is not None and importer.country == country):
        return importer
    if page.form is TOOLKIT_2:
        page.deviates(boxes.IMPORT_COUNTRY, "is no element of this version; read as the country of import")
    if importer is not None and importer.country is not None:
        page.deviates(boxes.IMPORT_COUNTRY, "is another country than the importer's; read as the country of import")
    return replace(importer or TradeParty(), country=country)


def _address(branch: Branch) -> str | None:
    """The parts of the address on lines of their own, in the order in which they are written on an envelope."""
    town = " ".join(branch.texts(boxes.POSTCODE) + branch.texts(boxes.CITY))
    lines = [
        *branch.texts(boxes.POST_BOX),
        *branch.texts(boxes.STREET),
        *([town] if town else []),
        *branch.texts(boxes.SUBDIVISION),
        *branch.texts(boxes.COUNTRY_NAME),
    ]
    return "\n".join(lines) or None


def _replaced(page: Page, papers: Sequence[Branch]) -> str | None:
    """The number of the permit that this one replaces, if a reference says so."""
    replaced = [(position, document) for position, document in enumerate(papers, start=1) if _is_replaced(document)]
    if not replaced:
        return None
    if len(replaced) > 1:
        page.deviates(boxes.REFERENCE, "names several replaced documents; the first is read")
    position, document = replaced[0]
    place = page.enter(boxes.REFERENCE, position)
    number = page.text(document, boxes.DOCUMENT_NUMBER)
    page.place = place
    return number


def _is_replaced(document: Branch) -> bool:
    return any(name.casefold() == boxes.REPLACED_DOCUMENT.casefold() for name in document.texts(boxes.DOCUMENT_NAME))


def _references(page: Page, papers: Sequence[Branch]) -> tuple[Reference, ...]:
    references: list[Reference] = []
    for position, document in enumerate(papers, start=1):
        if _is_replaced(document):
            continue
        place = page.enter(boxes.REFERENCE, position)
        reference = _reference(page, document)
        page.place = place
        if reference is not None:
            references.append(reference)
    return tuple(references)


def _reference(page: Page, document: Branch) -> Reference | None:
    number = page.first(document, boxes.DOCUMENT_NUMBER)
    text = text_of(number) if number is not None else None
    day = page.date(document, boxes.DOCUMENT_DATE)
    # Empty documents are habit. Our own writer leaves them out, and may name one by nothing but its kind.
    if text is None and day is None and (not page.is_own or is_empty(document.element)):
        return None
    return Reference(
        relation=_relation(page, document),
        issuer=_agency(page, number) if number is not None else None,
        number=text,
        date=day,
    )


def _agency(page: Page, number: _Element) -> str | None:
    """The agency that keeps the scheme of a permit number: the country that issued it.

    Other systems may name the agency of a code list there, such as 6; that is no country.
    """
    agency = page.attribute(number, "schemeAgencyID")
    if agency is None or page.is_own or agency in code_lists().traders:
        return agency
    country = agency.upper() if agency.isascii() else agency
    if country in code_lists().traders:
        page.deviates(boxes.DOCUMENT_NUMBER, f"names a country that is not written in capitals; read as {country}")
        return country
    page.deviates(boxes.DOCUMENT_NUMBER, "names an agency that is no country; read as no country")
    return None


def _relation(page: Page, document: Branch) -> str:
    leaf = page.first(document, boxes.DOCUMENT_TYPE)
    code = text_of(leaf) if leaf is not None else None
    if page.is_own and leaf is not None and code is not None:
        listed = page.attribute(leaf, "listID") == boxes.DOCUMENT_LIST["listID"]
        return _RELATIONS.get(code, code) if listed else code
    relation = _FOREIGN_RELATIONS.get(code.upper()) if code is not None else None
    if relation is None:
        page.deviates(boxes.DOCUMENT_TYPE, "does not say how the document belongs to the permit; read as an annex")
    return relation or Relation.ANNEX
