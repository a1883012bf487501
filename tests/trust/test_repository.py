"""The Secretariat's side: who is admitted and refused, what is signed when, and what a crash leaves."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from epix_node.clock import utc_now
from epix_node.errors import (
    ConfigError,
    ConflictError,
    EpixError,
    KeyMaterialError,
    MalformedDocumentError,
    NotFoundError,
    TrustError,
    UnacceptableError,
)
from epix_node.trust.keys import load_ed25519_key
from epix_node.trust.manifest import Manifest, TransportKeyEntry
from epix_node.trust.party_role import PartyRole
from epix_node.trust.refresh import refresh
from epix_node.trust.repository import ONLINE, USUAL, Repository
from epix_node.trust.repository_files import RepositoryFiles
from epix_node.trust.request import Request
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.root_draft import RootDraft, public_key
from epix_node.trust.trust_list import bootstrap
from tests.trust.stage import NOON, Stage, make_manifest


def seen(stage: Stage) -> Any:
    """What a new node finds."""
    return refresh(bootstrap(stage.first_root, "sandbox"), stage.secretariat.files.fetch, stage.now)


# Founding


def test_a_new_trust_list_is_whole_and_empty(stage):
    """Keys for nobody to read, a repository for all."""
    found = seen(stage)
    assert found.failure is None
    assert found.trust_list.parties == {}
    directory = stage.secretariat.keys.directory
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert len(list(directory.iterdir())) == 4
    files = list(stage.secretariat.files.directory.rglob("*.json"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o644}


def test_a_trust_list_is_never_overwritten(stage):
    with pytest.raises(ConflictError):
        stage.secretariat.create("sandbox", stage.now)


def test_outside_the_sandbox_three_of_five_and_two_of_three_must_sign(tmp_path, no_sync):
    """C.1, unless other numbers are given."""
    secretariat = Repository.at(tmp_path)
    root = json.loads(secretariat.create("uat", NOON))["signed"]
    assert {name: (len(role["keyids"]), role["threshold"]) for name, role in root["roles"].items()} == USUAL


def test_the_expiries_are_those_of_the_profile(stage):
    """Root 365 days, targets 90, a Party 400, snapshot 7, timestamp 24 hours (C.1, decision 6)."""
    stage.admit("XA")
    days = {
        role: (_signed(stage, role)["expires"], str((NOON + timedelta(days=life)).date()))
        for role, life in {"root": 365, "targets": 90, "party-XA": 400, "snapshot": 7, "timestamp": 1}.items()
    }
    assert all(expires.startswith(day) for expires, day in days.values()), days


def test_people_compare_the_root(stage):
    """The fingerprint of the pinned file is the one that the Secretariat prints."""
    printed = stage.secretariat.fingerprints()
    assert printed["root"].replace(" ", "") == stage.node.fingerprint()
    assert len(printed["root key 1"].split(" ")) == 16


def test_where_there_is_no_repository_it_says_so(tmp_path):
    with pytest.raises(ConfigError, match="no repository"):
        Repository.at(tmp_path).publish(NOON)
    with pytest.raises(ConfigError, match="no repository"):
        Repository.at(tmp_path).root()


# Admitting


def test_an_admitted_party_is_known_with_its_codes(stage):
    stage.admit("XA", issues_for=("XA", "XD"))
    found = seen(stage).trust_list
    assert found.versions == {"XA": 1}
    assert found.issuers.codes("XA") == {"XA", "XD"}


def test_the_secretariat_may_give_more_codes_than_the_manifest_names(stage):
    party = stage.party("XA")
    stage.secretariat.admit(party.request(), stage.now, codes=("XA", "XD"))
    assert seen(stage).trust_list.issuers.codes("XA") == {"XA", "XD"}


REFUSALS: dict[str, tuple[Callable[[Stage, Manifest], dict[str, Any]], type[EpixError]]] = {
    "a code of another Party": (lambda stage, xa: {"issues_for": ("XB", "XA")}, ConflictError),
    "another environment": (lambda stage, xa: {"env": "uat", "base": ("https://xb.example/",)}, TrustError),
    "another Party's register": (lambda stage, xa: {"log": xa.log}, ConflictError),
    "another Party's request key": (lambda stage, xa: {"transport_keys": xa.transport_keys}, ConflictError),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_who_claims_what_is_not_its_own_is_not_admitted(stage, name):
    """And nothing is written."""
    xa = stage.admit("XA").manifest
    members, error = REFUSALS[name]
    before = stage.copy()
    party = stage.party("XB", **members(stage, xa))
    with pytest.raises(error):
        stage.secretariat.admit(party.request(), stage.now)
    assert stage.copy() == before


def test_a_manifest_must_not_name_more_codes_than_are_given(stage):
    party = stage.party("XA", issues_for=("XA", "XD"))
    with pytest.raises(TrustError, match="XD"):
        stage.secretariat.admit(party.request(), stage.now, codes=("XA",))


def test_role_keys_are_nobody_elses(stage):
    """Neither another Party's, nor one of its node's, nor the Secretariat's (C.1)."""
    xa = stage.admit("XA")
    thief = stage.party("XB")
    role = PartyRole(party="XB", keys=xa.role.keys, threshold=1)
    thief.role, thief.keys = role, xa.keys
    thief.manifest = thief.manifest.model_copy(update={"seq": 0})
    thief.sign(thief.manifest, stage.now)
    with pytest.raises(ConflictError, match="party-XA"):
        stage.secretariat.admit(thief.request(), stage.now)


