"""Refreshing: what it costs, what it keeps when it fails half-way, and what hostile files can do to it: nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epix_node.errors import EpixError, MalformedDocumentError, PeerUnreachableError, TrustError
from epix_node.trust.chain import Wanted
from epix_node.trust.freshness import Freshness
from epix_node.trust.refresh import CLOCK_TOLERANCE, refresh, take_party
from epix_node.trust.signed_version import MAX_PARTY_FILE_BYTES
from epix_node.trust.succession import with_permit_key
from epix_node.trust.trust_list import TrustList, bootstrap
from tests.bench import trust_list as bench
from tests.trust.stage import NOON, Party, Stage, counted_signature_checks, permit_key, signed_json


@pytest.fixture
def begun(stage: Stage) -> Stage:
    """XA and XB are in the list, and the node has verified it."""
    stage.admit("XA", issues_for=("XA", "XD"))
    stage.admit("XB", number=3, threshold=2)
    assert not stage.refresh().problems
    return stage


def rotate(stage: Stage, code: str) -> Party:
    party = stage.parties[code]
    party.sign(with_permit_key(party.manifest, permit_key(code)), stage.now)
    return party


# What it costs


def test_a_refresh_that_finds_nothing_new_asks_two_questions_and_checks_no_partys_signature(begun):
    """The next root, and the timestamp (decision 12)."""
    begun.later(hours=1).publish()
    own = {key.keyid for party in begun.parties.values() for key in party.role.keys}
    with counted_signature_checks() as checks:
        refreshed = begun.refresh()
    assert refreshed.failure is None
    assert refreshed.changed == frozenset()
    assert begun.wire.asked == ["metadata/2.root.json", "metadata/timestamp.json"]
    assert not own & set(checks)


def test_a_rotation_costs_its_own_party_only(begun):
    """The snapshot, the role and the manifest; nothing of XB."""
    begun.publish(rotate(begun, "XA"))
    others = {key.keyid for key in begun.parties["XB"].role.keys}
    with counted_signature_checks() as checks:
        assert begun.refresh().changed == {"XA"}
    assert len(begun.wire.asked) == 5
    assert not any("XB" in path for path in begun.wire.asked)
    assert not others & set(checks)


def test_an_admission_costs_the_other_parties_nothing(begun):
    """New targets delegate to them under the same keys; what was verified under those stays verified."""
    begun.admit("XC")
    own = {key.keyid for code in ("XA", "XB") for key in begun.parties[code].role.keys}
    with counted_signature_checks() as checks:
        assert begun.refresh().changed == {"XC"}
    assert not own & set(checks)
    assert not any("XA" in path or "XB" in path for path in begun.wire.asked)


def test_the_measurement_measures(no_sync):
    """Counts are exact at any size; times are the benchmark's (`python -m tests.bench.trust_list`)."""
    costs = bench.measure(30, repetitions=1)
    assert (costs.warm.requests, costs.warm.party_requests, costs.warm.party_checks) == (2, 0, 0)
    assert (costs.rotated.requests, costs.rotated.party_requests) == (5, 2)
    assert costs.cold.party_requests == 60


# What is kept


def test_nothing_verified_is_lost_wherever_the_line_goes_dead(begun):
    """After n files, for every n; and the next refresh brings the rest."""
    begun.later(hours=2)
    begun.publish(rotate(begun, "XA"), rotate(begun, "XB"))
    begun.secretariat.rotate(["root"], begun.now)
    before = begun.node
    whole = begun.refresh()
    assert whole.failure is None
    needed = len(begun.wire.asked)
    assert needed == 8  # two roots, timestamp, snapshot, two roles, two manifests
    for files in range(needed):
        begun.node = before
        begun.wire.cut_after = files
        broken = begun.refresh()
        assert isinstance(broken.failure, PeerUnreachableError)
        assert all(begun.node.versions[party] >= version for party, version in before.versions.items())
        # What came through was verified and is kept, against rollback: the root, the timestamp, the snapshot.
        kept = (len(begun.node.roots) == 2, *(_version(held) for held in (begun.node.timestamp, begun.node.snapshot)))
        assert kept == (files >= 1, 3 + 2 * (files >= 3), 3 + 2 * (files >= 4)), files
        begun.wire.cut_after = None
        assert begun.refresh().failure is None
        assert begun.node.versions == {"XA": 2, "XB": 2}
        assert begun.node.behind == {}


