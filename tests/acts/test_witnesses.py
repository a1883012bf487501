"""Whose cosignatures count: sets, quorums, policy files, and never the log's own Party."""

from __future__ import annotations

import pytest

from epix_node.acts.witnesses import WitnessRule, rule_from
from epix_node.errors import MalformedDocumentError

PARTIES = ("XA", "XB", "XC", "XD")


@pytest.fixture(scope="module")
def manifests(keys_of):
    return {party: keys_of(party).manifest for party in PARTIES}


def key(manifests, party):
    return manifests[party].cosigner_keys[0]


@pytest.mark.parametrize(
    ("parties", "quorum", "cosigned", "enough"),
    [
        ((), 2, "XB XC", True),
        ((), 2, "XB XC XD", True),
        ((), 2, "XB", False),
        ((), 2, "XA XB", False),  # XA is the log's own Party
        ((), 3, "XB XC XD", True),
        ((), 4, "XA XB XC XD", False),  # more than there are
        (("XB", "XC"), 2, "XB XC", True),
        (("XB", "XC"), 2, "XB XD", False),
        (("XB", "XC"), 3, "XB XC XD", False),
        (("XA", "XB"), 1, "XA", False),
        (("XA",), 1, "XA", False),  # nobody is left
        (("XZ",), 1, "XB", False),  # not in the trust list
        (("XB",), 1, "XB", True),
    ],
)
def test_a_register_is_witnessed_by_enough_others(manifests, parties, quorum, cosigned, enough):
    """The quorum counts Parties of the set that are known, but never the register's own."""
    policy = WitnessRule(parties=parties, quorum=quorum).policy_about("XA", manifests)
    assert policy.satisfied_by([key(manifests, party) for party in cosigned.split()]) is enough
    assert not policy.satisfied_by([])


def test_nobody_known_is_never_enough():
    """A node that stands alone calls nothing witnessed."""
    policy = WitnessRule(quorum=1).policy_about("XA", {})
    assert not policy.satisfied_by([])
    assert policy.keys == ()


def policy_file(manifests, *lines):
    witnesses = [f"witness {party} {key(manifests, party).vkey}" for party in PARTIES]
    return "\n".join([*witnesses, *lines, ""])


@pytest.mark.parametrize(
    ("lines", "cosigned", "enough"),
    [
        (("group q 2 XA XB XC", "quorum q"), "XB XC", True),
        (("group q 2 XA XB XC", "quorum q"), "XA XB", False),
        (("group q all XA XB", "quorum q"), "XA XB", False),
        (("group inner any XA", "group q any inner XB", "quorum q"), "XB", True),
        (("group inner any XA", "group q all inner XB", "quorum q"), "XA XB", False),
        (("quorum XA",), "XA", False),
        (("quorum XB",), "XB", True),
        (("quorum none",), "XB XC XD", False),
    ],
)
def test_a_policy_file_wins_and_the_own_party_still_does_not_count(manifests, lines, cosigned, enough):
    """Of the file's witnesses, the one that belongs to the log is left out; its threshold stays."""
    rule = rule_from(("XD",), 1, policy_file(manifests, *lines))
    policy = rule.policy_about("XA", manifests)
    assert policy.satisfied_by([key(manifests, party) for party in cosigned.split()]) is enough
    assert key(manifests, "XA") not in policy.keys


def test_a_file_that_is_no_policy_is_refused():
    """The message says which line."""
    with pytest.raises(MalformedDocumentError, match="line 1"):
        rule_from((), 2, "witness nobody\n")
