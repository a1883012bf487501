"""Attacks on whose key it is (C.6): substituted certificates, other keys in KeyInfo, keys that rotate, end, are stolen.

Keys are those of a real trust list: a Secretariat admits XA and XB, and the node asks its keyring.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from epix_node.signing.profile import DS
from epix_node.signing.signer import FileSigner
from epix_node.signing.verdict import SignatureState
from epix_node.trust.certificate import fingerprint, issue_certificate
from epix_node.trust.keyring import Keyring
from epix_node.trust.manifest import Manifest, PermitKeyEntry
from epix_node.trust.succession import with_permit_key, with_revocation
from tests.signing.attacks.edits import on_tree, one, put, put_pattern, signature_value
from tests.signing.opinion import Difference, Opinions, opinions
from tests.trust.stage import Stage

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
Judge = Callable[..., Opinions]


def entry_of(certificate: x509.Certificate, begin: datetime, end: datetime, *more: str) -> PermitKeyEntry:
    """The certificate as a manifest lists it."""
    return PermitKeyEntry.of(certificate, uses=("permit", "withdrawal", *more), not_before=begin, not_after=end)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xa, xb, at: datetime) -> Stage:
    """XA and XB are admitted, each with its permit key, and the node holds the list."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made = Stage(tmp_path, now=at)
    for country in (xa, xb):
        entry = entry_of(country.certificate, at - 30 * DAY, at + 150 * DAY)
        made.admit(country.party, permit_keys=(entry,))
    assert not made.refresh().problems
    return made


@pytest.fixture
def judge(stage: Stage, xa, at: datetime) -> Judge:
    """Both verifiers on a document, by the trust list as the node holds it now."""

    def give(document: bytes, **changes: Any) -> Opinions:
        asked = {"at": at, "certificate": xa.certificate, **changes}
        return opinions(document, Keyring.of(stage.node, None), **asked)

    return give


def renew(stage: Stage, change: Callable[[Manifest], Manifest]) -> None:
    """XA signs a new manifest, the Secretariat takes it, the node refreshes."""
    party = stage.parties["XA"]
    party.sign(change(party.manifest), stage.now)
    stage.publish(party)
    assert not stage.refresh().problems


def der(certificate: x509.Certificate) -> bytes:
    return base64.b64encode(certificate.public_bytes(Encoding.DER))


def with_certificates(document: bytes, *certificates: bytes) -> bytes:
    """KeyInfo holds these instead."""
    elements = b"".join(b"<ds:X509Certificate>%s</ds:X509Certificate>" % each for each in certificates)
    changed, times = re.subn(rb"<ds:X509Certificate>[^<]*</ds:X509Certificate>", elements, document)
    assert times == 1
    return changed


# -- another certificate, the same signature ---------------------------------------------------------------------------


def test_the_trust_list_vouches_for_the_genuine_document(signed, judge):
    """Otherwise what follows would show nothing."""
    assert judge(signed).answer == "VALID"


def test_another_partys_certificate_is_another_signer(signed, judge, xb):
    """Substituting XB's certificate makes it XB's claim about XA's document."""
    assert judge(with_certificates(signed, der(xb.certificate))).answer == "KEY_WRONG_PARTY"
    assert judge(with_certificates(signed, base64.b64encode(b"no certificate"))).answer == "KEY_UNKNOWN"


def test_a_document_of_one_party_signed_by_another_is_refused(unsigned, judge, xb, at):
    """A right signature, by a key that the list gives to XB; libxmlsec was handed the key and is content."""
    given = judge(xb.signer.sign(unsigned(party="XA"), at=at), certificate=xb.certificate)
    assert (given.answer, given.difference) == ("KEY_WRONG_PARTY", Difference.KEY)


