"""Decides whether the owner of a pinned certificate signed a document: C.6, "Verify, in this order", steps 1 to 8.

    1 size   2 encoding, no DOCTYPE, instruction or comment   3 limits                              (``safexml``)
    4 our document, with exactly one signature, last
    5 the signature has the shape of the profile, every Id is unique                                (``profile``)
    6 the certificate is in the Party's keys, for this use, at this time, and not revoked           (``trust``)
    7 signxml: the digests, the signature, the signed properties, against that certificate only
    8 what was signed says what we looked up

Each step rests on those before it; the first that fails gives the reason. What is no document at all (steps 1 to 4)
raises ``MalformedDocumentError``; everything else is a ``Verdict``. After step 7 only ``Verdict.signed`` is read.

Not here: whether the document is in a register (``register``), and what it means (``document``).
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest
from signxml.verifier import VerifyResult
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from epix_node import safexml
from epix_node.clock import parse_time
from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.permit.reasons import Reason
from epix_node.permit.xml.extension import DOCUMENT_NAMESPACE
from epix_node.signing.profile import (
    DIGEST_VALUE,
    SIGNATURE,
    SIGNED_PROPERTIES,
    SIGNING_CERTIFICATE_DIGEST,
    SIGNING_TIME,
    canonical_base64,
    check_signature,
    find_signature,
)
from epix_node.signing.verdict import SignatureState, Verdict
from epix_node.trust.certificate import country_of
from epix_node.trust.keyring import SigningKey

_DOCUMENT = f"{{{DOCUMENT_NAMESPACE}}}Document"
_HEADER = f"{{{DOCUMENT_NAMESPACE}}}Header"
_BODY = f"{{{DOCUMENT_NAMESPACE}}}Body"
_ENVIRONMENT = f"{{{DOCUMENT_NAMESPACE}}}Environment"
_PARTY = f"{{{DOCUMENT_NAMESPACE}}}Party"
_TYPE = f"{{{DOCUMENT_NAMESPACE}}}Type"


CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of ours another Party's clock may be (C.5: document times ≤ now + 5 min)."""


class KeyFinder(Protocol):
    """Who may sign for whom; ``trust.keyring.Keyring`` in production. Knowing nobody refuses everybody."""

    def find(self, party: str, certificate_sha256: str) -> SigningKey | None:
        """The key of this Party whose certificate has this fingerprint."""

    def owner(self, certificate_sha256: str) -> str | None:
        """The Party that this certificate belongs to."""


