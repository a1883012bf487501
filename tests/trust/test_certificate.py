"""Certificates: for one key, one country, and signatures only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from epix_node.errors import KeyMaterialError
from epix_node.trust.certificate import (
    country_of,
    fingerprint,
    is_for_signatures,
    issue_certificate,
    load_certificate,
    write_certificate,
)
from epix_node.trust.keys import generate_permit_key

BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    return issue_certificate(generate_permit_key(), "XA", not_before=BEGIN, valid_for=timedelta(days=365))


def test_a_certificate_says_who_what_for_and_when(certificate):
    """X.509 v3, self-signed, C= the Party, for signatures, no authority."""
    assert certificate.version is x509.Version.v3
    assert country_of(certificate) == "XA"
    assert certificate.not_valid_before_utc == BEGIN
    assert certificate.not_valid_after_utc == BEGIN + timedelta(days=365)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert is_for_signatures(certificate)
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    certificate.verify_directly_issued_by(certificate)


def test_the_fingerprint_is_that_of_the_der(certificate):
    """So that anybody can compute it with sha256sum."""
    assert fingerprint(certificate) == sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def test_a_certificate_comes_back_as_it_was_written(tmp_path: Path, certificate):
    """PEM; an existing file stays."""
    path = tmp_path / "permit.pem"
    write_certificate(path, certificate)
    assert load_certificate(path) == certificate
    with pytest.raises(KeyMaterialError, match="not overwritten"):
        write_certificate(path, certificate)


def test_what_is_no_certificate_is_refused(tmp_path: Path, certificate):
    """The message names the file."""
    path = tmp_path / "permit.pem"
    with pytest.raises(KeyMaterialError, match=r"permit\.pem cannot be read"):
        load_certificate(path)
    path.write_text("not a certificate")
    with pytest.raises(KeyMaterialError, match="no PEM certificate"):
        load_certificate(path)
    with pytest.raises(KeyMaterialError, match="cannot be written"):
        write_certificate(tmp_path / "absent" / "permit.pem", certificate)
