"""`federation create`, `admit`, `remove`, `publish`, `renew`, `rotate`, `show`: the Secretariat, without any node."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from epix_node.trust.manifest import Manifest, parse_manifest
from epix_node.trust.party_role import PartyRole, sign_version
from epix_node.trust.refresh import refresh
from epix_node.trust.repository_files import RepositoryFiles
from epix_node.trust.request import Request
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.trust_list import TrustList, bootstrap
from tests.trust.stage import make_manifest

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass
class Party:
    """A Party with role keys, and what it signed last."""

    role: PartyRole
    keys: RoleKeys
    version: SignedVersion
    directory: Path

    @classmethod
    def new(cls, directory: Path, code: str, now: datetime, **members: Any) -> Party:
        keys = RoleKeys(directory=directory / f"{code}-keys")
        keys.make_directory()
        role = PartyRole.generate(code, keys, number=2, threshold=1)
        version = sign_version(role, make_manifest(code, **members), keys, now=now)
        return cls(role=role, keys=keys, version=version, directory=directory)

    @property
    def manifest(self) -> Manifest:
        return parse_manifest(self.version.manifest_file)

    def sign(self, now: datetime, **members: Any) -> Party:
        """The next version."""
        changed = self.manifest.model_copy(update=members)
        self.version = sign_version(self.role, changed, self.keys, now=now, previous=self.manifest)
        return self

    def request(self) -> Path:
        path = self.directory / f"{self.role.party}-request.json"
        path.write_bytes(Request.of(self.role, self.version).to_json())
        return path

    def party_file(self) -> Path:
        path = self.directory / f"{self.role.party}-party.json"
        path.write_bytes(self.version.party_file())
        return path


@dataclass
class Office:
    """The Secretariat's command line, under a clock that only the test moves."""

    directory: Path
    command: Callable[..., Any]
    now: datetime = BEGIN
    options: list[object] = field(default_factory=list)

    def run(self, name: str, *arguments: object, code: int = 0, stdin: str | None = None) -> Any:
        return self.command(
            "federation", name, *arguments, "--dir", self.directory, *self.options, code=code, stdin=stdin
        )

    def json(self, name: str, *arguments: object, code: int = 0) -> Any:
        return json.loads(self.run(name, *arguments, "--json", code=code).stdout)

    def party(self, code: str, **members: Any) -> Party:
        return Party.new(self.directory.parent, code, self.now, **members)

    def admit(self, code: str, **members: Any) -> Party:
        party = self.party(code, **members)
        self.run("admit", party.request())
        return party

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.directory.rglob("*") if path.is_file()}

    def seen(self, environment: str = "sandbox") -> TrustList:
        """What a node finds that pinned the first root."""
        files = RepositoryFiles(self.directory / "repository")
        found = refresh(bootstrap(files.require("metadata/1.root.json"), environment), files.fetch, self.now)
        assert found.failure is None
        return found.trust_list


@pytest.fixture
def office(tmp_path, epix_node, monkeypatch) -> Office:
    """A Secretariat that has nothing yet."""
    monkeypatch.setattr(os, "fsync", lambda _: None)  # no test cuts the power
    made = Office(directory=tmp_path / "secretariat", command=epix_node)
    monkeypatch.setattr("epix_node.clock.utc_now", lambda: made.now)
    return made


@pytest.fixture
def attended(monkeypatch) -> None:
    """Somebody sits at the terminal, and types what standard input has."""
    monkeypatch.setattr("epix_node.cli.secretariat_keys.is_attended", lambda: True)


# Founding


def test_a_trust_list_is_made_without_a_node(office):
    """Keys in two directories, a root to pin, and its fingerprint."""
    body = office.json("create")
    assert body["environment"] == "sandbox"
    assert [role["role"] for role in body["roles"]] == ["root", "targets", "snapshot", "timestamp"]
    root = Path(body["root"]).read_bytes()
    assert bootstrap(root, "sandbox").fingerprint() == body["fingerprints"]["root"].replace(" ", "")
    assert {path.name.split("-")[0] for path in (office.directory / "keys" / "offline").iterdir()} == {
        "root",
        "targets",
    }
    assert {path.name.split("-")[0] for path in (office.directory / "keys" / "online").iterdir()} == {
        "snapshot",
        "timestamp",
    }
    assert office.seen().parties == {}


