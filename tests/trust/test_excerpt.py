"""The part of a trust list that travels with a document, and what it proves to whoever has the root."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.errors import EpixError, TrustError
from epix_node.trust.excerpt import TrustExcerpt, newest_of, require_root
from epix_node.trust.freshness import Freshness
from epix_node.trust.succession import with_permit_key
from tests.trust.stage import Stage, permit_key


@pytest.fixture
def told(stage: Stage) -> Stage:
    """XA and XB are in the list, and the node has verified it."""
    for code in ("XA", "XB"):
        stage.admit(code)
    stage.refresh()
    return stage


def excerpt(stage: Stage, *parties: str, **own: object) -> TrustExcerpt:
    return TrustExcerpt.of(stage.node, parties, own=own)


def test_it_proves_the_parties_in_it_and_no_others(told):
    """To whoever has the root, as the list itself would."""
    proven = excerpt(told, "XA").verified(told.first_root)
    assert list(proven.parties) == ["XA"]
    assert proven.parties["XA"].manifest == told.node.parties["XA"].manifest
    assert proven.expires == told.node.expires
    assert proven.environment == "sandbox"
    assert proven.freshness(told.now) is Freshness.FRESH


def test_what_expired_is_old_and_not_wrong(told):
    """C.1: never "invalid"."""
    taken = excerpt(told, "XA")
    told.later(days=500)
    proven = taken.verified(told.first_root)
    assert proven.party_freshness("XA", told.now) is Freshness.EXPIRED
    assert "XA" in proven.parties


def test_a_later_version_from_the_party_itself_counts(told):
    """C.1: it is not in the snapshot yet, and the Party's keys signed it."""
    party = told.parties["XA"]
    later = party.sign(with_permit_key(party.manifest, permit_key("XA")), told.now)
    proven = excerpt(told, "XA", XA=later).verified(told.first_root)
    assert proven.parties["XA"].version == 2


def test_an_earlier_version_than_the_snapshot_lists_does_not_count(told):
    """It may be from before a revocation."""
    party = told.parties["XA"]
    earlier = party.version
    party.sign(with_permit_key(party.manifest, permit_key("XA")), told.now)
    told.publish(party)
    told.refresh()
    assert told.node.parties["XA"].version == 2
    taken = excerpt(told, "XA", "XB")
    proven = replace(taken, parties={**taken.parties, "XA": earlier}).verified(told.first_root)
    assert list(proven.parties) == ["XB"]


def test_another_root_vouches_for_nothing(told, tmp_path, no_sync):
    """Although it is a good root."""
    other = Stage(tmp_path / "other")
    with pytest.raises(TrustError):
        excerpt(told, "XA").verified(other.first_root)


def test_a_list_that_was_never_refreshed_proves_nothing(stage):
    """There is a root and nothing below it."""
    with pytest.raises(TrustError):
        excerpt(stage, "XA").verified(stage.first_root)


def test_of_two_lists_the_newer_versions_count(told):
    """Whoever of the two knows them, in either order."""
    before = told.node
    party = told.parties["XA"]
    party.sign(with_permit_key(party.manifest, permit_key("XA")), told.now)
    told.later(hours=1)
    told.publish(party)
    told.refresh()
    for together in (newest_of(before, told.node), newest_of(told.node, before), newest_of(told.node, None)):
        assert together.parties["XA"].version == 2
        assert together.refreshed_at == told.node.refreshed_at


def test_a_chain_of_roots_leads_from_any_of_them(told):
    """Whoever pinned the first root follows the rotation; whoever pinned the second needs nothing before it."""
    told.later(hours=1).secretariat.rotate(["root", "targets", "snapshot", "timestamp"], told.now)
    told.refresh()
    taken = excerpt(told, "XA")
    first, second = taken.roots
    assert list(taken.verified(first).parties) == list(taken.verified(second).parties) == ["XA"]


def test_a_chain_that_ends_before_the_pinned_root_does_not_lead_to_it(told):
    """An old bundle under keys that are void by now: nobody can say."""
    old = excerpt(told, "XA")
    told.later(hours=1).secretariat.rotate(["root", "targets", "snapshot", "timestamp"], told.now)
    told.refresh()
    with pytest.raises(TrustError):
        old.verified(told.node.roots[1])


def test_a_link_that_the_root_before_it_did_not_sign_breaks_the_chain(told, tmp_path, no_sync):
    """However good it is in itself."""
    other = Stage(tmp_path / "other")
    other.secretariat.rotate(["root"], other.now)
    other.refresh()
    taken = excerpt(told, "XA")
    with pytest.raises(TrustError):
        replace(taken, roots=(*taken.roots, other.node.roots[1])).verified(told.first_root)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff"])
def test_what_is_no_root_is_none(data):
    """With one of our errors."""
    with pytest.raises(EpixError):
        require_root(data)
