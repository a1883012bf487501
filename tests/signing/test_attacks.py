"""Known attacks on XML signatures (C.6), each played on a genuine document of ours.

Each row is a change and the answer that it gets. libxmlsec gives a second opinion on every one (``opinion``): it may
accept what our profile refuses, and we never accept what it refuses.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.xades.xades import XAdESSigner

from epix_node.permit.reasons import Reason
from epix_node.signing.profile import DS, EXCLUSIVE_C14N, SIGNED_PROPERTIES_TYPE
from tests.signing.attacks.edits import Change, clone, on_tree, one, put, put_pattern
from tests.signing.attacks.encoding import ENCODING
from tests.signing.attacks.references import ATTACKER, REFERENCE, REFERENCES, TRANSFORM, XPATH
from tests.signing.attacks.wrapping import SAML_WRAPPING, WRAPPING, other_spelling, same_id_in_the_body
from tests.signing.opinion import Difference, Opinions, opinions

ATTACKS = {**WRAPPING, **{name: (on_tree(edit), code) for name, (edit, code) in SAML_WRAPPING.items()}}
ATTACKS |= {**REFERENCES, **ENCODING}

Judge = Callable[[bytes], Opinions]

OF_C6: dict[str, tuple[str, ...]] = {
    "signature wrapping, SAML": ("XSW1", "XSW2", "XSW3", "XSW4", "XSW5", "XSW6", "XSW7", "XSW8"),
    "signature wrapping, XAdES": (
        "forged root carries the genuine signature",
        "forged document beside header and body",
        "manifest",
        "manifest of the content",
        "fake object",
        "the same Id in the body",
        "forged SignedProperties beside the genuine",
    ),
    "duplicate and mixed-case IDs": (
        "the same Id in the body",
        "the same ID in the body",
        "the same id in the body",
        "the same iD in the body",
        "the same xml:id in the body",
        "the same wsu:Id in the body",
    ),
    "two Signatures": ("two signatures", "two signatures, one deeper", "signature over the signature"),
    "two SignedInfo": ("two SignedInfo", "two SignedInfo, the forged one last", "SignedInfo in a wrapper"),
    "empty or comment-split digest": ("empty digest", "comment in a digest", "comment splits a digest", "no digest"),
    "comment truncation of text": ("comment cuts a text", "comment in the value"),
    "XXE": ("external entity", "external DTD", "undeclared entity"),
    "parameter entities": ("parameter entity",),
    "billion laughs": ("billion laughs",),
    "quadratic blow-up": ("quadratic blow-up",),
    "XSLT/XPath transforms": (
        "XSLT transform",
        "XSLT that fetches",
        "XPath transform",
        "XPath instead of enveloped",
        "XPath Filter 2",
        "XPointer transform",
    ),
    "external references (SSRF)": (
        "external reference",
        "file reference",
        "relative reference",
        "XPointer reference",
        "XPointer to an Id",
    ),
    "RetrievalMethod": ("RetrievalMethod", "RetrievalMethod beside the certificate"),
    "HMAC confusion": (
        "HMAC with the certificate",
        "HMAC with the public key",
        "HMAC with the public key in PEM",
        "HMAC with an empty secret",
    ),
    "HMACOutputLength truncation": ("HMACOutputLength", "HMAC with the public key, cut to 8 bits"),
    "SHA-1 downgrade": ("SHA-1 signature", "SHA-1 digest", "SigningCertificateV2 by SHA-1"),
    "algorithm or digest swap": (
        "RSA instead of ECDSA",
        "RSA-PSS",
        "Ed25519",
        "ECDSA with SHA-512",
        "SHA-512 digest",
        "digests exchanged",
        "references exchanged",
    ),
    "KeyValue ≠ certificate": ("KeyValue", "DEREncodedKeyValue"),  # and in test_attacks_on_keys
    "P1363 length and zero r/s": (
        "zero r and s",
        "zero r",
        "zero s",
        "too short",
        "too long",
        "empty value",
        "a zero before r and s",
        "r and the order",
        "s and the order",
        "r is the order",
        "s is the order",
    ),
    "signature-stripping": ("signature stripped",),
    "unsigned-property injection": ("unsigned properties", "unsigned property with a value"),
    "counter-signature injection": ("counter-signature", "counter-signature as a reference"),
    "UTF-7/16": ("UTF-7", "text in UTF-7", "UTF-16", "UTF-16 without a mark", "UTF-16, big end first"),
    "CDATA": ("CDATA", "CDATA after the end"),
    "namespace redefinition": (
        "prefix means something else",
        "ds means something else",
        "xml means something else",
        "default namespace undone",
        "body of another namespace",
    ),
    "xml:base/xml:lang inheritance": (
        "xml:lang on the root",
        "xml:base on the root",
        "xml:lang on the signature",
        "xml:base on the signature",
        "xml:lang around the properties",
        "xml:base around the properties",
    ),
    "trailing bytes": (
        "text after the end",
        "comment after the end",
        "NUL at the end",
        "a second document",
        "white space after the end",
    ),
}
"""The list at the end of C.6, and the rows that play it. Substituted, foreign, expired and revoked certificates are in
``test_attacks_on_keys`` and ``test_verifier``."""


@pytest.fixture(scope="module")
def judge(keys, xa, at) -> Judge:
    """Both verifiers on one document, libxmlsec with the key of XA."""
    return partial(opinions, keys=keys, at=at, certificate=xa.certificate)


def test_the_list_of_the_protocol_is_played():
    """Every attack that C.6 names has its rows, and every answer is of the closed list (contract 4)."""
    assert {row for rows in OF_C6.values() for row in rows} <= set(ATTACKS)
    assert {expected for _, expected in ATTACKS.values()} - {"VALID"} <= set(Reason)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_known_attack_gets_its_answer(name, signed, judge):
    """The reason of the step that stops it; and what little passes says what XA signed, for libxmlsec too."""
    change, expected = ATTACKS[name]
    document = change(signed)
    assert document != signed
    given = judge(document)
    assert given.answer == expected
    assert given.signed == (judge(signed).signed if expected == "VALID" else None)


def test_one_flipped_bit_anywhere_never_changes_what_is_read(signed, judge):
    """At 200 places: refused, or valid with the same content, and then for libxmlsec too; never anything else."""
    genuine = judge(signed).signed
    passed = 0
    for place in range(0, len(signed), max(1, len(signed) // 200)):
        document = bytearray(signed)
        document[place] ^= 1 << place % 7
        given = judge(bytes(document))
        passed += given.answer == "VALID"
        assert given.signed in (None, genuine), place
    assert passed < 10  # such as other white space inside a tag


# -- what the owner signed by its Id ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed_by_id(signed, resign) -> bytes:
    """A document that XA signed as others do: named by its Id instead of by ``URI=""``."""
    return bytes(resign(put(REFERENCE, '<ds:Reference URI="#all"')(put("<Document ", '<Document Id="all" ')(signed))))


@pytest.mark.parametrize("name", SAML_WRAPPING)
def test_wrapping_what_was_signed_by_its_id_is_refused_as_well(name, signed_by_id, judge):
    """Where libxmlsec accepts the genuine part, it is the shape that we refuse, never a question of what is read."""
    given = judge(on_tree(SAML_WRAPPING[name][0])(signed_by_id))
    assert given.answer in {"NOT_A_DOCUMENT", "SIGNATURE_MISPLACED", "REFERENCE_NOT_ALLOWED", "SIGNATURE_INVALID"}
    assert given.signed is None
    assert given.difference in {None, Difference.BYTES, Difference.SHAPE}


def test_libxmlsec_accepts_some_of_these_wrappings(signed_by_id, judge):
    """Otherwise they would show nothing: the signature is right, and a naive reader of the root reads a forgery."""
    accepted = {name for name, (edit, _) in SAML_WRAPPING.items() if judge(on_tree(edit)(signed_by_id)).libxmlsec}
    assert len(accepted) >= 4, accepted


@pytest.mark.parametrize("attribute", ["ID", "id", "iD", "{http://www.w3.org/XML/1998/namespace}id"])
def test_an_id_in_another_spelling_names_nothing(attribute, signed_by_id, judge):
    """The forged root carries ``ID``, the genuine one inside ``Id``: signxml would find the genuine one (C.6)."""
    given = judge(on_tree(other_spelling(attribute))(signed_by_id))
    assert (given.answer, given.signed) == ("REFERENCE_NOT_ALLOWED", None)


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[tuple[str, Callable[[], bool]]]:
    """The address of somebody who waits for a call, and whether one came."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)

        def called() -> bool:
            try:
                listening.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", called


