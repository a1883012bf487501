"""Keyrings: what they find, what they do not, and which manifests cannot stand side by side."""

from __future__ import annotations

from datetime import timedelta

import pytest

from epix_node.errors import ConflictError
from epix_node.trust.coverage import Coverage
from epix_node.trust.keyring import Keyring, refuse_overlap
from epix_node.trust.manifest import Manifest
from epix_node.trust.succession import with_permit_key
from tests.trust.stage import permit_key


@pytest.fixture(scope="module")
def keyring(xa: Manifest, xb: Manifest) -> Keyring:
    return Keyring({"XA": xa, "XB": xb})


def test_an_empty_keyring_knows_nothing(xa):
    """And so refuses everything."""
    empty = Keyring({})
    kid = xa.permit_keys[0].kid
    assert empty.parties == ()
    assert (empty.find("XA", kid), empty.owner(kid)) == (None, None)
    assert (empty.speaker_for("XA"), empty.speaks_for("XA", "XA")) == (None, False)
    assert empty.coverage("XA") == Coverage()
    assert empty.transport_key(xa.transport_keys[0].kid) is None
    assert (empty.log_key("XA"), empty.cosigner_key("XA"), empty.origin("XA")) == (None, None, None)
    assert empty.base_urls("XA") == ()


def test_a_certificate_is_found_for_its_own_party_only(keyring, xa):
    """The owner can be told all the same, for the reason of the refusal."""
    kid = xa.permit_keys[0].kid
    key = keyring.find("XA", kid)
    assert key is not None
    assert (key.party, key.certificate_sha256) == ("XA", kid)
    assert key.certificate == xa.permit_keys[0].certificate
    assert key.uses == {"permit", "withdrawal"}
    assert (key.is_revoked, key.invalid_since) == (False, None)
    assert keyring.find("XB", kid) is None
    assert keyring.owner(kid) == "XA"
    assert keyring.owner("0" * 64) is None


def test_a_revoked_key_is_found_as_such(make_manifest):
    """Whether it still counts is a question of proof (decision 7)."""
    manifest = make_manifest("XA")
    entry = manifest.permit_keys[0]
    since = entry.not_before + timedelta(days=3)
    revoked = manifest.model_copy(
        update={"permit_keys": (entry.model_copy(update={"status": "revoked", "invalid_since": since}),)}
    )
    key = Keyring({"XA": revoked}).find("XA", entry.kid)
    assert key is not None
    assert (key.is_revoked, key.invalid_since) == (True, since)


def test_a_party_speaks_for_the_codes_of_its_manifest(keyring):
    """Itself and its territories; nobody speaks for an issuer without a node."""
    assert {code: keyring.speaker_for(code) for code in ("XA", "XD", "XB", "XC")} == {
        "XA": "XA",
        "XD": "XA",
        "XB": "XB",
        "XC": None,
    }
    assert keyring.speaks_for("XA", "XD")
    assert not keyring.speaks_for("XB", "XD")
    assert not keyring.speaks_for("XC", "XC")
    assert keyring.parties == ("XA", "XB")


def test_everything_else_is_that_of_the_manifest(keyring, xa):
    """Register, witness, addresses, promises."""
    assert keyring.log_key("XA").vkey == xa.log.vkeys[0]
    assert keyring.cosigner_key("XA").vkey == xa.witness.vkeys[0]
    assert keyring.origin("XA") == "xa.example/sandbox/register/1"
    assert keyring.base_urls("XA") == ("http://xa.example/",)
    (item,) = keyring.coverage("XA").items
    assert (item.types, item.published_within) == ({"E", "R", "I", "O"}, timedelta(hours=24))


def test_a_transport_key_names_its_party_until_it_ends(keyring, xb):
    """By its key id; the period is checked where a time is given."""
    entry = xb.transport_keys[0]
    party, public_key = keyring.transport_key(entry.kid)
    assert party == "XB"
    assert public_key == entry.public_key
    assert keyring.transport_key(entry.kid, at=entry.not_after) is not None
    assert keyring.transport_key(entry.kid, at=entry.not_after + timedelta(seconds=1)) is None
    assert keyring.transport_key("unknown") is None


OVERLAPS = {
    "a code": lambda xa, own: {"issues_for": (*own.issues_for, "XD")},
    "the party itself": lambda xa, own: {"issues_for": (*own.issues_for, "XA")},
    "a transport key": lambda xa, own: {"transport_keys": xa.transport_keys},
    "a transport key id": lambda xa, own: {
        "transport_keys": (own.transport_keys[0].model_copy(update={"kid": xa.transport_keys[0].kid}),)
    },
    "the register": lambda xa, own: {"log": xa.log},
    "the witness": lambda xa, own: {"witness": xa.witness},
    "a permit key": lambda xa, own: {"permit_keys": xa.permit_keys},
    "the environment": lambda xa, own: {"env": "uat"},
}


@pytest.mark.parametrize("name", OVERLAPS)
def test_what_belongs_to_another_party_is_refused(name, xa, make_manifest):
    """At `peers add` (decision 6), and again where a keyring is made."""
    own = make_manifest("XC")
    refuse_overlap(own, [xa])
    greedy = own.model_copy(update=OVERLAPS[name](xa, own))
    with pytest.raises(ConflictError):
        refuse_overlap(greedy, [xa])
    with pytest.raises(ConflictError):
        Keyring({"XA": xa, "XC": greedy})


def test_a_new_manifest_of_the_same_party_overlaps_nothing(xa, xb):
    """It takes the place of the old one."""
    refuse_overlap(xa, [xa, xb])


def test_a_keyring_is_filed_by_party(xa):
    """Anything else is a programming mistake."""
    with pytest.raises(ValueError, match="XB"):
        Keyring({"XB": xa})


def test_a_keyring_of_the_trust_list_has_its_parties_and_the_own_manifest(stage):
    """The own one as it is on this machine: a node knows its own keys before the list does."""
    for code in ("XA", "XB"):
        stage.admit(code)
    stage.refresh()
    assert Keyring.of(stage.node, None).manifests == stage.node.manifests
    own = with_permit_key(stage.parties["XA"].manifest, permit_key("XA"))
    keyring = Keyring.of(stage.node, own)
    assert keyring.parties == ("XA", "XB")
    assert keyring.manifests["XA"] == own


def test_a_node_outside_of_the_list_has_its_own_manifest_beside_it(stage, make_manifest):
    """Before it is admitted, and after it was removed, it goes on issuing."""
    assert Keyring.of(stage.node, make_manifest("XC")).parties == ("XC",)
    stage.admit("XA")
    stage.refresh()
    assert Keyring.of(stage.node, make_manifest("XC")).parties == ("XA", "XC")


@pytest.mark.parametrize("name", OVERLAPS)
def test_nobody_elses_manifest_stops_this_node(name, stage, make_manifest):
    """Who claims what is this node's own is left out, whatever the list says."""
    own = make_manifest("XC", issues_for=("XC", "XD"))
    members = OVERLAPS[name](own, make_manifest("XB"))
    if name == "the environment":
        members["base"] = ("https://xb.example/",)
    if name == "the party itself":
        members = {"issues_for": ("XB", "XC")}
    if name == "a permit key":
        return  # its certificate names XC, so that no manifest of XB can hold it
    stage.party("XB", **members)
    if name != "the environment":
        stage.secretariat.admit(stage.parties["XB"].request(), stage.now)
    stage.admit("XA")
    assert not stage.refresh().problems
    assert Keyring.of(stage.node, own).parties == ("XA", "XC")