CHANGES: dict[str, tuple[Callable[[Any], object], type[EpixError]]] = {
    "another spec": (lambda value: value.update(spec="epix-request/2"), MalformedDocumentError),
    "no role": (lambda value: value.pop("role"), MalformedDocumentError),
    "no keys": (lambda value: value["role"].pop("keys"), MalformedDocumentError),
    "one key twice": (lambda value: value["role"].update(keys=value["role"]["keys"][:1] * 2), MalformedDocumentError),
    "3 of 2 keys": (lambda value: value["role"].update(threshold=3), MalformedDocumentError),
    "true keys": (lambda value: value["role"].update(threshold=True), MalformedDocumentError),
    "no base64": (lambda value: value["role"].update(metadata="AA"), MalformedDocumentError),
    "no metadata": (lambda value: value["role"].update(metadata=""), MalformedDocumentError),
    "no text": (lambda value: value["role"].update(metadata=7), MalformedDocumentError),
    "a member more": (lambda value: value["role"].update(extra=1), MalformedDocumentError),
    "no seq": (lambda value: value.pop("seq"), MalformedDocumentError),
    "another seq": (lambda value: value.update(seq=2), TrustError),
    "another code": (lambda value: value.update(issues_for=["XA", "XD"]), TrustError),
    "another key": (lambda value: value["role"].update(keys=["ab" * 32]), TrustError),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_request_that_was_changed_is_refused(stage, name):
    """By its form, or because the role's signature is over another manifest."""
    change, error = CHANGES[name]
    value = json.loads(stage.party("XA").request().to_json())
    change(value)
    with pytest.raises(error):
        Request.parse(json.dumps(value).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"[" * 100_000, b" " * 2_000_000])
def test_what_is_no_request_is_refused(data):
    with pytest.raises(MalformedDocumentError):
        Request.parse(data)


def test_a_request_with_a_key_for_two_purposes_is_refused(stage):
    """A role key that is also the node's request key would be on a machine that is always online."""
    party = stage.party("XA")
    (path,) = sorted(party.keys.directory.iterdir())[:1]
    entry = TransportKeyEntry.of(load_ed25519_key(path).public_key(), not_after=NOON)
    party.sign(party.manifest.model_copy(update={"transport_keys": (entry,)}), stage.now)
    with pytest.raises(TrustError, match="each is for one use"):
        party.request()


def test_a_request_shows_its_fingerprints(stage):
    """Role keys first, for the diplomatic note."""
    prints = stage.party("XA").request().fingerprints()
    assert list(prints)[:3] == ["role key 1", "role key 2", "manifest"]
    assert all(len(text.split(" ")) == 16 for text in prints.values())


# Removing and readmitting


def test_a_removed_party_is_gone_with_its_codes_and_stays_in_the_snapshot(stage):
    """TUF: what a snapshot has listed it lists for ever."""
    stage.admit("XA")
    stage.secretariat.remove("XA", stage.now)
    assert seen(stage).trust_list.parties == {}
    assert seen(stage).trust_list.issuers.parties == {}
    assert _signed(stage, "snapshot")["meta"]["party-XA.json"] == {"version": 1}
    with pytest.raises(NotFoundError):
        stage.secretariat.remove("XA", stage.now)