def test_the_same_names_on_another_key_count_for_nothing(unsigned, signed, judge, make_country, xa, at):
    """Same-DN substitution: in a document of the impostor's own, and put into the genuine one."""
    impostor = make_country("XA")
    assert impostor.certificate.subject == xa.certificate.subject
    given = judge(impostor.signer.sign(unsigned(), at=at), certificate=impostor.certificate)
    assert (given.answer, given.difference) == ("KEY_UNKNOWN", Difference.KEY)
    assert judge(with_certificates(signed, der(impostor.certificate))).answer == "KEY_UNKNOWN"


@pytest.fixture
def reissued(xa, at) -> x509.Certificate:
    """Another certificate for the same key and name, which no manifest lists."""
    return issue_certificate(xa.key, "XA", not_before=at - 30 * DAY, valid_for=365 * DAY)


def test_another_certificate_of_the_same_key_is_unknown(unsigned, judge, xa, at, reissued):
    """Trust is in the certificate that the manifest lists; the key alone would verify, as libxmlsec shows."""
    given = judge(FileSigner(xa.key, reissued).sign(unsigned(), at=at))
    assert (given.answer, given.libxmlsec, given.difference) == ("KEY_UNKNOWN", True, Difference.KEY)


def test_key_info_and_signed_properties_name_the_same_certificate(signed, resign, make_keys, xa, at, reissued):
    """Where KeyInfo is not signed, its certificate cannot be exchanged all the same.

    No manifest may list two certificates of one key; a finder that did shows that signing does not rely on it.
    """
    twice = make_keys(xa.signing_key(), xa.signing_key(certificate=reissued, certificate_sha256=fingerprint(reissued)))
    judge = partial(opinions, keys=twice, at=at, certificate=xa.certificate)
    strip = on_tree(lambda root: one(root, "//ds:SignedInfo").remove(root.findall(f".//{{{DS}}}Reference")[2]))
    document = resign(strip(signed))
    assert judge(document).answer == "VALID"
    given = judge(with_certificates(document, der(reissued)))
    assert (given.answer, given.difference) == ("SIGNATURE_INVALID", Difference.PROPERTIES)


def test_only_the_first_certificate_is_the_signers(signed, judge, resign, xa, xb):
    """What follows is a chain that nothing relies on, in any number; what comes first decides."""
    ours, theirs = der(xa.certificate), der(xb.certificate)
    chained = judge(resign(with_certificates(signed, ours, theirs)))
    assert (chained.answer, chained.verdict.certificate_sha256) == ("VALID", xa.fingerprint)
    first = judge(resign(with_certificates(signed, theirs, ours)))
    assert (first.answer, first.difference) == ("KEY_WRONG_PARTY", Difference.KEY)


@pytest.mark.parametrize("version", [1, 3, 127])
def test_a_chain_certificate_of_no_known_version_breaks_nothing(version, signed, judge, xa):
    """What is no certificate in the chain is a verdict, whatever cryptography raises."""
    own = xa.certificate.public_bytes(Encoding.DER)
    place = own.index(b"\xa0\x03\x02\x01\x02") + 4  # [0] EXPLICIT INTEGER: the version, 2 for v3
    odd = base64.b64encode(own[:place] + bytes([version]) + own[place + 1 :])
    assert judge(with_certificates(signed, der(xa.certificate), odd)).answer == "SIGNATURE_INVALID"


