"""To whom the Secretariat's targets delegate, and under which keys."""

from __future__ import annotations

from tuf.api.metadata import DelegatedRole, Key, Targets

from epix_node.trust.role_metadata import party_of, paths_of, role_of


def delegated_parties(targets: Targets) -> tuple[str, ...]:
    """The Parties that have a role, in the order of the delegations, which is that of their admission.

    A role of another name, or with other paths than its Party's own, delegates nothing to anybody.
    """
    found = ((party_of(name), role) for name, role in _roles(targets).items())
    return tuple(party for party, role in found if party is not None and role.paths == paths_of(party))


def have_same_keys(before: Targets, after: Targets, party: str) -> bool:
    """Whether both delegate to this Party, under the same keys and the same threshold."""
    old, new = _keys(before, party), _keys(after, party)
    return old is not None and old == new


def _roles(targets: Targets) -> dict[str, DelegatedRole]:
    return (targets.delegations.roles or {}) if targets.delegations is not None else {}


def _keys(targets: Targets, party: str) -> tuple[int, dict[str, Key | None]] | None:
    role = _roles(targets).get(role_of(party))
    if role is None or targets.delegations is None:
        return None
    return role.threshold, {keyid: targets.delegations.keys.get(keyid) for keyid in role.keyids}
