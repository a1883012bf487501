"""Bundles that somebody changed or forged: none of them is VALID, and none of them fails otherwise than with a word."""

from __future__ import annotations

import random
from contextlib import ExitStack

import pytest
import structlog

from epix_node.errors import MalformedDocumentError
from epix_node.evidence.bundle import Bundle
from epix_node.evidence.judgement import Reader, judge
from epix_node.trust.excerpt import newest_of
from tests.evidence.conftest import members_of, open_scene

SIGNED = ("permit.xml", "trust/timestamp.json", "trust/snapshot.json", "trust/targets.json", "trust/issuers.json")
OF_ISSUER = ("trust/parties/XA/role.json", "trust/parties/XA/manifest.json")
OF_WITNESS = ("trust/parties/XB/role.json", "trust/parties/XB/manifest.json")


def verdict(scene, data: bytes, **options: object) -> str:
    """The verdict, or why there is none."""
    try:
        return scene.judge(data, **options).answer.verdict.value
    except MalformedDocumentError as error:
        return error.code


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0x01]) + data[position + 1 :]


@pytest.mark.parametrize("name", [*SIGNED, "permit.tlog-proof", *OF_ISSUER, *OF_WITNESS, "README.txt"])
def test_a_flipped_bit_in_any_member_is_noticed(scene, changed, good, name):
    """At its beginning, in what is signed, and at its end."""
    member = members_of(good)[name]
    for position in (1, covered(name, member)[0] + 40, len(member) - 3):
        assert verdict(scene, changed(good, {name: flipped(member, position)})) != "VALID"


def covered(name: str, member: bytes) -> range:
    """The bytes of a member of which each matters.

    More keys than must may have signed metadata; and a checkpoint bears a time of the register's own, without which
    the bundle is only older than it was.
    """
    if name.startswith("trust/") and b'"signed":' in member:
        return range(member.index(b'"signed":'), len(member))
    if name.endswith(".tlog-proof"):
        return range(member.index(b"\n\n\xe2\x80\x94"))
    return range(len(member))


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (b'"status":"REVOKED"', b'"status":"VALID"'),
        (b'"number":"26XA000002"', b'"number":"26XA000009"'),
        (b'"valid_until":"2026-08-31"', b'"valid_until":"2027-08-31"'),
    ],
)
def test_a_changed_verdict_changes_nothing(scene, changed, withdrawn, said, instead):
    """The verdict is concluded from the documents; what nobody signed can only cast doubt."""
    member = members_of(withdrawn)["verdict.json"]
    assert said in member
    assert verdict(scene, changed(withdrawn, {"verdict.json": member.replace(said, instead)})) == "NOT_VALID"


@pytest.mark.parametrize("name", [*SIGNED, "permit.tlog-proof", "README.txt", "verdict.json", "trust/1.root.json"])
def test_a_member_taken_away_is_missed(scene, changed, good, name):
    """Nothing of it is optional where it was there."""
    assert verdict(scene, changed(good, {name: None})) != "VALID"


def test_without_the_manifest_of_the_issuer_nobody_vouches_for_the_key(scene, changed, good):
    """Unknown is not invalid."""
    judgement = scene.judge(changed(good, dict.fromkeys(OF_ISSUER)))
    assert (judgement.answer.verdict, judgement.answer.signature) == ("INDETERMINATE", "UNTRUSTED")


def test_without_the_manifest_of_a_witness_its_cosignature_counts_for_nothing(scene, changed, good):
    """LOGGED is what is left."""
    answer = scene.judge(changed(good, dict.fromkeys(OF_WITNESS))).answer
    assert answer.grade == "LOGGED"


def test_members_of_two_bundles_do_not_mix(scene, changed, good, withdrawn, used):
    """Each signed member of another permit's bundle, in this one's place; the trust list is the same in all."""
    for name in ("permit.xml", "permit.tlog-proof", "verdict.json"):
        for other in (withdrawn, used):
            assert verdict(scene, changed(good, {name: members_of(other)[name]})) != "VALID"


def test_another_federation_vouches_for_nobody_here(scene, changed, good, tmp_path):
    """A forged bundle, perfect in itself, under the forger's own root: never VALID by ours, and never without one."""
    with ExitStack() as stack, structlog.testing.capture_logs():
        forger = open_scene(tmp_path, stack)
        forger.world.publish("XA", number="26XA000001")
        forger.world.meet()
        for party in ("XB", "XC"):
            forger.cosign("XA", party)
        forged = forger.gather("XA", "26XA000001").data
    assert judge(Bundle.parse(forged), Reader(root=forger.root)).answer.verdict == "VALID"  # to its own believers
    assert judge(Bundle.parse(forged), Reader()).answer.verdict == "INDETERMINATE"
    judgement = scene.judge(forged)
    assert judgement.answer.verdict == "INDETERMINATE"
    assert judgement.trust_problem is not None
    # The genuine chain before it, or in its place, does not help: the forger's keys are not in it.
    genuine, forged_members = members_of(good), members_of(forged)
    chain = {name: data for name, data in genuine.items() if name.startswith("trust/") and "parties" not in name}
    for mixed in (
        {"trust/1.root.json": genuine["trust/1.root.json"]},
        {"trust/2.root.json": forged_members["trust/1.root.json"], "trust/1.root.json": genuine["trust/1.root.json"]},
        chain,
        {**chain, **{name: genuine[name] for name in OF_ISSUER}},
        {**chain, OF_ISSUER[0]: genuine[OF_ISSUER[0]]},
    ):
        assert verdict(scene, changed(forged, mixed)) in {"INDETERMINATE", "NOT_VALID"}


def test_a_reader_who_knows_of_a_revocation_heeds_it(scene, good):
    """A bundle from before the theft, and a reader with today's list: what was cosigned before stays good."""
    held = scene.nodes["XB"].office.trust_list()
    assert newest_of(scene.judge(good).trust_list, held).parties["XA"].version == held.parties["XA"].version


@pytest.mark.parametrize("seed", range(3))
def test_random_damage_is_never_valid(scene, changed, used, seed):
    """A few bytes anywhere in a few members."""
    assert not _damaged(scene, changed, used, random.Random(seed), times=5)


@pytest.mark.hostile
@pytest.mark.parametrize("seed", range(40))
def test_much_random_damage_is_never_valid(scene, changed, good, seed):
    """As above, of a permit in force, at length."""
    assert not _damaged(scene, changed, good, random.Random(seed), times=50)


def _damaged(scene, changed, data: bytes, dice: random.Random, *, times: int) -> list[str]:
    """The members that were damaged without being noticed."""
    members = members_of(data)
    names = [name for name in members if name != "verdict.json" and not name.startswith("trust/parties/XC")]
    unnoticed = []
    for _ in range(times):
        name = dice.choice(names)
        content = bytearray(members[name])
        for _ in range(dice.randint(1, 3)):
            content[dice.choice(covered(name, content))] ^= 1 << dice.randrange(8)
        if bytes(content) != members[name] and verdict(scene, changed(data, {name: bytes(content)})) == "VALID":
            unnoticed.append(name)
    return unnoticed
