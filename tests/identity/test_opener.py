"""Keys at rest: encrypted, closed to others, and a sentence that says what to do where they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from epix_node.errors import KeyMaterialError
from epix_node.founding import Plan, found_node
from epix_node.identity.key_box import KeyBox
from epix_node.identity.opener import Opener
from epix_node.node import open_node
from epix_node.trust.keys import generate_ed25519_key, is_encrypted, write_private_key
from tests.identity.conftest import NOW

PLAN = Plan(party="CH", environment="prod", base_url="https://epix.example.ch", now=NOW)


def private_files(config) -> tuple[Path, ...]:
    return KeyBox.of(config).private_files()


def test_every_key_that_init_makes_is_encrypted(config):
    """Signing, log, witness, transport and the role's: six files."""
    files = private_files(config)
    assert len(files) == 6
    assert all(is_encrypted(path) for path in files)


def test_the_sandbox_makes_up_a_passphrase_and_says_where_it_is(config):
    """So that a first trial needs no typing; nobody guesses it, and only the owner reads it."""
    path = config.passphrase_file
    assert path == config.key_files.passphrase
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) >= 40
    with open_node(config, follow=True) as node:
        assert node.party == "XA"


def test_elsewhere_there_is_no_node_without_a_passphrase(tmp_path):
    """And nothing is left behind."""
    with pytest.raises(KeyMaterialError, match="needs a passphrase"):
        found_node(tmp_path / "ch", PLAN)
    assert list(tmp_path.iterdir()) == []


def test_a_typed_passphrase_is_written_nowhere(tmp_path, monkeypatch):
    """Whoever starts the node gives it again: typed, in the environment, or in a file of their choice."""
    config, _ = found_node(tmp_path / "ch", replace(PLAN, passphrase="correct horse"))
    assert config.passphrase_file is None
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"correct horse" not in path.read_bytes()
    asked = []
    with open_node(config, ask=lambda question: asked.append(question) or "correct horse"):
        pass
    assert asked == ["passphrase of this node's keys"]
    monkeypatch.setenv("EPIX_KEY_PASSPHRASE", "correct horse")
    with open_node(config):
        pass


def test_a_passphrase_file_is_named_in_the_configuration(tmp_path):
    """Anywhere; the file comes before all else."""
    path = tmp_path / "passphrase"
    path.write_text("correct horse\n")
    path.chmod(0o600)
    config, _ = found_node(tmp_path / "ch", replace(PLAN, passphrase_file=path))
    assert config.passphrase_file == path
    with open_node(config, ask=lambda _: pytest.fail("nobody is asked")):
        pass


def spoilt(config, how: str, monkeypatch) -> None:
    files = config.key_files
    match how:
        case "no passphrase":
            config.passphrase_file.unlink()
        case "open passphrase":
            config.passphrase_file.chmod(0o640)
        case "wrong passphrase":
            config.passphrase_file.write_text("battery staple\n")
        case "empty passphrase":
            config.passphrase_file.write_text("\n")
        case "open key":
            files.log_key.chmod(0o644)
        case "no key":
            files.witness_key.unlink()
        case "torn key":
            files.transport_key.write_bytes(files.transport_key.read_bytes()[:100])
        case "directory":
            files.log_key.unlink()
            files.log_key.mkdir()
        case "another key's certificate":
            files.signing_key.unlink()
            write_private_key(files.signing_key, KeyBox.of(config).log())


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no passphrase", "cannot be read"),
        ("open passphrase", "mode 0640, expected 0600"),
        ("wrong passphrase", "the passphrase is wrong"),
        ("empty passphrase", "holds no secret"),
        ("open key", "run `chmod 600"),
        ("no key", "witness-key.pem does not exist"),
        ("torn key", "transport-key.pem"),
        ("directory", "cannot be read"),
        ("another key's certificate", "holds no P-256 key"),
    ],
)
def test_what_cannot_be_used_stops_the_node_with_one_sentence(config, monkeypatch, how, said):
    """The file and what to do, never what is in it."""
    spoilt(config, how, monkeypatch)
    with pytest.raises(KeyMaterialError, match=said) as refused, open_node(config, follow=True):
        pass
    assert "\n" not in str(refused.value)
    assert "battery" not in str(refused.value)


def test_plain_keys_are_for_the_sandbox_only(tmp_path):
    """Those of the first release go on working there; elsewhere the message names the command."""
    path = tmp_path / "old.pem"
    write_private_key(path, generate_ed25519_key())
    assert Opener(takes_plain=True, environ={}).load_ed25519_key(path)
    with pytest.raises(KeyMaterialError, match="`epix-node keys encrypt`"):
        Opener(environ={}).load_ed25519_key(path)


def test_without_a_passphrase_nothing_is_written_outside_of_the_sandbox(tmp_path):
    """Nor is an encrypted file opened; both messages say where the passphrase may stand."""
    path = tmp_path / "new.pem"
    with pytest.raises(KeyMaterialError, match="EPIX_KEY_PASSPHRASE"):
        Opener(environ={}).write(path, generate_ed25519_key())
    assert not path.exists()
    write_private_key(path, generate_ed25519_key(), passphrase=b"correct horse")
    with pytest.raises(KeyMaterialError, match=r"\[keys\] passphrase_file"):
        Opener(environ={}, takes_plain=True).load_ed25519_key(path)


def test_a_plain_key_is_encrypted_in_place(tmp_path):
    """It is the same key, closed as before, and nothing else is in the directory; a second time changes nothing."""
    path, key = tmp_path / "old.pem", generate_ed25519_key()
    write_private_key(path, key)
    opener = Opener(environ={"EPIX_KEY_PASSPHRASE": "correct horse"})
    assert opener.encrypt(path)
    before = path.read_bytes()
    assert opener.load_ed25519_key(path).public_key() == key.public_key()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not opener.encrypt(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