NAMES_AN_ADDRESS = [name for name, (change, _) in ATTACKS.items() if name in OF_C6["external references (SSRF)"]]
NAMES_AN_ADDRESS += ["external DTD", "parameter entity", "XSLT that fetches", "RetrievalMethod"]


@pytest.mark.parametrize("name", NAMES_AN_ADDRESS)
def test_nobody_is_asked_for_what_a_document_names(name, signed, judge, server):
    """Neither by our verifier nor by the second one, which has no way to in these tests."""
    address, called = server
    document = ATTACKS[name][0](signed).replace(ATTACKER.encode(), address.encode())
    assert judge(document).answer == ATTACKS[name][1]
    assert not called()


# -- signatures that are right, by the right key, and not of the profile ----------------------------------------------


def test_a_right_signature_with_inclusive_c14n_is_refused(unsigned, xa, judge):
    """libxmlsec accepts it; the profile does not."""
    stock = XAdESSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256, c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0
    )
    root = stock.sign(etree.fromstring(unsigned()), key=xa.key, cert=[xa.certificate], always_add_key_value=False)
    given = judge(etree.tostring(root))
    assert (given.answer, given.difference) == ("ALGORITHM_NOT_ALLOWED", Difference.SHAPE)


RIGHT_BUT_REFUSED: dict[str, tuple[Change, str]] = {
    "content filtered by XPath": (
        put(
            TRANSFORM,
            f'<ds:Transform Algorithm="{XPATH}">'
            '<ds:XPath>not(ancestor-or-self::node()[local-name()="Quantity"])</ds:XPath>'
            f"</ds:Transform>{TRANSFORM}",
        ),
        "REFERENCE_NOT_ALLOWED",
    ),
    "inclusive C14N of the content": (
        put(TRANSFORM, TRANSFORM.replace(EXCLUSIVE_C14N, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")),
        "REFERENCE_NOT_ALLOWED",
    ),
    "no SigningTime": (put_pattern("<xades:SigningTime>.*</xades:SigningTime>", ""), "SIGNATURE_INVALID"),
    "no SigningCertificateV2": (
        put_pattern("<xades:SigningCertificateV2>.*</xades:SigningCertificateV2>", ""),
        "SIGNATURE_INVALID",
    ),
    "the properties are not signed": (
        on_tree(lambda root: one(root, "//ds:SignedInfo").remove(one(root, "//ds:Reference[@Type]"))),
        "REFERENCE_NOT_ALLOWED",
    ),
    "properties of no Type": (put(f' Type="{SIGNED_PROPERTIES_TYPE}"', ""), "REFERENCE_NOT_ALLOWED"),
    "document found by its Id": (
        lambda document: put(REFERENCE, '<ds:Reference URI="#all"')(put("<Document ", '<Document Id="all" ')(document)),
        "REFERENCE_NOT_ALLOWED",
    ),
    "only the header is signed": (
        lambda document: put(REFERENCE, '<ds:Reference URI="#head"')(put("<Header>", '<Header Id="head">')(document)),
        "REFERENCE_NOT_ALLOWED",
    ),
    "signature in the body": (
        on_tree(lambda root: root[1].append(root[-1])),
        "SIGNATURE_MISPLACED",
    ),
    "text after the signature": (put("</ds:Signature>", "</ds:Signature>x"), "SIGNATURE_MISPLACED"),
    "signature first": (on_tree(lambda root: root.insert(0, root[-1])), "SIGNATURE_MISPLACED"),
    "the same Id in the body": (same_id_in_the_body("ID"), "DUPLICATE_ID"),
    "an empty manifest": (
        on_tree(lambda root: one(root, "//ds:Object").append(etree.Element(f"{{{DS}}}Manifest"))),
        "REFERENCE_NOT_ALLOWED",
    ),
    "a second signature beside it": (on_tree(lambda root: root.append(clone(root[-1]))), "SIGNATURE_NOT_UNIQUE"),
}


@pytest.mark.parametrize("name", RIGHT_BUT_REFUSED)
def test_a_right_signature_of_another_shape_is_refused(name, signed, judge, resign):
    """The owner of the key signed it so, and libxmlsec accepts it; what it covers is not what we would read."""
    change, expected = RIGHT_BUT_REFUSED[name]
    given = judge(resign(change(signed)))
    assert (given.answer, given.libxmlsec, given.signed) == (expected, True, None)


@pytest.mark.parametrize(
    "change",
    [
        put_pattern("(<xades:CertDigest>.*?<ds:DigestValue>)", r"\1!!"),
        put_pattern("(<xades:CertDigest>.*?<ds:DigestValue>)", r"\1<x xmlns='urn:x'/>"),
        put_pattern("(<xades:CertDigest>.*?)=</ds:DigestValue>", r"\1=AAAA</ds:DigestValue>"),
    ],
    ids=["stray characters", "an element", "text after the padding"],
)
def test_a_digest_that_is_signed_but_misspelt_is_not_taken(change, signed, judge, resign):
    """Python would skip what does not belong to base64; that somebody signed it does not make it right."""
    given = judge(resign(change(signed)))
    assert (given.answer, given.signed) == ("SIGNATURE_INVALID", None)
    assert given.difference in {Difference.SCHEMA, Difference.PROPERTIES}


def test_a_document_without_a_key_info_reference_is_valid(signed, judge, resign):
    """The reference to KeyInfo is optional: SigningCertificateV2 binds the certificate (permits made by EU DSS)."""
    strip = on_tree(lambda root: one(root, "//ds:SignedInfo").remove(root.findall(f".//{{{DS}}}Reference")[2]))
    document = resign(strip(signed))
    given = judge(document)
    assert (given.answer, given.signed) == ("VALID", judge(signed).signed)
    swapped = document.replace(b"</ds:X509Data>", b"<ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>")
    assert judge(swapped).answer == "SIGNATURE_INVALID"


def test_a_carriage_return_after_the_signature_is_white_space(signed, judge, resign):
    """It is signed with the document, and no text that stands beside the signature."""
    assert judge(resign(put("</ds:Signature>", "</ds:Signature>&#13;")(signed))).answer == "VALID"


def test_a_document_whose_canonical_form_is_not_xml_is_refused(signed, judge, resign):
    """libxml2 canonicalises a namespace name as it is; what cannot be read back cannot have been seen."""
    given = judge(resign(put("<p:Line", '<p:Line xmlns:p="urn:a&amp;b"')(signed)))
    assert (given.answer, given.difference) == ("SIGNATURE_INVALID", Difference.CANONICAL)


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-01T24:00:00Z",
        "2026-03-01T10:00:60Z",
        "2026-02-30T10:00:00Z",
        "2026-03-01T10:00:00",
        "-2026-03-01T10:00:00Z",
        "12026-03-01T10:00:00Z",
        "2026-03-01T10:00:00+99:99",
        "2026-03-01",
        "",
    ],
)
def test_a_signing_time_that_is_none_of_ours_is_a_verdict(time, signed, judge, resign):
    """Also where the schema allows it, as at the ends of the calendar, which has no place for them in UTC."""
    given = judge(resign(put_pattern("(<xades:SigningTime>)[^<]*", rf"\g<1>{time}")(signed)))
    assert (given.answer, given.libxmlsec) == ("SIGNATURE_INVALID", True)
    assert given.difference in {Difference.SCHEMA, Difference.PROPERTIES}
