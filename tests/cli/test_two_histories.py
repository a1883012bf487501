"""`register judge`, `register evidence`, `peers show`, `peers unfreeze`: what people do about two histories."""

from __future__ import annotations

from hashlib import sha256

from epix_node.federation import disputes
from epix_node.node import open_node
from epix_node.register.checkpoint import Checkpoint, sign_checkpoint
from epix_node.register.evidence import Conflict, conflict_of, encode_conflict
from epix_node.register.note import NoteSigner
from epix_node.store import peers
from tests.cli.conftest import START, command

ROOTS = [sha256(bytes([n])).digest() for n in range(2)]


def notes_of(own, *, origin=None, size=5):
    """Two checkpoints of one size that this register's key signed, with different roots."""
    log = NoteSigner(origin or own.origin, own.log.private_key)
    return [
        sign_checkpoint(Checkpoint(origin=log.name, size=size, root=root), log=log, cosigner=own.cosigner, at=START)
        for root in ROOTS
    ]


def evidence_against(country, *, size=5):
    with open_node(country.config) as node:
        own = node.office.own
        conflict = conflict_of(*notes_of(own, size=size), log_key=own.log.verifier_key, reader=None)
    assert conflict is not None
    return conflict


def dispute(country, conflict, *, party="XB"):
    """The node of this country holds the evidence, and has frozen the Party."""
    with open_node(country.config) as node:
        node.database.write_now(disputes.convict, conflict, party=party, source="XC", now=START)


def test_anybody_can_judge_evidence_without_a_node(xb, tmp_path):
    """Which sizes, and that the key has to be compared: exit 6 before whoever judges has named it, 0 after."""
    conflict = evidence_against(xb)
    path = tmp_path / "evidence.json"
    path.write_bytes(encode_conflict(conflict))
    said = command("register", "judge", path, code=6).stdout
    assert said.startswith("TWO HISTORIES, SIGNED WITH A KEY THAT IS NOT KNOWN HERE\n")
    assert conflict.log.name in said
    assert "5 entries" in said
    assert "compare the key" in said
    assert command("register", "judge", path, "--log-key", conflict.log.vkey).exit_code == 0


def test_the_trust_list_says_whose_register_it_is(xa, xb, told):
    """The Party is named; the same evidence made with a key that nobody has proves nothing about anybody."""
    told(xa)
    path = xa.file("evidence.json", encode_conflict(evidence_against(xb)))
    judged = xa.json("register", "judge", path)
    assert (judged["proven"], judged["party"], judged["smaller"]["size"]) == (True, "XB", 5)
    assert "XB" in judged["advice"]

    with open_node(xa.config) as node:  # a forger signs with a key of its own under the name of the other's register
        own, origin = node.office.own, node.keyring().origin("XB")
        stranger = NoteSigner(origin, own.cosigner.private_key)
        forged_notes = [
            sign_checkpoint(Checkpoint(origin=origin, size=5, root=root), log=stranger, cosigner=own.cosigner, at=START)
            for root in ROOTS
        ]
        forged = conflict_of(*forged_notes, log_key=stranger.verifier_key, reader=None)
    path = xa.file("forged.json", encode_conflict(forged))
    judged = xa.json("register", "judge", path, code=1)
    assert (judged["proven"], judged["party"]) == (False, None)
    assert "nobody in the trust list" in judged["reason"]


def test_evidence_that_proves_nothing_is_said_to(xb, tmp_path):
    """Exit 1 with the reason; another key than the one given; exit 2 for what is no evidence."""
    conflict = evidence_against(xb)
    twice = Conflict(log=conflict.log, note_a=conflict.note_a, note_b=conflict.note_a)
    path = tmp_path / "evidence.json"
    path.write_bytes(encode_conflict(twice))
    said = command("register", "judge", path, code=1).stdout
    assert said.startswith("NOT PROVEN\n")
    assert "same root" in said
    path.write_bytes(encode_conflict(conflict))
    with open_node(xb.config) as node:
        other = node.office.own.cosigner.verifier_key.vkey
    command("register", "judge", path, "--log-key", other, code=1)
    command("register", "judge", path, "--log-key", "no key", code=2)
    path.write_bytes(b"{}")
    command("register", "judge", path, code=2)
    command("register", "judge", tmp_path / "absent", code=2)


def test_a_disputed_peer_is_shown_with_its_evidence_and_taken_up_again_for_a_reason(xa, xb, told, tmp_path):
    """Show, hand out, judge, unfreeze; the evidence stays."""
    told(xa)
    conflict = evidence_against(xb)
    dispute(xa, conflict)
    shown = xa.json("peers", "show", "XB")
    assert shown["state"] == "FROZEN"
    assert [(one["id"], one["sizes"], one["shown_by"]) for one in shown["conflicts"]] == [(conflict.id, [5, 5], "XC")]
    said = xa.run("peers", "show", "XB").stdout
    assert f"register evidence {conflict.id}" in said
    assert "FROZEN" in xa.run("peers", "list").stdout

    out = tmp_path / "evidence.json"
    assert xa.json("register", "evidence", conflict.id, "--out", out)["party"] == "XB"
    assert out.read_bytes() == encode_conflict(conflict)
    assert xa.run("register", "evidence", conflict.id).stdout.encode() == encode_conflict(conflict)
    xa.run("register", "judge", out)
    xa.run("register", "evidence", "0" * 64, code=1)

    xa.run("peers", "unfreeze", "XB", code=2)
    xa.run("peers", "unfreeze", "XB", "--reason", " ", code=2)
    assert "5 entries" in xa.json("peers", "unfreeze", "XB", "--reason", "its operator restored a backup")["was"]
    assert xa.json("peers", "show", "XB")["state"] == "NEW"
    assert len(xa.json("peers", "show", "XB")["conflicts"]) == 1
    xa.run("peers", "unfreeze", "XB", "--reason", "again", code=1)


def test_only_new_evidence_freezes_a_peer_again(xa, xb, told):
    """The same evidence does not, other evidence does."""
    told(xa)
    dispute(xa, evidence_against(xb))
    xa.run("peers", "unfreeze", "XB", "--reason", "looked into")
    dispute(xa, evidence_against(xb))
    assert xa.json("peers", "show", "XB")["state"] == "NEW"
    dispute(xa, evidence_against(xb, size=6))
    assert xa.json("peers", "show", "XB")["state"] == "FROZEN"
    with open_node(xa.config) as node:
        state = node.database.read_now(peers.state, "XB")
    assert "6 entries" in state.frozen


def test_the_doctor_says_that_a_quorum_cannot_be_reached(xa, xb, told):
    """One other Party is not two."""
    told(xa)
    said = xa.run("doctor").stdout
    assert "2 Parties must cosign the register, and only 1 can" in said
    path = xa.config.path
    path.write_text(path.read_text().replace("# quorum = 2", "quorum = 1"))
    assert "1 of XB must cosign" in xa.run("doctor").stdout
