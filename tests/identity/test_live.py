"""Which key signs while a node runs: a rotation or revocation by another process is followed without a restart."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from epix_node.clock import format_time
from epix_node.config import Config
from epix_node.errors import KeyMaterialError, UnacceptableError
from epix_node.identity import rotation
from epix_node.identity.key_box import KeyBox, SigningPair
from epix_node.identity.role import OwnRole, own_manifest
from epix_node.node import Node, open_node
from epix_node.store.database import Database
from tests.identity.conftest import NOW

DAY = timedelta(days=1)


class Operator:
    """Whoever runs `epix-node keys` beside the running node."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.box = KeyBox.of(config)

    def change(self, change, now: datetime = NOW) -> rotation.Change:
        with closing(Database(self.config.store_url)) as database:
            return rotation.make(database, OwnRole.load(self.config), change, now=now)

    def signing(self, first_use: datetime, now: datetime = NOW) -> SigningPair:
        pair = self.box.make_signing(not_before=now, valid_for=400 * DAY)
        self.change(rotation.announced(pair, first_use=first_use), now)
        return pair

    def transport(self, first_use: datetime, now: datetime = NOW) -> str:
        pair = self.box.make_transport(first_use=first_use)
        self.change(rotation.announced_transport(pair, not_after=now + 90 * DAY, now=now), now)
        return pair.kid

    def revoke(self, kid: str, since: datetime, now: datetime = NOW) -> None:
        self.change(rotation.revoked(kid, since=since, reason="stolen", now=now), now)


@pytest.fixture
def operator(config: Config) -> Operator:
    return Operator(config)


def signs_with(node: Node) -> str:
    """The key id under which a document that is signed now verifies, for this node itself."""
    kid = node.keys.signing.kid
    assert node.office.own.signer.certificate == node.keyring().find("XA", kid).certificate
    assert node.office.own.keys.find("XA", kid).certificate_sha256 == kid
    return kid


def test_a_new_key_signs_from_its_first_use_on(config, clock, operator):
    """Until then the old one does, although it is retiring; the node is never restarted."""
    with open_node(config, follow=True) as node:
        old = signs_with(node)
        new = operator.signing(NOW + 30 * DAY).kid
        assert [key.status for key in node.manifest.permit_keys] == ["active", "retiring"]
        assert signs_with(node) == old
        clock.set(NOW + 30 * DAY - timedelta(seconds=1))
        assert signs_with(node) == old
        clock.set(NOW + 30 * DAY)
        with capture_logs() as logs:
            assert signs_with(node) == new
        assert [line["event"] for line in logs] == ["signing key changed"]


def test_after_a_restart_the_same_key_signs(config, operator):
    """What was chosen follows from the manifest, the files and the time alone."""
    new = operator.signing(NOW).kid
    with open_node(config, follow=True) as node:
        assert signs_with(node) == new


def test_a_revoked_key_signs_nothing_more(config, operator):
    """Where another is left, that one does; where none is, the sentence says what to do."""
    with open_node(config) as node:
        first = signs_with(node)
        second = operator.signing(NOW).kid
        operator.revoke(second, NOW)
        assert signs_with(node) == first
        operator.revoke(first, NOW)
        with pytest.raises(KeyMaterialError, match=r"every signing key of this node is revoked.*keys rotate"):
            node.office.own.signer.sign(b"<x/>", at=NOW)
    with pytest.raises(KeyMaterialError, match="is revoked"), open_node(config, follow=True):
        pass


def test_a_key_whose_private_half_is_elsewhere_is_passed_over(config, operator):
    """The one before it goes on, and the log says so."""
    with open_node(config) as node:
        old = signs_with(node)
        pair = operator.signing(NOW)
        key = Path(pair.place)
        key.rename(key.with_suffix(".away"))
        with capture_logs() as logs:
            assert signs_with(node) == old
        assert logs[0]["event"] == "the newest signing key is not here; an older one signs"