def key_value(key: ec.EllipticCurvePrivateKey) -> str:
    """The public half as XML-Signature 1.1 writes it."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return (
        '<ds:KeyValue><d:ECKeyValue xmlns:d="http://www.w3.org/2009/xmldsig11#"><d:NamedCurve '
        'URI="urn:oid:1.2.840.10045.3.1.7"/><d:PublicKey>'
        f"{base64.b64encode(point).decode()}</d:PublicKey></d:ECKeyValue></ds:KeyValue>"
    )


@pytest.mark.parametrize("place", ["before", "after", "instead"])
@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_a_key_value_is_refused_whosever_it_is(place, whose, signed, judge, resign, xa, xb):
    """XA signed it so and libxmlsec accepts it: a KeyValue is a second answer to the question whose key it is."""
    value = key_value(xa.key if whose == "its own" else xb.key)
    change = {
        "before": put("<ds:X509Data>", f"{value}<ds:X509Data>"),
        "after": put("</ds:X509Data>", f"</ds:X509Data>{value}"),
        "instead": put_pattern("<ds:X509Data>.*</ds:X509Data>", value),
    }[place]
    given = judge(resign(change(signed)))
    assert (given.answer, given.libxmlsec, given.difference) == ("REFERENCE_NOT_ALLOWED", True, Difference.SHAPE)


def test_a_forger_with_a_key_value_of_his_own_gets_nowhere(unsigned, make_country, judge, xa, at):
    """He signs with his key, gives it as KeyValue and shows XA's certificate beside it (CVE-2020-5390 and others)."""
    forger = make_country("XA")
    document = forger.signer.sign(unsigned(), at=at)
    shown = with_certificates(document, der(xa.certificate))
    assert judge(shown).answer == "SIGNATURE_INVALID"
    assert judge(put("<ds:X509Data>", f"{key_value(forger.key)}<ds:X509Data>")(shown)).answer == "REFERENCE_NOT_ALLOWED"


def test_a_der_signature_value_is_not_taken(signed, judge, xa):
    """XML signatures carry r and s side by side, never ASN.1 (as some libraries write, lsh123 "with-asn1")."""
    given = judge(signature_value(lambda _: xa.key.sign(b"x", ec.ECDSA(SHA256())))(signed))
    assert given.answer == "SIGNATURE_INVALID"


# -- rotation, end, theft ----------------------------------------------------------------------------------------------


@pytest.fixture
def rotated(stage: Stage, make_country, at) -> Any:
    """XA's next key, active since now; the one before is retiring."""
    successor = make_country("XA")
    renew(stage, partial(with_permit_key, entry=entry_of(successor.certificate, at - DAY, at + 300 * DAY)))
    return successor


def test_documents_of_both_keys_are_good_during_a_rotation(signed, unsigned, rotated, judge, xa, at):
    """Nothing is signed again: the retiring key stays good for what it signed, and signs until it ends."""
    later = at + 10 * DAY
    assert judge(signed).answer == judge(signed, at=later).answer == "VALID"
    new = rotated.signer.sign(unsigned(), at=at)
    assert judge(new, certificate=rotated.certificate).answer == "VALID"
    assert judge(xa.signer.sign(unsigned(), at=later), at=later).answer == "VALID"


def test_the_keys_of_a_rotation_are_not_mistaken_for_each_other(signed, unsigned, rotated, judge, xa, at):
    """The new certificate on the old key's signature, and the other way round, is no signature."""
    new = rotated.signer.sign(unsigned(), at=at)
    assert judge(with_certificates(signed, der(rotated.certificate))).answer == "SIGNATURE_INVALID"
    assert judge(with_certificates(new, der(xa.certificate))).answer == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    ("shift", "answer"),
    [
        (-30 * DAY - SECOND, "KEY_NOT_IN_PERIOD"),
        (-30 * DAY, "VALID"),
        (150 * DAY, "VALID"),
        (150 * DAY + SECOND, "KEY_NOT_IN_PERIOD"),
    ],
    ids=["not yet valid by a second", "in its first second", "in its last second", "expired by a second"],
)
def test_a_key_of_the_list_ends_to_the_second(shift, answer, unsigned, rotated, judge, xa, at):
    """Also where another key has taken its place; libxmlsec knows no time."""
    document = xa.signer.sign(unsigned(), at=min(at, at + shift))
    given = judge(document, at=at + shift)
    assert (given.answer, given.libxmlsec) == (answer, True)