def verify(
    document: bytes,
    keys: KeyFinder,
    *,
    at: datetime,
    environment: str,
    proven_before: datetime | None = None,
) -> Verdict:
    """The verdict on this document's signature, as of ``at``, for a node of this environment.

    ``at`` is the time at which the key must have been good: when the register took the document, or now.
    ``proven_before`` is the time before which this node knows the document to have existed (decision 7); it is what
    saves a document whose key was revoked later.

    Raises:
        MalformedDocumentError: this is no exchange document: code TOO_LARGE, NOT_UTF8, FORBIDDEN_XML, LIMIT_EXCEEDED
            or NOT_A_DOCUMENT.
        ValueError: a time has no zone.
    """
    if at.tzinfo is None or (proven_before is not None and proven_before.tzinfo is None):
        raise ValueError("a signature is verified as of a time with a zone")
    root = safexml.parse(document, strict=True)  # steps 1 to 3
    header = _read_header(root)  # step 4, first half
    fingerprint: str | None = None
    try:
        signature = find_signature(root)  # step 4, second half
        parts = check_signature(signature)  # step 5
        fingerprint = sha256(parts.certificate).hexdigest()
        key = _trusted_key(keys, fingerprint, header)  # step 6
        _check_period(key, at=at, proven_before=proven_before)
        results = _signed_parts(root, key.certificate, at=at)  # step 7
        signed = results[parts.document_reference]
        signed_at = _checked_signing_time(results, key, at=at)
        _check_content(signed, header, environment)  # step 8
    except TrustError as refusal:
        return Verdict.refused(Reason(refusal.code), party=header.party, certificate_sha256=fingerprint)
    return Verdict(
        signature=SignatureState.VALID,
        signed=signed.signed_data,
        party=header.party,
        certificate_sha256=fingerprint,
        signed_at=signed_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """Who says to have written what, and where it counts."""

    environment: str
    party: str
    document_type: str


def _read_header(root: etree._Element) -> _Header:
    """The three members that choose the key; raises ``MalformedDocumentError`` where this is not our document."""
    if root.tag != _DOCUMENT or [child.tag for child in root if child.tag != SIGNATURE] != [_HEADER, _BODY]:
        raise MalformedDocumentError(
            f"not a Document of {DOCUMENT_NAMESPACE} with Header and Body", code=Reason.NOT_A_DOCUMENT
        )
    header = root.find(_HEADER)
    values: list[str] = []
    for name in (_ENVIRONMENT, _PARTY, _TYPE):
        members = [] if header is None else header.findall(name)
        if len(members) != 1 or len(members[0]) or not members[0].text:
            raise MalformedDocumentError("Header without Environment, Party or Type", code=Reason.NOT_A_DOCUMENT)
        values.append(members[0].text)
    environment, party, document_type = values
    return _Header(environment=environment, party=party, document_type=document_type)


def _trusted_key(keys: KeyFinder, fingerprint: str, header: _Header) -> SigningKey:
    """The key that this certificate is, where it is the writer's own and for documents of this type."""
    key = keys.find(header.party, fingerprint)
    if key is None:
        if keys.owner(fingerprint) is None:
            raise TrustError("nobody's certificate", code=Reason.KEY_UNKNOWN)
        raise TrustError("another Party's certificate", code=Reason.KEY_WRONG_PARTY)
    if country_of(key.certificate) != header.party:
        raise TrustError("the certificate names another country", code=Reason.KEY_WRONG_PARTY)
    if header.document_type not in key.uses:
        raise TrustError("the key is not for documents of this type", code=Reason.KEY_WRONG_USE)
    return key


def _check_period(key: SigningKey, *, at: datetime, proven_before: datetime | None) -> None:
    """Raise unless the key was good at that time, by manifest and certificate, and is not revoked (decision 7)."""
    not_before = max(key.not_before, key.certificate.not_valid_before_utc)
    not_after = min(key.not_after, key.certificate.not_valid_after_utc)
    if not not_before <= at <= not_after:
        raise TrustError("the key was not in its period", code=Reason.KEY_NOT_IN_PERIOD)
    if key.is_revoked and (key.invalid_since is None or proven_before is None or proven_before >= key.invalid_since):
        raise TrustError("the key is revoked", code=Reason.REVOKED_KEY)


class _PinnedVerifier(XAdESVerifier):
    """signxml's verifier on a tree that steps 1 to 5 have checked: the same checks, without its repeated parsing.

    Its schema validation, signature and property checks are untouched. What is spared is parsing the document again
    (``get_root``), and serving references of any shape (``_verify_reference``). A second verifier, libxmlsec, must
    agree on every document and mutation of the tests.
    """

    # signxml tries its schemas in turn. Its first one has nothing but the elements that XAdES 1.4.1 added, which no
    # signature of ours has; it stays among them, so that the same signatures pass.
    schema_files: ClassVar[list[str]] = [*XAdESVerifier.schema_files[1:], *XAdESVerifier.schema_files[:1]]

    def get_root(self, data: etree._Element) -> etree._Element:
        # Copied by signxml before anything is changed, so that the tree checked is the tree verified.
        return data

    def _fromstring(self, xml_string: bytes, **_: Any) -> etree._Element:
        return safexml.parse_again(xml_string)

    def _tostring(self, xml_node: etree._Element, **_: Any) -> bytes:
        # Without what follows the element: beside a root it would be no XML.
        return etree.tostring(xml_node, encoding="UTF-8", with_tail=False)

    def _verify_reference(
        self,
        reference: etree._Element,
        index: int,
        root: etree._Element,
        _resolver: object,
        _c14n_algorithm: object,
        signature: etree._Element,
        _key: object,
    ) -> VerifyResult:
        """The digest of one of the three references that step 5 lets through, each of one known shape.

        signxml serves every shape by copying and parsing the document once per reference, more than half of its time.
        """
        what = _referenced(root, reference.get("URI", ""))
        canonical = _canonical(what)
        if _stated(reference, DIGEST_VALUE) != sha256(canonical).digest():
            raise InvalidDigest(f"reference {index} has another digest")
        read = what.tag in {_DOCUMENT, SIGNED_PROPERTIES}
        # What was signed is parsed from the canonical bytes, never taken from the tree (C.6: "see what is signed").
        return VerifyResult(canonical, self._fromstring(canonical) if read else None, signature, signature_key=b"")

    def _verify_cert_digests(self, verify_result: VerifyResult) -> None:
        """SigningCertificateV2 names the pinned certificate; step 6 made sure that it is the one in KeyInfo, too."""
        assert isinstance(self.x509_cert, x509.Certificate)
        signed = verify_result.signed_xml
        assert signed is not None, "_verify_reference parsed what was signed"
        if _stated(signed, SIGNING_CERTIFICATE_DIGEST) != self.x509_cert.fingerprint(hashes.SHA256()):
            raise InvalidDigest("SigningCertificateV2 names another certificate")


def _stated(element: etree._Element, path: str) -> bytes:
    """The digest that stands at the only place of this path; raises unless there is one, in its one spelling."""
    (found,) = element.findall(path)
    return canonical_base64(found)


def _canonical(element: etree._Element) -> bytes:
    """The element in exclusive C14N without comments, as if it stood alone."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _referenced(root: etree._Element, uri: str) -> etree._Element:
    """The document without its signature for ``""``, else the element of the signature with that Id."""
    if uri == "":
        document = deepcopy(root)
        signature = document[-1]  # step 4: last child of the root
        if signature.tail:
            before = document[-2]
            before.tail = (before.tail or "") + signature.tail
            signature.tail = None
        document.remove(signature)
        return document
    named = [element for element in root[-1].iter(etree.Element) if element.get("Id") == uri[1:]]
    if len(named) != 1:
        raise InvalidDigest("a reference names no element, or several")
    return named[0]


def _signed_parts(root: etree._Element, certificate: x509.Certificate, *, at: datetime) -> list[VerifyResult]:
    """What the key of this certificate signed, by reference: bytes, and the tree parsed from these bytes."""
    config = XAdESSignatureConfiguration(
        location="./",
        expect_references=True,  # any number for signxml; step 5 allows two sets only
        signature_methods=frozenset({SignatureMethod.ECDSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        default_reference_c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        verification_time=at,
    )
    try:
        # No digest covers the signature as a whole. C14N 1.0 fails where a namespace name is relative, and libxmlsec
        # canonicalises around the signature, too: so both verifiers refuse the same documents.
        _canonical(root[-1])
        return _PinnedVerifier().verify(root, x509_cert=certificate, expect_config=config)
    except MemoryError:
        raise
    except Exception as error:
        # Whatever signxml, lxml or cryptography says of hostile input (C.6, table: TypeError and others among it), it
        # means that this is no signature. Neither logged nor shown: messages may quote the document.
        raise TrustError("the signature does not verify", code=Reason.SIGNATURE_INVALID) from error


def _checked_signing_time(results: list[VerifyResult], key: SigningKey, *, at: datetime) -> datetime:
    """The SigningTime; raises unless it is in the key's period and not after ``at``, but for the five minutes of C.5.

    The signer chooses it, so it proves nothing; but who claims to have signed with a key that was not there yet, or
    tomorrow, claims what cannot be.
    """
    parsed = [result.signed_xml for result in results if result.signed_xml is not None]
    properties = next(root for root in parsed if root.tag == SIGNED_PROPERTIES)  # not one in the document: step 5
    stated = properties[0].findtext(SIGNING_TIME, "")
    try:
        signing_time = parse_time(stated)
    except ValueError as error:
        raise TrustError("SigningTime is no time with a zone", code=Reason.SIGNATURE_INVALID) from error
    if not key.not_before <= signing_time <= min(key.not_after, at + CLOCK_TOLERANCE):
        raise TrustError("SigningTime is outside the key's period", code=Reason.KEY_NOT_IN_PERIOD)
    return signing_time


def _check_content(signed: VerifyResult, header: _Header, environment: str) -> None:
    """Raise unless the signed bytes are our document and its header is the one that chose the key, and ours."""
    try:
        signed_header = None if signed.signed_xml is None else _read_header(signed.signed_xml)
    except MalformedDocumentError as error:
        raise TrustError("the signed bytes are no document", code=Reason.CONTENT_MISMATCH) from error
    if signed_header != header or header.environment != environment:
        raise TrustError("the signed header is not the one looked up", code=Reason.CONTENT_MISMATCH)
