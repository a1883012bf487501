"""What may follow a manifest: keys come and are never forgotten, and revocation only grows (decision 7)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from epix_node.errors import MalformedDocumentError, NotFoundError, UnacceptableError
from epix_node.register.note import KeyKind, NoteSigner, VerifierKey
from epix_node.trust.keyring import Keyring, SigningKey
from epix_node.trust.keys import generate_ed25519_key
from epix_node.trust.manifest import FormerLog, LogEntry, Manifest, TransportKeyEntry, parse_manifest
from epix_node.trust.succession import (
    require_successor,
    with_permit_key,
    with_revocation,
    with_successor,
    with_transport_key,
)
from tests.trust.stage import BEGIN, NOON, Stage, make_manifest, permit_key

THEFT = NOON
PROVEN_BEFORE, PROVEN_AFTER = THEFT - timedelta(seconds=1), THEFT + timedelta(seconds=1)


@pytest.fixture(scope="module")
def first() -> Manifest:
    return make_manifest("XA").numbered(1)


def revoked(manifest: Manifest, since: datetime | None, *, reason: str | None = None) -> Manifest:
    return with_revocation(manifest, manifest.permit_keys[0].kid, invalid_since=since, reason=reason)


def test_a_new_permit_key_stands_beside_the_old_one(first):
    """Both verify; nothing is signed again (C.1)."""
    entry = permit_key("XA")
    second = with_permit_key(first, entry).numbered(2)
    require_successor(first, second)
    assert [(key.kid, key.status) for key in second.permit_keys] == [
        (entry.kid, "active"),
        (first.permit_keys[0].kid, "retiring"),
    ]
    keyring = Keyring({"XA": second})
    for key in second.permit_keys:
        assert keyring.find("XA", key.kid).is_revoked is False


def test_a_retired_key_stays_known_for_ever(first):
    """Ten rotations later the first key is still found."""
    manifest = first
    for seq in range(2, 12):
        later = with_permit_key(manifest, permit_key("XA")).numbered(seq)
        require_successor(manifest, later)
        manifest = parse_manifest(later.to_json())
    assert len(manifest.permit_keys) == 11
    assert Keyring({"XA": manifest}).find("XA", first.permit_keys[0].kid) is not None


def test_a_manifest_that_has_lost_a_key_is_refused(first):
    """Revocation by disappearance would end what the key rightly signed."""
    with pytest.raises(UnacceptableError, match="retired keys stay known"):
        require_successor(first, first.model_copy(update={"permit_keys": (permit_key("XA"),)}).numbered(2))


def test_a_register_cannot_forget_the_key_that_convicts_it(first):
    """Evidence of two histories counts under a key that is in the manifest: after a lie it would be gone with it."""
    other = VerifierKey.of(first.log.origin, KeyKind.NOTE, generate_ed25519_key().public_key()).vkey
    beside = first.log.model_copy(update={"vkeys": (other, *first.log.vkeys)})
    require_successor(first, first.numbered(2).model_copy(update={"log": beside}))
    alone = first.log.model_copy(update={"vkeys": (other,)})
    with pytest.raises(UnacceptableError, match="key of its register"):
        require_successor(first, first.numbered(2).model_copy(update={"log": alone}))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"party": "XB"}, "another Party"),
        ({"env": "uat"}, "another Party"),
        ({"seq": 1}, "expected more than 1"),
        ({"seq": 2**53 - 1, "log": make_manifest("XC").log}, "register"),
    ],
)
def test_what_is_no_later_manifest_of_the_same_party_and_register_is_refused(first, members, message):
    with pytest.raises(UnacceptableError, match=message):
        require_successor(first, first.numbered(2).model_copy(update=members))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One revocation after another; `allowed` says whether nodes take the second."""

    story: str
    first: datetime | str | None
    second: datetime | str | None
    allowed: bool