def test_a_party_is_not_readmitted_below_what_the_list_has_had(stage):
    party = stage.admit("XA")
    first = party.request()
    party.sign(party.manifest, stage.now)
    stage.publish(party)
    stage.secretariat.remove("XA", stage.now)
    with pytest.raises(UnacceptableError, match="has had 2"):
        stage.secretariat.admit(first, stage.now)
    stage.secretariat.admit(party.request(), stage.now)
    assert seen(stage).trust_list.versions == {"XA": 2}


# Publishing


def test_publishing_signs_what_is_due_and_nothing_else(stage):
    """The timestamp after an hour, the snapshot after half of its week (C.1)."""
    versions = [stage.publish().versions]
    for hours in (0, 1, 82, 1):
        stage.later(hours=hours, minutes=59 if hours == 0 else 1)
        versions.append(stage.publish().versions)
    assert [(v["snapshot"], v["timestamp"]) for v in versions] == [(1, 1), (1, 1), (1, 2), (2, 3), (2, 4)]
    assert {v["targets"] for v in versions} == {1}


def test_publishing_takes_newer_versions_in_and_says_why_not_others(stage):
    """Nothing of the Secretariat's offline keys is needed."""
    xa, xb = stage.admit("XA"), stage.admit("XB")
    for path in stage.secretariat.keys.directory.glob("[rt][oa][or][tg]*"):
        path.unlink()  # root and targets
    xa.sign(xa.manifest, stage.now)
    offers = {"XA": xa.version.party_file(), "XB": b"nonsense", "XC": xb.version.party_file()}
    published = stage.secretariat.publish(stage.now, offers=offers)
    assert published.taken == {"XA"}
    assert published.parties == {"XA": 2, "XB": 1}
    assert {party: type(error) for party, error in published.refused.items()} == {
        "XB": MalformedDocumentError,
        "XC": TrustError,
    }
    assert stage.publish(xa).taken == frozenset()


def test_the_offline_keys_are_asked_for_by_name(stage):
    """Whoever holds the ceremony reads which role lacks how many keys."""
    stage.admit("XA")
    for path in stage.secretariat.keys.directory.glob("targets-*"):
        path.unlink()
    with pytest.raises(KeyMaterialError, match="targets needs 1 of its 1 keys"):
        stage.secretariat.remove("XA", stage.now)


def test_keys_may_lie_on_several_media(stage, tmp_path):
    """Out of several safes, put in together for the ceremony."""
    medium = tmp_path / "medium"
    medium.mkdir(mode=0o700)
    for path in stage.secretariat.keys.directory.glob("root-*"):
        path.rename(medium / path.name)
    with pytest.raises(KeyMaterialError):
        stage.secretariat.rotate(["root"], stage.now)
    keys = RoleKeys(directory=stage.secretariat.keys.directory, also=(medium,))
    Repository(files=stage.secretariat.files, keys=keys).rotate(["root"], stage.now)
    assert seen(stage).failure is None


def test_a_key_file_with_another_key_is_refused(stage):
    online = stage.secretariat.keys.directory
    (snapshot,), (timestamp,) = online.glob("snapshot-*"), online.glob("timestamp-*")
    data = snapshot.read_bytes()
    timestamp.write_bytes(data)
    with pytest.raises(KeyMaterialError, match="another key"):
        stage.later(hours=2).publish()


# Ceremonies


