"""From where a node looks at the facts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from epix_node.permit.facts import Case, EventFact
from epix_node.rules.ruleset import Ruleset
from epix_node.store.revocations import RevokedKey
from epix_node.trust.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Perspective:
    """From where a node looks at the facts: who it is, whom it trusts, by which rules it judges."""

    party: str
    codes: frozenset[str]
    ruleset: Ruleset
    keyring: Keyring
    customs_union: frozenset[str] = frozenset()


def with_codes(keyring: Keyring, case: Case) -> Case:
    """The case, with the codes for which each event's Party acts: a permit for a territory is used by its speaker."""
    return replace(
        case,
        events=tuple(_with_codes(keyring, event) for event in case.events),
        uses=tuple(_with_codes(keyring, use) for use in case.uses),
        corrections=tuple(replace(c, event=_with_codes(keyring, c.event)) for c in case.corrections),
    )


def _with_codes(keyring: Keyring, event: EventFact) -> EventFact:
    manifest = keyring.manifests.get(event.party)
    return event if manifest is None else replace(event, codes=frozenset(manifest.issues_for))


def revoked_keys(keyring: Keyring) -> dict[str, RevokedKey]:
    """The signing keys that the manifests revoke, by their id."""
    return {
        key.certificate_sha256: RevokedKey(kid=key.certificate_sha256, party=key.party, invalid_since=key.invalid_since)
        for key in keyring.revoked
    }