def test_people_are_told_where_the_root_is_and_what_comes_next(office):
    said = office.run("create").stdout
    assert str(office.directory / "repository" / "metadata" / "1.root.json") in said
    assert "federation admit REQUEST" in said
    assert "90 days" in said


def test_a_trust_list_is_never_overwritten(office):
    office.run("create")
    before = office.files()
    assert "not overwritten" in office.run("create", code=1).stderr
    assert office.files() == before


def test_numbers_of_keys_are_given_in_pairs(office):
    """Half a wish would leave a threshold that nobody chose."""
    said = office.run("create", "--root-keys", 3, code=2).stderr
    assert "how many must sign" in said
    assert "can never sign" in office.run("create", "--targets-keys", 1, "--targets-threshold", 2, code=2).stderr
    assert not office.directory.exists()
    body = office.json("create", "--root-keys", 3, "--root-threshold", 2, "--targets-keys", 2, "--targets-threshold", 2)
    assert [(len(role["fingerprints"]), role["threshold"]) for role in body["roles"][:2]] == [(3, 2), (2, 2)]


def test_offline_keys_are_dealt_out_to_the_media_of_their_custodians(office, tmp_path):
    """No medium alone reaches the threshold."""
    media = [tmp_path / name for name in ("a", "b", "c")]
    for medium in media:
        medium.mkdir()
    given = [word for medium in media for word in ("--offline", medium)]
    office.run("create", "--root-keys", 3, "--root-threshold", 2, *given)
    assert [len(list(medium.glob("root-*"))) for medium in media] == [1, 1, 1]
    refused = office.run("rotate", "timestamp", "--offline", media[0], code=3).stderr
    assert "root needs 2 of its 3 keys to sign; 1 did" in refused
    office.run("rotate", "timestamp", "--offline", media[0], "--offline", media[2])
    assert office.run("renew", "--offline", tmp_path / "none", code=2).stderr


def test_where_there_is_no_trust_list_every_command_says_so(office):
    for name, *arguments in [("show",), ("publish",), ("renew",), ("remove", "XA"), ("rotate", "root")]:
        assert "no repository of a trust list" in office.run(name, *arguments, code=2).stderr


# Keys at rest


def test_outside_of_the_sandbox_keys_are_encrypted(office, tmp_path, monkeypatch):
    """From files or the environment, one passphrase for the online keys and one for the others."""
    assert "need a passphrase" in office.run("create", "--environment", "uat", code=3).stderr
    online, offline = tmp_path / "online.txt", tmp_path / "offline.txt"
    for path in (online, offline):
        path.write_text(f"correct horse {path.stem}\n")
        path.chmod(0o600)
    files = ["--passphrase-file", online, "--offline-passphrase-file", offline]
    said = office.run("create", "--environment", "uat", *files).stderr
    assert "into a safe" in said
    keys = [path.read_bytes() for path in (office.directory / "keys").rglob("*.pem")]
    assert len(keys) == 10
    assert all(b"ENCRYPTED" in key for key in keys)
    office.now += timedelta(hours=2)
    assert "--passphrase-file FILE or EPIX_KEY_PASSPHRASE" in office.run("publish", code=3).stderr
    assert "passphrase is wrong" in office.run("publish", "--passphrase-file", offline, code=3).stderr
    monkeypatch.setenv("EPIX_KEY_PASSPHRASE", "correct horse online")
    assert office.json("publish")["signed"] == ["timestamp"]
    assert "EPIX_OFFLINE_KEY_PASSPHRASE" in office.run("renew", "--within-days", 365, code=3).stderr
    monkeypatch.setenv("EPIX_OFFLINE_KEY_PASSPHRASE", "correct horse offline")
    assert office.json("renew", "--within-days", 365)["signed"] == ["root", "targets", "snapshot", "timestamp"]
    assert office.seen("uat").environment == "uat"


def test_a_key_that_lost_its_encryption_is_refused_outside_of_the_sandbox(office, monkeypatch):
    monkeypatch.setenv("EPIX_KEY_PASSPHRASE", "one")
    monkeypatch.setenv("EPIX_OFFLINE_KEY_PASSPHRASE", "two")
    office.run("create", "--environment", "prod")
    (path,) = (office.directory / "keys" / "online").glob("timestamp-*")
    from epix_node.trust.keys import load_ed25519_key, write_private_key

    key = load_ed25519_key(path, passphrase=b"one")
    path.unlink()
    write_private_key(path, key)
    office.now += timedelta(hours=2)
    assert "is not encrypted, as it must be in prod" in office.run("publish", code=3).stderr


