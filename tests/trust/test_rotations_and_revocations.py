"""Who is believed after keys came, went, were stolen or were lost: one row for each story.

In the manner of python-tuf's `test_updater_key_rotations.py`: a row says what happens, and what the node holds after
its next refresh. Every stage begins alike: XA (1 of 2 role keys, speaks for XA and XD) and XB (2 of 3) are in the list
with version 1, and the node has verified it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from tuf.api.metadata import Metadata

from epix_node.errors import EpixError
from epix_node.trust.freshness import Freshness
from epix_node.trust.party_role import PartyRole, sign_version
from epix_node.trust.repository import ONLINE
from epix_node.trust.repository_state import RepositoryState
from epix_node.trust.role_keys import RoleKeys
from epix_node.trust.role_metadata import metadata_file
from epix_node.trust.succession import with_permit_key
from tests.trust.stage import BEGIN, NOON, Party, Stage, permit_key

FRESH, STALE, EXPIRED = Freshness.FRESH, Freshness.STALE, Freshness.EXPIRED
Act = Callable[[Stage], object]
FAR = 2**31


@dataclass(frozen=True, kw_only=True)
class Row:
    """What happens, and then: versions held, problems by Party, failure, and freshness; XA's and XB's where not so."""

    story: str
    act: Act
    versions: Mapping[str, int] = field(default_factory=lambda: {"XA": 1, "XB": 1})
    problems: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None
    freshness: Freshness = FRESH
    parties: Mapping[str, Freshness] = field(default_factory=dict)
    numbers: dict[str, tuple[int, int]] | None = None


# What Parties do


def rotates(code: str) -> Act:
    """The Party announces a new permit key."""

    def act(stage: Stage) -> None:
        party = stage.parties[code]
        party.sign(with_permit_key(party.manifest, permit_key(code)), stage.now)

    return act


def signs_with(code: str, *numbers: int) -> Act:
    """The Party signs its next version with these of its keys only."""

    def act(stage: Stage) -> None:
        party = stage.parties[code]
        keys = replace(party.role, keys=tuple(party.role.keys[n] for n in numbers), threshold=1)
        party.become(sign_version(keys, party.manifest, party.keys, now=stage.now, previous=party.manifest))

    return act


def tampers(code: str, **members: Any) -> Act:
    """The Party signs a next manifest with these members."""

    def act(stage: Stage) -> None:
        party = stage.parties[code]
        party.sign(party.manifest.model_copy(update=members), stage.now)

    return act


def forgets_keys(code: str) -> Act:
    """The Party signs a manifest with a new permit key in place of the old one; its tools would refuse to."""

    def act(stage: Stage) -> None:
        party = stage.parties[code]
        manifest = party.manifest.model_copy(update={"permit_keys": (permit_key(code),)})
        party.become(sign_version(party.role, manifest, party.keys, now=stage.now, above=1))

    return act


def revokes(code: str, since: datetime | None) -> Act:
    """The Party signs a manifest in which its permit key is revoked since then, whatever was said before."""

    def act(stage: Stage) -> None:
        party = stage.parties[code]
        (entry,) = party.manifest.permit_keys
        revoked = entry.model_copy(update={"status": "revoked", "invalid_since": since})
        manifest = party.manifest.model_copy(update={"permit_keys": (revoked,)})
        party.become(sign_version(party.role, manifest, party.keys, now=stage.now, above=party.version.number))

    return act


def publishes(*codes: str) -> Act:
    """The Secretariat takes in what these Parties offer."""
    return lambda stage: stage.publish(*(stage.parties[code] for code in codes))


def lists(code: str) -> Act:
    """The Secretariat's repository lists the Party's version, whatever it is: it was careless, or is hostile."""

    def act(stage: Stage) -> None:
        state = RepositoryState.load(stage.secretariat.files, stage.secretariat.keys)
        state.list_version(code, stage.parties[code].version)
        state.sign_online(stage.now)
        state.write()

    return act


def serves(code: str) -> Act:
    """The node asks the Party's own node."""
    return lambda stage: stage.take(stage.parties[code])


