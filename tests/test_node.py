"""The composition root: what a node needs before it opens, and what it notices while it is open."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from epix_node.config import Config, load_config
from epix_node.errors import ConfigError, KeyMaterialError
from epix_node.founding import Plan, found_node
from epix_node.identity.key_box import OwnKeys
from epix_node.identity.role import OwnRole, current_version, first_manifest, own_version, sign_next
from epix_node.node import FlooredClock, open_node
from epix_node.sandbox_clock import SharedClock
from epix_node.store import peers
from epix_node.store import trust as trust_store
from epix_node.store.database import Database
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.keys import generate_ed25519_key, generate_permit_key, write_private_key
from epix_node.trust.manifest import parse_manifest
from tests.stores import change_store, lose_store
from tests.trusting import Secretariat

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = Plan(party="XA", environment="sandbox", base_url="http://127.0.0.1:8080", now=NOW)


@pytest.fixture
def config(tmp_path) -> Config:
    return found_node(tmp_path / "xa", PLAN)[0]


@pytest.fixture
def secretariat(tmp_path) -> Secretariat:
    return Secretariat(tmp_path / "secretariat", now=NOW)


@pytest.fixture
def two(tmp_path, secretariat) -> tuple[Config, Config]:
    """XA and XB, both admitted; XA has not refreshed yet."""
    return (
        secretariat.found(tmp_path / "xa", "XA", "http://127.0.0.1:8080"),
        secretariat.found(tmp_path / "xb", "XB", "http://127.0.0.1:8081"),
    )


def test_an_open_node_has_what_its_configuration_says(config):
    """Party, office, keys and clock."""
    with open_node(config) as node:
        assert node.party == "XA"
        assert node.office.codes == frozenset({"XA"})
        assert node.keyring().parties == ("XA",)
        assert node.keyring().transport_key(node.transport_kid)[0] == "XA"
        assert node.manifest.base == ("http://127.0.0.1:8080/epix/v1/",)
        assert node.manifest.log.origin == "127.0.0.1:8080/sandbox/register/XA"
        assert node.manifest.witness.name == "127.0.0.1:8080/sandbox/witness/XA"


def test_the_manifest_is_what_init_signed(config):
    """Version 1, over what configuration and keys say; opening signs nothing."""
    keys = OwnKeys.load(config)
    with open_node(config, follow=True) as node:
        assert node.manifest == first_manifest(config, keys).numbered(1)
    with open_node(config) as node:
        assert parse_manifest(node.database.read_now(own_version).manifest_file) == node.manifest


def test_a_node_signs_what_its_configuration_says_now_when_it_starts(config):
    """Codes, address and promise follow; the register keeps its name. Commands that only look sign nothing."""
    moved = load_config(
        config.path, {"EPIX_SERVER__BASE_URL": "http://127.0.0.1:9090", "EPIX_PARTY__ISSUES_FOR": "XA,XB"}
    )
    with open_node(moved) as node:
        assert node.manifest.base == ("http://127.0.0.1:8080/epix/v1/",)
    with open_node(moved, follow=True) as node:
        assert (node.manifest.seq, node.manifest.base) == (2, ("http://127.0.0.1:9090/epix/v1/",))
        assert node.office.codes == {"XA", "XB"}
        assert node.office.own.origin == "127.0.0.1:8080/sandbox/register/XA"


def test_without_its_role_keys_a_node_goes_on_with_the_manifest_that_others_know(config):
    """They may lie in a safe; the log says what to do."""
    for path in config.key_files.role_keys.iterdir():
        path.unlink()
    moved = load_config(config.path, {"EPIX_SERVER__BASE_URL": "http://127.0.0.1:9090"})
    with capture_logs() as logs, open_node(moved, follow=True) as node:
        assert node.manifest.seq == 1
    assert [line["event"] for line in logs] == ["the configuration is not what others know"]
    assert "role needs 1 of its 2 keys" in logs[0]["problem"].replace("party-XA", "role")


def test_its_role_is_signed_again_90_days_before_it_expires(config):
    """Where its keys are at hand; 400 days from then on."""
    role = OwnRole.load(config)
    with open_node(config) as node:
        assert current_version(node.database, role, now=NOW + timedelta(days=309)).number == 1
        assert current_version(node.database, role, now=NOW + timedelta(days=310)).number == 2
        assert current_version(node.database, role, now=NOW + timedelta(days=619)).number == 2
        assert node.keyring().manifests["XA"].seq == 2


def test_a_version_is_above_all_that_the_trust_list_has_seen(two, secretariat):
    """A node that lost its database signs one that nobody takes for an older one, and then follows the list."""
    xa, _ = two
    with open_node(xa) as node:
        role = OwnRole.load(xa)
        for _ in range(3):
            newest = sign_next(node.database, role, node.manifest, now=NOW)
    secretariat.repository.publish(NOW, offers={"XA": newest.party_file()})
    lose_store(xa)
    with open_node(xa, migrate=True) as node:
        assert node.database.read_now(own_version).number == 1
        secretariat.refresh(node.database, "XA")
        assert node.database.read_now(own_version) == newest
        assert sign_next(node.database, role, node.manifest, now=NOW).number == 5


def test_a_node_of_the_sandbox_can_run_on_a_shared_clock(tmp_path):
    """The clock is read anew each time."""
    clock = SharedClock(tmp_path / "clock.txt")
    clock.set(NOW)
    config, _ = found_node(tmp_path / "xa", replace(PLAN, clock=clock.path))
    with open_node(config) as node:
        assert node.clock() == NOW
        clock.set(NOW + timedelta(hours=1))
        assert node.clock() == NOW + timedelta(hours=1)


def test_who_is_admitted_is_known_as_soon_as_the_list_is_refreshed(two, secretariat):
    """By whatever process, without a restart; and what was not changed is not made again."""
    with open_node(two[0]) as node:
        before = node.keyring()
        assert (before.parties, node.keyring()) == (("XA",), before)
        secretariat.tell([two[0]])
        after = node.keyring()
        assert after.parties == ("XA", "XB")
        assert after.speaker_for("XB") == "XB"
        node.database.write_now(peers.meet, "XB", now=NOW)
        secretariat.now += timedelta(hours=2)
        secretariat.repository.publish(secretariat.now)
        secretariat.tell([two[0]])
        assert node.office.trust_list().refreshed_at == secretariat.now
        assert node.keyring() is after
        secretariat.repository.remove("XB", secretariat.now)
        secretariat.tell([two[0]])
        assert node.keyring().parties == ("XA",)
        assert node.database.read_now(peers.state, "XB") is not None


def test_the_keyring_can_be_asked_inside_of_a_write(two, secretariat):
    """As recording does; it sees what was committed before."""
    secretariat.tell([two[1]])
    with open_node(two[0]) as node, closing(Database(two[1].store_url)) as other:
        held = other.read_now(trust_store.held).trust_list

        def work(session):
            trust_store.keep_list(session, held, now=NOW)
            return node.keyring().parties

        assert node.database.write_now(work) == ("XA",)
        assert node.keyring().parties == ("XA", "XB")


def test_without_a_trust_list_a_node_stands_alone(two, secretariat):
    """Whatever was held before; and it says of others that it cannot say."""
    secretariat.tell([two[0]])
    alone = load_config(two[0].path, {"EPIX_FEDERATION__TRUST_LIST": ""})
    alone = alone.model_copy(update={"federation": alone.federation.model_copy(update={"trust_list": None})})
    with open_node(alone) as node:
        assert node.keyring().parties == ("XA",)
        assert node.office.trust_freshness("XB", NOW) == "EXPIRED"
        assert node.office.trust_freshness("XA", NOW) == "FRESH"


def test_without_the_pinned_root_it_does_not_open(two):
    """The address of a list says nothing; the message says where the root comes from."""
    two[0].root_file.write_text("{}")
    with pytest.raises(ConfigError, match="is no root of a trust list"), open_node(two[0]):
        pass
    two[0].root_file.unlink()
    with pytest.raises(ConfigError, match="compare its fingerprint"), open_node(two[0]):
        pass


def test_another_root_begins_another_list(two, secretariat, tmp_path):
    """Nothing that the old one vouched for counts any more, the log says so, and verified time stays the floor."""
    secretariat.tell([two[0]])
    with open_node(two[0]) as node:
        floor = node.office.trust_list().clock_floor
    assert floor is not None
    two[0].root_file.write_bytes(Secretariat(tmp_path / "another", now=NOW).root)
    with capture_logs() as logs, open_node(two[0]) as node:
        assert node.keyring().parties == ("XA",)
        assert node.office.trust_list().refreshed_at is None
        assert node.office.trust_list().clock_floor == floor
    assert any(line["event"].startswith("another root is pinned") for line in logs)


def test_the_clock_is_never_before_what_was_verified(two, secretariat):
    """A machine that lost its time goes by the newest signed time (C.1)."""
    secretariat.now += timedelta(hours=2)
    secretariat.repository.publish(secretariat.now)
    secretariat.tell([two[0]])
    with open_node(two[0]) as node:
        assert FlooredClock(lambda: NOW, node.clock.floor)() == NOW + timedelta(hours=2)
        assert replace(node, clock=FlooredClock(lambda: NOW, node.clock.floor)).clock_itself() == NOW
        late = NOW + timedelta(days=1)
        assert FlooredClock(lambda: late, node.clock.floor)() == late


@pytest.mark.sqlite("its file")
def test_a_closed_node_leaves_one_file(config):
    """The write-ahead log is folded in when the last connection goes."""
    with open_node(config) as node:
        node.database.write_now(lambda session: None)
    assert [path.name for path in config.store_path.parent.iterdir()] == ["epix-node.sqlite"]


@pytest.mark.sqlite("its file")
def test_without_a_database_it_does_not_open(config):
    """And does not make an empty one, which would be an empty register under the same name."""
    config.store_path.unlink()
    with pytest.raises(ConfigError, match="there is no database"), open_node(config):
        pass
    assert not config.store_path.exists()


@pytest.mark.sqlite("its file")
def test_with_another_kind_of_file_it_does_not_open(config):
    """A mistake in the configuration, not in the program."""
    config.store_path.write_bytes(b"this is no database")
    with pytest.raises(ConfigError, match="is no SQLite database"), open_node(config):
        pass


def test_with_an_old_schema_it_does_not_open_unless_told_to_migrate(config):
    """The message names the command."""
    change_store(config, "UPDATE alembic_version SET version_num = 'ancient'")
    with pytest.raises(ConfigError, match=r"has schema ancient.*`epix-node store migrate`"), open_node(config):
        pass
    lose_store(config)
    with open_node(config, migrate=True) as node:
        assert node.keyring().parties == ("XA",)


@pytest.mark.parametrize("name", ["signing_key", "signing_certificate", "log_key", "witness_key", "transport_key"])
def test_without_a_key_it_does_not_open(config, name):
    """Each of the five files is needed; the message names it."""
    path = getattr(config.key_files, name)
    path.unlink()
    with pytest.raises(KeyMaterialError, match=path.name), open_node(config):
        pass


def test_with_a_key_that_others_can_read_it_does_not_open(config):
    """Mode 0600 or nothing."""
    config.key_files.log_key.chmod(0o640)
    with pytest.raises(KeyMaterialError, match="mode 0640"), open_node(config):
        pass


def test_with_the_certificate_of_another_party_it_does_not_open(config):
    """C= must be the Party that the configuration names."""
    wrong = load_config(config.path, {"EPIX_PARTY__CODE": "XB"})
    with pytest.raises(KeyMaterialError, match="names C=XA, expected C=XB"), open_node(wrong):
        pass


def test_with_the_certificate_of_another_key_it_does_not_open(config):
    """What it would sign, nobody could verify."""
    config.key_files.signing_key.unlink()
    write_private_key(config.key_files.signing_key, generate_permit_key())
    with pytest.raises(KeyMaterialError, match="another key"), open_node(config):
        pass


def test_with_one_key_for_two_purposes_it_does_not_open(config):
    """C.1: distinct from every other key."""
    files = config.key_files
    files.witness_key.write_bytes(files.log_key.read_bytes())
    lose_store(config)
    with pytest.raises(KeyMaterialError, match="the same key twice"), open_node(config, migrate=True):
        pass


@pytest.mark.parametrize("name", ["log_key", "witness_key", "transport_key"])
def test_with_a_key_that_is_not_in_its_manifest_it_does_not_open(config, name):
    """Nobody would take what it signs."""
    path = getattr(config.key_files, name)
    path.unlink()
    write_private_key(path, generate_ed25519_key())
    with pytest.raises(KeyMaterialError, match="is not in this node's own manifest"), open_node(config):
        pass


def test_another_partys_database_does_not_open(tmp_path, two):
    """A mistake with files, noticed before anything is signed."""
    mistaken = two[0].model_copy(update={"store": two[1].store.model_copy(update={"url": two[1].store_url})})
    with pytest.raises(KeyMaterialError, match="the database is that of XB"), open_node(mistaken):
        pass


def test_an_unusable_certificate_file_is_key_material(config):
    """Not a mistake of the program."""
    config.key_files.signing_certificate.write_text("nothing")
    with pytest.raises(KeyMaterialError, match="no PEM certificate"), open_node(config):
        pass


def test_uat_and_the_sandbox_never_mix(config):
    """An issued certificate says nothing of the environment, but the manifest and every name do."""
    key = generate_permit_key()
    certificate = issue_certificate(key, "CH", not_before=NOW, valid_for=timedelta(days=1))
    own = OwnKeys.load(config)
    uat = load_config(
        config.path,
        {
            "EPIX_PARTY__CODE": "CH",
            "EPIX_PARTY__ENVIRONMENT": "uat",
            "EPIX_SERVER__BASE_URL": "https://epix.example.ch",
        },
    )
    manifest = first_manifest(uat, replace(own, signing=key, certificate=certificate))
    assert manifest.log.origin == "epix.example.ch/uat/register/CH"
    assert manifest.env == "uat"


def test_a_keyring_is_read_by_many_threads(two, secretariat):
    """Handlers and jobs ask at the same time."""
    with open_node(two[0]) as node:
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(node.keyring) for _ in range(40)]
            secretariat.tell([two[0]])
            asked += [pool.submit(node.keyring) for _ in range(40)]
            seen = [one.result().parties for one in asked]
        assert seen[-1] == ("XA", "XB")