def test_root_keys_in_five_countries_sign_in_turn(stage, tmp_path):
    """From the Secretariat's first key to 3 of 5, and on to other five: each holder signs the file that travels."""
    stage.admit("XA")
    stage.refresh()
    holders = [RoleKeys(directory=tmp_path / f"holder-{number}") for number in range(5)]
    for holder in holders:
        holder.make_directory()
    public = [holder.generate("root", 1)[0] for holder in holders]
    assert public_key(public[0].keyval["public"]) == public[0]
    draft = RootDraft.of(stage.secretariat.root(), {"root": (public, 3)}, stage.now)
    assert draft.missing == (1, 3)
    fingerprint = draft.fingerprint
    for holder in (stage.secretariat.keys, *holders[:2]):
        draft = draft.signed(holder)
    assert draft.missing == (0, 1)
    with pytest.raises(TrustError, match="lacks 0 signatures of the keys before and 1 of its own"):
        stage.secretariat.install_root(draft, stage.now)
    draft = draft.signed(holders[4])
    assert draft.fingerprint == fingerprint
    assert stage.secretariat.install_root(draft, stage.now).versions["root"] == 2
    assert stage.refresh().failure is None
    with pytest.raises(KeyMaterialError, match="root needs 3 of its 5 keys"):
        stage.secretariat.rotate(["root"], stage.now)

    # Online keys are rotated by three holders who never met; nodes forget what the old ones said.
    online = {role: (stage.secretariat.keys.generate(role, 1), 1) for role in ONLINE}
    draft = RootDraft.of(stage.secretariat.root(), online, stage.now)
    for holder in holders[1:4]:
        draft = draft.signed(holder)
    stage.secretariat.install_root(draft, stage.now)
    assert stage.refresh().failure is None
    assert len(stage.node.roots) == 3
    assert bootstrap(stage.secretariat.root(), "sandbox").fingerprint() == (
        stage.secretariat.fingerprints()["root"].replace(" ", "")
    )


def test_a_draft_that_is_not_the_next_root_is_not_installed(stage):
    """Another one was installed while its signatures were gathered, or it took a year."""
    draft = RootDraft.of(stage.secretariat.root(), {}, stage.now).signed(stage.secretariat.keys)
    with pytest.raises(UnacceptableError, match="expired"):
        stage.secretariat.install_root(draft, stage.now + timedelta(days=366))
    stage.secretariat.install_root(draft, stage.now)
    with pytest.raises(TrustError, match="expected 3"):
        stage.secretariat.install_root(draft, stage.now)


def test_who_has_no_root_key_cannot_sign_a_draft(stage, tmp_path):
    draft = RootDraft.of(stage.secretariat.root(), {}, stage.now)
    with pytest.raises(KeyMaterialError, match="no root key"):
        draft.signed(RoleKeys(directory=tmp_path))
    with pytest.raises(MalformedDocumentError):
        RootDraft(held=draft.held, draft=b"{}").signed(stage.secretariat.keys)


def test_a_draft_with_new_targets_keys_has_the_targets_signed_again(stage):
    stage.admit("XA")
    keys = stage.secretariat.keys.generate("targets", 3)
    draft = RootDraft.of(stage.secretariat.root(), {"targets": (keys, 2)}, stage.now).signed(stage.secretariat.keys)
    assert stage.secretariat.install_root(draft, stage.now).versions["targets"] == 3
    assert seen(stage).trust_list.versions == {"XA": 1}


# Renewing


def test_renewing_signs_what_expires_within_a_month(stage):
    """Root and targets; before that nothing is done, and publishing tells of it."""
    assert stage.later(days=59).secretariat.renew(stage.now).versions["targets"] == 1
    assert stage.publish().expiring == {}
    assert set(stage.later(days=1).publish().expiring) == {"targets"}
    assert stage.secretariat.renew(stage.now).versions == {"root": 1, "targets": 2, "snapshot": 3, "timestamp": 4}
    assert stage.publish().expiring == {}
    assert stage.later(days=300).secretariat.renew(stage.now).versions["root"] == 2
    assert seen(stage).failure is None


def test_a_party_that_forgets_to_renew_is_told_of(stage):
    """90 days before its role expires (decision 6)."""
    stage.admit("XA")
    assert "party-XA" not in stage.later(days=309).publish().expiring
    assert "party-XA" in stage.later(days=1).publish().expiring


def test_targets_that_a_rotation_left_behind_are_signed_again(stage, monkeypatch):
    """A crash between the new root and the new targets."""
    with crashing(monkeypatch, after=1), pytest.raises(ConfigError):
        stage.secretariat.rotate(["targets"], stage.now)
    stage.publish()
    assert seen(stage).failure is not None
    stage.secretariat.renew(stage.now)
    assert seen(stage).failure is None


# Crashes


