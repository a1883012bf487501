"""Permit signing certificates: X.509 v3 on P-256, ``C=`` the Party, for signatures only (C.1).

Self-signed, since what vouches for a certificate is its SHA-256 in the Party's manifest. Chains, CRLs and validation
against a Party's own authority are for later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from epix_node.errors import KeyMaterialError


def issue_certificate(
    key: ec.EllipticCurvePrivateKey,
    party: str,
    *,
    not_before: datetime,
    valid_for: timedelta,
    organisation: str = "CITES Management Authority",
    common_name: str | None = None,
) -> x509.Certificate:
    """A self-signed certificate for this key: ``C=`` party, for digital signatures, no authority.

    Valid from ``not_before`` for ``valid_for``, in whole seconds. The common name is by default ``EPIX <party> permit
    signing``.
    """
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, party),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name or f"EPIX {party} permit signing"),
        ]
    )
    public_key = key.public_key()
    signature_only = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    subject_key_identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_before + valid_for)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(signature_only, critical=True)
        .add_extension(subject_key_identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, hex: the ``kid`` of the manifest."""
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def country_of(certificate: x509.Certificate) -> str | None:
    """The ``C=`` of the subject, or None unless there is exactly one."""
    countries = certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)
    return str(countries[0].value) if len(countries) == 1 else None


def is_for_signatures(certificate: x509.Certificate) -> bool:
    """Whether the certificate allows digital signatures: its KeyUsage says so, or it has none."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True


def write_certificate(path: Path, certificate: x509.Certificate) -> None:
    """The certificate is in this new file as PEM.

    Raises ``KeyMaterialError`` where the file exists or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(certificate.public_bytes(Encoding.PEM))
    except FileExistsError:
        raise KeyMaterialError(f"certificate file {path} exists; it is not overwritten") from None
    except OSError as error:
        raise KeyMaterialError(f"certificate file {path} cannot be written: {error.strerror}") from error


def load_certificate(path: Path) -> x509.Certificate:
    """The first certificate in this PEM file. Raises ``KeyMaterialError`` where there is none."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise KeyMaterialError(f"certificate file {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyMaterialError(
            f"certificate file {path} holds no PEM certificate: restore it from your backup"
        ) from error