def refuses(code: str, refusal: str) -> Act:
    """The node asks the Party's own node and refuses what it gets."""

    def act(stage: Stage) -> None:
        with pytest.raises(EpixError) as caught:
            stage.take(stage.parties[code])
        assert caught.value.code == refusal, caught.value

    return act


def gets_new_role_keys(code: str, *, above: int = 0) -> Act:
    """The Party lost its role keys; the Secretariat names new ones."""

    def act(stage: Stage) -> None:
        party = stage.parties[code]
        keys = RoleKeys(directory=stage.directory / f"{code}-new")
        keys.make_directory()
        role = PartyRole.generate(code, keys, number=len(party.role.keys), threshold=party.role.threshold)
        version = sign_version(role, party.manifest, keys, now=stage.now, previous=party.manifest, above=above)
        stage.parties[code] = Party(role=role, keys=keys, version=version, manifest=party.manifest)
        stage.parties[code].become(version)
        stage.secretariat.admit(stage.parties[code].request(), stage.now)

    return act


# What the Secretariat and time do


def removes(code: str) -> Act:
    return lambda stage: stage.secretariat.remove(code, stage.now)


def readmits(code: str) -> Act:
    return lambda stage: stage.secretariat.admit(stage.parties[code].request(), stage.now)


def rotates_roles(*roles: str) -> Act:
    return lambda stage: stage.secretariat.rotate(roles, stage.now)


def passes(**time: int) -> Act:
    return lambda stage: stage.later(**time)


def renews(stage: Stage) -> None:
    """Root and targets are renewed where due, and the online roles signed."""
    stage.secretariat.renew(stage.now)
    stage.publish()


def refreshes(stage: Stage) -> None:
    stage.refresh()


def all_of(*acts: Act) -> Act:
    def act(stage: Stage) -> None:
        for one in acts:
            one(stage)

    return act


# What attackers do


def replays(*acts: Act) -> Act:
    """The wire carries the repository as it was before these acts, though the node has seen it after them."""

    def act(stage: Stage) -> None:
        before = stage.copy()
        all_of(*acts, refreshes)(stage)
        stage.serve(before)

    return act


def goes_dead(*, after: int | None) -> Act:
    """The node's line brings so many files from now on; None: all."""
    return lambda stage: setattr(stage.wire, "cut_after", after)


def forges(role: str, *path: str, to: Any, signatures: int = 1) -> Act:
    """A thief of the role's keys changes one member."""

    def act(stage: Stage) -> None:
        def change(signed: dict[str, Any]) -> None:
            inner = signed
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = to

        stage.forge(role, change, signatures=signatures)

    return act


def forgets(path: Callable[[Stage], str], other: Callable[[Stage], bytes | None] = lambda _: None) -> Act:
    """The wire carries another file, or none, at this path."""

    def act(stage: Stage) -> None:
        stage.wire.files[path(stage)] = other(stage)

    return act


def role_path(code: str) -> Callable[[Stage], str]:
    return lambda stage: stage.path(f"party-{code}")


def manifest_path(code: str) -> Callable[[Stage], str]:
    def path(stage: Stage) -> str:
        digests = [
            name
            for name in stage.copy()
            if f"parties/{code}/" in name
            and stage.secretariat.files.read(name) == stage.parties[code].version.manifest_file
        ]
        return digests[0]

    return path


