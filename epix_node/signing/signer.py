"""Signs documents by the profile of C.6: XAdES-B-B, enveloped, exclusive C14N, ECDSA P-256 with SHA-256.

The bytes that come out are the record: they are stored, hashed and sent as they are, never serialised again.

Not here: making keys and certificates (``trust``), and checking what was signed (``verifier``); a node that cannot
verify what it just signed must not publish it, and its caller asks the verifier.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.xades.xades import XAdESDataObjectFormat, XAdESSigner

from epix_node import safexml
from epix_node.clock import format_time
from epix_node.errors import KeyMaterialError
from epix_node.signing.profile import (
    CONTENT_MIME_TYPE,
    REFERENCE,
    SIGNATURE,
    SIGNED_INFO,
    SIGNING_TIME,
    TRANSFORM,
    TRANSFORMS,
)

_DATA_OBJECT_FORMAT = XAdESDataObjectFormat(Description="EPIX exchange document", MimeType=CONTENT_MIME_TYPE)


class Signer(Protocol):
    """Whatever signs for this node: a key file, later a PKCS#11 token or a remote signer."""

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that goes into the signature."""

    def sign(self, document: bytes, *, at: datetime) -> bytes:
        """The exact bytes of the signed document; ``at`` becomes SigningTime."""


class _ProfileSigner(XAdESSigner):
    """signxml 5.2's XAdES signer, mended for exclusive C14N.

    It digests SignedProperties and KeyInfo with exclusive C14N but writes no Transforms, so that every verifier
    digests them with inclusive C14N and refuses (C.6, table, row 1; measurements 1).
    """

    def __init__(self, *, at: datetime) -> None:
        super().__init__(
            data_object_format=_DATA_OBJECT_FORMAT,
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        self._at = at

    def _add_reference_to_signed_info(
        self, sig_root: etree._Element, node_to_reference: etree._Element, **attrs: str
    ) -> None:
        super()._add_reference_to_signed_info(  # type: ignore[no-untyped-call]  # signxml types its public names only
            sig_root, node_to_reference, **attrs
        )
        transforms = etree.Element(TRANSFORMS)
        etree.SubElement(transforms, TRANSFORM, Algorithm=self.c14n_alg.value)
        sig_root.findall(f"{SIGNED_INFO}/{REFERENCE}")[-1].insert(0, transforms)

    def add_signing_time(self, signed_signature_properties: etree._Element, *_: Any, **__: Any) -> None:
        # signxml writes the machine's time; the node has a clock of its own (contract 7).
        signing_time = etree.SubElement(signed_signature_properties, SIGNING_TIME)
        signing_time.text = format_time(self._at.replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class FileSigner:
    """Signs with a P-256 key held in memory, loaded from the node's key file.

    Raises ``KeyMaterialError`` where the key is on another curve or is not the one that the certificate vouches for.
    """

    private_key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    def __post_init__(self) -> None:
        if not isinstance(self.private_key.curve, ec.SECP256R1):
            raise KeyMaterialError(f"permit key is on curve {self.private_key.curve.name}, expected P-256")
        if _spki(self.private_key.public_key()) != _spki(self.certificate.public_key()):
            raise KeyMaterialError("the permit certificate is for another key than the permit key")

    def sign(self, document: bytes, *, at: datetime) -> bytes:
        """The exact bytes of the signed document, with the signature as last child of the root.

        ``at`` becomes SigningTime, in whole seconds. Signing twice gives different bytes.

        Raises:
            MalformedDocumentError: the document is not one that a verifier would parse.
            ValueError: it carries a signature already, or ``at`` has no zone.
        """
        root = safexml.parse(document, strict=True)
        if next(root.iter(SIGNATURE), None) is not None:
            raise ValueError("the document carries a signature already")
        signed = _ProfileSigner(at=at).sign(
            root, key=self.private_key, cert=[self.certificate], always_add_key_value=False
        )
        return etree.tostring(signed, encoding="UTF-8", xml_declaration=True)


def _spki(key: Any) -> bytes:
    """The public key in the one form that can be compared."""
    spki: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return spki