@contextmanager
def crashing(monkeypatch: pytest.MonkeyPatch, *, after: int) -> Any:
    """The disk is full after so many files."""
    written = 0
    genuine = Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal written
        if written == after:
            raise OSError(28, "No space left on device")
        written += 1
        return genuine(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        yield


ACTS: dict[str, Callable[[Stage], object]] = {
    "admit": lambda stage: stage.secretariat.admit(stage.parties["XB"].request(), stage.now),
    "remove": lambda stage: stage.secretariat.remove("XA", stage.now),
    "publish": lambda stage: stage.publish(stage.parties["XA"]),
    "rotate online keys": lambda stage: stage.secretariat.rotate(ONLINE, stage.now),
    "renew": lambda stage: stage.secretariat.renew(stage.now, within=timedelta(days=400)),
}


@pytest.mark.parametrize("name", ACTS)
def test_a_crash_leaves_the_state_before_or_after_and_the_act_can_be_repeated(stage, name, monkeypatch):
    """At each file that is written; a root without its timestamp only makes nodes wait."""
    stage.admit("XA")
    stage.party("XB")
    stage.refresh()
    stage.later(minutes=5)
    stage.parties["XA"].sign(stage.parties["XA"].manifest, stage.now)
    before = stage.refresh().trust_list
    after = 0
    while True:
        try:
            with crashing(monkeypatch, after=after):
                ACTS[name](stage)
            break
        except ConfigError:
            left = stage.refresh()
            assert left.trust_list.versions == before.versions
            assert not left.problems
            assert not list(stage.secretariat.files.directory.rglob(".*.json.*"))
            after += 1
    assert after >= 3
    assert stage.refresh().failure is None
    if name not in {"rotate online keys", "renew"}:
        assert stage.node.versions != before.versions


def test_a_founding_that_crashed_can_be_repeated(tmp_path, no_sync, monkeypatch):
    secretariat = Repository.at(tmp_path)
    for after in range(5):
        with crashing(monkeypatch, after=after), pytest.raises(ConfigError):
            secretariat.create("sandbox", NOON)
    node = bootstrap(secretariat.create("sandbox", NOON), "sandbox")
    assert refresh(node, secretariat.files.fetch, NOON).failure is None


def test_a_repository_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "repository").write_text("a file")
    with pytest.raises(ConfigError, match="cannot be written"), RepositoryFiles(tmp_path / "repository").locked():
        pass


# Another client


class _FromDisk(FetcherInterface):
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _fetch(self, url: str) -> Any:
        try:
            yield (self._directory / url.removeprefix("https://hub/")).read_bytes()
        except FileNotFoundError as error:
            raise DownloadHTTPError("not found", 404) from error


def test_python_tufs_own_client_finds_the_same_manifests(tmp_path, no_sync):
    """The repository is plain TUF: nothing of ours is needed to verify it."""
    (tmp_path / "stage").mkdir()
    stage = Stage(tmp_path / "stage", now=utc_now())  # that client reads the machine's clock
    for code in ("XA", "XB"):
        stage.admit(code)
    stage.parties["XA"].sign(stage.parties["XA"].manifest, stage.now)
    stage.publish(stage.parties["XA"])
    stage.secretariat.rotate(["root", *ONLINE], stage.now)
    for name in ("metadata", "targets"):
        (tmp_path / name).mkdir()
    updater = Updater(
        str(tmp_path / "metadata"),
        "https://hub/metadata/",
        str(tmp_path / "targets"),
        "https://hub/targets/",
        fetcher=_FromDisk(stage.secretariat.files.directory),
        bootstrap=stage.first_root,
    )
    for code, party in stage.parties.items():
        target = updater.get_targetinfo(f"parties/{code}/manifest.json")
        assert target is not None
        assert Path(updater.download_target(target)).read_bytes() == party.version.manifest_file
    assert updater.get_targetinfo("parties/XC/manifest.json") is None


def _signed(stage: Stage, role: str) -> Any:
    return json.loads(stage.secretariat.files.require(stage.path(role)))["signed"]


def test_a_manifest_without_a_number_cannot_be_signed_twice_alike(stage):
    """Each signature is of a new version, even over the same manifest."""
    party = stage.admit("XA")
    first = party.version
    assert party.sign(party.manifest, stage.now) != first
    assert (party.manifest.seq, party.version.number) == (2, 2)
    assert make_manifest("XA").seq is None