def steals_root(stage: Stage, *, old: bool, new: bool) -> None:
    """A new root appears that names new root keys, signed by the old ones, the new ones, or both."""
    before = json.loads(stage.secretariat.files.newest_root())["signed"]
    stage.secretariat.rotate(["root"], stage.now)
    path = stage.path("root")
    after = json.loads(stage.secretariat.files.require(path))
    wanted = set()
    if old:
        wanted |= set(before["roles"]["root"]["keyids"])
    if new:
        wanted |= set(after["signed"]["roles"]["root"]["keyids"])
    after["signatures"] = [one for one in after["signatures"] if one["keyid"] in wanted]
    stage.wire.files[path] = json.dumps(after).encode()


def fast_forwards(code: str) -> Act:
    """A thief of the Party's role keys signs a version without measure, and the node sees it."""

    def act(stage: Stage) -> None:
        party = stage.parties[code]
        stage.take(party, sign_version(party.role, party.manifest, party.keys, now=stage.now, above=FAR - 1))

    return act


def _signed_by_stranger(stage: Stage) -> None:
    party, stranger = stage.parties["XA"], stage.party("XC")
    role = replace(stranger.role, party="XA")
    party.become(sign_version(role, party.manifest, stranger.keys, now=stage.now, previous=party.manifest))


def _signed_by_old_keys(stage: Stage) -> None:
    party = stage.parties["XA"]
    old = RoleKeys(directory=next(stage.directory.glob("XA-[0-9]*")))
    names = [path.stem.rpartition("-")[2] for path in old.directory.iterdir()]
    first = RepositoryState.load(stage.secretariat.files, stage.secretariat.keys)
    before = stage.secretariat.files.require(metadata_file("targets", first.targets.signed.version - 1))
    keys = Metadata.from_bytes(before).signed.delegations.keys
    role = replace(party.role, keys=tuple(key for key in keys.values() if key.keyid[:16] in names))
    party.become(sign_version(role, party.manifest, old, now=stage.now, previous=party.manifest))


def _first_version(stage: Stage, code: str) -> Any:
    state = RepositoryState.load(stage.secretariat.files, stage.secretariat.keys)
    state.snapshot.signed.meta[f"party-{code}.json"].version = 1
    return state.version(code)


def _lists_other_manifest(stage: Stage) -> None:
    xa, xb = stage.parties["XA"], stage.parties["XB"]
    role = replace(xb.role, party="XA")
    xb.become(sign_version(role, xa.manifest, xb.keys, now=stage.now, previous=xa.manifest))


def _takes_other_manifest_for_its_own(stage: Stage) -> None:
    xa, xb = stage.parties["XA"], stage.parties["XB"]
    xb.become(sign_version(xb.role, xa.manifest, xb.keys, now=stage.now, previous=xa.manifest))


def _takes_back_code(stage: Stage, party: str, code: str) -> None:
    state = RepositoryState.load(stage.secretariat.files, stage.secretariat.keys)
    state.issuers = state.issuers.with_codes(party, state.issuers.codes(party) - {code})
    state.sign_targets(stage.now)
    state.sign_online(stage.now)
    state.write()


def _moves_to_another_environment(stage: Stage) -> None:
    party = stage.parties["XB"]
    manifest = party.manifest.model_copy(update={"env": "uat", "base": ("https://xb.example/",)})
    party.become(sign_version(party.role, manifest, party.keys, now=stage.now, above=1))


ROOT_3_OF_5 = {"root": (5, 3), "targets": (3, 2)}

