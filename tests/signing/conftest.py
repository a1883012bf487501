"""Three fictional countries with a permit key each, a small document, and the second opinion of libxmlsec."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from epix_node.signing.profile import DS
from epix_node.signing.signer import FileSigner
from epix_node.trust.certificate import fingerprint, issue_certificate
from epix_node.trust.keyring import SigningKey
from epix_node.trust.keys import generate_permit_key
from tests.signing import opinion

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
BEGIN = AT - timedelta(days=30)
END = AT + timedelta(days=150)


@dataclass(frozen=True)
class Country:
    """One Party with its permit key."""

    party: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def signer(self) -> FileSigner:
        return FileSigner(self.key, self.certificate)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.certificate)

    def signing_key(self, **changes: Any) -> SigningKey:
        """The key as its manifest gives it: for permits and withdrawals, half a year around `AT`."""
        members: dict[str, Any] = {
            "party": self.party,
            "certificate": self.certificate,
            "certificate_sha256": self.fingerprint,
            "uses": frozenset({"permit", "withdrawal"}),
            "not_before": BEGIN,
            "not_after": END,
            "is_revoked": False,
            "invalid_since": None,
        }
        return SigningKey(**{**members, **changes})


class Keys:
    """A key finder over a few keys; without keys it refuses everything, as a keyring does."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = {(key.party, key.certificate_sha256): key for key in keys}

    def find(self, party: str, certificate_sha256: str) -> SigningKey | None:
        return self.keys.get((party, certificate_sha256))

    def owner(self, certificate_sha256: str) -> str | None:
        return next((party for party, known in self.keys if known == certificate_sha256), None)


@pytest.fixture(scope="session")
def make_country() -> Callable[..., Country]:
    """Makes a country with a key and a certificate of a year."""

    def make(party: str, *, named: str | None = None) -> Country:
        key = generate_permit_key()
        certificate = issue_certificate(key, named or party, not_before=BEGIN, valid_for=timedelta(days=365))
        return Country(party=party, key=key, certificate=certificate)

    return make


@pytest.fixture(scope="session")
def xa(make_country: Callable[..., Country]) -> Country:
    return make_country("XA")


@pytest.fixture(scope="session")
def xb(make_country: Callable[..., Country]) -> Country:
    return make_country("XB")


@pytest.fixture(scope="session")
def make_keys() -> type[Keys]:
    return Keys


@pytest.fixture(scope="session")
def keys(xa: Country, xb: Country) -> Keys:
    """What the verifying node trusts: both countries, as their manifests give them."""
    return Keys(xa.signing_key(), xb.signing_key())


@pytest.fixture(scope="session")
def at() -> datetime:
    return AT


@pytest.fixture(scope="session")
def unsigned() -> Callable[..., bytes]:
    """Writes a small document; only what matters is said."""

    def write(
        party: str = "XA",
        document_type: str = "permit",
        environment: str = "sandbox",
        body: str = '<p:Permit xmlns:p="urn:test:permit" p:kind="E"><p:Number>26XA000123</p:Number>'
        "<p:Line><p:Taxon>Python regius</p:Taxon><p:Quantity unit='NAR'>12</p:Quantity></p:Line></p:Permit>",
    ) -> bytes:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<Document xmlns="urn:epix-node:document:1">\n'
            f"  <Header><Environment>{environment}</Environment><Party>{party}</Party><Type>{document_type}</Type>"
            "<Issued>2026-03-01T10:00:00Z</Issued></Header>\n"
            f"  <Body>{body}</Body>\n"
            "</Document>\n"
        ).encode()

    return write


@pytest.fixture(scope="session")
def signed(xa: Country, unsigned: Callable[..., bytes]) -> bytes:
    """A genuine document of XA."""
    return xa.signer.sign(unsigned(), at=AT)


@pytest.fixture(scope="session")
def libxmlsec_accepts() -> Callable[[bytes, x509.Certificate], bool]:
    """Whether libxmlsec finds that this certificate's key made the document's first signature."""
    return opinion.libxmlsec_accepts


@pytest.fixture(scope="session")
def resign(xa: Country) -> Callable[[bytes], bytes]:
    """Gives a changed document a right signature by XA, made by libxmlsec from the changed SignedInfo."""

    def sign(document: bytes) -> bytes:
        template = etree.fromstring(document)
        for value in next(template.iter(f"{{{DS}}}Signature")).iter(f"{{{DS}}}DigestValue"):
            if str(value.getparent().tag).endswith("}Reference"):
                value.text = None
        # Parsed again: libxmlsec frees nodes that it replaces, of which lxml must not hold any.
        root = etree.fromstring(etree.tostring(template))
        signature = xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature)
        xmlsec.tree.add_ids(root, ["Id"])
        context = xmlsec.SignatureContext()
        pem = xa.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem, None)
        context.sign(signature)
        signed = etree.tostring(root)
        assert _key_info(etree.fromstring(signed)) == _key_info(template)
        return signed

    return sign


def _key_info(root: etree._Element) -> bytes:
    return etree.tostring(next(root.iter(f"{{{DS}}}KeyInfo")))