def test_custodians_are_asked_once_for_each_medium_and_may_mistype(office, tmp_path, attended):
    """Two media and the online keys: three passphrases, each typed twice when it is new."""
    media = [tmp_path / name for name in ("a", "b")]
    for medium in media:
        medium.mkdir()
    office.options = ["--offline", media[0], "--offline", media[1]]
    numbers = ["--root-keys", 2, "--root-threshold", 2, "--targets-keys", 2, "--targets-threshold", 2]
    typed = "anna\nanna\nbert\nbert\nserver\nserver\n"
    said = office.run("create", "--environment", "uat", *numbers, stdin=typed).stderr
    assert said.count("a passphrase for the new keys in") == 3
    said = office.run("renew", "--within-days", 365, stdin="anna\nwrong\nbert\nserver\n").stderr
    assert said.count("try again") == 1
    assert office.run("renew", "--within-days", 365, stdin="no\nnever\nnot\n", code=3).stderr.count("try again") == 2


def test_new_keys_get_the_passphrase_that_their_directory_has(office, attended):
    """A timer that opens both online keys has one passphrase for them."""
    numbers = ["--root-keys", 1, "--root-threshold", 1, "--targets-keys", 1, "--targets-threshold", 1]
    office.run("create", "--environment", "uat", *numbers, stdin="safe\nsafe\nserver\nserver\n")
    said = office.run("rotate", "timestamp", "--yes", stdin="wrong\nserver\nsafe\n").stderr
    assert "try again" in said
    assert "for the new keys" not in said
    office.now += timedelta(days=5)
    assert "signed again: snapshot, timestamp" in office.run("publish", stdin="server\n").stdout


# Admitting


def test_an_admitted_party_is_shown_with_everything_that_is_vouched_for(office):
    """Codes, addresses, coverage, keys and all fingerprints."""
    office.run("create")
    party = office.party("XA", issues_for=("XA", "XD"))
    said = office.run("admit", party.request()).stdout
    assert "XA asks to be admitted to the trust list of sandbox" in said
    for fact in ("XA, XD", "http://xa.example/", "E, R, I, O from 2026-01-01 on within 24 h", "1 of 2 keys must sign"):
        assert fact in said
    assert all(text in said for text in Request.of(party.role, party.version).fingerprints().values())
    assert "XA is in the trust list with version 1, and speaks for XA, XD" in said
    assert office.seen().issuers.codes("XA") == {"XA", "XD"}


def test_the_secretariat_gives_the_codes(office):
    """The manifest may name fewer, never more (decision 6)."""
    office.run("create")
    body = office.json("admit", office.party("XA").request(), "--code", "xd")
    assert (body["new"], body["codes"]) == (True, ["XA", "XD"])
    asks = office.party("XB", issues_for=("XB", "XE"))
    assert "names XE" in office.run("admit", asks.request(), "--code", "XB", code=1).stderr
    taken = office.run("admit", office.party("XC", issues_for=("XC", "XD")).request(), code=1).stderr
    assert "XC cannot have XD: XA speaks for it" in taken
    assert "no code of two letters" in office.run("admit", asks.request(), "--code", "XBE", code=2).stderr


def test_a_request_that_is_none_is_refused(office, tmp_path):
    """Exit 2 for what is not understood, 1 for what is understood and not true."""
    office.run("create")
    path = tmp_path / "nonsense.json"
    path.write_text("[]")
    office.run("admit", path, code=2)
    assert "cannot be read" in office.run("admit", tmp_path / "none.json", code=2).stderr
    value = json.loads(office.party("XA").request().read_bytes())
    path.write_text(json.dumps({**value, "base": ["http://thief.example/"]}))
    office.run("admit", path, code=1)
    assert office.json("show")["parties"] == []


def test_the_same_file_twice_changes_no_party(office):
    office.run("create")
    party = office.admit("XA")
    assert office.json("admit", party.request())["new"] is False
    assert office.seen().versions == {"XA": 1}


def test_what_a_new_request_changes_is_told(office):
    """New role keys void the ones before: whoever lost them asks again."""
    office.run("create")
    party = office.admit("XA")
    keys = RoleKeys(directory=party.directory / "new-keys")
    keys.make_directory()
    role = PartyRole.generate("XA", keys, number=3, threshold=2)
    again = Party(
        role=role,
        keys=keys,
        version=sign_version(role, party.manifest, keys, now=office.now, previous=party.manifest),
        directory=party.directory,
    )
    said = office.run("admit", again.request(), "--code", "XD").stdout
    assert "XA is to be changed in the trust list" in said
    assert "changed: speaks for XA, XD; before: XA" in said
    assert "changed: the keys of its role" in said
    other = office.party("XA").sign(office.now).sign(office.now)
    assert "retired keys stay known" in office.run("admit", other.request(), code=1).stderr


