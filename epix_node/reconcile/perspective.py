"""From where a node looks at the facts."""

from __future__ import annotations

from dataclasses import dataclass

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


def revoked_keys(keyring: Keyring) -> dict[str, RevokedKey]:
    """The signing keys that the manifests revoke, by their id."""
    return {
        key.certificate_sha256: RevokedKey(kid=key.certificate_sha256, party=key.party, invalid_since=key.invalid_since)
        for key in keyring.revoked
    }
