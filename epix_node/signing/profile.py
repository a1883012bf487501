"""The signature profile of C.6: which algorithms, which references, which shape, and nothing else.

    ds:Signature
      SignedInfo       exclusive C14N, ECDSA-SHA256, and the references, each with a SHA-256 digest:
                         ""                  [enveloped, exclusive C14N]   the document
                         "#…" SignedProperties  [exclusive C14N], Type of XAdES
                         "#…" KeyInfo           [exclusive C14N], optional
      SignatureValue
      KeyInfo          X509Data with X509Certificate, the signing certificate first
      Object           QualifyingProperties with SignedProperties, nothing unsigned

The check is an allow-list on the tree: what is not written above is refused, before any digest is computed. It makes
wrapping impossible rather than detecting it, since only ``URI=""`` can name the content, and only elements of this one
signature can be named otherwise.

Not here: whether the digests and the signature are right (``verifier``), or whose certificate it is (``trust``).
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from cryptography import x509
from lxml import etree

from epix_node.errors import TrustError
from epix_node.permit.reasons import Reason

DS = "http://www.w3.org/2000/09/xmldsig#"
"""XML-Signature core, namespace ``ds``."""
XADES = "http://uri.etsi.org/01903/v1.3.2#"
"""ETSI EN 319 132-1, namespace ``xades``; version 1.4.1 adds unsigned properties only, of which we take none."""

EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
"""Exclusive C14N 1.0 without comments: a signature survives being cut out of an envelope (C.6, table, row 2)."""
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
"""XML-Signature 6.6.4."""
ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
"""RFC 9231 2.3.6, on P-256 (C.1)."""
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
"""XML-Encryption 5.7.2."""
SIGNED_PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
"""EN 319 132-1 4.3.4: the Type of the reference to SignedProperties, without a version."""
CONTENT_MIME_TYPE = "text/xml"
"""MimeType of DataObjectFormat (C.6, Produce)."""

SIGNATURE = f"{{{DS}}}Signature"
SIGNED_INFO = f"{{{DS}}}SignedInfo"
_SIGNATURE_VALUE = f"{{{DS}}}SignatureValue"
_KEY_INFO = f"{{{DS}}}KeyInfo"
_OBJECT = f"{{{DS}}}Object"
_C14N_METHOD = f"{{{DS}}}CanonicalizationMethod"
_SIGNATURE_METHOD = f"{{{DS}}}SignatureMethod"
REFERENCE = f"{{{DS}}}Reference"
TRANSFORMS = f"{{{DS}}}Transforms"
TRANSFORM = f"{{{DS}}}Transform"
_DIGEST_METHOD = f"{{{DS}}}DigestMethod"
DIGEST_VALUE = f"{{{DS}}}DigestValue"
_X509_DATA = f"{{{DS}}}X509Data"
_X509_CERTIFICATE = f"{{{DS}}}X509Certificate"
_QUALIFYING_PROPERTIES = f"{{{XADES}}}QualifyingProperties"
SIGNED_PROPERTIES = f"{{{XADES}}}SignedProperties"
_SIGNATURE_PROPERTIES = f"{{{XADES}}}SignedSignatureProperties"
_DATA_OBJECT_PROPERTIES = f"{{{XADES}}}SignedDataObjectProperties"
SIGNING_TIME = f"{{{XADES}}}SigningTime"
_SIGNING_CERTIFICATE_V2 = f"{{{XADES}}}SigningCertificateV2"
_CERT = f"{{{XADES}}}Cert"
_CERT_DIGEST = f"{{{XADES}}}CertDigest"
SIGNING_CERTIFICATE_DIGEST = f"{_SIGNATURE_PROPERTIES}/{_SIGNING_CERTIFICATE_V2}/{_CERT}/{_CERT_DIGEST}/{DIGEST_VALUE}"
"""Where SignedProperties names its certificate; ``check_signature`` made sure that it does so once."""
_SIGNING_CERTIFICATE_V1 = f"{{{XADES}}}SigningCertificate"
_DATA_OBJECT_FORMAT = f"{{{XADES}}}DataObjectFormat"
_MIME_TYPE = f"{{{XADES}}}MimeType"

P1363_BYTES = 64
"""r and s of a P-256 signature, 32 bytes each (RFC 9231 2.3.6)."""

_LINE_BREAKS = re.compile("[ \t\r\n]+")

# Whatever name some verifier takes for an ID counts: Id, ID, id, xml:id, wsu:Id (C.6: mixed-case IDs).
_ids = etree.XPath("//@*[translate(local-name(), 'ID', 'id') = 'id']", smart_strings=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureParts:
    """What a verifier needs of a signature whose shape is that of the profile. Nothing of it is proven yet."""

    certificate: bytes
    """DER of the certificate that the signature names as its own."""
    document_reference: int
    """Place of the reference to the whole document among the references."""
    references: int


def find_signature(root: etree._Element) -> etree._Element:
    """The one signature of this document, its last child, but for white space (C.6 step 4).

    Raises:
        TrustError: code SIGNATURE_MISSING, SIGNATURE_NOT_UNIQUE or SIGNATURE_MISPLACED.
    """
    signatures = list(root.iter(SIGNATURE))
    if not signatures:
        raise TrustError("the document carries no signature", code=Reason.SIGNATURE_MISSING)
    if len(signatures) > 1:
        raise TrustError(f"{len(signatures)} signatures, expected one", code=Reason.SIGNATURE_NOT_UNIQUE)
    if root[-1] is not signatures[0] or _LINE_BREAKS.sub("", signatures[0].tail or ""):
        raise TrustError("the signature is not the last child of the root", code=Reason.SIGNATURE_MISPLACED)
    return signatures[0]


def check_signature(signature: etree._Element) -> SignatureParts:
    """What stands in a signature that has exactly the shape of the profile (C.6 step 5).

    Raises:
        TrustError: code ALGORITHM_NOT_ALLOWED, REFERENCE_NOT_ALLOWED, DUPLICATE_ID, or SIGNATURE_INVALID where the
            elements are not even those of a signature.
    """
    names = [child.tag for child in signature]
    if names.count(_OBJECT) > 1:
        _refuse("more than one ds:Object", Reason.REFERENCE_NOT_ALLOWED)
    if names != [SIGNED_INFO, _SIGNATURE_VALUE, _KEY_INFO, _OBJECT]:
        _refuse("not SignedInfo, SignatureValue, KeyInfo, Object", Reason.SIGNATURE_INVALID)
    signed_info, signature_value, key_info, signature_object = signature
    _check_algorithm(signed_info, _C14N_METHOD, EXCLUSIVE_C14N)
    _check_algorithm(signed_info, _SIGNATURE_METHOD, ECDSA_SHA256)
    if len(canonical_base64(signature_value)) != P1363_BYTES:
        _refuse(f"SignatureValue is not {P1363_BYTES} bytes", Reason.SIGNATURE_INVALID)
    certificate = _signing_certificate(key_info)
    signed_properties = _only_signed_properties(signature_object, signature)
    references = signed_info.findall(REFERENCE)
    if len(signed_info) != len(references) + 2:
        _refuse("SignedInfo holds something else", Reason.SIGNATURE_INVALID)
    document_reference = _check_references(references, signed_properties, key_info)
    _check_signed_properties(signed_properties, references[document_reference])
    ids = _ids(signature)
    if len(ids) != len(set(ids)):
        _refuse("two elements carry the same Id", Reason.DUPLICATE_ID)
    return SignatureParts(certificate=certificate, document_reference=document_reference, references=len(references))


def _check_algorithm(parent: etree._Element, name: str, algorithm: str) -> None:
    """Raise unless this child names this algorithm without parameters, such as HMACOutputLength or a PrefixList."""
    methods = parent.findall(name)
    if len(methods) != 1:
        _refuse(f"not one {etree.QName(name).localname}", Reason.SIGNATURE_INVALID)
    if dict(methods[0].attrib) != {"Algorithm": algorithm} or len(methods[0]):
        _refuse(f"{etree.QName(name).localname} is not {algorithm}", Reason.ALGORITHM_NOT_ALLOWED)


def _signing_certificate(key_info: etree._Element) -> bytes:
    """DER of the first certificate in a KeyInfo that holds certificates only: no KeyValue, no RetrievalMethod."""
    if [child.tag for child in key_info] != [_X509_DATA]:
        _refuse("KeyInfo is not one X509Data", Reason.REFERENCE_NOT_ALLOWED)
    certificates = list(key_info[0])
    if not certificates or any(child.tag != _X509_CERTIFICATE for child in certificates):
        _refuse("X509Data is not certificates", Reason.REFERENCE_NOT_ALLOWED)
    for further in certificates[1:]:  # a chain, which nothing here relies on
        try:
            x509.load_der_x509_certificate(canonical_base64(further))
        except (ValueError, x509.InvalidVersion):  # the latter is no ValueError
            _refuse("X509Data holds something that is no certificate", Reason.SIGNATURE_INVALID)
    return canonical_base64(certificates[0])


def _only_signed_properties(signature_object: etree._Element, signature: etree._Element) -> etree._Element:
    """The SignedProperties of an Object that holds nothing else: no Manifest, no content, nothing unsigned."""
    if [child.tag for child in signature_object] != [_QUALIFYING_PROPERTIES]:
        _refuse("ds:Object is not QualifyingProperties", Reason.REFERENCE_NOT_ALLOWED)
    qualifying = signature_object[0]
    if [child.tag for child in qualifying] != [SIGNED_PROPERTIES]:
        _refuse("QualifyingProperties is not SignedProperties alone", Reason.REFERENCE_NOT_ALLOWED)
    identifier = signature.get("Id")
    if identifier is None or qualifying.get("Target") != f"#{identifier}":
        _refuse("QualifyingProperties is about another signature", Reason.REFERENCE_NOT_ALLOWED)
    return qualifying[0]


def _check_references(
    references: Sequence[etree._Element], signed_properties: etree._Element, key_info: etree._Element
) -> int:
    """The place of the document's reference among references that are exactly those of the profile."""
    properties_id, key_info_id = signed_properties.get("Id"), key_info.get("Id")
    expected: dict[str, tuple[str, list[str], set[str | None]]] = {
        "": ("document", [ENVELOPED, EXCLUSIVE_C14N], {None, ""})
    }
    if key_info_id:
        expected[f"#{key_info_id}"] = ("key", [EXCLUSIVE_C14N], {None, ""})
    if properties_id:
        expected[f"#{properties_id}"] = ("properties", [EXCLUSIVE_C14N], {SIGNED_PROPERTIES_TYPE})
    found: list[str] = []
    for reference in references:
        if not set(reference.attrib) <= {"Id", "URI", "Type"} or reference.get("URI") not in expected:
            _refuse("a reference to something else", Reason.REFERENCE_NOT_ALLOWED)
        what, transforms, types = expected[reference.get("URI", "")]
        if reference.get("Type") not in types:
            _refuse(f"the reference to the {what} has another Type", Reason.REFERENCE_NOT_ALLOWED)
        if [child.tag for child in reference] != [TRANSFORMS, _DIGEST_METHOD, DIGEST_VALUE]:
            _refuse(f"the reference to the {what} is not transforms and digest", Reason.REFERENCE_NOT_ALLOWED)
        if _transforms(reference[0]) != transforms:
            _refuse(f"the reference to the {what} has other transforms", Reason.REFERENCE_NOT_ALLOWED)
        _check_algorithm(reference, _DIGEST_METHOD, SHA256)
        found.append(what)
    if len(found) != len(set(found)) or not {"document", "properties"} <= set(found):
        _refuse("the references are not one to the document and one to SignedProperties", Reason.REFERENCE_NOT_ALLOWED)
    return found.index("document")


