"""`epix-node init`: a whole node, or nothing."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta

import pytest

from epix_node import founding
from epix_node.config import load_config
from epix_node.errors import ConfigError
from epix_node.node import open_node
from epix_node.trust.certificate import load_certificate
from tests.stores import STORES


def made_in(directory) -> set[str]:
    """The files, but for the keys of the role: their names say which keys they are."""
    found = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith("keys/role/")}


WHOLE = {
    "config/epix-node.toml",
    *(() if STORES.is_postgresql else ("data/epix-node.sqlite",)),
    "keys/log-key.pem",
    "keys/passphrase",
    "keys/role.json",
    "keys/signing-cert.pem",
    "keys/signing-key.pem",
    "keys/transport-key.pem",
    "keys/witness-key.pem",
}


def test_init_makes_a_node_that_opens(tmp_path, epix_node):
    """Configuration, keys, certificate, database; federation/ is for the files of others."""
    body = json.loads(epix_node("init", "--party", "XA", "--dir", tmp_path / "deep" / "xa", "--json").stdout)
    home = tmp_path / "deep" / "xa"
    assert made_in(home) == WHOLE
    assert (home / "federation").is_dir()
    config = load_config(home / "config" / "epix-node.toml", {})
    assert body["config"] == str(config.path)
    with open_node(config) as node:
        assert node.party == "XA"
        assert dict(node.manifest.key_fingerprints()) == body["fingerprints"]
        (coverage,) = config.party.coverage
        assert coverage.types == ("E", "R", "I", "O")
        assert coverage.published_within_h == 24


def test_private_keys_and_data_are_closed_to_others(tmp_path, epix_node):
    """Whatever the umask says."""
    before = os.umask(0)
    try:
        epix_node("init", "--party", "XA", "--dir", tmp_path / "xa")
    finally:
        os.umask(before)
    config = load_config(tmp_path / "xa" / "config" / "epix-node.toml", {})
    for path in config.key_files.private:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for name in ("keys", "data"):
        assert stat.S_IMODE((tmp_path / "xa" / name).stat().st_mode) == 0o700


def test_the_sandbox_certificate_lasts_twenty_years_and_another_one_year(tmp_path, epix_node, monkeypatch):
    """Contract 7, C.1."""
    monkeypatch.setenv("EPIX_KEY_PASSPHRASE", "correct horse")
    epix_node("init", "--party", "XA", "--dir", tmp_path / "xa")
    epix_node(
        *("init", "--party", "CH", "--dir", tmp_path / "ch", "--environment", "prod"),
        *("--base-url", "https://epix.example.ch", "--name", "Veterinary Office"),
    )
    for name, years in (("xa", 20), ("ch", 1)):
        certificate = load_certificate(tmp_path / name / "keys" / "signing-cert.pem")
        life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
        assert life == timedelta(days=365 * years)
    config = load_config(tmp_path / "ch" / "config" / "epix-node.toml", {})
    assert config.party.coverage == ()
    assert config.party.name == "Veterinary Office"
    assert config.server.listen == "127.0.0.1:8080"


def test_a_node_of_production_needs_a_passphrase(tmp_path, epix_node):
    """Exit 3 and nothing left; from a file, whose place the configuration remembers."""
    arguments = ("init", "--party", "CH", "--dir", tmp_path / "ch", "--environment", "prod")
    address = ("--base-url", "https://epix.example.ch")
    assert "--passphrase-file" in epix_node(*arguments, *address, code=3).stderr
    assert list(tmp_path.iterdir()) == []
    path = tmp_path / "passphrase"
    path.write_text("correct horse\n")
    assert "mode 0644" in epix_node(*arguments, *address, "--passphrase-file", path, code=3).stderr
    path.chmod(0o600)
    epix_node(*arguments, *address, "--passphrase-file", path)
    assert load_config(tmp_path / "ch" / "config" / "epix-node.toml", {}).passphrase_file == path


def test_listen_takes_the_port_of_the_base_url(tmp_path, epix_node):
    """On loopback (contract 2)."""
    epix_node("init", "--party", "XA", "--dir", tmp_path / "xa", "--base-url", "http://127.0.0.1:9123/")
    config = load_config(tmp_path / "xa" / "config" / "epix-node.toml", {})
    assert config.server.listen == "127.0.0.1:9123"
    assert config.server.base_url == "http://127.0.0.1:9123"


def test_a_directory_with_other_files_may_become_a_node(tmp_path, epix_node):
    """Such as a checkout, whose config/ and keys/ hold a README each."""
    for name in ("config", "keys"):
        (tmp_path / "xa" / name).mkdir(parents=True)
        (tmp_path / "xa" / name / "README.md").write_text("mine")
    epix_node("init", "--party", "XA", "--dir", tmp_path / "xa")
    assert made_in(tmp_path / "xa") == WHOLE | {"config/README.md", "keys/README.md"}


@pytest.mark.parametrize("taken", sorted(WHOLE))
def test_nothing_is_overwritten(tmp_path, epix_node, taken):
    """Exit 2; what was there is as it was, and nothing was added."""
    path = tmp_path / "xa" / taken
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    assert f"{path} exists" in epix_node("init", "--party", "XA", "--dir", tmp_path / "xa", code=2).stderr
    assert made_in(tmp_path / "xa") == {taken}
    assert path.read_text() == "mine"


def test_a_second_init_is_refused(tmp_path, epix_node):
    """The keys of a node are never lost to a typing error."""
    epix_node("init", "--party", "XA", "--dir", tmp_path / "xa")
    key = (tmp_path / "xa" / "keys" / "log-key.pem").read_bytes()
    epix_node("init", "--party", "XB", "--dir", tmp_path / "xa", code=2)
    assert (tmp_path / "xa" / "keys" / "log-key.pem").read_bytes() == key


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--party", "xa"], "'xa' is no Party"),
        (["--party", "XAA"], "'XAA' is no Party"),
        (["--party", "QQQ"], "is no Party"),
        (["--party", "XX"], "'XX' is no Party"),
        (["--party", "XA", "--environment", "prod", "--base-url", "https://e.org"], "XA is a fictional country"),
        (["--party", "CH", "--environment", "uat", "--base-url", "http://e.org"], "uat takes https only"),
        (["--party", "CH", "--environment", "uat"], "--base-url is missing"),
        (["--party", "XA", "--base-url", "ftp://e.org"], "expected an http or https URL"),
        (["--party", "XA", "--base-url", "http://e.org:99999"], "expected a URL"),
        (["--party", "XA", "--name", "x" * 65], "the name has 65 characters"),
    ],
)
def test_a_plan_without_sense_leaves_nothing_behind(tmp_path, epix_node, arguments, said):
    """Exit 2, and no directory; the message names no temporary file."""
    result = epix_node("init", *arguments, "--dir", tmp_path / "deep" / "node", code=2)
    assert said in result.stderr
    assert ".epix-init" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("exists", [False, True])
def test_a_failure_half_way_leaves_nothing_behind(tmp_path, monkeypatch, epix_node, exists):
    """Neither half a node nor a temporary directory, whether the directory was there or not."""
    (tmp_path / "other").mkdir()
    if exists:
        (tmp_path / "xa").mkdir()

    def full(*_):
        raise ConfigError("no room for a database")

    monkeypatch.setattr(founding.schema, "migrate", full)
    epix_node("init", "--party", "XA", "--dir", tmp_path / "xa", code=2)
    assert {path.name for path in tmp_path.rglob("*")} == {"other"} | ({"xa"} if exists else set())


def test_a_disk_error_while_files_are_put_in_place_is_undone(tmp_path, monkeypatch, epix_node):
    """Those that were put there are taken away again."""
    (tmp_path / "xa").mkdir()
    (tmp_path / "xa" / "mine").write_text("mine")
    link, calls = os.link, []

    def sometimes(source, target, **given):
        calls.append(target)
        if str(target).endswith("epix-node.toml"):
            raise OSError(28, "No space left on device", str(target))
        link(source, target, **given)

    monkeypatch.setattr(founding.os, "link", sometimes)
    assert "No space left" in epix_node("init", "--party", "XA", "--dir", tmp_path / "xa", code=2).stderr
    assert len(calls) > 2
    assert {path.name for path in (tmp_path / "xa").rglob("*")} == {"mine"}
