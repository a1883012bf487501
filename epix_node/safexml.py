"""The only XML parser call of this program.

What comes out is small (``XmlLimits``), is UTF-8, never had a DTD, never touched the network and holds no entity; in
strict mode, used for everything that is signed, also no comment, processing instruction or CDATA section
(federation-protocol C.5 size limits, C.6 steps 1 to 3). The checks run in the order of C.6, and those that must hold
*before* libxml2 sees the bytes are made on the bytes: size, encoding, DOCTYPE.

Why bytes are enough for the strict checks: a well-formed document has ``<`` only where markup begins, in no attribute
value and no text. So ``<!`` is a DOCTYPE, a comment or a CDATA section, and ``<?`` after the first bytes is a
processing instruction. There is no other reading, whatever parser comes later.

Not here: what the elements mean (``permit.xml``, ``document``), and signatures (``signing``).
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from epix_node.errors import MalformedDocumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlLimits:
    """How large a document may be (C.5). Each limit is inclusive: what is exactly as large still passes."""

    max_bytes: int = 1024 * 1024
    max_depth: int = 64
    """Elements on the path from the root to the innermost one, both counted; at most 255, libxml2's own limit."""
    max_elements: int = 50_000
    max_attributes: int = 256
    """Of one element, and as many namespace declarations beside them."""
    max_text_characters: int = 256 * 1024
    """Of one text node or attribute value."""


DEFAULT_LIMITS = XmlLimits()
"""Limits of a signed document (C.5: permit XML 1 MiB)."""

MAX_NAMESPACE_BYTES = 256
"""Longest namespace name, as written. Exclusive C14N repeats it at every sibling that uses it, so that a name of 200 kB
and 5,000 small siblings would become a gigabyte to hash."""

_XML_DECLARATION = re.compile(
    rb"<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:\"1\.0\"|'1\.0')"
    rb"(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:\"(?P<double>[^\"<>]*)\"|'(?P<single>[^'<>]*)'))?[^<>]*\?>"
)
# Bounded on both sides of the "=", so that a text which only repeats "xmlns" is read in linear time.
_LONG_DECLARATION = re.compile(
    rb"(?:[^=<>]{%(more)d}|[^=<>]{0,%(most)d}=[ \t\r\n]*(?:\"[^\"<]{%(more)d}|'[^'<]{%(more)d}))"
    % {b"most": MAX_NAMESPACE_BYTES, b"more": MAX_NAMESPACE_BYTES + 1}
)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_WHITE_SPACE = b" \t\r\n"

# Evaluated in C over the whole tree: the same questions cost ten times as much in a Python loop.
_count_elements = etree.XPath("count(//*)")
_has_many_attributes = etree.XPath("boolean(//*[count(@*) > $limit])")
_has_long_text = etree.XPath("boolean(//text()[string-length() > $limit] | //@*[string-length() > $limit])")


@lru_cache
def _deeper_than(depth: int) -> etree.XPath:
    """Whether some element has this many ancestors: a path of one step more than the depth allowed."""
    return etree.XPath("boolean(" + "/*" * (depth + 1) + ")")


def parse(data: bytes, limits: XmlLimits = DEFAULT_LIMITS, *, strict: bool = False) -> etree._Element:
    """The root element of a well-formed UTF-8 document within the limits, without DTD, comments and instructions.

    Plain toolkit XML may contain comments and processing instructions; they are left out, and text around them is
    one text. With ``strict``, for signed documents, they are refused, and so are CDATA sections.

    Raises:
        MalformedDocumentError: code TOO_LARGE, NOT_UTF8, FORBIDDEN_XML, LIMIT_EXCEEDED or NOT_A_DOCUMENT (contract 4).
    """
    # C.6 step 1, before anything looks at the content.
    if len(data) > limits.max_bytes:
        raise MalformedDocumentError(
            f"document of {len(data)} bytes: at most {limits.max_bytes} are taken", code="TOO_LARGE"
        )
    # C.6 step 2.
    content_start = _check_encoding(data)
    if strict:
        if b"<!" in data or data.find(b"<?", content_start) >= 0:
            raise MalformedDocumentError(
                "a signed document has no DOCTYPE, comment, processing instruction or CDATA section",
                code="FORBIDDEN_XML",
            )
    else:
        _refuse_doctype(data, content_start)
    root = _parse_checked(data)
    # C.6 step 3.
    _check_limits(root, data, limits)
    return root


def parse_again(data: bytes) -> etree._Element:
    """The root of bytes that this program serialised from a tree that ``parse`` gave; the checks are not repeated.

    Raises:
        MalformedDocumentError: code NOT_A_DOCUMENT, where a part was serialised that is no document by itself.
    """
    return _parse_checked(data)


