"""Manifests: what is parsed is consistent in itself, and refusals name the member."""

from __future__ import annotations

import contextlib
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError
from epix_node.register.note import KeyKind, VerifierKey
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.keys import generate_ed25519_key, generate_permit_key
from epix_node.trust.manifest import MAX_MANIFEST_BYTES, parse_manifest

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

ALIKE = {
    KeyKind.NOTE: (
        "6024eeceb811239491fec20406439cd6086da4132b88a898ef583d3cd9416c7a",
        "582e6be807118eafe7cd6a6b2e00268a877c6feaacd01f073f125cb7f9c1aa15",
    ),
    KeyKind.COSIGNATURE: (
        "08611b386291e193b7bbc65c83ecf895dcc8dbe38df9c37f7ed61588bb43eccc",
        "81824fa60c7f772d312165791df8d5ac80e133082176634708a0d3541f958e4b",
    ),
}
"""Private keys whose public halves have one key ID under the name ``xb.example/witness/1``."""


def changed(manifest, *path: str | int, to: object) -> bytes:
    """The file with one member changed; without, where `to` is `...`."""
    value = json.loads(manifest.to_json())
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return json.dumps(value).encode()


def test_a_manifest_comes_back_as_it_was_written(xa):
    """With equal bytes and an equal fingerprint."""
    again = parse_manifest(xa.to_json())
    assert again == xa
    assert again.to_json() == xa.to_json()
    assert again.fingerprint() == xa.fingerprint()


def test_the_layout_of_the_file_does_not_change_the_fingerprint(xa):
    """Order and white space are not content: the fingerprint is that of the RFC 8785 form."""
    value = json.loads(xa.to_json())
    reordered = json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode()
    assert parse_manifest(reordered).fingerprint() == xa.fingerprint()
    assert parse_manifest(changed(xa, "base", to=["http://elsewhere.example/"])).fingerprint() != xa.fingerprint()


def test_the_file_has_the_members_of_the_specification(xa):
    """epix-request/1, nulls and all."""
    value = json.loads(xa.to_json())
    assert list(value) == [
        "spec",
        "env",
        "party",
        "issues_for",
        "base",
        "coverage",
        "log",
        "witness",
        "permit_keys",
        "transport_keys",
    ]
    assert value["coverage"] == [{"types": ["E", "R", "I", "O"], "issued_from": "2026-01-01", "published_within_h": 24}]
    (key,) = value["permit_keys"]
    assert key["not_before"] == "2026-01-01T00:00:00Z"
    assert (key["status"], key["invalid_since"], key["reason"]) == ("active", None, None)


def test_people_compare_fingerprints_in_groups(xa):
    """One line for the manifest and for each key, 16 groups of four digits."""
    prints = xa.key_fingerprints()
    assert set(prints) == {
        "manifest",
        "permit certificate 1",
        "register key 1",
        "witness key 1",
        "transport key 1",
    }
    assert all(len(text.split(" ")) == 16 for text in prints.values())
    assert prints["permit certificate 1"].replace(" ", "") == xa.permit_keys[0].kid


