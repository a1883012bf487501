"""The steps of C.6 in their order, each with its reason; what is verified is what is read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.permit.reasons import Reason
from epix_node.signing.profile import XADES
from epix_node.signing.verdict import SignatureState, Verdict
from epix_node.signing.verifier import verify

DAY = timedelta(days=1)


def test_a_genuine_document_is_valid_and_gives_its_signed_bytes(signed, unsigned, keys, xa, at):
    """The signed bytes are the canonical document without its signature."""
    verdict = verify(signed, keys, at=at, environment="sandbox")
    assert verdict == Verdict(
        signature=SignatureState.VALID,
        signed=etree.tostring(etree.fromstring(unsigned()), method="c14n", exclusive=True),
        party="XA",
        certificate_sha256=xa.fingerprint,
        signed_at=at,
    )


def test_a_finder_that_knows_nobody_refuses_everything(signed, make_keys, at):
    """Empty means refuse."""
    verdict = verify(signed, make_keys(), at=at, environment="sandbox")
    assert (verdict.signature, verdict.reasons) == (SignatureState.UNTRUSTED, (Reason.KEY_UNKNOWN,))
    assert verdict.signed is None
    assert verdict.party == "XA"


def test_a_certificate_of_another_party_is_refused(unsigned, xb, keys, at):
    """XB signs a good document that says it is XA's."""
    verdict = verify(xb.signer.sign(unsigned(party="XA"), at=at), keys, at=at, environment="sandbox")
    assert (verdict.signature, verdict.reasons) == (SignatureState.UNTRUSTED, (Reason.KEY_WRONG_PARTY,))


def test_a_certificate_with_the_same_names_is_unknown(unsigned, make_country, keys, at):
    """Keys are known by their fingerprint; the same subject on another key counts for nothing."""
    impostor = make_country("XA")
    verdict = verify(impostor.signer.sign(unsigned(), at=at), keys, at=at, environment="sandbox")
    assert (verdict.signature, verdict.reasons) == (SignatureState.UNTRUSTED, (Reason.KEY_UNKNOWN,))


def test_a_certificate_that_names_another_country_is_refused(unsigned, make_country, make_keys, at):
    """Even where a manifest lists it: C= is the Party (C.1)."""
    odd = make_country("XA", named="XC")
    verdict = verify(odd.signer.sign(unsigned(), at=at), make_keys(odd.signing_key()), at=at, environment="sandbox")
    assert verdict.reasons == (Reason.KEY_WRONG_PARTY,)


def test_a_key_signs_only_documents_of_its_uses(unsigned, xa, keys, at):
    """The key of XA is for permits and withdrawals."""
    document = xa.signer.sign(unsigned(document_type="import-confirmation"), at=at)
    verdict = verify(document, keys, at=at, environment="sandbox")
    assert (verdict.signature, verdict.reasons) == (SignatureState.UNTRUSTED, (Reason.KEY_WRONG_USE,))
    withdrawal = xa.signer.sign(unsigned(document_type="withdrawal"), at=at)
    assert verify(withdrawal, keys, at=at, environment="sandbox").is_valid


@pytest.mark.parametrize(
    ("changes", "shift", "good"),
    [
        ({}, timedelta(0), True),
        ({}, timedelta(days=-31), False),
        ({}, timedelta(days=151), False),
        ({}, timedelta(days=-30), True),
        ({}, timedelta(days=150), True),
        ({"not_after": datetime.fromisoformat("2999-01-01T00:00:00Z")}, timedelta(days=335), True),
        ({"not_after": datetime.fromisoformat("2999-01-01T00:00:00Z")}, timedelta(days=336), False),
        ({"not_before": datetime.fromisoformat("1999-01-01T00:00:00Z")}, timedelta(days=-31), False),
    ],
    ids=[
        "in both periods",
        "before the manifest's period",
        "after the manifest's period",
        "on its first day",
        "on its last day",
        "in the last second of the certificate",
        "after the certificate",
        "before the certificate",
    ],
)
def test_a_key_counts_in_its_period_only(unsigned, xa, make_keys, at, changes, shift, good):
    """Both periods bound it, that of the manifest and that of the certificate, as of the time asked about."""
    signed = xa.signer.sign(unsigned(), at=min(at, at + shift))
    verdict = verify(signed, make_keys(xa.signing_key(**changes)), at=at + shift, environment="sandbox")
    assert verdict.reasons == (() if good else (Reason.KEY_NOT_IN_PERIOD,))


