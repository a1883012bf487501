"""Read a toolkit v2 permit (``CITESEPermit``) as it is found in the world, and say what had to be tolerated.

Local names are compared, so that all three habits of qualifying names are read. Real documents carry empty elements,
``?`` in attributes, texts that repeat, unit codes of other lists and document codes that UNTDID does not mean; each
is mended in one stated way and reported as a deviation. What our own writer wrote (``boxes.OWN_MODEL``) is read
exactly: codes and units are there as the issuer gave them.

Not here: signatures (a signed document is refused, its permit is read by ``document``), and whether the permit
keeps the rules (``rules``). Other formats are read beside this module, into the same ``Reading``.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml.etree import _Element

from epix_node import safexml
from epix_node.errors import MalformedDocumentError
from epix_node.permit.codes import code_lists
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS
from epix_node.permit.model import Authority, Line, Permit, PermitType, Reference, Relation, TradeParty
from epix_node.permit.xml import boxes
from epix_node.permit.xml.boxes import Box
from epix_node.permit.xml.branch import SIGNATURE_NAMESPACE, Branch
from epix_node.permit.xml.extension import DOCUMENT_NAMESPACE
from epix_node.permit.xml.line import read_line
from epix_node.permit.xml.page import Deviation, Page

_RELATIONS = {code: Relation(relation) for relation, code in boxes.RELATION_CODES.items()}
_FOREIGN_RELATIONS = _RELATIONS | {
    "I": Relation.IMPORT_PERMIT,
    "E": Relation.EXPORT_PERMIT,
    "R": Relation.EXPORT_PERMIT,
    "861": Relation.EXPORT_PERMIT,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A permit in normal form, and what had to be tolerated to read it."""

    permit: Permit
    deviations: tuple[Deviation, ...]


def read_permit_bytes(data: bytes) -> Reading:
    """The permit in a stand-alone toolkit v2 document.

    Raises:
        MalformedDocumentError: not safe XML (the parser's reason code), or as ``read_permit``.
    """
    return read_permit(safexml.parse(data))


def read_permit(element: _Element) -> Reading:
    """The permit in a ``CITESEPermit`` element, whatever stands around it.

    Raises:
        MalformedDocumentError: ``SIGNED_DOCUMENT`` for an exchange document or anything with a signature inside;
            ``NOT_UNDERSTOOD`` for what is no ``CITESEPermit`` or has no issuer, type, number or lines;
            ``LIMIT_EXCEEDED`` for a text longer than one of contract 5.
    """
    tag = str(element.tag)
    if tag == f"{{{DOCUMENT_NAMESPACE}}}Document" or tag.startswith(SIGNATURE_NAMESPACE):
        raise MalformedDocumentError("a signed document cannot be read as a plain permit", code="SIGNED_DOCUMENT")
    root = Branch(element)  # refuses signatures wherever they stand
    if tag.rpartition("}")[2] != boxes.ROOT:
        raise MalformedDocumentError(f"the document is no {boxes.ROOT}")
    page = Page(is_own=boxes.OWN_MODEL in root.texts(boxes.MODEL))
    permit = _permit(page, root)
    if _has_long_text(permit):
        # JSON has this limit, and a permit that is held is read again from JSON whenever somebody asks for it.
        raise MalformedDocumentError(f"a text of more than {MAX_TEXT_CHARACTERS} characters", code="LIMIT_EXCEEDED")
    return Reading(permit=permit, deviations=tuple(page.deviations))


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
    number, type_, items = page.text(root, boxes.NUMBER), page.text(root, boxes.TYPE), root.all(boxes.LINE)
    if number is None or type_ is None or not items:
        missing = "number" if number is None else "type" if type_ is None else "line"
        raise MalformedDocumentError(f"the permit has no {missing}")
    exporter = _trade_party(page, root, boxes.EXPORTER)
    importer = _trade_party(page, root, boxes.IMPORTER)
    return Permit(
        type=type_,
        number=number,
        issuer=_issuer(page, root, type_, exporter=exporter, importer=importer),
        subtype=_subtype(page, root, type_),
        issued_on=page.date(root, boxes.ISSUED_ON),
        valid_from=page.date(root, boxes.VALID_FROM),
        valid_until=page.date(root, boxes.VALID_UNTIL),
        purpose=page.text(root, boxes.PURPOSE),
        copy=_switch(page, root, boxes.COPY),
        replaces=_replaced(page, root),
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
        references=_references(page, root),
        lines=_lines(page, items),
    )


