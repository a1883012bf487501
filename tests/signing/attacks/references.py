"""Signatures of another shape: algorithms, transforms, references, keys and properties that the profile has not."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from epix_node.signing.profile import DS, ECDSA_SHA256, ENVELOPED, EXCLUSIVE_C14N, SHA256, SIGNED_PROPERTIES_TYPE
from tests.signing.attacks.edits import Attacks, Change, clone, on_tree, one, put, put_pattern

C14N_1_0 = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_1_1 = "http://www.w3.org/2006/12/xml-c14n11"

ATTACKER = "http://attacker.example/"
"""The address that a verifier must not ask; tests put that of a server of their own in its place."""
REFERENCE = '<ds:Reference URI=""'
TRANSFORM = f'<ds:Transform Algorithm="{EXCLUSIVE_C14N}"/>'
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
FILTER = '<ds:Transform Algorithm="%s"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>'
STYLESHEET = f'<ds:Transform Algorithm="{XSLT}"><x:stylesheet xmlns:x="urn:x"/></ds:Transform>'
FETCHING_STYLESHEET = (
    f'<ds:Transform Algorithm="{XSLT}"><x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0">'
    '<x:template match="/"><x:copy-of select="document(\'ATTACKER\')"/></x:template></x:stylesheet></ds:Transform>'
).replace("ATTACKER", ATTACKER)
RETRIEVAL = '<ds:RetrievalMethod URI="http://attacker.example/key"/>'
PREFIX_LIST = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE_C14N}" PrefixList="p"/>'
LENGTH = (
    f'<ds:SignatureMethod Algorithm="{ECDSA_SHA256}"><ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>'
)


def hmac_with(secret: Callable[[x509.Certificate], bytes], *, length: int | None = None) -> Change:
    """The HMAC confusion of GHSA-6vx8-pcwv-xhf4: something public serves as the secret, in ``length`` bits or all."""

    def edit(root: etree._Element) -> None:
        method = one(root, "//ds:SignatureMethod")
        method.set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
        if length is not None:
            etree.SubElement(method, f"{{{DS}}}HMACOutputLength").text = str(length)
        certificate = x509.load_der_x509_certificate(base64.b64decode(one(root, "//ds:X509Certificate").text))
        signed_info = etree.tostring(one(root, "//ds:SignedInfo"), method="c14n", exclusive=True)
        value = hmac.new(secret(certificate), signed_info, sha256).digest()
        one(root, "//ds:SignatureValue").text = base64.b64encode(value[: (length or 256) // 8]).decode()

    return on_tree(edit)


def spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def exchanged_digests(root: etree._Element) -> None:
    """The digests of the document and of SignedProperties change places."""
    first, second = root.xpath("//*[local-name()='SignedInfo']/*/*[local-name()='DigestValue']")[:2]
    first.text, second.text = second.text, first.text


def exchanged_references(root: etree._Element) -> None:
    """The same references in another order: not what was signed."""
    signed_info = one(root, "//ds:SignedInfo")
    signed_info.append(signed_info.findall(f"{{{DS}}}Reference")[0])


def unnamed_reference(root: etree._Element) -> None:
    """The reference to the document loses its Id, and DataObjectFormat names `#None`."""
    del one(root, "//ds:Reference[@URI='']").attrib["Id"]
    one(root, "//xades:DataObjectFormat").set("ObjectReference", "#None")


REFERENCES: Attacks = {
    "SHA-1 signature": (put("#ecdsa-sha256", "#ecdsa-sha1"), "ALGORITHM_NOT_ALLOWED"),
    "RSA instead of ECDSA": (put("#ecdsa-sha256", "#rsa-sha256"), "ALGORITHM_NOT_ALLOWED"),
    "SHA-1 digest": (put(f'"{SHA256}"', '"http://www.w3.org/2000/09/xmldsig#sha1"'), "ALGORITHM_NOT_ALLOWED"),
    "SHA-512 digest": (put(f'"{SHA256}"', '"http://www.w3.org/2001/04/xmlenc#sha512"'), "ALGORITHM_NOT_ALLOWED"),
    "ECDSA with SHA-512": (put("#ecdsa-sha256", "#ecdsa-sha512"), "ALGORITHM_NOT_ALLOWED"),
    "RSA-PSS": (
        put(ECDSA_SHA256, "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"),
        "ALGORITHM_NOT_ALLOWED",
    ),
    "Ed25519": (put(ECDSA_SHA256, "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519"), "ALGORITHM_NOT_ALLOWED"),
    "no algorithm": (put(f'SignatureMethod Algorithm="{ECDSA_SHA256}"', "SignatureMethod"), "ALGORITHM_NOT_ALLOWED"),
    "unknown algorithm": (put(ECDSA_SHA256, "urn:unknown"), "ALGORITHM_NOT_ALLOWED"),
    "digests exchanged": (on_tree(exchanged_digests), "SIGNATURE_INVALID"),
    "references exchanged": (on_tree(exchanged_references), "SIGNATURE_INVALID"),
    "HMAC with the certificate": (
        hmac_with(lambda certificate: certificate.public_bytes(Encoding.DER)),
        "ALGORITHM_NOT_ALLOWED",
    ),
    "HMAC with the public key": (hmac_with(spki), "ALGORITHM_NOT_ALLOWED"),
    "HMAC with the public key in PEM": (hmac_with(pem), "ALGORITHM_NOT_ALLOWED"),
    "HMAC with the public key, cut to 8 bits": (hmac_with(spki, length=8), "ALGORITHM_NOT_ALLOWED"),
    "HMAC with an empty secret": (hmac_with(lambda _: b""), "ALGORITHM_NOT_ALLOWED"),
    "HMACOutputLength": (put(f'<ds:SignatureMethod Algorithm="{ECDSA_SHA256}"/>', LENGTH), "ALGORITHM_NOT_ALLOWED"),
    "inclusive C14N of SignedInfo": (
        put(
            f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"',
            f'<ds:CanonicalizationMethod Algorithm="{C14N_1_0}"',
        ),
        "ALGORITHM_NOT_ALLOWED",
    ),
    "C14N 1.1 of SignedInfo": (
        put(
            f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"',
            f'<ds:CanonicalizationMethod Algorithm="{C14N_1_1}"',
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
    "XPointer transform": (
        put(TRANSFORM, f'<ds:Transform Algorithm="http://www.w3.org/2001/04/xmldsig-more/xptr"/>{TRANSFORM}'),
        "REFERENCE_NOT_ALLOWED",
    ),
    "XSLT that fetches": (put(TRANSFORM, TRANSFORM + FETCHING_STYLESHEET), "REFERENCE_NOT_ALLOWED"),
    "no transforms": (put_pattern("<ds:Transforms>.*?</ds:Transforms>", ""), "REFERENCE_NOT_ALLOWED"),
    "external reference": (put(REFERENCE, '<ds:Reference URI="http://attacker.example/"'), "REFERENCE_NOT_ALLOWED"),
    "file reference": (put(REFERENCE, '<ds:Reference URI="file:///etc/passwd"'), "REFERENCE_NOT_ALLOWED"),
    "Windows share reference": (
        put(REFERENCE, '<ds:Reference URI="file://attacker.example/share"'),
        "REFERENCE_NOT_ALLOWED",
    ),
    "relative reference": (put(REFERENCE, '<ds:Reference URI="other.xml"'), "REFERENCE_NOT_ALLOWED"),
    "XPointer to an Id": (
        put_pattern('URI="#([^"]*)"', r"""URI="#xpointer(id('\1'))\""""),
        "REFERENCE_NOT_ALLOWED",
    ),
    "empty fragment": (put(REFERENCE, '<ds:Reference URI="#"'), "REFERENCE_NOT_ALLOWED"),
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
    "RetrievalMethod beside the certificate": (
        put("</ds:X509Data>", f"</ds:X509Data>{RETRIEVAL}"),
        "REFERENCE_NOT_ALLOWED",
    ),
    "DEREncodedKeyValue": (
        put(
            "</ds:X509Data>",
            '</ds:X509Data><d:DEREncodedKeyValue xmlns:d="http://www.w3.org/2009/xmldsig11#">AAAA</d:DEREncodedKeyValue>',
        ),
        "REFERENCE_NOT_ALLOWED",
    ),
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
    "unsigned property with a value": (
        put(
            "</xades:QualifyingProperties>",
            "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp>"
            "<xades:EncapsulatedTimeStamp>AAAA</xades:EncapsulatedTimeStamp></xades:SignatureTimeStamp>"
            "</xades:UnsignedSignatureProperties></xades:UnsignedProperties></xades:QualifyingProperties>",
        ),
        "REFERENCE_NOT_ALLOWED",
    ),
    "counter-signature as a reference": (
        put(
            SIGNED_PROPERTIES_TYPE,
            "http://uri.etsi.org/01903#CountersignedSignature",
        ),
        "REFERENCE_NOT_ALLOWED",
    ),
    "signature over the signature": (
        on_tree(lambda root: one(root, "//ds:Object").append(clone(root[-1]))),
        "SIGNATURE_NOT_UNIQUE",
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