@pytest.mark.parametrize(
    ("shift", "good"),
    [
        (timedelta(0), True),
        (timedelta(minutes=5), True),
        (timedelta(minutes=5, seconds=1), False),
        (timedelta(days=-30), True),
        (timedelta(days=-31), False),
        (timedelta(days=365), False),
    ],
)
def test_a_signing_time_lies_in_the_keys_period_and_not_ahead(unsigned, xa, keys, at, shift, good):
    """Who says to have signed before the key was there, or tomorrow, says what cannot be."""
    document = xa.signer.sign(unsigned(), at=at + shift)
    verdict = verify(document, keys, at=at, environment="sandbox")
    assert verdict.reasons == (() if good else (Reason.KEY_NOT_IN_PERIOD,))


def test_a_signing_time_in_the_content_is_not_the_signing_time(unsigned, xa, keys, at):
    """The one in SignedProperties counts, whatever stands in the document."""
    decoy = f'<t:SigningTime xmlns:t="{XADES}">2026-03-01T10:00:00Z</t:SigningTime>'
    document = xa.signer.sign(unsigned(body=decoy), at=at + timedelta(days=1))
    assert verify(document, keys, at=at, environment="sandbox").reasons == (Reason.KEY_NOT_IN_PERIOD,)


@pytest.mark.parametrize(
    ("invalid_since", "proven_before", "good"),
    [
        (None, None, False),
        (None, 0, False),
        (1, None, False),
        (1, 0, True),
        (1, 1, False),
        (1, 2, False),
    ],
)
def test_a_revoked_key_needs_proof_of_age(signed, xa, make_keys, at, invalid_since, proven_before, good):
    """What existed before the key went bad stays good; everything else of that key is refused (decision 7)."""
    key = xa.signing_key(is_revoked=True, invalid_since=None if invalid_since is None else at + DAY * invalid_since)
    proof = None if proven_before is None else at + DAY * proven_before
    verdict = verify(signed, make_keys(key), at=at, environment="sandbox", proven_before=proof)
    expected = (SignatureState.VALID, ()) if good else (SignatureState.REVOKED_KEY, (Reason.REVOKED_KEY,))
    assert (verdict.signature, verdict.reasons) == expected


def test_a_document_of_another_environment_is_refused(unsigned, xa, keys, at):
    """Nothing of the sandbox counts in production, however well it is signed."""
    document = xa.signer.sign(unsigned(environment="sandbox"), at=at)
    verdict = verify(document, keys, at=at, environment="prod")
    assert (verdict.signature, verdict.reasons) == (SignatureState.INVALID, (Reason.CONTENT_MISMATCH,))


