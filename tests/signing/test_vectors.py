"""Other people's hostile and odd signatures (ruby-saml, lsh123/xmlsec, Wycheproof): none taken, none breaks anything.

They stand as they are, and once more as the body of a document of ours that carries their first signature as its own.
Our verifier trusts whatever certificate they show, so that only their shape can stop them; libxmlsec verifies them with
that certificate and accepts many: each of these we refuse as no document of ours or no signature of our profile.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import xmlsec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.verifier import XMLVerifier

from epix_node.signing.profile import DS, P1363_BYTES, SIGNATURE
from epix_node.trust.certificate import fingerprint
from epix_node.trust.keyring import SigningKey
from tests.signing.attacks.edits import signature_value
from tests.signing.opinion import Difference, opinions

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
COLLECTIONS = ["ruby-saml", "lsh123-xmlsec"]
IDS = ("Id", "ID", "id")


def place_of(collection: str) -> Path:
    directory = VECTORS / collection
    if not directory.is_dir():
        pytest.skip(f"{directory} is not there")
    return directory


def files(collection: str) -> list[Path]:
    return sorted(path for path in place_of(collection).rglob("*") if path.is_file() and path.suffix != ".md")


def content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name.endswith("base64"):
        try:
            return base64.b64decode(data)
        except binascii.Error:
            return data
    return data


def parsed(data: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError):
        return None


def as_our_document(data: bytes) -> bytes | None:
    """A document of XA around the vector, with the vector's first signature in our place; None if it has none."""
    root = parsed(data)
    signature = None if root is None else next(root.iter(SIGNATURE), None)
    if root is None or signature is None:
        return None
    document = etree.fromstring(
        b'<Document xmlns="urn:epix-node:document:1"><Header><Environment>sandbox</Environment><Party>XA</Party>'
        b"<Type>permit</Type></Header><Body/></Document>"
    )
    signature.tail = None
    document.append(signature)
    if root is not signature:
        document[1].append(root)
    return etree.tostring(document)


def certificates(data: bytes) -> Iterator[x509.Certificate]:
    """Those that the vector shows and that can be read."""
    root = parsed(data)
    for element in [] if root is None else root.iter(f"{{{DS}}}X509Certificate"):
        try:
            yield x509.load_der_x509_certificate(base64.b64decode(element.text or ""))
        except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
            continue


class Anybody:
    """A finder that gives everybody's certificate to XA, for everything and for ever."""

    def __init__(self, shown: list[x509.Certificate]) -> None:
        self.shown = {fingerprint(each): each for each in shown}

    def find(self, party: str, certificate_sha256: str) -> SigningKey | None:
        if certificate_sha256 not in self.shown:
            return None
        return SigningKey(
            party=party,
            certificate=self.shown[certificate_sha256],
            certificate_sha256=certificate_sha256,
            uses=frozenset({"permit"}),
            not_before=datetime.fromisoformat("1990-01-01T00:00:00Z"),
            not_after=datetime.fromisoformat("2999-01-01T00:00:00Z"),
            is_revoked=False,
            invalid_since=None,
        )

    def owner(self, certificate_sha256: str) -> str | None:
        return "XA" if certificate_sha256 in self.shown else None


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_foreign_signature_is_never_valid_and_never_breaks_anything(collection, xa, at):
    """Each vector gets its reason, and what libxmlsec accepts is refused for its bytes or its shape, by class."""
    classes: Counter[Difference | None] = Counter()
    for path in files(collection):
        data = content(path)
        shown = list(certificates(data))
        for document in (data, as_our_document(data)):
            if document is None:
                continue
            for certificate in shown or [xa.certificate]:
                given = opinions(document, Anybody(shown), at=at, certificate=certificate, ids=IDS)
                assert given.signed is None, path
                assert given.answer != "VALID", path
                classes[given.difference] += 1
    assert set(classes) == {None, Difference.BYTES, Difference.SHAPE}, classes
    assert classes[Difference.BYTES] >= 20, "libxmlsec accepts nothing, so that nothing is compared"
    assert classes[Difference.SHAPE] >= 10, "libxmlsec accepts nothing, so that nothing is compared"


# -- the arithmetic ----------------------------------------------------------------------------------------------------


@cache
def wycheproof() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every test of P-256 signatures in the P1363 format, with its group."""
    vectors = json.loads((place_of("wycheproof") / "ecdsa_secp256r1_sha256_p1363_test.json").read_bytes())
    return [(group, test) for group in vectors["testGroups"] for test in group["tests"]]


def takes(public_key: Any, message: bytes, signature: bytes) -> bool:
    """Our two halves: the length that the profile asks for, and what signxml and cryptography make of the numbers."""
    if len(signature) != P1363_BYTES:
        return False
    try:
        XMLVerifier()._verify_signature_with_pubkey(
            signed_info_c14n=message,
            raw_signature=signature,
            signature_alg=SignatureMethod.ECDSA_SHA256,
            signing_certificate=SimpleNamespace(public_key=lambda: public_key),  # type: ignore[arg-type]  # all it asks
        )
    except InvalidSignature:
        return False
    return True


def libxmlsec_takes(pem: str, message: bytes, signature: bytes) -> bool:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem.encode(), xmlsec.constants.KeyDataFormatPem, None)
    try:
        context.verify_binary(message, xmlsec.constants.TransformEcdsaSha256, signature)
    except xmlsec.Error:
        return False
    return True


def test_the_numbers_of_a_signature_are_judged_as_wycheproof_says():
    """Edge cases of r, s and the curve; libxmlsec agrees but for values of another length, which it pads or cuts."""
    lenient = 0
    for group, test in wycheproof():
        message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
        ours = takes(load_der_public_key(bytes.fromhex(group["publicKeyDer"])), message, signature)
        theirs = libxmlsec_takes(group["publicKeyPem"], message, signature)
        assert ours == (test["result"] == "valid"), test["tcId"]
        if theirs != ours:
            assert theirs, test["tcId"]
            assert len(signature) != P1363_BYTES, test["tcId"]
            lenient += 1
    assert lenient < 20


def test_the_edge_cases_of_wycheproof_in_a_document_of_ours_are_refused(signed, keys, xa, at):
    """None of these values is the signature of this document, whatever their length."""
    for _, test in wycheproof():
        document = signature_value(lambda _, hexadecimal=test["sig"]: bytes.fromhex(hexadecimal))(signed)
        given = opinions(document, keys, at=at, certificate=xa.certificate)
        assert (given.answer, given.libxmlsec) == ("SIGNATURE_INVALID", False), test["tcId"]