def _transforms(transforms: etree._Element) -> list[str | None]:
    """The algorithms in order; None for one with parameters (XPath, XSLT, a PrefixList), which nobody expects."""
    return [
        child.get("Algorithm") if child.tag == TRANSFORM and not len(child) and len(child.attrib) == 1 else None
        for child in transforms
    ]


def _check_signed_properties(signed_properties: etree._Element, document_reference: etree._Element) -> None:
    """Raise unless the properties that XAdES-B-B demands are there once each; signxml does not ask (C.6, table)."""
    if [child.tag for child in signed_properties] != [_SIGNATURE_PROPERTIES, _DATA_OBJECT_PROPERTIES]:
        _refuse("SignedProperties of another shape", Reason.SIGNATURE_INVALID)
    names = [child.tag for child in signed_properties[0]]
    if names.count(SIGNING_TIME) != 1 or names.count(_SIGNING_CERTIFICATE_V2) != 1:
        _refuse("not one SigningTime and one SigningCertificateV2", Reason.SIGNATURE_INVALID)
    if _SIGNING_CERTIFICATE_V1 in names:
        _refuse("a SigningCertificate of the first version", Reason.SIGNATURE_INVALID)
    _check_signing_certificate(signed_properties[0][names.index(_SIGNING_CERTIFICATE_V2)])
    formats = signed_properties[1].findall(_DATA_OBJECT_FORMAT)
    identifier = document_reference.get("Id")
    if (
        len(formats) != 1
        or identifier is None
        or formats[0].get("ObjectReference") != f"#{identifier}"
        or formats[0].findtext(_MIME_TYPE) != CONTENT_MIME_TYPE
    ):
        _refuse(f"not one DataObjectFormat {CONTENT_MIME_TYPE} about the document", Reason.SIGNATURE_INVALID)