ACTIVE = "active"
ROWS = [
    Row(story="a key is revoked", first=ACTIVE, second=THEFT, allowed=True),
    Row(story="a key is revoked from its beginning", first=ACTIVE, second=BEGIN, allowed=True),
    Row(story="a key is revoked with all that it signed", first=ACTIVE, second=None, allowed=True),
    Row(story="invalid_since stays", first=THEFT, second=THEFT, allowed=True),
    Row(story="invalid_since moves earlier", first=THEFT, second=PROVEN_BEFORE, allowed=True),
    Row(story="invalid_since moves later", first=THEFT, second=PROVEN_AFTER, allowed=False),
    Row(story="invalid_since goes to the beginning of time", first=THEFT, second=None, allowed=True),
    Row(story="invalid_since comes back from it", first=None, second=THEFT, allowed=False),
    Row(story="a revocation is taken back", first=THEFT, second=ACTIVE, allowed=False),
    Row(story="a revocation of everything is taken back", first=None, second=ACTIVE, allowed=False),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.story)
def test_revocation_only_grows(row, first):
    """`invalid_since` may only move earlier (decision 7)."""
    earlier = first if row.first == ACTIVE else revoked(first, row.first)
    later = first if row.second == ACTIVE else revoked(first, row.second)
    later = parse_manifest(later.numbered(2).to_json())
    if row.allowed:
        require_successor(earlier, later)
    else:
        with pytest.raises(UnacceptableError, match="only move earlier"):
            require_successor(earlier, later)


def test_a_key_is_not_revoked_from_before_it_began(first):
    """Nothing can have been signed then (decision 7)."""
    with pytest.raises(UnacceptableError, match="began after that"):
        revoked(first, BEGIN - timedelta(seconds=1))


def test_a_revocation_that_moves_later_is_not_even_made(first):
    with pytest.raises(UnacceptableError, match="only move earlier"):
        revoked(revoked(first, THEFT), PROVEN_AFTER)


def test_only_a_known_key_can_be_revoked(first):
    with pytest.raises(NotFoundError):
        with_revocation(first, "0" * 64, invalid_since=None)


def test_the_reason_stays_when_the_time_moves(first):
    again = revoked(revoked(first, THEFT, reason="stolen laptop"), PROVEN_BEFORE)
    assert again.permit_keys[0].reason == "stolen laptop"


# What the verifier gets to know: the proof of an entry is compared with `invalid_since` (decision 7).


def is_good(key: SigningKey, proven: datetime | None) -> bool:
    """Decision 7: what was proven to exist before `invalid_since` stays good."""
    return not key.is_revoked or (proven is not None and key.invalid_since is not None and proven < key.invalid_since)


@pytest.mark.parametrize(
    ("since", "proven", "good"),
    [
        pytest.param(THEFT, PROVEN_BEFORE, True, id="revoked after the entry's proof"),
        pytest.param(THEFT, THEFT, False, id="revoked at the very second of the entry's proof"),
        pytest.param(THEFT, PROVEN_AFTER, False, id="revoked before the entry's proof"),
        pytest.param(THEFT, None, False, id="revoked, no proof"),
        pytest.param(None, PROVEN_BEFORE, False, id="revoked with all that it signed"),
    ],
)
def test_a_revocation_reaches_the_keyring_through_the_trust_list(stage, since, proven, good):
    """Whole way: the Party signs, its own node serves, this node takes, its keyring knows."""
    party = stage.admit("XA")
    stage.refresh()
    party.sign(revoked(party.manifest, since, reason="stolen"), stage.now)
    stage.take(party)
    key = Keyring.of(stage.node, None).find("XA", party.manifest.permit_keys[0].kid)
    assert (key.is_revoked, key.invalid_since) == (True, since)
    assert is_good(key, proven) is good