def test_at_a_terminal_somebody_says_yes(office, attended):
    """No changes nothing; --yes does not ask."""
    office.run("create")
    request = office.party("XA").request()
    before = office.files()
    said = office.run("admit", request, stdin="n\n", code=1).stderr
    assert "Do all fingerprints agree with the note, and is XA to be admitted?" in said
    assert "nothing was changed" in said
    assert office.files() == before
    office.run("admit", request, stdin="y\n")
    office.run("remove", "XA", stdin="n\n", code=1)
    office.run("remove", "xa", "--yes")
    assert office.json("show")["parties"] == []


def test_what_would_be_refused_is_not_asked_about(office, attended):
    """Nobody compares twenty fingerprints for nothing."""
    office.run("create")
    request = office.party("XA", env="uat", base=("https://xa.example/",)).request()
    said = office.run("admit", request, code=1)
    assert "is for uat, the trust list for sandbox" in said.stderr
    assert "fingerprints" not in said.stdout


def test_a_removed_party_is_gone_and_may_come_back(office):
    office.run("create")
    party = office.admit("XA", issues_for=("XA", "XD"))
    body = office.json("remove", "XA")
    assert (body["removed"], body["codes"]) == (True, ["XA", "XD"])
    assert office.seen().parties == {}
    assert "XA was removed; it may come back with a version above 1" in office.run("show").stdout
    assert "not in the trust list" in office.run("remove", "XA", code=1).stderr
    office.run("admit", party.sign(office.now).request())
    assert office.seen().versions == {"XA": 2}


# Publishing


def test_publishing_signs_what_is_due_and_says_so(office):
    """And nothing where nothing is."""
    office.run("create")
    assert "nothing was due" in office.run("publish").stdout
    office.now += timedelta(hours=2)
    assert "signed again: timestamp" in office.run("publish").stdout
    office.now += timedelta(days=4)
    assert office.json("publish")["signed"] == ["snapshot", "timestamp"]


def test_newer_versions_are_taken_from_files(office):
    """A party.json, or a request: what came by mail."""
    office.run("create")
    xa, xb = office.admit("XA"), office.admit("XB")
    xa.sign(office.now), xb.sign(office.now)
    body = office.json("publish", "--offer", xa.party_file(), "--offer", xb.request())
    assert body["taken"] == {"XA": 2, "XB": 2}
    assert office.json("publish", "--offer", xa.party_file())["taken"] == {}
    stranger = office.party("XC")
    refused = office.json("publish", "--offer", stranger.party_file(), code=1)["refused"]
    assert refused["XC"]["code"] == "KEY_UNKNOWN"
    said = office.run("publish", "--offer", stranger.party_file(), code=1)
    assert "XC: its version was not taken: XC is not in the trust list" in said.stderr


@respx.mock
def test_newer_versions_are_fetched_from_the_nodes(office):
    """Who cannot be reached is told, exit 4, and everything else is done."""
    office.run("create")
    xa = office.admit("XA")
    office.admit("XB")
    xa.sign(office.now)
    respx.get("http://xa.example/tuf/party.json").respond(content=xa.version.party_file())
    respx.get("http://xb.example/tuf/party.json").mock(side_effect=httpx.ConnectError("down"))
    body = office.json("publish", "--fetch", code=4)
    assert body["taken"] == {"XA": 2}
    assert list(body["unreachable"]) == ["XB"]
    assert body["signed"] == ["snapshot", "timestamp"]
    assert "not reached: XB" in office.run("publish", "--fetch", code=4).stderr


def test_what_expires_is_told_in_time_and_renewed(office):
    """90 days before a Party's role, 30 before the Secretariat's own."""
    office.run("create")
    office.admit("XA")
    office.now += timedelta(days=61)
    warnings = office.json("publish")["warnings"]
    assert len(warnings) == 1
    assert "targets expires on 2026-05-31 (29 days left)" in warnings[0]
    assert office.json("renew")["signed"] == ["targets", "snapshot", "timestamp"]
    assert "nothing expires within 30 days" in office.run("renew").stdout
    office.now += timedelta(days=260)
    office.run("renew", "--within-days", 365)
    assert "the role of XA expires on" in office.run("publish").stderr
    office.now += timedelta(days=80)
    said = office.run("publish").stderr
    assert "the role of XA expired on" in said
    assert "targets expire" in said