@pytest.mark.parametrize(
    ("path", "to", "message"),
    [
        (("spec",), "epix-manifest/2", "spec"),
        (("spec",), "epix-manifest/1", "seq belongs to"),
        (("seq",), 1, "seq belongs to"),
        (("env",), "production", "env"),
        (("party",), "xa", "party"),
        (("party",), "XB", "issues_for does not name the party"),
        (("party",), "XD", "permit_keys.0.cert does not name XD"),
        (("party",), ..., "party"),
        (("issues_for",), [], "issues_for"),
        (("issues_for",), ["XA", "XA"], "issues_for: .*twice"),
        (("issues_for",), ["XA", "X1"], "issues_for.1"),
        (("issues_for",), "XA", "issues_for"),
        (("base",), [], "base"),
        (("base",), ["ftp://xa.example/"], "base.0"),
        (("base",), ["http://user:secret@xa.example/"], "base.0"),
        (("base",), ["http://"], "base.0"),
        (("base",), ["http://[::1/"], "base.0"),
        (("env",), "prod", "https only"),
        (("coverage", 0, "types"), ["X"], "coverage.0.types.0"),
        (("coverage", 0, "types"), ["E", "E"], "coverage.0.types"),
        (("coverage", 0, "issued_from"), "01.01.2026", "coverage.0.issued_from"),
        (("coverage", 0, "issued_from"), ..., "coverage.0.issued_from"),
        (("coverage", 0, "published_within_h"), 1.5, "coverage.0.published_within_h"),
        (("coverage", 0, "published_within_h"), -1, "coverage.0.published_within_h"),
        (("coverage", 0, "published_within_h"), True, "coverage.0.published_within_h"),
        (("log", "origin"), "other", "not named like log.origin"),
        (("log", "vkeys"), [], "log.vkeys"),
        (("log", "vkeys"), ["nonsense"], "log.vkeys.0"),
        (("witness", "name"), "other", "not named like witness.name"),
        (("witness", "vkeys"), ["a+00000000+AAAA"], "witness.vkeys.0"),
        (("permit_keys", 0, "kid"), "0" * 64, "permit_keys.0: .*kid is not the SHA-256 of cert"),
        (("permit_keys", 0, "cert"), "AAAA", "permit_keys.0"),
        (("permit_keys", 0, "cert"), "not base64!", "permit_keys.0: .*not base64"),
        (("permit_keys", 0, "uses"), ["Permit"], "permit_keys.0.uses.0"),
        (("permit_keys", 0, "not_before"), "2026-01-01", "permit_keys.0.not_before"),
        (("permit_keys", 0, "not_before"), 1767225600, "permit_keys.0.not_before"),
        (("permit_keys", 0, "not_before"), "2026-01-01T01:00:00+01:00", "permit_keys.0.not_before"),
        (("permit_keys", 0, "not_after"), "2025-01-01T00:00:00Z", "not_after is not after"),
        (("permit_keys", 0, "status"), "lost", "permit_keys.0.status"),
        (("permit_keys", 0, "invalid_since"), "2026-02-01T00:00:00Z", "belongs to a revoked key"),
        (("transport_keys", 0, "alg"), "rsa", "transport_keys.0.alg"),
        (("transport_keys", 0, "pub"), "AAAA", "transport_keys.0: .*32 bytes"),
        (("unknown",), 1, "unknown"),
    ],
)
def test_a_refusal_names_the_member(xa, path, to, message):
    """So that whoever wrote the file can mend it."""
    with pytest.raises(MalformedDocumentError, match=message) as refusal:
        parse_manifest(changed(xa, *path, to=to))
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b"null",
        b'{"spec": "epix-request/1", "spec": "epix-request/1"}',
        b"[" * 100_000,
        b"9" * 10_000,
    ],
    ids=["empty", "list", "not UTF-8", "null", "member twice", "deep", "long number"],
)
def test_what_is_no_json_object_is_refused(data):
    """Without looking further."""
    with pytest.raises(MalformedDocumentError):
        parse_manifest(data)


def test_a_manifest_has_at_most_256_kib(xa):
    """White space counts too (C.5)."""
    padding = b" " * (MAX_MANIFEST_BYTES - len(xa.to_json()))
    assert parse_manifest(xa.to_json() + padding) == xa
    with pytest.raises(MalformedDocumentError) as refusal:
        parse_manifest(xa.to_json() + padding + b" ")
    assert refusal.value.code == "TOO_LARGE"


def entry_of(key, party: str = "XA") -> dict[str, object]:
    certificate = issue_certificate(key, party, not_before=BEGIN, valid_for=timedelta(days=9))
    der = certificate.public_bytes(Encoding.DER)
    return {
        "kid": sha256(der).hexdigest(),
        "cert": b64encode(der).decode(),
        "uses": ["permit"],
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2026-01-02T00:00:00Z",
    }


def test_a_permit_certificate_is_of_p_256_and_of_the_party(xa):
    """C.1; the kid alone is not enough."""
    assert len(parse_manifest(changed(xa, "permit_keys", to=[entry_of(generate_permit_key())])).permit_keys) == 1
    with pytest.raises(MalformedDocumentError, match="P-256"):
        parse_manifest(changed(xa, "permit_keys", to=[entry_of(ec.generate_private_key(ec.SECP384R1()))]))
    with pytest.raises(MalformedDocumentError, match="does not name XA"):
        parse_manifest(changed(xa, "permit_keys", to=[entry_of(generate_permit_key(), "XB")]))


