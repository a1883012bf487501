"""`keys`: what an operator does with the node's own keys, and what others are told of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from epix_node.founding import Plan, found_node
from epix_node.identity.key_box import KeyBox
from epix_node.node import open_node
from epix_node.trust.keys import is_encrypted, load_ed25519_key, load_permit_key, write_private_key
from tests.cli.conftest import START, Country
from tests.stores import lose_store

DAY = timedelta(days=1)


def keys_of(country: Country, name: str) -> list[dict]:
    return [key for key in country.json("keys", "list")["keys"] if key["name"] == name]


def kid_of(country: Country) -> str:
    return next(key["fingerprint"] for key in keys_of(country, "signing") if key["current"])


def test_all_keys_are_listed_with_where_they_are_and_what_signs_now(xa):
    """One signing and one transport key, log, witness, and the two of the role."""
    listed = xa.json("keys", "list")["keys"]
    assert [key["name"] for key in listed] == ["signing", "transport", "log", "witness", "role", "role"]
    assert [key["current"] for key in listed] == [True, True, True, True, False, False]
    assert {key["status"] for key in listed} == {"active"}
    assert all(key["private"].startswith(str(xa.config.keys_directory)) for key in listed)
    assert listed[0]["fingerprint"][:16] in xa.run("keys", "list").stdout


def test_in_the_sandbox_a_rotation_takes_effect_at_once(xa):
    """The old key retires and is known for ever."""
    old = kid_of(xa)
    made = xa.json("keys", "rotate", "signing")
    assert (made["seq"], made["in_force"], made["draft"]) == (2, True, None)
    new = kid_of(xa)
    assert new == made["fingerprint"] != old
    assert [(key["status"], key["fingerprint"]) for key in keys_of(xa, "signing")] == [
        ("active", new),
        ("retiring", old),
    ]


def test_what_the_old_key_signed_stays_good_and_nothing_is_signed_again(xa, permit):
    """Before and after the rotation, by the signer's own verdict."""
    xa.run("permits", "publish", xa.file("p.json", permit()))
    xa.run("keys", "rotate", "signing")
    xa.run("permits", "publish", xa.file("q.json", permit("26XA000124")))
    for number in ("26XA000123", "26XA000124"):
        answer = xa.json("status", "XA", number)
        assert (answer["signature"], answer["verdict"]) == ("VALID", "VALID")


def test_a_key_that_was_generated_waits_for_its_rotation(xa):
    """Nobody knows of it before; the rotation makes no other one."""
    made = xa.json("keys", "generate", "signing")
    assert "announce it with" in xa.run("keys", "generate", "transport").stdout
    waiting = keys_of(xa, "signing")[-1]
    assert (waiting["fingerprint"], waiting["status"]) == (made["fingerprint"], "not announced")
    first_use = (xa.clock() + 30 * DAY).date().isoformat()
    assert xa.json("keys", "rotate", "signing", "--first-use", first_use)["fingerprint"] == made["fingerprint"]
    assert [key["current"] for key in keys_of(xa, "signing")] == [False, True]
    assert "the next one begins on" in xa.run("doctor").stdout
    xa.clock.set(xa.clock() + 30 * DAY)
    assert kid_of(xa) == made["fingerprint"]


def test_a_transport_key_is_announced_a_day_before_its_use(xa):
    """So that every peer has it by then."""
    made = xa.json("keys", "rotate", "transport")
    assert made["first_use"] == "2026-03-03T08:00:00Z"
    assert [key["current"] for key in keys_of(xa, "transport")] == [False, True]
    xa.clock.set(xa.clock() + DAY)
    assert [key["current"] for key in keys_of(xa, "transport")] == [True, False]


def test_a_revoked_key_is_named_with_time_and_reason(xa):
    """Its beginning is enough; the node goes on with the other one."""
    stolen = kid_of(xa)
    xa.run("keys", "rotate", "signing")
    said = xa.run("keys", "revoke", stolen[:12], "--since", "2026-03-02T07:00:00Z", "--reason", "stolen laptop").stdout
    assert "revoked" in said
    revoked = keys_of(xa, "signing")[-1]
    assert (revoked["status"], revoked["invalid_since"]) == ("revoked", "2026-03-02T07:00:00Z")
    assert revoked["reason"] == "stolen laptop"