def test_a_broken_new_key_does_not_stop_a_node_that_runs(config, operator):
    """Only one that starts: then a person is there."""
    with open_node(config) as node:
        old = signs_with(node)
        pair = operator.signing(NOW)
        Path(pair.place).write_bytes(b"torn")
        assert signs_with(node) == old
    with pytest.raises(KeyMaterialError, match=r"signing-key-2\.pem"), open_node(config):
        pass


@pytest.mark.parametrize(("days", "said"), [(-1, "good only from"), (20 * 365 + 1, "expired at")])
def test_out_of_its_period_a_key_stops_the_node_at_start(config, clock, days, said):
    """Exit 3; commands that only look still work, and the message names the remedy."""
    clock.path.write_text(f"{format_time(NOW + days * DAY)}\n")
    with pytest.raises(KeyMaterialError, match=f"{said}.*keys rotate signing"), open_node(config, follow=True):
        pass
    with open_node(config) as node, pytest.raises(KeyMaterialError, match=said):
        node.office.own.signer.sign(b"<x/>", at=node.clock())


def test_requests_are_signed_with_the_new_transport_key_from_its_first_use_on(config, clock, operator):
    """Peers take both meanwhile."""
    with open_node(config) as node:
        old = node.transport_kid
        new = operator.transport(NOW + DAY)
        assert {key.kid for key in node.manifest.transport_keys} == {old, new}
        assert node.transport_kid == old
        clock.set(NOW + DAY)
        assert node.transport_kid == new
        assert node.keyring().transport_key(old, at=node.clock())[0] == "XA"
        owner, public = node.keyring().transport_key(new, at=node.clock())
        assert owner == "XA"
        assert public == node.transport_key.public_key()


def test_a_revoked_transport_key_is_no_longer_known(config, operator):
    """The only one cannot be: the node would be mute."""
    with open_node(config) as node:
        old = node.transport_kid
        with pytest.raises(UnacceptableError, match="the only transport key"):
            operator.revoke(old, NOW)
        new = operator.transport(NOW)
        operator.revoke(old[:8], NOW)
        assert node.transport_kid == new
        assert node.keyring().transport_key(old) is None


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (NOW - DAY, "began after that"),
        (NOW + timedelta(seconds=1), "lies in the future"),
    ],
)
def test_a_time_that_cannot_be_is_refused(config, operator, since, said):
    """Decision 7: never before the key's own beginning; and not tomorrow."""
    with open_node(config) as node:
        kid = signs_with(node)
        with pytest.raises(UnacceptableError, match=said):
            operator.revoke(kid, since)
        assert node.manifest.seq == 1


def test_the_time_of_a_revocation_moves_earlier_only(config, clock, operator):
    """Decision 7."""
    clock.set(NOW + 3 * DAY)
    with open_node(config) as node:
        kid = signs_with(node)
        operator.revoke(kid, NOW + 2 * DAY, clock())
        with pytest.raises(UnacceptableError, match="may only move earlier"):
            operator.revoke(kid, NOW + 3 * DAY, clock())
        operator.revoke(kid, NOW + DAY, clock())
        assert node.manifest.permit_keys[0].invalid_since == NOW + DAY


def test_changes_by_two_people_at_once_are_both_kept(config, operator):
    """Each is made of the newest manifest, inside of the transaction that keeps it."""
    first = operator.box.make_signing(not_before=NOW, valid_for=400 * DAY)
    second = operator.box.make_transport(first_use=NOW)
    ready = [
        rotation.announced(first, first_use=NOW),
        rotation.announced_transport(second, not_after=NOW + DAY, now=NOW),
    ]
    for change in ready:
        operator.change(change)
    with closing(Database(config.store_url)) as database:
        manifest = database.read_now(own_manifest)
    assert (len(manifest.permit_keys), len(manifest.transport_keys), manifest.seq) == (2, 2, 3)