def _lines(page: Page, items: list[Branch]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for position, item in enumerate(items, start=1):
        page.place = f"{boxes.LINE.path}[{position}]/"
        lines.append(read_line(page, item))
    page.place = ""
    return tuple(lines)


def _issuer(page: Page, root: Branch, type_: str, *, exporter: TradeParty | None, importer: TradeParty | None) -> str:
    """The country of box 6; where that is empty, the country whose authority issues documents of this type."""
    issuer = page.text(root, boxes.ISSUER)
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
    for code, meaning in subtypes.items():
        if code in names or meaning.casefold() in names:
            return code
    return None


def _switch(page: Page, root: Branch, box: Box) -> bool:
    text = page.text(root, box)
    if text not in {None, "true", "1", "false", "0"}:
        page.deviates(box, "is neither true nor false; read as false")
    return text in {"true", "1"}


def _place(page: Page, root: Branch) -> str | None:
    place = page.text(root, boxes.PLACE)
    return place if place is not None or page.is_own else page.text(root, boxes.SIGNATORY_PLACE)


def _trade_party(page: Page, root: Branch, box: Box) -> TradeParty | None:
    branch = page.first(root, box)
    if branch is None:
        return None
    party = TradeParty(
        name=page.text(branch, boxes.NAME),
        address=_address(branch),
        country=page.text(branch, boxes.COUNTRY),
    )
    return None if party == TradeParty() else party


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


def _replaced(page: Page, root: Branch) -> str | None:
    """The number of the permit that this one replaces, if a reference says so."""
    replaced = [document for document in root.all(boxes.REFERENCE) if _is_replaced(document)]
    if len(replaced) > 1:
        page.deviates(boxes.REFERENCE, "names several replaced documents; the first is read")
    return page.text(replaced[0], boxes.DOCUMENT_NUMBER) if replaced else None


def _is_replaced(document: Branch) -> bool:
    return any(name.casefold() == boxes.REPLACED_DOCUMENT.casefold() for name in document.texts(boxes.DOCUMENT_NAME))


def _references(page: Page, root: Branch) -> tuple[Reference, ...]:
    references: list[Reference] = []
    for document in root.all(boxes.REFERENCE):
        number = page.first(document, boxes.DOCUMENT_NUMBER)
        day = page.date(document, boxes.DOCUMENT_DATE)
        if _is_replaced(document) or (not page.is_own and day is None and (number is None or number.text is None)):
            continue
        references.append(
            Reference(
                relation=_relation(page, document),
                # The agency that keeps the scheme of a permit number is the country that issued it.
                issuer=page.attribute(number, "schemeAgencyID") if number else None,
                number=number.text if number else None,
                date=day,
            )
        )
    return tuple(references)


def _relation(page: Page, document: Branch) -> str:
    branch = page.first(document, boxes.DOCUMENT_TYPE)
    code = branch.text if branch else None
    if page.is_own and branch and code is not None:
        listed = branch.attribute("listID") == boxes.DOCUMENT_LIST["listID"]
        return _RELATIONS.get(code, code) if listed else code
    if code not in _FOREIGN_RELATIONS:
        page.deviates(boxes.REFERENCE, "does not say how it belongs to the permit; read as an annex")
    return _FOREIGN_RELATIONS.get(code or "", Relation.ANNEX)