# Rotating


def test_rotated_keys_are_made_and_the_void_ones_named(office):
    """Nodes that pinned the first root follow."""
    office.run("create")
    old = set((office.directory / "keys" / "online").iterdir())
    body = office.json("rotate", "snapshot", "timestamp", "snapshot")
    assert body["rotated"] == ["snapshot", "timestamp"]
    assert {Path(path) for path in body["void"]} == old
    for path in old:
        path.unlink()
    said = office.run("rotate", "root", "targets", "--keys", 3, "--threshold", 2).stdout
    assert said.count("2 of 3") == 2
    assert str(office.directory / "repository" / "metadata" / "3.root.json") in said
    office.admit("XA")
    assert office.seen().versions == {"XA": 1}


def test_holders_in_several_countries_change_the_root_without_meeting(office, tmp_path, epix_node, monkeypatch):
    """Each makes a key at home, signs the draft at home, and the Secretariat installs it (C.1)."""
    office.run("create")
    monkeypatch.setenv("EPIX_OFFLINE_KEY_PASSPHRASE", "each has another")
    holders = [tmp_path / name for name in ("peru", "kenya", "nepal")]
    keys = []
    for home in holders:
        home.mkdir()
        made = json.loads(epix_node("federation", "root", "key", "--offline", home, "--json").stdout)
        keys += ["--key", made["key"]]
    assert b"ENCRYPTED" in next(holders[0].iterdir()).read_bytes()
    draft = tmp_path / "draft.json"
    root = ["federation", "root"]
    there = ["--dir", office.directory]
    said = epix_node(*root, "draft", *there, "--out", draft, *keys, "--threshold", 2).stdout
    assert said.count("  new ") == 3
    assert "void" in said
    assert "lacks 1 signatures of the root keys before, and 2 of its own" in said
    assert "lacks 1" in epix_node(*root, "install", draft, *there, code=1).stderr
    epix_node(*root, "sign", draft, "--offline", office.directory / "keys" / "offline")
    epix_node(*root, "sign", draft, "--offline", holders[0])
    answer = json.loads(epix_node(*root, "sign", draft, "--offline", holders[2], "--json").stdout)
    assert answer["missing"] == {"before": 0, "own": 0}
    assert "root 2 is published" in epix_node(*root, "install", draft, *there).stdout
    office.admit("XA")
    assert office.seen().versions == {"XA": 1}
    assert "root needs 2 of its 3 keys" in office.run("rotate", "timestamp", code=3).stderr


def test_what_is_no_draft_of_a_root_is_refused(office, tmp_path, epix_node):
    office.run("create")
    draft = tmp_path / "draft.json"
    there = ["--dir", office.directory, "--out", draft]
    epix_node("federation", "root", "draft", *there, "--key", "ab", "--threshold", 1, code=2)
    epix_node("federation", "root", "draft", *there, "--key", "ab" * 32, code=2)
    epix_node("federation", "root", "draft", *there, "--key", "ab" * 32, "--threshold", 2, code=2)
    for content in (b"{}", b'{"spec":"epix-root-draft/1","held":"e30=","draft":"e30="}'):
        draft.write_bytes(content)
        epix_node("federation", "root", "install", draft, "--dir", office.directory, code=2)
    epix_node("federation", "root", "sign", draft, code=2)


def test_only_the_secretariats_own_roles_are_rotated(office):
    """A Party rotates its own."""
    office.run("create")
    office.run("rotate", "party-XA", code=2)


def test_the_list_is_shown_whole(office):
    """Roles, versions, expiries, Parties, codes; no key is opened."""
    office.run("create")
    office.admit("XA", issues_for=("XA", "XD"))
    for path in (office.directory / "keys").rglob("*.pem"):
        path.chmod(0o644)
    said = office.run("show").stdout
    assert "XA, XD" in said
    body = office.json("show")
    assert body["fingerprint"] in said
    assert [role["keys_here"] for role in body["roles"]] == [1, 1, 1, 1]
    assert body["parties"][0]["expires"] == "2027-04-06T08:00:00Z"
    assert body["parties"][0]["fingerprints"]["role key 1"]