def _check_signing_certificate(element: etree._Element) -> None:
    """Raise unless SigningCertificateV2 names one certificate, by its SHA-256 and not by a URI (C.6, Produce)."""
    certs = list(element)
    if [cert.tag for cert in certs] != [_CERT] or certs[0].attrib:
        _refuse("SigningCertificateV2 is not one Cert without URI", Reason.SIGNATURE_INVALID)
    digests = certs[0].findall(_CERT_DIGEST)
    if len(digests) != 1 or [child.tag for child in digests[0]] != [_DIGEST_METHOD, DIGEST_VALUE]:
        _refuse("SigningCertificateV2 is not one digest", Reason.SIGNATURE_INVALID)
    _check_algorithm(digests[0], _DIGEST_METHOD, SHA256)


def canonical_base64(element: etree._Element) -> bytes:
    """The bytes of an element's base64, line breaks allowed, in its one spelling.

    Python skips stray characters unless told not to and never looks at unused bits; libxmlsec differs in both.

    Raises:
        TrustError: code SIGNATURE_INVALID.
    """
    if len(element):
        _refuse("base64 with elements in it", Reason.SIGNATURE_INVALID)
    text = _LINE_BREAKS.sub("", element.text or "")
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        _refuse("not base64", Reason.SIGNATURE_INVALID)
    if b64encode(data).decode("ascii") != text:
        _refuse("base64 is not in its canonical spelling", Reason.SIGNATURE_INVALID)
    return data


def _refuse(what: str, reason: Reason) -> NoReturn:
    raise TrustError(f"signature not taken: {what}", code=reason)