def test_a_new_transport_key_comes_first(first):
    """Earlier ones are taken until they end."""
    entry = TransportKeyEntry.of(generate_ed25519_key().public_key(), not_after=NOON + timedelta(days=90))
    (old,) = first.transport_keys
    assert with_transport_key(first, entry, now=old.not_after).transport_keys == (entry, old)
    assert with_transport_key(first, entry, now=old.not_after + timedelta(seconds=1)).transport_keys == (entry,)


def test_the_secretariat_takes_no_revocation_back_either(stage: Stage):
    """It looks at the same rule before it lists a version."""
    party = stage.admit("XA")
    genuine = party.manifest
    party.sign(revoked(genuine, THEFT), stage.now)
    stage.publish(party)
    party.manifest = genuine.numbered(2)
    party.manifest = genuine.model_copy(update={"seq": 2})
    party.sign(genuine, stage.now)
    published = stage.publish(party)
    assert published.taken == frozenset()
    assert "only move earlier" in str(published.refused["XA"])


def succeeding(manifest: Manifest, *, seq: int) -> Manifest:
    """The manifest after its register ended."""
    end = FormerLog(
        origin=manifest.log.origin, vkeys=manifest.log.vkeys, size=5, root="0" * 64, reason="a disk burned", ended=NOON
    )
    origin = f"{manifest.log.origins[0]}/{seq}"
    vkey = NoteSigner(origin, generate_ed25519_key()).verifier_key.vkey
    return parse_manifest(with_successor(manifest, end, origin=origin, vkey=vkey).numbered(seq).to_json())


def with_log(manifest: Manifest, *, seq: int, **changes) -> Manifest:
    log = LogEntry.model_validate({**manifest.log.model_dump(), **changes})
    return manifest.model_copy(update={"log": log}).numbered(seq)


def test_a_register_is_succeeded_by_one_that_names_it(first):
    """Also several at once, for who was away; the keys of all of them stay known as this Party's."""
    second = succeeding(first, seq=2)
    third = succeeding(second, seq=3)
    require_successor(first, second)
    require_successor(second, third)
    require_successor(first, third)
    require_successor(second, second.numbered(4))
    assert third.log.successor_of == second.log.origin
    assert [key.name for key in third.log_keys_of(first.log.origin)] == [first.log.origin]
    assert third.log_keys_of("epix.example/other") == ()
    assert first.key_identities() <= third.key_identities()


def test_nobody_is_led_back_to_a_register_that_ended_nor_to_a_stranger(first):
    """What grew out of nothing that is known, or forgets what ended, is refused."""
    second, other = succeeding(first, seq=2), succeeding(first, seq=2)
    third = succeeding(second, seq=3)
    vkey = NoteSigner("epix.example/new", generate_ed25519_key()).verifier_key.vkey
    bad = [
        (first, with_log(first, seq=5, origin="epix.example/new", vkeys=[vkey])),
        (second, first.numbered(5)),
        (third, second.numbered(5)),
        (third, succeeding(other, seq=5)),
        (second, with_log(second, seq=5, former=[], successor_of=None)),
    ]
    for earlier, later in bad:
        with pytest.raises(UnacceptableError, match="register"):
            require_successor(earlier, later)
    stolen = second.log.former[0].model_copy(update={"vkeys": (vkey.replace("new", "old"),)})
    with pytest.raises(UnacceptableError, match="register"):
        require_successor(first, with_log(second, seq=5, former=[stolen]))


@pytest.mark.parametrize(
    "changes",
    [
        {"successor_of": "epix.example/other"},
        {"former": ()},
        {"origin": "epix.example/other"},
    ],
)
def test_a_manifest_whose_registers_do_not_fit_together_is_malformed(first, changes):
    """The one before is the last of those before it, each has a name of its own, and keys are named like it."""
    second = succeeding(first, seq=2)
    members = second.members()
    members["log"] = {**members["log"], **changes}
    with pytest.raises(MalformedDocumentError, match="log"):
        parse_manifest(json.dumps(members).encode())