def test_a_document_without_a_signature_says_so(unsigned, keys, at):
    """Stripping the signature gives no other answer than never having had one."""
    verdict = verify(unsigned(), keys, at=at, environment="sandbox")
    assert (verdict.signature, verdict.reasons) == (SignatureState.NONE, (Reason.SIGNATURE_MISSING,))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda document: document, "unchanged"),
        (lambda document: document + b"\n\n", "trailing white space"),
        (lambda document: document.partition(b"\n")[2], "no XML declaration"),
        (lambda document: document.replace(b'p:kind="E"', b"p:kind = 'E' "), "other quotes"),
        (lambda document: document.replace(b"</ds:X509Certificate>", b"</ds:X509Certificate >"), "space in a tag"),
        (lambda document: document.replace(b"<Document ", b'<Document xmlns:unused="urn:x" '), "unused namespace"),
        (lambda document: document.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>\n "), "wrapped value"),
        (lambda document: document.replace(b"Python regius", b"&#80;ython regius"), "character reference"),
    ],
)
def test_bytes_may_differ_where_the_canonical_form_does_not(signed, keys, xa, at, change, name, libxmlsec_accepts):
    """XML signatures are malleable (C.3): that is why the register hashes bytes. The content read is the same."""
    genuine = verify(signed, keys, at=at, environment="sandbox")
    assert verify(change(signed), keys, at=at, environment="sandbox") == genuine, name
    assert libxmlsec_accepts(change(signed), xa.certificate)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "NOT_A_DOCUMENT"),
        (b"<Document/>", "NOT_A_DOCUMENT"),
        (b'<Document xmlns="urn:epix-node:document:1"/>', "NOT_A_DOCUMENT"),
        (b'<Document xmlns="urn:epix-node:document:1"><Header/><Body/></Document>', "NOT_A_DOCUMENT"),
        (b'<Document xmlns="urn:epix-node:document:2"><Header/><Body/></Document>', "NOT_A_DOCUMENT"),
        (b"\xef\xbb\xbf<Document/>", "NOT_UTF8"),
        (b"<!DOCTYPE Document><Document/>", "FORBIDDEN_XML"),
        (b"<a>" * 65 + b"</a>" * 65, "LIMIT_EXCEEDED"),
        (b"x" * (1024 * 1024 + 1), "TOO_LARGE"),
    ],
)
def test_what_is_no_document_gets_no_verdict(document, code, keys, at):
    """Steps 1 to 4 raise; the API answers 400 or 413."""
    with pytest.raises(MalformedDocumentError) as refusal:
        verify(document, keys, at=at, environment="sandbox")
    assert refusal.value.code == code


@pytest.mark.parametrize("member", ["Environment", "Party", "Type"])
def test_a_header_names_environment_party_and_type_once(unsigned, keys, at, member):
    """None of them missing, empty, twice, or with elements in it."""
    genuine = unsigned().decode()
    whole = genuine[genuine.index(f"<{member}>") : genuine.index(f"</{member}>") + len(f"</{member}>")]
    for other in ("", f"<{member}/>", whole * 2, f"<{member}><b/></{member}>", f"<{member}>XA<b/></{member}>"):
        with pytest.raises(MalformedDocumentError) as refusal:
            verify(genuine.replace(whole, other).encode(), keys, at=at, environment="sandbox")
        assert refusal.value.code == "NOT_A_DOCUMENT"


def test_verification_needs_times_with_a_zone(signed, keys, at):
    """A naive time is a programming mistake."""
    naive = at.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        verify(signed, keys, at=naive, environment="sandbox")
    with pytest.raises(ValueError, match="zone"):
        verify(signed, keys, at=at, environment="sandbox", proven_before=naive)


def test_nothing_of_a_document_reaches_a_log(signed, keys, at, caplog):
    """signxml would write canonicalised documents at level DEBUG."""
    with caplog.at_level("DEBUG"):
        verify(signed, keys, at=at, environment="sandbox")
    assert "regius" not in caplog.text


def test_a_verdict_has_signed_bytes_or_reasons_never_both(at):
    """So that nobody can read what was not proven."""
    with pytest.raises(ValueError, match="signed bytes"):
        Verdict(signature=SignatureState.INVALID, reasons=(Reason.SIGNATURE_INVALID,), signed=b"<a/>")
    with pytest.raises(ValueError, match="signed bytes"):
        Verdict(signature=SignatureState.VALID, party="XA", certificate_sha256="00")
    with pytest.raises(ValueError, match="somebody"):
        Verdict(signature=SignatureState.VALID, signed=b"<a/>")
