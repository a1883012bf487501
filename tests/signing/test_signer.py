"""What we sign, everybody verifies: signxml, libxmlsec, and the xmlsec1 program."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.exceptions import InvalidDigest
from signxml.xades.xades import XAdESSigner, XAdESVerifier

from epix_node.errors import KeyMaterialError, MalformedDocumentError
from epix_node.signing.profile import DS, EXCLUSIVE_C14N, XADES
from epix_node.signing.signer import FileSigner
from epix_node.signing.verdict import SignatureState
from epix_node.signing.verifier import verify

NAMES = {"ds": DS, "xades": XADES, "e": "urn:epix-node:document:1"}


def test_libxmlsec_accepts_what_we_sign(signed, xa, libxmlsec_accepts):
    """A second implementation computes the same digests and finds the signature right."""
    assert libxmlsec_accepts(signed, xa.certificate)
    assert not libxmlsec_accepts(signed.replace(b"Python regius", b"Python molurus"), xa.certificate)


def test_the_xmlsec1_program_accepts_what_we_sign(signed, xa, tmp_path):
    """All three references are found right by the program that authorities have at hand."""
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.skip("xmlsec1 is not installed; the Debian package xmlsec1 would run this test")
    document, certificate = tmp_path / "signed.xml", tmp_path / "certificate.pem"
    document.write_bytes(signed)
    certificate.write_bytes(xa.certificate.public_bytes(Encoding.PEM))
    command = [program, "--verify", "--pubkey-cert-pem", str(certificate), "--enabled-key-data", "key-name"]
    command += ["--id-attr:Id", f"{XADES}:SignedProperties", "--id-attr:Id", f"{DS}:KeyInfo", str(document)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 0, run.stderr
    document.write_bytes(signed.replace(b"Python regius", b"Python molurus"))
    assert subprocess.run(command, capture_output=True, check=False, timeout=30).returncode != 0


def test_signxml_alone_writes_what_nobody_accepts(unsigned, xa, libxmlsec_accepts):
    """The reason for our subclass; once this test fails, signxml is mended and the subclass can go."""
    stock = XAdESSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    root = stock.sign(etree.fromstring(unsigned()), key=xa.key, cert=[xa.certificate], always_add_key_value=False)
    with pytest.raises(InvalidDigest):
        XAdESVerifier().verify(etree.tostring(root), x509_cert=xa.certificate)
    assert not libxmlsec_accepts(etree.tostring(root), xa.certificate)


def test_the_signature_is_xades_b_b_of_the_profile(signed, xa):
    """What EU DSS asks of a B-B signature is there, each once, and nothing ambiguous (C.6, Produce)."""
    root = etree.fromstring(signed)
    assert root[-1].tag == f"{{{DS}}}Signature"
    methods = root.xpath("//ds:CanonicalizationMethod/@Algorithm | //ds:Transform/@Algorithm", namespaces=NAMES)
    assert [method for method in methods if "c14n" in method] == [EXCLUSIVE_C14N] * 4
    for path in (
        "//ds:KeyInfo/ds:X509Data/ds:X509Certificate",
        "//xades:SigningTime",
        "//xades:SigningCertificateV2/xades:Cert",
        "//xades:DataObjectFormat[xades:MimeType='text/xml']",
    ):
        assert len(root.xpath(path, namespaces=NAMES)) == 1, path
    assert not root.xpath("//ds:KeyValue | //xades:SigningCertificate | //xades:UnsignedProperties", namespaces=NAMES)


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2026, 3, 1, 10, tzinfo=UTC), "2026-03-01T10:00:00Z"),
        (datetime(2026, 3, 1, 10, 0, 0, 999_999, tzinfo=UTC), "2026-03-01T10:00:00Z"),
        (datetime.fromisoformat("2026-03-01T12:30:00+02:30"), "2026-03-01T10:00:00Z"),
    ],
)
def test_signing_time_is_the_time_that_the_caller_gives(unsigned, xa, at, written):
    """The node's clock, not the machine's, in whole seconds of UTC."""
    root = etree.fromstring(xa.signer.sign(unsigned(), at=at))
    assert root.xpath("string(//xades:SigningTime)", namespaces=NAMES) == written


def test_a_signature_needs_a_time_with_a_zone(unsigned, xa):
    """A naive time is a programming mistake."""
    with pytest.raises(ValueError, match="zone"):
        xa.signer.sign(unsigned(), at=datetime(2026, 3, 1, 10))  # noqa: DTZ001


def test_a_document_is_signed_once(signed, xa, at):
    """A second signature would make the first one part of the content."""
    with pytest.raises(ValueError, match="already"):
        xa.signer.sign(signed, at=at)


def test_what_no_verifier_would_parse_is_not_signed(xa, at):
    """The signer reads as strictly as the verifier does."""
    with pytest.raises(MalformedDocumentError):
        xa.signer.sign(b"<!-- a comment --><Document/>", at=at)


def test_signing_twice_gives_different_bytes_and_the_same_content(unsigned, xa, keys, at):
    """ECDSA is random; what is signed is not."""
    first, second = (xa.signer.sign(unsigned(), at=at) for _ in range(2))
    assert first != second
    verdicts = [verify(document, keys, at=at, environment="sandbox") for document in (first, second)]
    assert verdicts[0].signed == verdicts[1].signed
    assert {verdict.signature for verdict in verdicts} == {SignatureState.VALID}


def test_a_signature_survives_an_envelope(signed, keys, at):
    """Put into a SOAP body and cut out again, a document is still what was signed: exclusive C14N."""
    envelope = etree.fromstring(b'<s:Envelope xmlns:s="urn:soap" xmlns:x="urn:x"><s:Body/></s:Envelope>')
    envelope[0].append(etree.fromstring(signed))
    within = etree.fromstring(etree.tostring(envelope))[0][0]
    assert verify(etree.tostring(within), keys, at=at, environment="sandbox").is_valid


def test_key_and_certificate_belong_together(xa, xb):
    """A signer that nobody could verify cannot be made."""
    with pytest.raises(KeyMaterialError, match="another key"):
        FileSigner(xa.key, xb.certificate)
    with pytest.raises(KeyMaterialError, match="P-256"):
        FileSigner(ec.generate_private_key(ec.SECP384R1()), xa.certificate)


def test_a_signer_does_not_show_its_key(xa):
    """The key is not in what a log or a traceback prints."""
    assert "private_key" not in repr(xa.signer)
