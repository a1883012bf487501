"""Two verifiers on one document: ours, and libxmlsec, which shares no code with it but libxml2.

They must agree, or what they differ in has a name: what libxmlsec takes and we refuse is refused by our profile, before
or beside the arithmetic of the signature. What we take and libxmlsec refuses has no name, and fails the test.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.xades.xades import XAdESVerifier

from epix_node import safexml
from epix_node.clock import parse_time
from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.permit.reasons import Reason
from epix_node.signing.profile import DIGEST_VALUE, SIGNING_TIME, XADES, check_signature, find_signature
from epix_node.signing.verdict import Verdict
from epix_node.signing.verifier import KeyFinder, verify

# libxmlsec would fetch whatever a reference names, from the network and from the disk. Here it has no way to.
xmlsec.cleanup_callbacks()


class Difference(StrEnum):
    """Why we refuse what libxmlsec accepts. There is no other reason."""

    BYTES = "bytes"
    """Not a document of ours: its size, encoding, markup or elements (C.6 steps 1 to 4)."""
    SHAPE = "shape"
    """Not the signature of the profile (step 5)."""
    SCHEMA = "schema"
    """Not a signature by the schemas of XML-Signature and XAdES, which libxmlsec does not look at (step 7)."""
    PROPERTIES = "properties"
    """Its signed properties name another certificate or no time, which libxmlsec does not look at either (step 7)."""
    CANONICAL = "canonical"
    """The canonical form of what was signed is no XML: we read nothing else, and libxmlsec reads nothing (step 7)."""
    KEY = "key"
    """Nobody that we trust gave that certificate for this document; libxmlsec was handed the key (step 6)."""
    CONTENT = "content"
    """Well signed, and not what was asked about (step 8)."""


_DIFFERENCES: dict[Reason, Difference] = {
    Reason.TOO_LARGE: Difference.BYTES,
    Reason.NOT_UTF8: Difference.BYTES,
    Reason.FORBIDDEN_XML: Difference.BYTES,
    Reason.LIMIT_EXCEEDED: Difference.BYTES,
    Reason.NOT_A_DOCUMENT: Difference.BYTES,
    Reason.SIGNATURE_NOT_UNIQUE: Difference.SHAPE,
    Reason.SIGNATURE_MISPLACED: Difference.SHAPE,
    Reason.ALGORITHM_NOT_ALLOWED: Difference.SHAPE,
    Reason.REFERENCE_NOT_ALLOWED: Difference.SHAPE,
    Reason.DUPLICATE_ID: Difference.SHAPE,
    Reason.KEY_UNKNOWN: Difference.KEY,
    Reason.KEY_WRONG_PARTY: Difference.KEY,
    Reason.KEY_WRONG_USE: Difference.KEY,
    Reason.KEY_NOT_IN_PERIOD: Difference.KEY,
    Reason.REVOKED_KEY: Difference.KEY,
    Reason.CONTENT_MISMATCH: Difference.CONTENT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """What both say. ``difference`` is there exactly where libxmlsec accepts what we refuse."""

    answer: str
    """The reason, or VALID."""
    verdict: Verdict | None
    """None for what is no document at all."""
    libxmlsec: bool
    difference: Difference | None

    @property
    def signed(self) -> bytes | None:
        """The bytes that may be read."""
        return None if self.verdict is None else self.verdict.signed


def libxmlsec_accepts(document: bytes, certificate: x509.Certificate, *, ids: tuple[str, ...] = ("Id",)) -> bool:
    """Whether libxmlsec finds that this certificate's key made the document's first signature.

    ``ids``: the attributes that a reference may name; other people's documents use other ones than ours.
    """
    try:
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
        signature = xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature)
        if signature is None:
            return False
        xmlsec.tree.add_ids(root, list(ids))
        context = xmlsec.SignatureContext()
        pem = certificate.public_bytes(Encoding.PEM)
        context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem, None)
        context.verify(signature)
    except (etree.XMLSyntaxError, xmlsec.Error, ValueError):
        return False
    return True


def opinions(
    document: bytes,
    keys: KeyFinder,
    *,
    at: datetime,
    certificate: x509.Certificate,
    environment: str = "sandbox",
    proven_before: datetime | None = None,
    ids: tuple[str, ...] = ("Id",),
) -> Opinions:
    """Both opinions on this document, libxmlsec's as to this certificate's key.

    Raises:
        AssertionError: they disagree and nothing explains it.
        Exception: whatever our verifier raises that is not ``MalformedDocumentError``; the test is to fail.
    """
    theirs = libxmlsec_accepts(document, certificate, ids=ids)
    verdict: Verdict | None = None
    try:
        verdict = verify(document, keys, at=at, environment=environment, proven_before=proven_before)
        answer = verdict.reasons[0].value if verdict.reasons else "VALID"
    except MalformedDocumentError as refusal:
        answer = refusal.code
    if answer == "VALID":
        assert theirs, "taken by us and refused by libxmlsec"
    difference = _difference(document, Reason(answer)) if theirs and answer != "VALID" else None
    return Opinions(answer=answer, verdict=verdict, libxmlsec=theirs, difference=difference)


def _difference(document: bytes, reason: Reason) -> Difference:
    """The name of the difference; raises ``AssertionError`` where there is none."""
    if reason in _DIFFERENCES:
        return _DIFFERENCES[reason]
    assert reason is Reason.SIGNATURE_INVALID, f"accepted by libxmlsec, {reason} for us"
    signature = find_signature(safexml.parse(document, strict=True))
    try:
        parts = check_signature(signature)
    except TrustError:
        return Difference.SHAPE
    try:
        XAdESVerifier().validate_schema(signature)
    except etree.DocumentInvalid:
        return Difference.SCHEMA
    digest = signature.findtext(f".//{{{XADES}}}CertDigest/{DIGEST_VALUE}", "")
    if re.sub("[ \t\r\n]+", "", digest) != b64encode(sha256(parts.certificate).digest()).decode():
        return Difference.PROPERTIES
    try:
        parse_time(signature.findtext(f".//{SIGNING_TIME}", ""))
    except ValueError:
        return Difference.PROPERTIES
    root = signature.getparent()
    assert root is not None
    try:
        etree.fromstring(etree.tostring(root, method="c14n", exclusive=True))
    except etree.XMLSyntaxError:
        return Difference.CANONICAL
    raise AssertionError("libxmlsec accepts a signature of our profile that does not verify for us")
