"""Write a permit as a stand-alone toolkit v2 document: root and all children qualified, in the schema's order.

What toolkit v2 has no place for is left out here and travels in the extension. Dates are written as times in UTC
whose date part is the date meant: valid until the end of its last day, everything else at the start of the day.
"""

from __future__ import annotations

from datetime import date

from lxml import etree
from lxml.etree import _Element

from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Line, Origin, Permit, Reference, TradeParty
from epix_node.permit.xml import boxes
from epix_node.permit.xml.boxes import Box


def permit_element(permit: Permit) -> _Element:
    """The permit, which must be in normal form, as ``rsm:CITESEPermit``.

    Raises:
        MalformedDocumentError: text that XML cannot hold.
    """
    try:
        return _permit_element(permit)
    except ValueError as error:  # lxml's only complaint about text is a character that XML cannot hold
        raise MalformedDocumentError("the permit holds a character that cannot be written as XML") from error


def write_permit(permit: Permit) -> bytes:
    """The permit as a stand-alone document in UTF-8, indented for people.

    Raises:
        MalformedDocumentError: text that XML cannot hold.
    """
    return etree.tostring(permit_element(permit), encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _permit_element(permit: Permit) -> _Element:
    root = etree.Element(boxes.qualified(boxes.ROOT), nsmap={"rsm": boxes.RSM, "ram": boxes.RAM})
    _put(root, boxes.PROCESS, "CITES PERMITTING")
    _put(root, boxes.PROCESS_VERSION, "1")
    _put(root, boxes.MODEL, boxes.OWN_MODEL)

    _put(root, boxes.NUMBER, permit.number)
    _put(root, boxes.TYPE, permit.type)
    _put(root, boxes.ISSUED_ON, _start_of(permit.issued_on))
    _put(root, boxes.COPY, "true" if permit.copy else "false")
    _put(root, boxes.PURPOSE, permit.purpose)
    _put(root, boxes.SPECIAL_CONDITIONS, permit.special_conditions)
    for reference in permit.references:
        _put_reference(root, reference)
    if permit.replaces is not None:
        replaced = _add(root, boxes.REFERENCE)
        _put(replaced, boxes.DOCUMENT_NUMBER, permit.replaces)
        _put(replaced, boxes.DOCUMENT_NAME, boxes.REPLACED_DOCUMENT)
    _put(root, boxes.VALID_FROM, _start_of(permit.valid_from))
    _put(root, boxes.VALID_UNTIL, _end_of(permit.valid_until))
    _put(root, boxes.PLACE, permit.authority.place)
    _put(root, boxes.AUTHORITY_ROLE, "A")
    _put(root, boxes.SECURITY_STAMP, permit.security_stamp)
    _put(root, boxes.AUTHORITY, permit.authority.name)
    _put(root, boxes.ISSUER, permit.issuer)
    if permit.authority.signatory is not None:
        _put(root, boxes.SIGNATORY_ROLE, "C")
        _put(root, boxes.SIGNATORY, permit.authority.signatory)

    _put_trade_party(root, boxes.EXPORTER, permit.exporter)
    _put_trade_party(root, boxes.IMPORTER, permit.importer)
    _put(root, boxes.TRANSPORT_DOCUMENT, permit.transport_document)
    for line in permit.lines:
        _put_line(_add(root, boxes.LINE), line)
    return root


def _put_reference(root: _Element, reference: Reference) -> None:
    document = _add(root, boxes.REFERENCE)
    _put(document, boxes.DOCUMENT_DATE, _start_of(reference.date))
    code = boxes.RELATION_CODES.get(reference.relation)
    if code is not None:
        _put(document, boxes.DOCUMENT_TYPE, code, boxes.DOCUMENT_LIST)
    else:
        _put(document, boxes.DOCUMENT_TYPE, reference.relation)
    # The agency that keeps the scheme of a permit number is the country that issued it.
    _put(document, boxes.DOCUMENT_NUMBER, reference.number, _attributes("schemeAgencyID", reference.issuer))


def _put_trade_party(root: _Element, box: Box, party: TradeParty | None) -> None:
    if party is None:
        return
    element = _add(root, box)
    _put(element, boxes.NAME, party.name)
    for street in _streets(party.address):
        _put(element, boxes.STREET, street)
    _put(element, boxes.COUNTRY, party.country)


def _streets(address: str | None) -> list[str]:
    """One entry per line of the address; all in one where single lines would not read back as they are."""
    if address is None:
        return []
    streets = address.split("\n")
    return streets if all(street and street == street.strip() for street in streets) else [address]


def _put_line(item: _Element, line: Line) -> None:
    _put(item, boxes.BLOCK, line.block)
    for mark in line.marks:
        _put(item, boxes.MARK, mark)
    _put(item, boxes.ORIGIN_COUNTRY, line.origin.country if line.origin else None)
    _put(item, boxes.LAST_REEXPORT_COUNTRY, line.last_reexport.country if line.last_reexport else None)
    _put_associated(item, boxes.ORIGIN_DOCUMENT, line.origin)
    _put_associated(item, boxes.LAST_REEXPORT_DOCUMENT, line.last_reexport)
    _put(item, boxes.QUANTITY, line.quantity, _attributes("unitCode", line.unit))

    goods = _add(item, boxes.GOODS)
    _put(goods, boxes.APPENDIX, line.appendix)
    _put(goods, boxes.SOURCE, line.sources[0] if line.sources else None)
    _put(goods, boxes.DESCRIPTION, line.description)
    _put(goods, boxes.TERM, line.term)
    _put(goods, boxes.COMMON_NAME, line.common_name)
    _put(goods, boxes.TAXON, line.taxon)
    for source in line.sources[1:]:  # one source code per element; a second one (with I or O) takes an element more
        _put(_add(item, boxes.GOODS), boxes.SOURCE, source)

    if line.quota is not None:
        unit = _attributes("unitCode", line.quota.unit)
        if line.quota.used is not None:
            _put(item, boxes.QUOTA_USED, line.quota.used, unit)
        if line.quota.annual is not None:
            _put(item, boxes.QUOTA_ANNUAL, line.quota.annual, unit)
    _put(item, boxes.ACQUIRED_ON, _start_of(line.acquired_on))
    _put(item, boxes.OPERATION_NUMBER, line.operation_number)


def _put_associated(item: _Element, code: str, origin: Origin | None) -> None:
    if origin is None or (origin.permit is None and origin.date is None):
        return
    document = _add(item, boxes.ASSOCIATED)
    _put(document, boxes.DOCUMENT_DATE, _start_of(origin.date))
    _put(document, boxes.DOCUMENT_TYPE, code, boxes.DOCUMENT_LIST)
    _put(document, boxes.DOCUMENT_NUMBER, origin.permit)


def _put(parent: _Element, box: Box, text: str | None, attributes: dict[str, str] | None = None) -> None:
    """Add an element with this text or these attributes; without both, nothing."""
    if text is None and not attributes:
        return
    element = _add(parent, box)
    element.text = text
    for name, value in (attributes or {}).items():
        element.set(name, value)


def _add(parent: _Element, box: Box) -> _Element:
    """A new element at the place. Elements above it are shared with what was written last, where they are the same."""
    for tag in box.tags[:-1]:
        last = next(parent.iterchildren(reversed=True), None)  # len() would count all children each time
        parent = last if last is not None and last.tag == tag else etree.SubElement(parent, tag)
    return etree.SubElement(parent, box.tags[-1])


def _attributes(name: str, value: str | None) -> dict[str, str] | None:
    return None if value is None else {name: value}


def _start_of(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None


def _end_of(day: date | None) -> str | None:
    return f"{day.isoformat()}T23:59:59Z" if day else None