def test_who_revokes_the_last_key_is_told_to_make_another(xa, permit):
    """Until then nothing can be issued: exit 3; afterwards it can."""
    kid = kid_of(xa)
    said = xa.run("keys", "revoke", kid, "--since", "2026-03-02T08:00:00Z", "--reason", "lost").stderr
    assert "no signing key is left" in said
    xa.run("permits", "publish", xa.file("p.json", permit()), code=3)
    xa.run("keys", "rotate", "signing", "--first-use", "now")
    xa.run("permits", "publish", xa.file("p.json", permit()))


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["revoke", "abc", "--since", "2026-03-02T07:00:00Z", "--reason", "x"], "first 8 characters", 2),
        (["revoke", "0" * 64, "--since", "2026-03-02T07:00:00Z", "--reason", "x"], "no signing or transport key", 1),
        (["revoke", "KID", "--since", "2026-03-02T09:00:00Z", "--reason", "x"], "lies in the future", 1),
        (["revoke", "KID", "--since", "2025-01-01T00:00:00Z", "--reason", "x"], "began after that", 1),
        (["revoke", "KID", "--since", "yesterday", "--reason", "x"], "is no time", 2),
        (["rotate", "signing", "--first-use", "2026-03-01"], "has passed", 2),
        (["rotate", "log"], "is not one of", 2),
        (["generate", "signing", "--in-token"], "there is no token", 3),
        (["generate", "transport", "--in-token"], "a transport key is a file", 2),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(xa, arguments, said, code):
    """With a sentence."""
    kid = kid_of(xa)
    wanted = [kid if argument == "KID" else argument for argument in arguments]
    assert said in xa.run("keys", *wanted, code=code).stderr
    assert xa.json("keys", "list")["keys"][0]["fingerprint"] == kid


@pytest.fixture
def ch(tmp_path, monkeypatch) -> tuple[Country, list]:
    """A node of production with role keys in three safes, two of which must sign."""
    monkeypatch.setenv("EPIX_KEY_PASSPHRASE", "correct horse")
    monkeypatch.setenv("EPIX_OFFLINE_KEY_PASSPHRASE", "correct horse")
    plan = Plan(
        party="CH",
        environment="prod",
        base_url="https://epix.example.ch",
        now=START,
        passphrase="correct horse",
    )
    config, _ = found_node(tmp_path / "ch", plan)
    safes = []
    for number, path in enumerate(sorted(config.key_files.role_keys.iterdir())):
        safe = tmp_path / f"safe-{number}"
        safe.mkdir()
        path.rename(safe / path.name)
        safes.append(safe)
    return Country(config=config, clock=None, secretariat=None), safes


def test_where_role_keys_lie_in_safes_a_change_goes_from_one_to_the_next(ch, tmp_path):
    """In force only with the second signature; between them, a machine without the node signs."""
    country, safes = ch
    draft = tmp_path / "draft.json"
    made = country.json("keys", "rotate", "signing", "--out", draft)
    assert (made["in_force"], made["signatures"], made["threshold"]) == (False, 0, 2)
    assert made["draft"] == str(draft)
    assert keys_of(country, "signing")[-1]["status"] == "not announced"
    assert "0 of 2" in country.run("keys", "rotate", "signing", "--out", draft).stdout
    assert len(keys_of(country, "signing")) == 2, "a second attempt announces the key that waits"

    role = tmp_path / "role.json"
    role.write_bytes(country.config.key_files.role.read_bytes())
    signed = country.json("keys", "sign", draft, "--role", role, "--role-keys", safes[0])
    assert (signed["signatures"], signed["in_force"]) == (1, False)
    assert "1 of 2" in country.run("keys", "sign", draft).stdout
    signed = country.json("keys", "sign", draft, "--role-keys", safes[2])
    assert (signed["signatures"], signed["in_force"]) == (2, True)
    new, old = keys_of(country, "signing")
    assert (new["status"], old["status"]) == ("active", "retiring")
    assert (new["current"], old["current"]) == (False, True), "30 days are ahead"
    assert country.json("keys", "sign", draft)["in_force"] is True, "taking it twice changes nothing"