def test_a_key_announced_for_later_signs_nothing_yet(unsigned, stage, make_country, judge, at):
    """C.1: a key is announced before it signs."""
    coming = make_country("XA")
    renew(stage, partial(with_permit_key, entry=entry_of(coming.certificate, at + 30 * DAY, at + 300 * DAY)))
    document = coming.signer.sign(unsigned(), at=at)
    assert judge(document, certificate=coming.certificate).answer == "KEY_NOT_IN_PERIOD"
    late = at + 31 * DAY
    assert judge(document, certificate=coming.certificate, at=late).answer == "KEY_NOT_IN_PERIOD"  # its SigningTime
    assert judge(coming.signer.sign(unsigned(), at=late), certificate=coming.certificate, at=late).answer == "VALID"


@pytest.mark.parametrize(
    ("since", "proven", "answer"),
    [
        (DAY, timedelta(0), "VALID"),
        (DAY, DAY - SECOND, "VALID"),
        (DAY, DAY, "REVOKED_KEY"),
        (DAY, DAY + SECOND, "REVOKED_KEY"),
        (DAY, None, "REVOKED_KEY"),
        (None, timedelta(0), "REVOKED_KEY"),
    ],
    ids=["long before", "a second before", "at that time", "a second after", "no proof", "revoked for ever"],
)
def test_a_stolen_key_keeps_what_was_proven_before_the_theft(
    since, proven, answer, signed, stage, judge, xa, at, rotated
):
    """Decision 7, by the manifest that XA publishes afterwards; what the new key signs is not touched."""
    stage.later(days=3)
    moment = None if since is None else at + since
    renew(stage, partial(with_revocation, kid=xa.fingerprint, invalid_since=moment))
    given = judge(signed, proven_before=None if proven is None else at + proven)
    assert given.answer == answer
    if answer != "VALID":
        assert given.verdict.signature is SignatureState.REVOKED_KEY
        assert (given.signed, given.difference) == (None, Difference.KEY)


def test_a_thief_cannot_date_back(unsigned, stage, judge, xa, at):
    """SigningTime is the thief's to choose and proves nothing; a forged document of a stolen key stays refused."""
    stage.later(days=3)
    renew(stage, partial(with_revocation, kid=xa.fingerprint, invalid_since=at))
    for signing_time in (at - 20 * DAY, at, at + DAY):
        backdated = xa.signer.sign(unsigned(), at=signing_time)
        assert judge(backdated, at=at + 3 * DAY).answer == "REVOKED_KEY"


def test_a_revoked_key_lends_its_certificate_to_nobody(signed, unsigned, rotated, stage, judge, xa, at):
    """A genuine document of the new key that shows the revoked certificate is one of the revoked key, and broken."""
    stage.later(days=1)
    renew(stage, partial(with_revocation, kid=xa.fingerprint, invalid_since=at))
    new = rotated.signer.sign(unsigned(), at=at)
    assert judge(new, certificate=rotated.certificate).answer == "VALID"
    assert judge(with_certificates(new, der(xa.certificate))).answer == "REVOKED_KEY"
    assert judge(with_certificates(signed, der(rotated.certificate))).answer == "SIGNATURE_INVALID"


def test_a_removed_partys_keys_are_nobodys(signed, unsigned, stage, judge, xb, at):
    """XA's documents are UNTRUSTED from then on, and XB's as good as before."""
    stage.secretariat.remove("XA", stage.now)
    stage.refresh()
    assert judge(signed).answer == "KEY_UNKNOWN"
    other = xb.signer.sign(unsigned(party="XB"), at=at)
    assert judge(other, certificate=xb.certificate).answer == "VALID"


def test_a_key_signs_what_the_list_says_it_signs(unsigned, judge, xa, at):
    """The key of XA is for permits and withdrawals, whatever its certificate would allow."""
    given = judge(xa.signer.sign(unsigned(document_type="import-confirmation"), at=at))
    assert (given.answer, given.difference) == ("KEY_WRONG_USE", Difference.KEY)


def test_a_document_of_another_environment_is_not_ours(signed, judge):
    """Well signed by a key of the list, and said of another federation."""
    given = judge(signed, environment="prod")
    assert (given.answer, given.difference) == ("CONTENT_MISMATCH", Difference.CONTENT)