def test_who_was_fetched_before_the_line_went_dead_is_taken(begun):
    """XA's two files came through, XB's did not: it is behind, and FRESH until what is held was last current."""
    begun.publish(rotate(begun, "XA"), rotate(begun, "XB"))

    def fetch(wanted: Sequence[Wanted]) -> Iterable[bytes | None]:
        for one in wanted:
            if "parties/XB" in one.path:
                raise PeerUnreachableError("the line is dead", party="XZ")
            yield from begun.secretariat.files.fetch([one])

    refreshed = refresh(begun.node, fetch, begun.now)
    assert refreshed.trust_list.versions == {"XA": 2, "XB": 1}
    assert refreshed.problems.keys() == {"XB"}
    assert refreshed.trust_list.behind == {"XB": begun.node.expires}
    assert refreshed.trust_list.party_freshness("XB", begun.now) is Freshness.FRESH


def test_a_list_comes_back_from_its_bytes(begun):
    """Equal, down to the parsed manifests; and equal lists give equal bytes."""
    data = begun.node.to_bytes()
    again = TrustList.from_bytes(data)
    assert again == begun.node
    assert again.to_bytes() == data
    assert again.manifests["XA"].issues_for == ("XA", "XD")


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"spec":"epix-trust-list/2"}', b'{"spec":"epix-trust-list/1"}'])
def test_other_bytes_are_no_stored_list(data):
    with pytest.raises(MalformedDocumentError):
        TrustList.from_bytes(data)


def test_a_list_before_its_first_refresh_knows_nobody(stage):
    """And says so: EXPIRED, which is INDETERMINATE, not invalid."""
    assert stage.node.freshness(stage.now) is Freshness.EXPIRED
    assert stage.node.party_freshness("XA", stage.now) is Freshness.EXPIRED
    assert stage.node.manifests == {}
    assert stage.node.issuers.parties == {}
    with pytest.raises(TrustError, match="never refreshed"):
        stage.take(stage.party("XA"))


def test_a_list_of_another_environment_is_refused(stage):
    """Even if somebody pinned a root that served two."""
    node = replace(bootstrap(stage.first_root, "sandbox"), environment="uat")
    refreshed = refresh(node, stage.wire.fetch, stage.now)
    assert isinstance(refreshed.failure, TrustError)
    assert "sandbox" in str(refreshed.failure)
    assert refreshed.trust_list.expires is None


def test_the_root_of_another_environment_is_not_pinned(stage):
    """A root says whose it is, and so do the roots that follow it."""
    for root in (stage.first_root, stage.secretariat.rotate(["root"], stage.now) and stage.secretariat.root()):
        with pytest.raises(TrustError, match="root of 'sandbox', expected that of uat"):
            bootstrap(root, "uat")


def test_a_root_that_its_own_keys_did_not_sign_is_not_pinned(stage):
    value = json.loads(stage.first_root)
    value["signed"]["version"] = 2
    with pytest.raises(TrustError):
        bootstrap(json.dumps(value).encode(), "sandbox")


# The clock


def test_the_clock_is_never_taken_to_be_before_what_was_signed(begun):
    """C.1: a persisted floor. A machine that wakes in 1970 does not find an expired list fresh again."""
    assert begun.node.clock_floor == NOON
    begun.later(days=30).publish()
    begun.refresh()
    begun.now = NOON
    assert begun.node.time(begun.now) == NOON + timedelta(days=30)
    begun.wire.files["metadata/timestamp.json"] = None
    assert begun.refresh().failure is not None
    assert begun.node.clock_floor == NOON + timedelta(days=30)


def test_a_signed_time_ahead_of_the_clock_moves_the_floor_by_five_minutes_at_most(begun):
    """A thief of the online keys cannot push all clocks to the end of the century."""
    begun.later(hours=2).publish()
    begun.forge("timestamp", lambda signed: signed.update({"epix-issued": "2099-01-01T00:00:00Z"}))
    assert begun.refresh().failure is None
    assert begun.node.clock_floor == begun.now + CLOCK_TOLERANCE