def _check_encoding(data: bytes) -> int:
    """Where the XML declaration ends; raises unless the bytes are UTF-8, say nothing else and have no BOM."""
    # UTF-16 without a mark is full of NUL bytes, which are UTF-8 but never XML.
    if data.startswith(_BYTE_ORDER_MARKS) or b"\0" in data:
        raise MalformedDocumentError("document is not UTF-8 without a byte order mark", code="NOT_UTF8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(f"document is not UTF-8 at byte {error.start}", code="NOT_UTF8") from None
    if not data.startswith(b"<?xml") or data[5:6] not in {b" ", b"\t", b"\r", b"\n"}:
        return 0
    declaration = _XML_DECLARATION.match(data)
    if declaration is None:
        raise MalformedDocumentError("the XML declaration is not one of XML 1.0", code="FORBIDDEN_XML")
    encoding = declaration["double"] or declaration["single"]
    if encoding is not None and encoding.lower() != b"utf-8":
        raise MalformedDocumentError("the XML declaration names another encoding than UTF-8", code="NOT_UTF8")
    return declaration.end()


def _refuse_doctype(data: bytes, start: int) -> None:
    """Raise if anything but white space, comments and instructions comes before the root element.

    A DOCTYPE can stand nowhere else; further in, ``<!DOCTYPE`` is the text of a comment or a mistake in the markup.
    """
    position = start
    while True:
        while data[position : position + 1] and data[position] in _WHITE_SPACE:
            position += 1
        if data.startswith(b"<!--", position):
            end = data.find(b"-->", position + len(b"<!--")) + len(b"-->")
        elif data.startswith(b"<?", position):
            end = data.find(b"?>", position + len(b"<?")) + len(b"?>")
        elif data.startswith(b"<!", position):
            raise MalformedDocumentError("document has a DOCTYPE", code="FORBIDDEN_XML")
        else:
            return
        if end < position:  # never closed: not well formed, as the parser will say
            return
        position = end


class _Parsers(threading.local):
    """The parser of each thread: one that several share would make them wait for each other."""

    def __init__(self) -> None:
        self.parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )


_PARSERS = _Parsers()


def _parse_checked(data: bytes) -> etree._Element:
    """The root of bytes in which no DTD begins; raises NOT_A_DOCUMENT unless they are well formed."""
    try:
        root = etree.fromstring(data, _PARSERS.parser)
    except etree.XMLSyntaxError as error:
        # The message of libxml2 may quote the document; its number does not.
        if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            raise MalformedDocumentError("document is nested too deeply", code="LIMIT_EXCEEDED") from None
        raise MalformedDocumentError(
            f"document is not well-formed XML (line {error.lineno}, libxml2 error {error.code})", code="NOT_A_DOCUMENT"
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        # Cannot happen after the checks on the bytes; kept because everything later relies on it.
        raise MalformedDocumentError("document has a DOCTYPE", code="FORBIDDEN_XML")
    return root


def _check_limits(root: etree._Element, data: bytes, limits: XmlLimits) -> None:
    """Raise LIMIT_EXCEEDED unless the tree is within the limits.

    Where the bytes already show that a limit cannot be exceeded, the tree is not walked for it: an element takes at
    least four bytes (``<a/>``), an attribute a ``=``, and a text is never longer than the bytes that it came from.
    """
    if len(data) > limits.max_elements * len(b"<a/>") and _count_elements(root) > limits.max_elements:
        _exceeded(f"more than {limits.max_elements} elements")
    if _deeper_than(limits.max_depth)(root):
        _exceeded(f"elements nested more than {limits.max_depth} deep")
    if data.count(b"=") > limits.max_attributes and _has_many_attributes(root, limit=limits.max_attributes):
        _exceeded(f"more than {limits.max_attributes} attributes on one element")
    if len(data) > limits.max_text_characters and _has_long_text(root, limit=limits.max_text_characters):
        _exceeded(f"a text of more than {limits.max_text_characters} characters")
    _check_declarations(data, limits.max_attributes)


def _check_declarations(data: bytes, limit: int) -> None:
    """Raise where a namespace is long, or more of them are declared in one tag than the limit.

    libxml2 walks through all declarations of a tag for every element inside.
    """
    declarations = 0
    position = data.find(b"xmlns")
    while position >= 0:
        declarations += 1
        position += len(b"xmlns")
        if not _is_short(data, position) and _LONG_DECLARATION.match(data, position):
            _exceeded(f"a namespace prefix or name of more than {MAX_NAMESPACE_BYTES} bytes")
        position = data.find(b"xmlns", position)
    if declarations > limit and any(part.count(b"xmlns") > limit for part in data.split(b"<")):
        _exceeded(f"more than {limit} namespace declarations on one element")


def _is_short(data: bytes, position: int) -> bool:
    """Whether the declaration whose prefix begins here plainly ends in time; where not, one has to look closer."""
    value = data.find(b"=", position, position + MAX_NAMESPACE_BYTES) + 1
    quote = data[value : value + 1]
    return bool(value) and quote in {b'"', b"'"} and data.find(quote, value + 1, value + 1 + MAX_NAMESPACE_BYTES) > 0


def _exceeded(what: str) -> None:
    raise MalformedDocumentError(f"document has {what}", code="LIMIT_EXCEEDED")
