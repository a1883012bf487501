"""A Party's side: its role keys, and what they sign."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from epix_node.errors import KeyMaterialError, MalformedDocumentError, TrustError, UnacceptableError
from epix_node.trust.manifest import parse_manifest
from epix_node.trust.party_role import SMALL, USUAL, PartyRole, countersign, sign_version
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.signed_version import SignedVersion
from tests.trust.stage import NOON, Stage, make_manifest, permit_key, signed_json


@pytest.fixture
def keys(tmp_path, no_sync) -> RoleKeys:
    keys = RoleKeys(directory=tmp_path / "role")
    keys.make_directory()
    return keys


def test_a_role_comes_back_from_its_file(keys):
    """Without a secret in it."""
    role = PartyRole.generate("XA", keys, number=USUAL[0], threshold=USUAL[1])
    assert PartyRole.parse(role.to_json()) == role
    assert len(keys.signers(role.keys)) == 3


@pytest.mark.parametrize("data", [b"", b"{}", b'{"spec":"epix-role/1","party":"XA","role":{"keys":[],"threshold":1}}'])
def test_what_is_no_role_file_is_refused(data):
    with pytest.raises(MalformedDocumentError):
        PartyRole.parse(data)


@pytest.mark.parametrize(("number", "threshold"), [(0, 0), (1, 0), (1, 2), (11, 1)])
def test_a_role_that_nobody_could_sign_for_is_not_made(keys, number, threshold):
    with pytest.raises(ValueError, match="no role needs"):
        PartyRole.generate("XA", keys, number=number, threshold=threshold)


def test_a_version_verifies_under_its_role(keys):
    """It lists the manifest, whose seq is the version of the role."""
    role = PartyRole.generate("XA", keys, number=SMALL[0], threshold=SMALL[1])
    version = sign_version(role, make_manifest("XA"), keys, now=NOON)
    verified = role.verify(version)
    assert verified.version == verified.manifest.seq == version.number == 1
    assert verified.metadata.expires == NOON + timedelta(days=400)
    assert SignedVersion.parse(version.party_file()) == version


def test_two_of_three_keys_in_two_safes_sign_in_turn(keys, tmp_path):
    """One signature each; only together do they reach the threshold."""
    role = PartyRole.generate("XA", keys, number=3, threshold=2)
    safes = []
    for number, path in enumerate(sorted(keys.directory.iterdir())[:2]):
        safes.append(RoleKeys(directory=tmp_path / f"safe-{number}"))
        safes[-1].make_directory()
        path.rename(safes[-1].directory / path.name)
    manifest = make_manifest("XA")
    with pytest.raises(KeyMaterialError, match="party-XA needs 2 of its 3 keys to sign; 1 did"):
        sign_version(role, manifest, safes[0], now=NOON)
    half = sign_version(role, manifest, safes[0], now=NOON, partial=True)
    with pytest.raises(TrustError):
        role.verify(half)
    with pytest.raises(KeyMaterialError):
        countersign(role, half, safes[0])
    assert role.verify(countersign(role, half, safes[1])).version == 1


def test_versions_grow_by_one_unless_the_list_has_seen_more(keys):
    role = PartyRole.generate("XA", keys, number=1, threshold=1)
    first = parse_manifest(sign_version(role, make_manifest("XA"), keys, now=NOON).manifest_file)
    assert sign_version(role, first, keys, now=NOON, previous=first).number == 2
    assert sign_version(role, first, keys, now=NOON, previous=first, above=7).number == 8


def test_what_no_node_would_take_is_not_signed(keys):
    """A manifest that forgot a key, or that is not consistent."""
    role = PartyRole.generate("XA", keys, number=1, threshold=1)
    first = parse_manifest(sign_version(role, make_manifest("XA"), keys, now=NOON).manifest_file)
    forgetful = first.model_copy(update={"permit_keys": (permit_key("XA"),)})
    with pytest.raises(UnacceptableError):
        sign_version(role, forgetful, keys, now=NOON, previous=first)
    foreign = first.model_copy(update={"permit_keys": (*first.permit_keys, permit_key("XB"))})
    with pytest.raises(MalformedDocumentError, match="country"):
        sign_version(role, foreign, keys, now=NOON, previous=first)


def test_a_role_that_lists_more_than_its_manifest_is_refused(stage: Stage):
    """Nor one with another digest than SHA-256, by which its file is named."""
    party = stage.admit("XA")
    signed = json.loads(party.version.role)["signed"]
    target = signed["targets"]["parties/XA/manifest.json"]
    for targets in (
        {},
        {"parties/XA/manifest.json": target, "parties/XA/other.json": target},
        {"parties/XA/other.json": target},
        {"parties/XA/manifest.json": {**target, "hashes": {"md5": "00"}}},
        {"parties/XA/manifest.json": {**target, "length": 10**9}},
    ):
        role = signed_json({**signed, "targets": targets}, party.keys, party.role.keys)
        with pytest.raises(TrustError):
            party.role.verify(replace(party.version, role=role))


def test_a_role_whose_version_is_not_its_manifests_seq_is_refused(stage: Stage):
    """One number, not two of which one could be rolled back."""
    party = stage.admit("XA")
    signed = json.loads(party.version.role)["signed"]
    role = signed_json({**signed, "version": 2}, party.keys, party.role.keys)
    with pytest.raises(TrustError, match="seq 1"):
        party.role.verify(replace(party.version, role=role))