# What a Party's own node serves


def test_the_same_version_again_changes_nothing(begun):
    """Nor does it cost a signature check."""
    with counted_signature_checks() as checks:
        taken = begun.take(begun.parties["XA"])
    assert taken.trust_list is begun.node
    assert taken.changed == frozenset()
    assert not checks


def test_a_version_above_the_snapshots_ends_being_behind(begun):
    """What the repository withholds, the Party's own node gives."""
    party = rotate(begun, "XA")
    begun.publish(party)
    begun.wire.files[begun.path("party-XA")] = None
    begun.refresh()
    assert set(begun.node.behind) == {"XA"}
    assert begun.take(party).changed == {"XA"}
    assert begun.node.behind == {}


def test_a_version_below_the_snapshots_is_taken_and_said_to_be_behind(stage):
    """A new node has only what the Party's own node gives, which was restored from a backup: it is STALE at once."""
    party = stage.admit("XA")
    first = party.version
    stage.publish(rotate(stage, "XA"))
    stage.wire.files[stage.path("party-XA")] = None
    assert stage.refresh().problems.keys() == {"XA"}
    stage.take(party, first)
    assert stage.node.versions == {"XA": 1}
    assert stage.node.freshness(stage.now) is Freshness.FRESH
    assert stage.node.party_freshness("XA", stage.now) is Freshness.STALE


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"null",
        b"{}",
        b'{"spec":"epix-party/1","role":"","manifest":""}',
        b'{"spec":"epix-party/1","role":"AA=","manifest":""}',
        b'{"spec":"epix-party/1","role":"\xc3\xa9","manifest":""}',
        b"[" * 100_000,
        b" " * (MAX_PARTY_FILE_BYTES + 1),
    ],
)
def test_what_is_no_party_file_is_refused(begun, file):
    with pytest.raises(MalformedDocumentError):
        take_party(begun.node, "XA", file, begun.now)


# Hostile files

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"<html>",
    "not UTF-8": b"\xff\xfe{}",
    "null": b"null",
    "a list": b"[]",
    "no members": b"{}",
    "nested 100,000 deep": b"[" * 100_000,
    "objects nested 100,000 deep": b'{"signed":' * 100_000,
    "longer than any limit": b'{"a":"' + b"x" * 5_100_000 + b'"}',
    "signed nothing": b'{"signatures":[],"signed":{}}',
    "signatures of another type": b'{"signatures":{},"signed":{"_type":"targets"}}',
    "NaN": b'{"signatures":[],"signed":{"_type":"timestamp","version":NaN}}',
}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member in this JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, member in inner for place in places(member, (*path, key)))]