ROWS = [
    # The Party's own keys
    Row(story="nothing happens", act=passes(hours=1)),
    Row(
        story="a Party rotates its permit key",
        act=all_of(rotates("XA"), publishes("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="role signed by the first of 1 of 2 keys",
        act=all_of(signs_with("XA", 0), publishes("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="role signed by the other of 1 of 2 keys",
        act=all_of(signs_with("XA", 1), publishes("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="role signed by both of 1 of 2 keys",
        act=all_of(signs_with("XA", 0, 1), publishes("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="role signed by 2 of 3 keys",
        act=all_of(signs_with("XB", 0, 2), publishes("XB")),
        versions={"XA": 1, "XB": 2},
    ),
    Row(
        story="wrong threshold: role signed by 1 key where 2 of 3 must",
        act=all_of(signs_with("XB", 1), lists("XB")),
        problems={"XB": "SIGNATURE_INVALID"},
    ),
    Row(
        story="the Secretariat does not take in what has too few signatures",
        act=all_of(signs_with("XB", 1), publishes("XB")),
    ),
    Row(
        story="role signed by nobody's keys",
        act=all_of(_signed_by_stranger, lists("XA")),
        problems={"XA": "SIGNATURE_INVALID"},
    ),
    Row(
        story="new role keys: the new ones count",
        act=gets_new_role_keys("XA"),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="new role keys: the old ones count no more",
        act=all_of(
            gets_new_role_keys("XA"),
            refreshes,
            _signed_by_old_keys,
            refuses("XA", "SIGNATURE_INVALID"),
        ),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="new role keys: what the old ones signed and the node holds is gone while the new version is withheld",
        act=all_of(gets_new_role_keys("XA"), forgets(role_path("XA"))),
        versions={"XB": 1},
        problems={"XA": "TRUST_LIST_INCOMPLETE"},
        parties={"XA": EXPIRED},
    ),
    # The Party's own node
    Row(
        story="own node: a newer version is taken without the Secretariat",
        act=all_of(rotates("XA"), serves("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="own node: the Secretariat's older version does not undo it",
        act=all_of(rotates("XA"), publishes("XA"), rotates("XA"), serves("XA")),
        versions={"XA": 3, "XB": 1},
    ),
    Row(
        story="own node: the Secretariat catches up",
        act=all_of(rotates("XA"), serves("XA"), publishes("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="own node: restored from an old backup",
        act=all_of(
            rotates("XA"),
            publishes("XA"),
            refreshes,
            lambda stage: stage.parties["XA"].become(_first_version(stage, "XA")),
            refuses("XA", "ROLLBACK"),
        ),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="own node: wrong threshold",
        act=all_of(signs_with("XB", 0), refuses("XB", "SIGNATURE_INVALID")),
    ),
    Row(
        story="own node: nobody in the list",
        act=all_of(lambda stage: stage.party("XC"), refuses("XC", "KEY_UNKNOWN")),
    ),
    Row(
        story="own node: taken while the list is STALE",
        act=all_of(passes(days=2), rotates("XA"), serves("XA")),
        versions={"XA": 2, "XB": 1},
        failure="TRUST_LIST_EXPIRED",
        freshness=STALE,
    ),
    # Rollback
    Row(
        story="rollback of the whole repository",
        act=replays(rotates("XA"), publishes("XA")),
        versions={"XA": 2, "XB": 1},
        failure="ROLLBACK",
    ),
    Row(
        story="rollback of the snapshot, by a thief of the timestamp key",
        act=all_of(passes(hours=2), publishes(), forges("timestamp", "meta", to={"snapshot.json": {"version": 1}})),
        failure="ROLLBACK",
    ),
    Row(
        story="rollback of the targets, by a thief of the online keys",
        act=all_of(
            passes(days=4),
            publishes(),
            forges("snapshot", "meta", "targets.json", to={"version": 1}),
        ),
        failure="ROLLBACK",
        freshness=STALE,
    ),
    Row(
        story="rollback of one Party, by a thief of the online keys",
        act=all_of(
            rotates("XA"),
            publishes("XA"),
            refreshes,
            passes(days=4),
            publishes(),
            forges("snapshot", "meta", "party-XA.json", to={"version": 1}),
        ),
        versions={"XA": 2, "XB": 1},
        failure="ROLLBACK",
        freshness=STALE,
    ),
    Row(
        story="a Party dropped from the snapshot, by a thief of the online keys",
        act=all_of(
            passes(days=4),
            publishes(),
            lambda stage: stage.forge("snapshot", lambda signed: signed["meta"].pop("party-XA.json")),
        ),
        failure="TRUST_LIST_REFUSED",
        freshness=STALE,
    ),
    Row(
        story="mix and match: an old role under a new version's name",
        act=all_of(
            rotates("XA"),
            publishes("XA"),
            forgets(role_path("XA"), lambda stage: stage.secretariat.files.read(metadata_file("party-XA", 1))),
        ),
        problems={"XA": "ROLLBACK"},
    ),
    Row(
        story="mix and match: old targets under a new version's name",
        act=all_of(
            removes("XA"),
            forgets(
                lambda stage: stage.path("targets"),
                lambda stage: stage.secretariat.files.read(metadata_file("targets", 3)),
            ),
        ),
        failure="ROLLBACK",
    ),
    Row(
        story="mix and match: an old snapshot under a new version's name",
        act=all_of(
            removes("XA"),
            forgets(
                lambda stage: stage.path("snapshot"),
                lambda stage: stage.secretariat.files.read(metadata_file("snapshot", 3)),
            ),
        ),
        failure="ROLLBACK",
    ),
    Row(
        story="mix and match: another Party's role",
        act=all_of(
            rotates("XA"),
            publishes("XA"),
            forgets(role_path("XA"), lambda stage: stage.parties["XB"].version.role),
        ),
        problems={"XA": "TRUST_LIST_REFUSED"},
    ),
    # Freeze
    Row(
        story="freeze: the list expires in 1 s",
        act=passes(hours=23, minutes=59, seconds=59),
    ),
    Row(
        story="freeze: the list expires now",
        act=passes(hours=24),
        failure="TRUST_LIST_EXPIRED",
        freshness=STALE,
    ),
    Row(
        story="freeze: the list has expired 1 s ago",
        act=passes(hours=24, seconds=1),
        failure="TRUST_LIST_EXPIRED",
        freshness=STALE,
    ),
    Row(
        story="freeze: the list has expired 7 days less 1 s ago",
        act=passes(days=8, seconds=-1),
        failure="TRUST_LIST_EXPIRED",
        freshness=STALE,
    ),
    Row(
        story="freeze: the list has expired 7 days and 1 s ago",
        act=passes(days=8, seconds=1),
        failure="TRUST_LIST_EXPIRED",
        freshness=EXPIRED,
    ),
    Row(
        story="freeze: the network is back, and so is FRESH",
        act=all_of(passes(days=30), refreshes, rotates("XA"), publishes("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="freeze: one Party's new version is withheld, and it alone becomes STALE",
        act=all_of(
            rotates("XA"), publishes("XA"), forgets(role_path("XA")), refreshes, passes(days=1, hours=1), publishes()
        ),
        problems={"XA": "TRUST_LIST_INCOMPLETE"},
        parties={"XA": STALE},
    ),
    Row(
        story="freeze: one Party's new version is withheld for 8 days and 1 s",
        act=all_of(
            rotates("XA"),
            publishes("XA"),
            forgets(role_path("XA")),
            refreshes,
            passes(days=8, seconds=1),
            publishes(),
        ),
        problems={"XA": "TRUST_LIST_INCOMPLETE"},
        parties={"XA": EXPIRED},
    ),
    # Fast-forward
    Row(
        story="fast-forward of the timestamp: the genuine one is below it",
        act=all_of(forges("timestamp", "version", to=FAR), refreshes, lambda stage: stage.stop_serving()),
        failure="ROLLBACK",
    ),
    Row(
        story="fast-forward of the timestamp: new online keys end it",
        act=all_of(
            forges("timestamp", "version", to=FAR),
            refreshes,
            lambda stage: stage.stop_serving(),
            rotates_roles(*ONLINE),
        ),
    ),
    Row(
        story="fast-forward of the timestamp: a new snapshot key ends it too",  # TUF 5.3.11: either key, both files
        act=all_of(
            forges("timestamp", "version", to=FAR),
            refreshes,
            lambda stage: stage.stop_serving(),
            rotates_roles("snapshot"),
        ),
    ),
    Row(
        story="fast-forward of one Party in the snapshot: that Party is behind",
        act=all_of(passes(days=4), publishes(), forges("snapshot", "meta", "party-XA.json", to={"version": FAR})),
        problems={"XA": "TRUST_LIST_INCOMPLETE"},
        parties={"XA": STALE},
    ),
    Row(
        story="fast-forward of one Party in the snapshot: new online keys end it",
        act=all_of(
            passes(days=4),
            publishes(),
            forges("snapshot", "meta", "party-XA.json", to={"version": FAR}),
            refreshes,
            lambda stage: stage.stop_serving(),
            rotates_roles(*ONLINE),
        ),
    ),
    Row(
        story="fast-forward by stolen role keys: new role keys alone do not go below it",
        act=all_of(fast_forwards("XA"), gets_new_role_keys("XA")),
        versions={"XB": 1},
        problems={"XA": "ROLLBACK"},
        parties={"XA": EXPIRED},
    ),
    Row(
        story="fast-forward by stolen role keys: new role keys go above it",
        act=all_of(fast_forwards("XA"), gets_new_role_keys("XA", above=FAR)),
        versions={"XA": FAR + 1, "XB": 1},
    ),
    Row(
        story="fast-forward by stolen role keys: new online keys make it forgotten",
        act=all_of(fast_forwards("XA"), gets_new_role_keys("XA"), rotates_roles(*ONLINE)),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="fast-forward by stolen role keys: forgotten even if the line goes dead after the new root",
        act=all_of(
            fast_forwards("XA"),
            gets_new_role_keys("XA"),
            rotates_roles(*ONLINE),
            goes_dead(after=2),
            refreshes,
            goes_dead(after=None),
        ),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="rollback through a Party's own node while new online keys made the list forget",
        act=all_of(
            rotates("XA"),
            publishes("XA"),
            refreshes,
            rotates_roles(*ONLINE),
            goes_dead(after=2),
            refreshes,
            goes_dead(after=None),
            lambda stage: stage.parties["XA"].become(_first_version(stage, "XA")),
            refuses("XA", "ROLLBACK"),
        ),
        versions={"XA": 2, "XB": 1},
    ),
    # Removed and readmitted
    Row(story="a removed Party is gone", act=removes("XA"), versions={"XB": 1}, parties={"XA": EXPIRED}),
    Row(
        story="a removed Party does not come back through its own node",
        act=all_of(removes("XA"), refreshes, rotates("XA"), refuses("XA", "KEY_UNKNOWN")),
        versions={"XB": 1},
        parties={"XA": EXPIRED},
    ),
    Row(
        story="a removed Party is not taken in by publishing",
        act=all_of(removes("XA"), rotates("XA"), publishes("XA")),
        versions={"XB": 1},
        parties={"XA": EXPIRED},
    ),
    Row(
        story="a readmitted Party is back, with a higher version",
        act=all_of(removes("XA"), refreshes, rotates("XA"), readmits("XA")),
        versions={"XA": 2, "XB": 1},
    ),
    Row(
        story="a readmitted Party is back, with the very version that it had",
        act=all_of(removes("XA"), refreshes, readmits("XA")),
    ),
    Row(
        story="a readmitted Party does not come back below what its own node served",
        act=all_of(
            rotates("XA"),
            lambda stage: setattr(stage, "kept", stage.parties["XA"].version),
            rotates("XA"),
            serves("XA"),
            removes("XA"),
            refreshes,
            lambda stage: stage.parties["XA"].become(stage.kept),  # type: ignore[attr-defined]
            readmits("XA"),
        ),
        versions={"XB": 1},
        problems={"XA": "ROLLBACK"},
        parties={"XA": EXPIRED},
    ),
    # What a manifest may not say
    Row(
        story="wrong country: a Party's role lists another's manifest",
        act=all_of(_lists_other_manifest, lists("XB")),
        problems={"XB": "TRUST_LIST_REFUSED"},
    ),
    Row(
        story="wrong country: a Party's role lists another's manifest as its own",
        act=all_of(_takes_other_manifest_for_its_own, lists("XB")),
        problems={"XB": "KEY_WRONG_PARTY"},
    ),
    Row(
        story="wrong country: a manifest names a code that was given to another Party",
        act=all_of(tampers("XB", issues_for=("XB", "XD")), lists("XB")),
        problems={"XB": "KEY_WRONG_PARTY"},
    ),
    Row(
        story="wrong country: a manifest names a code that was given to nobody",
        act=all_of(tampers("XB", issues_for=("XB", "XE")), lists("XB")),
        problems={"XB": "KEY_WRONG_PARTY"},
    ),
    Row(
        story="wrong country: the same through the Party's own node",
        act=all_of(tampers("XB", issues_for=("XB", "XD")), refuses("XB", "KEY_WRONG_PARTY")),
    ),
    Row(
        story="the Secretariat takes a code back that the Party's manifest names",
        act=lambda stage: _takes_back_code(stage, "XA", "XD"),
        versions={"XB": 1},
        problems={"XA": "KEY_WRONG_PARTY"},
        parties={"XA": EXPIRED},
    ),
    Row(
        story="a manifest lists another Party's request key",
        act=all_of(
            lambda stage: tampers("XB", transport_keys=stage.parties["XA"].manifest.transport_keys)(stage), lists("XB")
        ),
        problems={"XB": "KEY_WRONG_PARTY"},
    ),
    Row(
        story="a manifest that has lost a retired key",
        act=all_of(forgets_keys("XB"), lists("XB")),
        problems={"XB": "UNACCEPTABLE"},
    ),
    Row(
        story="a manifest that has lost a retired key, from the Party's own node",
        act=all_of(forgets_keys("XB"), refuses("XB", "UNACCEPTABLE")),
    ),
    Row(
        story="a revocation that is taken back",
        act=all_of(
            revokes("XA", None),
            publishes("XA"),
            refreshes,
            revokes("XA", NOON),
            lists("XA"),
        ),
        versions={"XA": 2, "XB": 1},
        problems={"XA": "UNACCEPTABLE"},
    ),
    Row(
        story="a revocation that moves earlier",
        act=all_of(
            revokes("XA", NOON),
            publishes("XA"),
            refreshes,
            revokes("XA", BEGIN),
            publishes("XA"),
        ),
        versions={"XA": 3, "XB": 1},
    ),
    Row(
        story="a manifest of another environment",
        act=all_of(_moves_to_another_environment, lists("XB")),
        problems={"XB": "KEY_WRONG_PARTY"},
    ),
    Row(
        story="a manifest of which one byte was changed",
        act=all_of(
            rotates("XA"),
            publishes("XA"),
            forgets(
                manifest_path("XA"),
                lambda stage: stage.parties["XA"].version.manifest_file.replace(b"sandbox", b"sandboy"),
            ),
        ),
        problems={"XA": "DIGEST_MISMATCH"},
    ),
    Row(
        story="a manifest that is not there",
        act=all_of(rotates("XA"), publishes("XA"), forgets(manifest_path("XA"))),
        problems={"XA": "TRUST_LIST_INCOMPLETE"},
    ),
    # Expiry of one Party's role
    Row(
        story="a Party's role expires in 1 s",
        act=all_of(passes(days=399), rotates("XB"), publishes("XB"), passes(days=1, seconds=-1), renews),
        versions={"XA": 1, "XB": 2},
    ),
    Row(
        story="a Party's role has expired 1 s ago: it alone is STALE",
        act=all_of(passes(days=399), rotates("XB"), publishes("XB"), passes(days=1, seconds=1), renews),
        versions={"XA": 1, "XB": 2},
        parties={"XA": STALE},
    ),
    Row(
        story="a Party's role has expired 90 days less 1 s ago",
        act=all_of(passes(days=399), rotates("XB"), publishes("XB"), passes(days=91, seconds=-1), renews),
        versions={"XA": 1, "XB": 2},
        parties={"XA": STALE},
    ),
    Row(
        story="a Party's role has expired 90 days and 1 s ago",
        act=all_of(passes(days=399), rotates("XB"), publishes("XB"), passes(days=91, seconds=1), renews),
        versions={"XA": 1, "XB": 2},
        parties={"XA": EXPIRED},
    ),
    # Root and targets
    Row(story="all top-level keys are rotated", act=rotates_roles("root", "targets", "snapshot", "timestamp")),
    Row(
        story="3 of 5 root keys and 2 of 3 targets keys are rotated",
        act=rotates_roles("root", "targets"),
        numbers=ROOT_3_OF_5,
    ),
    Row(
        story="three root rotations while the node was away",
        act=all_of(rotates_roles("root"), rotates_roles("targets", "snapshot"), rotates_roles("root")),
    ),
    Row(
        story="a new root signed by the old keys only",
        act=lambda stage: steals_root(stage, old=True, new=False),
        failure="SIGNATURE_INVALID",
    ),
    Row(
        story="a new root signed by the new keys only",
        act=lambda stage: steals_root(stage, old=False, new=True),
        failure="SIGNATURE_INVALID",
    ),
    Row(
        story="a new root signed by both",
        act=lambda stage: steals_root(stage, old=True, new=True),
    ),
    Row(
        story="wrong threshold: targets signed by 1 of 3 keys",
        act=all_of(removes("XA"), lambda stage: stage.forge("targets", lambda _: None, signatures=1)),
        numbers=ROOT_3_OF_5,
        failure="SIGNATURE_INVALID",
    ),
    Row(
        story="targets that have expired are not renewed by online keys",
        act=all_of(passes(days=91), publishes()),
        failure="TRUST_LIST_EXPIRED",
        freshness=EXPIRED,
    ),
    Row(
        story="a root that has expired lets nothing in but a newer root",
        act=all_of(passes(days=366), publishes()),
        failure="TRUST_LIST_EXPIRED",
        freshness=EXPIRED,
    ),
    Row(
        story="a root that had expired was renewed",
        act=all_of(passes(days=366), publishes(), refreshes, renews),
    ),
]


@pytest.fixture
def begun(request, tmp_path, no_sync) -> Stage:
    """XA and XB are in the list, and the node has verified it."""
    stage = Stage(tmp_path, numbers=request.param)
    stage.admit("XA", issues_for=("XA", "XD"))
    stage.admit("XB", number=3, threshold=2)
    assert not stage.refresh().problems
    return stage


@pytest.mark.parametrize(
    ("row", "begun"), [pytest.param(row, row.numbers, id=row.story) for row in ROWS], indirect=["begun"]
)
def test_after_its_next_refresh_the_node_believes(row, begun):
    """Whom it should, with the reason code of whatever it refused."""
    row.act(begun)
    result = begun.refresh()
    assert _code(result.failure) == row.failure, result.failure
    assert {party: error.code for party, error in result.problems.items()} == row.problems, result.problems
    assert begun.node.versions == row.versions
    assert begun.node.freshness(begun.now) is row.freshness
    for party in ("XA", "XB"):
        expected = row.parties.get(party, row.freshness)
        assert begun.node.party_freshness(party, begun.now) is expected, party


def test_the_table_has_the_rows_that_were_asked_for():
    """At least 25, each told once."""
    assert len({row.story for row in ROWS}) == len(ROWS) >= 25


def _code(error: EpixError | None) -> str | None:
    return error.code if error is not None else None
