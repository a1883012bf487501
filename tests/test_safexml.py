"""The one XML parser call: what is small and plain passes, everything else is refused at once, by name."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.safexml import (
    _LONG_DECLARATION,
    DEFAULT_LIMITS,
    MAX_NAMESPACE_BYTES,
    XmlLimits,
    _check_declarations,
    parse,
    parse_again,
)


def answer(document: bytes, *, strict: bool = False, limits: XmlLimits = DEFAULT_LIMITS) -> str:
    """The code of the refusal, or OK."""
    try:
        parse(document, limits, strict=strict)
    except MalformedDocumentError as refusal:
        return refusal.code
    return "OK"


@pytest.mark.parametrize(
    ("document", "plain", "strict"),
    [
        (b"<a/>", "OK", "OK"),
        (b"<a/>\n", "OK", "OK"),
        (b"<?xml version='1.0'?><a/>", "OK", "OK"),
        (b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<a/>', "OK", "OK"),
        (b"<?xml version='1.0' encoding='utf-8'?><a/>", "OK", "OK"),
        ("<a>Größe ≤ 3 m, 象牙</a>".encode(), "OK", "OK"),
        (b"<a x='&lt;!DOCTYPE'>&lt;!-- &#x3c;?</a>", "OK", "OK"),
        (b"<a><!-- a comment --></a>", "OK", "FORBIDDEN_XML"),
        (b"<!-- a comment --><a/>", "OK", "FORBIDDEN_XML"),
        (b"<a/><!-- a comment -->", "OK", "FORBIDDEN_XML"),
        (b"<a><?instruction x?></a>", "OK", "FORBIDDEN_XML"),
        (b"<?xml-stylesheet href='x'?><a/>", "OK", "FORBIDDEN_XML"),
        (b"<?xml version='1.0'?><?x y?><a/>", "OK", "FORBIDDEN_XML"),
        (b"<a><![CDATA[x]]></a>", "OK", "FORBIDDEN_XML"),
        (b"<!-- <!DOCTYPE a> --><a/>", "OK", "FORBIDDEN_XML"),
        (b"<?x <!DOCTYPE a> ?> <!-- --> <a/>", "OK", "FORBIDDEN_XML"),
        (b"<!DOCTYPE a><a/>", "FORBIDDEN_XML", "FORBIDDEN_XML"),
        (b" \n<!-- x --><?y?><!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "FORBIDDEN_XML", "FORBIDDEN_XML"),
        (b"<!doctype html><html/>", "FORBIDDEN_XML", "FORBIDDEN_XML"),
        (b"<?xml version='1.1'?><a/>", "FORBIDDEN_XML", "FORBIDDEN_XML"),
        (b"", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b" \n", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"not XML", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b'{"type": "E"}', "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"+ADw-a/+AD4-", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<a>", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<a/><b/>", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<a/>x", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<a x='1' x='2'/>", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<p:a/>", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<a>&unknown;</a>", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<a>&#0;</a>", "NOT_A_DOCUMENT", "NOT_A_DOCUMENT"),
        (b"<a><!DOCTYPE a></a>", "NOT_A_DOCUMENT", "FORBIDDEN_XML"),
        (b"<!-- never closed <a/>", "NOT_A_DOCUMENT", "FORBIDDEN_XML"),
        (b"\xef\xbb\xbf<a/>", "NOT_UTF8", "NOT_UTF8"),
        (b"<a>\xe9</a>", "NOT_UTF8", "NOT_UTF8"),
        (b"<a>\xed\xa0\x80</a>", "NOT_UTF8", "NOT_UTF8"),
        (b"<a>\0</a>", "NOT_UTF8", "NOT_UTF8"),
        ("<a/>".encode("utf-16"), "NOT_UTF8", "NOT_UTF8"),
        ("<a/>".encode("utf-16-be"), "NOT_UTF8", "NOT_UTF8"),
        ("<a/>".encode("utf-32-le"), "NOT_UTF8", "NOT_UTF8"),
        (b"<?xml version='1.0' encoding='UTF-16'?><a/>", "NOT_UTF8", "NOT_UTF8"),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "NOT_UTF8", "NOT_UTF8"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "NOT_UTF8", "NOT_UTF8"),
    ],
)
def test_each_document_gets_its_answer(document, plain, strict):
    """Plain toolkit XML may have comments and instructions, a signed document may not; neither has a DOCTYPE."""
    assert answer(document) == plain
    assert answer(document, strict=True) == strict


def element_declaring(namespaces: int) -> bytes:
    return b"<a" + b"".join(b" xmlns:p%d='u:%d'" % (n, n) for n in range(namespaces)) + b"/>"


def element_with(n: int) -> bytes:
    return b"<a " + b" ".join(b"x%d='1'" % i for i in range(n)) + b"/>"


@pytest.mark.parametrize(
    ("make", "limit", "code"),
    [
        (lambda n: b"<a>" + b" " * (n - 7) + b"</a>", 1024 * 1024, "TOO_LARGE"),
        (lambda n: b"<a>" * n + b"</a>" * n, 64, "LIMIT_EXCEEDED"),
        (lambda n: b"<a>" + b"<b/>" * (n - 1) + b"</a>", 50_000, "LIMIT_EXCEEDED"),
        (element_with, 256, "LIMIT_EXCEEDED"),
        (element_declaring, 256, "LIMIT_EXCEEDED"),
        (lambda n: b"<a>" + b"x" * n + b"</a>", 256 * 1024, "LIMIT_EXCEEDED"),
        (lambda n: b"<a x='" + b"x" * n + b"'/>", 256 * 1024, "LIMIT_EXCEEDED"),
        (lambda n: b"<a>" + "é".encode() * n + b"</a>", 256 * 1024, "LIMIT_EXCEEDED"),
        (lambda n: b"<a xmlns='" + b"u" * n + b"'/>", MAX_NAMESPACE_BYTES, "LIMIT_EXCEEDED"),
        (lambda n: b"<a xmlns=\"'" + b"u" * (n - 1) + b'"/>', MAX_NAMESPACE_BYTES, "LIMIT_EXCEEDED"),
        (lambda n: b"<a xmlns:p =  '" + b"u" * n + b"'/>", MAX_NAMESPACE_BYTES, "LIMIT_EXCEEDED"),
    ],
    ids=[
        "bytes",
        "depth",
        "elements",
        "attributes",
        "declarations",
        "text",
        "value",
        "characters",
        "namespace",
        "quotes",
        "prefix",
    ],
)
def test_each_limit_is_inclusive(make, limit, code):
    """One less and exactly as much pass, one more does not (C.5); a document of 1 MiB needs its own text limit."""
    limits = XmlLimits(max_text_characters=2**20) if code == "TOO_LARGE" else DEFAULT_LIMITS
    assert [answer(make(n), limits=limits) for n in (limit - 1, limit, limit + 1)] == ["OK", "OK", code]


def test_nesting_beyond_the_limit_of_libxml2_has_the_same_answer():
    """However deep, it is the depth that is wrong."""
    assert {answer(b"<a>" * depth + b"</a>" * depth) for depth in (65, 255, 256, 257, 5000)} == {"LIMIT_EXCEEDED"}


LAUGHS = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10 if n else b"lol") for n in range(10))
HOSTILE = {
    "billion laughs": b"<!DOCTYPE a [" + LAUGHS + b"]><a>&e9;</a>",
    "quadratic blow-up": b"<!DOCTYPE a [<!ENTITY e '" + b"x" * 50_000 + b"'>]><a>" + b"&e;" * 50_000 + b"</a>",
    "entity in an attribute": b"<!DOCTYPE a [" + LAUGHS + b"]><a x='&e9;'/>",
    "external entity": b"<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
    "50 MB": b"<a>" + b"x" * 50_000_000 + b"</a>",
    "many elements": b"<a>" + b"<b/>" * 260_000 + b"</a>",
    "many comments": b"<!---->" * 140_000 + b"<a/>",
    "never closed comments": b"<!--" * 260_000,
    "many namespaces": b"<a " + b" ".join(b"xmlns:n%d='u'" % n for n in range(50_000)) + b"/>",
    "only the word xmlns": b"<a>" + b"xmlns" * 50_000 + b"</a>",
    "only the word xmlns, quoted": b"<a>" + b"xmlns='" * 30_000 + b"</a>",
    "much white space": b" " * 1_000_000 + b"<a/>",
    "half a megabyte of attributes": element_with(50_000),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("strict", [False, True])
def test_hostile_input_is_answered_at_once(name, strict):
    """Whatever the answer is, it takes less than a second of this process."""
    begin = time.process_time()
    answer(HOSTILE[name], strict=strict)
    assert time.process_time() - begin < 1


def test_size_is_checked_before_anything_is_read():
    """50 MB that are not even UTF-8 are too large, nothing else."""
    assert answer(b"\xff" * 50_000_000) == "TOO_LARGE"


def test_comments_and_instructions_leave_one_text():
    """What stood around a comment is read whole: nobody can cut a number short with one."""
    root = parse(b"<!-- 1 --><a>26XA<!-- 2 -->000<?x?>123<![CDATA[<4>]]></a><!-- 3 -->")
    assert root.text == "26XA000123<4>"
    assert len(list(root.iter())) == 1
    assert root.getprevious() is None


def test_a_message_does_not_quote_the_document():
    """Error messages reach logs and answers; documents hold personal data."""
    for document in (b"<a>Jane Doe</b>", b"<a>Jane Doe&x;</a>", b"<a>Jane Doe", b"<a>Jane Doe\xff</a>"):
        with pytest.raises(MalformedDocumentError) as refusal:
            parse(document)
        assert "Jane" not in str(refusal.value)
        assert refusal.value.__cause__ is None


@given(st.binary(max_size=200) | st.text(alphabet="<>!-?[]&;ax='\" DOCTYPE", max_size=60).map(str.encode))
@settings(max_examples=100)
def test_any_bytes_give_a_root_or_a_refusal(data):
    """Nothing else is ever raised, and what passes strictly passes plainly with the same canonical form."""
    if answer(data, strict=True) == "OK":
        strict, plain = (parse(data, strict=strict) for strict in (True, False))
        assert etree.tostring(strict, method="c14n") == etree.tostring(plain, method="c14n")


def test_what_was_parsed_can_be_parsed_again():
    """And a part that is no document by itself is refused by the same error."""
    root = parse("<a>é<b/>tail</a>".encode())
    assert parse_again(etree.tostring(root, encoding="UTF-8")).text == "é"
    with pytest.raises(MalformedDocumentError):
        parse_again(etree.tostring(root[0]))


PIECES = [b"xmlns", b"=", b"'", b'"', b"<", b">", b" ", b":p", b"u" * 255, b"u" * 256, b"u" * 257, b"u" * 2]


@settings(max_examples=100)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_a_declaration_that_is_plainly_short_is_none_that_is_long(data: bytes) -> None:
    """What is found by its end alone agrees with what the whole pattern says."""
    is_long = re.search(b"xmlns" + _LONG_DECLARATION.pattern, data) is not None
    try:
        _check_declarations(data, 256)
    except MalformedDocumentError:
        assert is_long
    else:
        assert not is_long


def test_threads_parse_side_by_side() -> None:
    """Each has a parser of its own, and a document that is refused leaves no trace in it."""
    documents = [b"<a>%d</a>" % number if number % 3 else b"<a><b></a>" for number in range(300)]

    def text(document: bytes) -> str | None:
        try:
            return parse(document).text
        except MalformedDocumentError:
            return None

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(text, documents))
    assert found == [str(number) if number % 3 else None for number in range(300)]