def test_each_key_is_for_one_purpose(xa):
    """A witness key that is the register's key under another name is refused, and so is one key with two entries."""
    twice = VerifierKey.of(
        xa.witness.name, KeyKind.COSIGNATURE, Ed25519PublicKey.from_public_bytes(xa.log_keys[0].public)
    )
    with pytest.raises(MalformedDocumentError, match="one purpose"):
        parse_manifest(changed(xa, "witness", "vkeys", to=[twice.vkey]))
    key = generate_permit_key()
    with pytest.raises(MalformedDocumentError, match="one purpose"):
        parse_manifest(changed(xa, "permit_keys", to=[entry_of(key), entry_of(key)]))


def test_register_and_witness_keys_are_not_mistaken_for_each_other(xa):
    """The type byte of the vkey says which is which."""
    wrong = VerifierKey.of(xa.log.origin, KeyKind.COSIGNATURE, generate_ed25519_key().public_key())
    with pytest.raises(MalformedDocumentError, match=r"log\.vkeys\.0"):
        parse_manifest(changed(xa, "log", "vkeys", to=[wrong.vkey]))


@pytest.mark.parametrize(("member", "kind"), [("log", KeyKind.NOTE), ("witness", KeyKind.COSIGNATURE)])
def test_two_keys_that_no_line_tells_apart_are_refused(xa, member, kind):
    """A Party can find such a pair in half a minute, and no checkpoint that it cosigned could be read any more."""
    name = "xb.example/witness/1"
    private = [Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)) for seed in ALIKE[kind]]
    keys = [VerifierKey.of(name, kind, key.public_key()) for key in private]
    assert keys[0].key_id == keys[1].key_id
    value = {"origin" if member == "log" else "name": name, "vkeys": [key.vkey for key in keys]}
    assert parse_manifest(changed(xa, member, to={**value, "vkeys": value["vkeys"][:1]}))
    with pytest.raises(MalformedDocumentError, match="tell apart"):
        parse_manifest(changed(xa, member, to=value))


def test_a_revocation_is_not_before_the_key(xa):
    """Decision 7."""
    revoked = json.loads(changed(xa, "permit_keys", 0, "status", to="revoked"))
    for moment, good in (("2026-01-01T00:00:00Z", True), ("2025-12-31T23:59:59Z", False), (None, True)):
        revoked["permit_keys"][0]["invalid_since"] = moment
        if good:
            assert parse_manifest(json.dumps(revoked).encode()).permit_keys[0].status == "revoked"
        else:
            with pytest.raises(MalformedDocumentError, match="invalid_since"):
                parse_manifest(json.dumps(revoked).encode())


JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(max_size=3))


@given(data=st.data(), junk=JUNK | st.just("\ud800"))
@settings(max_examples=80, deadline=None)
def test_any_change_of_the_file_gives_a_manifest_or_a_refusal(xa, data, junk):
    """Whatever stands there instead of a member, nothing else is ever raised, and what passes can be written."""
    value = json.loads(xa.to_json())
    members = [(name,) for name in value] + [("permit_keys", 0, name) for name in value["permit_keys"][0]]
    with contextlib.suppress(MalformedDocumentError):
        manifest = parse_manifest(changed(xa, *data.draw(st.sampled_from(members)), to=junk))
        assert parse_manifest(manifest.to_json()) == manifest
        assert manifest.fingerprint()


def test_a_numbered_manifest_comes_back_as_it_was_written(xa):
    """epix-manifest/1, the target of a Party's role; its number stands with it."""
    numbered = xa.numbered(41)
    assert parse_manifest(numbered.to_json()) == numbered
    value = json.loads(numbered.to_json())
    assert (value["spec"], value["seq"]) == ("epix-manifest/1", 41)
    assert numbered.fingerprint() != xa.fingerprint()


def test_limits_and_contacts_may_be_there(xa):
    """Left out where there is nothing to say."""
    members = {**xa.members(), "limits": {"rps": 20, "max_xml": 1048576}, "contacts": {"noc": "+1 555 0100"}}
    manifest = parse_manifest(json.dumps(members).encode())
    assert manifest.limits is not None
    assert manifest.limits.rps == 20
    assert manifest.contacts is not None
    assert (manifest.contacts.noc, manifest.contacts.csirt) == ("+1 555 0100", None)
    assert parse_manifest(manifest.to_json()) == manifest


@pytest.mark.parametrize("seq", [0, -1, 2**53, True, 1.0, "1", None])
def test_a_number_is_a_whole_one_from_one_on(xa, seq):
    """Up to what every reader of JSON takes exactly."""
    with pytest.raises(MalformedDocumentError, match="seq"):
        parse_manifest(json.dumps({**xa.members(), "spec": "epix-manifest/1", "seq": seq}).encode())
