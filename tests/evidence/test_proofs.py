"""Proofs out of what a node holds of a register."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import structlog

from epix_node.exchange.proofs import tlog_proof_of
from epix_node.register.policy import WitnessPolicy
from epix_node.register.tlog_proof import format_tlog_proof, parse_tlog_proof, verify_tlog_proof
from tests.evidence.conftest import open_scene


@pytest.mark.parametrize("holder", ["XA", "XB", "XC"])
def test_whoever_holds_a_register_proves_every_entry_of_it(scene, holder):
    """To anybody who has the keys of the register and of the witnesses."""
    office = scene.world[holder]
    keyring = office.keyring()
    policy = WitnessPolicy.any_of({party: keyring.cosigner_key(party) for party in ("XB", "XC")}, 2)
    for index in range(4):
        proof = office.database.read_now(tlog_proof_of, "XA", index)
        assert parse_tlog_proof(format_tlog_proof(proof)) == proof
        proven = verify_tlog_proof(
            proof, entry=proof.extra, origin=keyring.origin("XA"), log_key=keyring.log_key("XA"), policy=policy
        )
        assert (proven.index, proven.is_witnessed) == (index, True)


def test_what_is_not_held_has_no_proof(scene):
    """Neither an entry that is to come, nor one of a register that nobody knows."""
    database = scene.world["XA"].database
    assert database.read_now(tlog_proof_of, "XA", 4) is None
    assert database.read_now(tlog_proof_of, "XZ", 0) is None


def test_a_quiet_register_is_proven_by_its_newest_time_and_by_its_witnesses(tmp_path):
    """Ten days after the last entry the register still cosigns; the witnesses did so once."""
    with ExitStack() as stack, structlog.testing.capture_logs():
        scene = open_scene(tmp_path, stack)
        scene.world.publish("XA", number="26XA000001")
        scene.world.meet()
        scene.cosign("XA", "XB", "XC")
        scene.world.wait(hours=20)
        scene.world["XA"].sequencer.publish(now=scene.world.now)
        answer = scene.judge(scene.gather("XA", "26XA000001").data).answer
    assert (answer.verdict, answer.grade, answer.freshness) == ("VALID", "WITNESSED", "FRESH")
    assert answer.as_of == scene.world.now
    assert answer.watermark.time == scene.world.now