def test_with_enough_media_at_the_node_a_revocation_needs_no_file(ch):
    """Two safes were brought."""
    country, safes = ch
    kid = kid_of(country)
    since = START.isoformat().replace("+00:00", "Z")
    media = [word for safe in safes[:2] for word in ("--role-keys", safe)]
    made = country.json("keys", "revoke", kid, "--since", since, "--reason", "stolen", *media)
    assert (made["in_force"], made["draft"]) == (True, None)


def test_a_version_that_was_overtaken_is_not_taken(ch, tmp_path):
    """It would undo what came after it."""
    country, safes = ch
    media = [word for safe in safes[:2] for word in ("--role-keys", safe)]
    draft = tmp_path / "draft.json"
    country.run("keys", "rotate", "signing", "--out", draft)
    country.run("keys", "rotate", "transport", *media)
    assert "begin again" in country.run("keys", "sign", draft, *media, code=1).stderr


def test_plain_keys_of_the_first_release_are_encrypted_in_place(xa, monkeypatch):
    """They work in the sandbox until then, with a warning; the same keys open afterwards."""
    files, passphrase = xa.config.key_files, xa.config.passphrase_file.read_bytes().strip()
    plain = KeyBox.of(xa.config).private_files()
    for path in plain:
        load = load_permit_key if path == files.signing_key else load_ed25519_key
        key = load(path, passphrase=passphrase)
        path.unlink()
        write_private_key(path, key)
    kid = kid_of(xa)
    told = {check["name"]: check for check in xa.json("doctor")["checks"]}
    assert told["keys"]["state"] == "WARN"
    assert "keys encrypt" in told["keys"]["advice"]
    assert xa.json("keys", "encrypt") == {"encrypted": [str(path) for path in plain], "files": 6}
    assert all(is_encrypted(path) for path in plain)
    assert kid_of(xa) == kid
    assert xa.json("keys", "encrypt")["encrypted"] == []
    with open_node(xa.config) as node:
        assert node.keys.signing.kid == kid


def test_a_node_of_the_first_release_gets_its_role(xa):
    """It had no manifest of its own; afterwards it has, and its register has the name that it had."""
    files = xa.config.key_files
    files.role.unlink()
    for path in files.role_keys.iterdir():
        path.unlink()
    lose_store(xa.config)
    xa.run("store", "migrate")
    assert "keys generate role" in xa.run("keys", "list", code=3).stderr
    assert xa.json("keys", "generate", "role")["threshold"] == 1
    assert "a role is made once" in xa.run("keys", "generate", "role", code=3).stderr
    assert len(list(files.role_keys.iterdir())) == 2
    assert kid_of(xa)
    with open_node(xa.config) as node:
        assert node.manifest.log.origin == "127.0.0.1:8080/sandbox/register/XA"


def test_an_expired_key_is_replaced_while_the_node_cannot_start(xa):
    """`serve` says which command; afterwards there is a key that may sign."""
    xa.clock.set(xa.clock() + 7301 * DAY)
    assert "keys rotate signing --first-use now" in xa.run("serve", code=3).stderr
    xa.run("keys", "rotate", "signing", "--first-use", "now")
    assert keys_of(xa, "signing")[0]["current"] is True


def test_without_a_passphrase_nothing_is_encrypted(xa, monkeypatch):
    """Exit 3; it says where one may stand."""
    files = xa.config.key_files
    key = load_ed25519_key(files.log_key, passphrase=xa.config.passphrase_file.read_bytes().strip())
    files.log_key.unlink()
    write_private_key(files.log_key, key)
    monkeypatch.setenv("EPIX_KEYS__PASSPHRASE_FILE", "")
    text = xa.config.path.read_text()
    xa.config.path.write_text(text.replace('passphrase_file = "keys/passphrase"', ""))
    assert "EPIX_KEY_PASSPHRASE" in xa.run("keys", "encrypt", code=3).stderr
    assert not is_encrypted(files.log_key)


def test_keys_of_production_must_be_encrypted(ch):
    """Exit 3, and the command that does it."""
    country, _ = ch
    files = country.config.key_files
    key = load_ed25519_key(files.log_key, passphrase=b"correct horse")
    files.log_key.unlink()
    write_private_key(files.log_key, key)
    assert "run `epix-node keys encrypt`" in country.run("serve", code=3).stderr
    country.run("keys", "encrypt")
    assert json.loads(country.run("keys", "list", "--json").stdout)
