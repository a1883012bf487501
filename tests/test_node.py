"""The composition root: what a node needs before it opens, and what it notices while it is open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from epix_node.clock import utc_now
from epix_node.config import Config, load_config
from epix_node.errors import ConfigError, KeyMaterialError
from epix_node.founding import Plan, found_node
from epix_node.node import OwnKeys, PinnedKeyring, open_node, own_manifest
from epix_node.sandbox_clock import SharedClock
from epix_node.store import peers
from epix_node.store.database import Database
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.keys import generate_permit_key, write_private_key
from epix_node.trust.manifest import parse_manifest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = Plan(party="XA", environment="sandbox", base_url="http://127.0.0.1:8080", now=NOW)


@pytest.fixture
def config(tmp_path) -> Config:
    return found_node(tmp_path / "xa", PLAN)[0]


def manifest_of(tmp_path, party: str, port: int):
    plan = replace(PLAN, party=party, base_url=f"http://127.0.0.1:{port}")
    return found_node(tmp_path / party.lower(), plan)[1]


def test_an_open_node_has_what_its_configuration_says(config):
    """Party, office, keys and clock."""
    with open_node(config) as node:
        assert node.party == "XA"
        assert node.office.codes == frozenset({"XA"})
        assert node.clock is utc_now
        assert node.keyring().parties == ("XA",)
        assert node.keyring().transport_key(node.transport_kid)[0] == "XA"
        assert node.manifest.base == ("http://127.0.0.1:8080/epix/v1/",)
        assert node.manifest.log.origin == "127.0.0.1:8080/sandbox/register/XA"
        assert node.manifest.witness.name == "127.0.0.1:8080/sandbox/witness/XA"


def test_the_manifest_is_the_same_each_time_and_reads_back(config):
    """It follows from configuration and keys alone."""
    keys = OwnKeys.load(config.key_files, party="XA")
    manifest = own_manifest(config, keys)
    assert own_manifest(config, keys) == manifest
    assert parse_manifest(manifest.to_json()) == manifest


def test_a_node_of_the_sandbox_can_run_on_a_shared_clock(tmp_path):
    """The clock is read anew each time."""
    clock = SharedClock(tmp_path / "clock.txt")
    clock.set(NOW)
    config, _ = found_node(tmp_path / "xa", replace(PLAN, clock=clock.path))
    with open_node(config) as node:
        assert node.clock() == NOW
        clock.set(NOW + timedelta(hours=1))
        assert node.clock() == NOW + timedelta(hours=1)


def test_a_peer_pinned_by_another_process_is_known_at_once(tmp_path, config):
    """Without a restart; and what was not changed is not made again."""
    other = manifest_of(tmp_path, "XB", 8081)
    with open_node(config) as node:
        before = node.keyring()
        assert node.keyring() is before
        elsewhere = Database(config.store_url)
        elsewhere.write_now(peers.pin, "XB", other.to_json(), now=NOW)
        elsewhere.close()
        after = node.keyring()
        assert after.parties == ("XA", "XB")
        assert after.speaker_for("XB") == "XB"
        node.database.write_now(peers.note, "XB", failures=1)
        assert node.keyring() is after


def test_the_keyring_can_be_asked_inside_of_a_write(tmp_path, config):
    """As recording does; it sees what was committed before."""
    other = manifest_of(tmp_path, "XB", 8081)
    with open_node(config) as node:

        def work(session):
            peers.pin(session, "XB", other.to_json(), now=NOW)
            return node.keyring().parties

        assert node.database.write_now(work) == ("XA",)
        assert node.keyring().parties == ("XA", "XB")


def test_a_closed_node_leaves_one_file(config):
    """The write-ahead log is folded in when the last connection goes."""
    with open_node(config) as node:
        node.database.write_now(lambda session: None)
    assert [path.name for path in config.store_path.parent.iterdir()] == ["epix-node.sqlite"]


def test_without_a_database_it_does_not_open(config):
    """And does not make an empty one, which would be an empty register under the same name."""
    config.store_path.unlink()
    with pytest.raises(ConfigError, match="there is no database"), open_node(config):
        pass
    assert not config.store_path.exists()


def test_with_another_kind_of_file_it_does_not_open(config):
    """A mistake in the configuration, not in the program."""
    config.store_path.write_bytes(b"this is no database")
    with pytest.raises(ConfigError, match="is no SQLite database"), open_node(config):
        pass


def test_with_an_old_schema_it_does_not_open_unless_told_to_migrate(config):
    """The message names the command."""
    with closing(sqlite3.connect(config.store_path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ancient'")
        connection.commit()
    with pytest.raises(ConfigError, match=r"has schema ancient.*`epix-node store migrate`"), open_node(config):
        pass
    config.store_path.unlink()
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
    with pytest.raises(KeyMaterialError, match="the same key twice"), open_node(config):
        pass


def test_with_a_peer_that_speaks_for_an_own_code_it_does_not_open(tmp_path, config):
    """The configuration grew over a pinned peer's code: somebody has to decide."""
    other = manifest_of(tmp_path, "XB", 8081)
    database = Database(config.store_url)
    database.write_now(peers.pin, "XB", other.to_json(), now=NOW)
    database.close()
    both = load_config(config.path, {"EPIX_PARTY__ISSUES_FOR": "XA,XB"})
    with pytest.raises(ConfigError, match="both have code XB"), open_node(both):
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
    own = OwnKeys.load(config.key_files, party="XA")
    uat = load_config(
        config.path,
        {
            "EPIX_PARTY__CODE": "CH",
            "EPIX_PARTY__ENVIRONMENT": "uat",
            "EPIX_SERVER__BASE_URL": "https://epix.example.ch",
        },
    )
    manifest = own_manifest(uat, replace(own, signing=key, certificate=certificate))
    assert manifest.log.origin == "epix.example.ch/uat/register/CH"
    assert manifest.env == "uat"


def test_a_keyring_is_read_by_many_threads(tmp_path, config):
    """Handlers and jobs ask at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    other = manifest_of(tmp_path, "XB", 8081)
    with open_node(config) as node:
        assert isinstance(node.office.keyring, PinnedKeyring)
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(node.keyring) for _ in range(40)]
            node.database.write_now(peers.pin, "XB", other.to_json(), now=NOW)
            asked += [pool.submit(node.keyring) for _ in range(40)]
            seen = [one.result().parties for one in asked]
        assert seen[-1] == ("XA", "XB")