def changed(value: Any, path: Sequence[Any], to: Any) -> Any:
    copy = deepcopy(value)
    if not path:
        return to
    inner = copy
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return copy


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A node that has verified a list which has moved on since."""
    stage = Stage(tmp_path_factory.mktemp("busy"))
    stage.admit("XA", issues_for=("XA", "XD"))
    stage.admit("XB")
    stage.refresh()
    stage.later(hours=2)
    stage.secretariat.remove("XB", stage.now)
    stage.publish(rotate(stage, "XA"))
    return stage


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets", "party-XA", "manifest", "issuers"])
def test_a_hostile_file_is_refused_and_nothing_is_lost(busy, name, role):
    """With one of our errors, whichever file it is."""
    if role == "root":
        paths = ["metadata/2.root.json"]
    elif role in {"manifest", "issuers"}:
        paths = [path for path in busy.copy() if path.endswith(f".{role}.json")]
    else:
        paths = [busy.path(role)]
    busy.wire.files = dict.fromkeys(paths, BODIES[name])
    refreshed = refresh(busy.node, busy.wire.fetch, busy.now)
    error = refreshed.failure or refreshed.problems["XA"]
    assert isinstance(error, TrustError | MalformedDocumentError)
    if name == "longer than any limit":  # and a target is not even of the digest that its role lists
        assert error.code == ("DIGEST_MISMATCH" if role in {"manifest", "issuers"} else "TOO_LARGE")
    assert refreshed.trust_list.parties["XA"] == busy.node.parties["XA"]


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_keys_of_a_role_sign_no_other_exception_comes_out(busy, data):
    """A thief of all keys can sign wrong types anywhere; versions of Parties do not go down either."""
    role = data.draw(st.sampled_from(["timestamp", "snapshot", "targets", "party-XA", "root"]))
    secretariat = busy.secretariat
    path = "metadata/1.root.json" if role == "root" else busy.path(role)
    signed = json.loads(secretariat.files.require(path))["signed"]
    if role == "root":
        signed["version"], path = 2, "metadata/2.root.json"
    hostile = changed(signed, data.draw(st.sampled_from(places(signed))), data.draw(json_values))
    party = busy.parties["XA"]
    if role == "party-XA":
        file = signed_json(hostile, party.keys, party.role.keys)
    else:
        root = json.loads(busy.first_root)["signed"]
        from tuf.api.metadata import Root

        keys = Root.from_dict(root).keys
        file = signed_json(hostile, secretariat.keys, keys.values())
    busy.wire.files = {path: file}
    result = refresh(busy.node, busy.wire.fetch, busy.now)
    if role != "root":  # new online keys end what the old ones said about versions (TUF 5.3.11)
        assert all(result.trust_list.floors[party] >= floor for party, floor in busy.node.floors.items())
    assert TrustList.from_bytes(result.trust_list.to_bytes()) == result.trust_list
    busy.wire.files = {}
    assert refresh(result.trust_list, busy.wire.fetch, busy.now).trust_list.freshness(busy.now)
    if role == "party-XA":
        with contextlib.suppress(EpixError):
            take_party(busy.node, "XA", replace(party.version, role=file).party_file(), busy.now)


# Versions never go down


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, list[dict[str, bytes]], list[tuple[str, bytes]]]:
    """The repository as it was after each of many acts, and all that the Parties' own nodes ever served."""
    stage = Stage(tmp_path_factory.mktemp("history"))
    copies: list[dict[str, bytes]] = []
    served: list[tuple[str, bytes]] = []
    acts: list[Callable[[], object]] = [
        lambda: stage.admit("XA"),
        lambda: stage.admit("XB"),
        lambda: stage.publish(rotate(stage, "XA")),
        lambda: rotate(stage, "XA"),
        lambda: stage.publish(rotate(stage, "XB")),
        lambda: stage.secretariat.remove("XA", stage.now),
        lambda: stage.secretariat.admit(rotate(stage, "XA").request(), stage.now),
        lambda: stage.later(hours=2).publish(rotate(stage, "XA")),
        lambda: rotate(stage, "XB"),
        lambda: stage.publish(stage.parties["XB"]),
    ]
    for act in acts:
        act()
        copies.append(stage.copy())
        served += [(party.code, party.version.party_file()) for party in stage.parties.values()]
    return stage, copies, served


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_versions_never_go_down_whatever_is_served_in_whatever_order(history, data):
    """Old repositories whole, files of several mixed, and old or new versions from the Parties' own nodes."""
    stage, copies, served = history
    node = bootstrap(stage.first_root, "sandbox")
    for _ in range(data.draw(st.integers(2, 6), label="steps")):
        before = node
        if data.draw(st.booleans(), label="own node") and served:
            party, file = data.draw(st.sampled_from(served))
            with contextlib.suppress(EpixError):
                node = take_party(node, party, file, stage.now).trust_list
        else:
            files = dict(data.draw(st.sampled_from(copies)))
            other = data.draw(st.sampled_from(copies))
            for path in data.draw(st.lists(st.sampled_from(sorted(files)), max_size=3), label="mixed"):
                files[path] = other.get(path, files[path])
            node = refresh(node, lambda wanted, f=files: (f.get(one.path) for one in wanted), stage.now).trust_list
        assert all(node.floors.get(party, 0) >= floor for party, floor in before.floors.items())
        assert all(node.versions[p] >= v for p, v in before.versions.items() if p in node.versions)
        for role in ("timestamp", "snapshot", "targets"):
            assert _version(getattr(node, role)) >= _version(getattr(before, role))


def _version(data: bytes | None) -> int:
    return json.loads(data)["signed"]["version"] if data is not None else 0
