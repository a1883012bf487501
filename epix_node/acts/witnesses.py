"""Whose cosignatures make a register's entries WITNESSED for this node (protocol decision 10, C.4 item 7).

A register can tell two Parties two histories only as long as nobody compares. A witness cosigns one history of a
register and no second one; where a quorum of witnesses has cosigned, two histories would need witnesses that lie.

The log's own Party never counts for its own register, and no witnesses at all are never enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from epix_node.register.note import VerifierKey
from epix_node.register.policy import Group, Witness, WitnessPolicy, parse_policy
from epix_node.trust.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessRule:
    """``[register]`` of the configuration: who may witness, and how many must; ``policy`` takes the place of both.

    ``parties`` empty: every Party that is known.
    """

    parties: tuple[str, ...] = ()
    quorum: int = 2
    policy: WitnessPolicy | None = None

    def witnesses(self, party: str, known: Iterable[str]) -> tuple[str, ...]:
        """The Parties among those known that may witness the register of ``party``."""
        return tuple(one for one in known if one != party and (not self.parties or one in self.parties))

    def policy_about(self, party: str, manifests: Mapping[str, Manifest]) -> WitnessPolicy:
        """Which cosignatures are enough on a checkpoint of the register of ``party``.

        Nothing satisfies it where fewer witnesses are known than must cosign.
        """
        if self.policy is not None:
            own = manifests.get(party)
            return without(self.policy, own.cosigner_keys if own is not None else ())
        # One key for each Party: two keys of one Party are not two witnesses.
        keys = {one: manifests[one].cosigner_keys[0] for one in self.witnesses(party, manifests)}
        if len(keys) < self.quorum:
            witnesses = tuple(Witness(name=name, key=key) for name, key in keys.items())
            return WitnessPolicy(witnesses=witnesses, quorum=None)
        return WitnessPolicy.any_of(keys, self.quorum)


def rule_from(parties: tuple[str, ...], quorum: int, policy: str | None) -> WitnessRule:
    """The rule of these settings; ``policy`` is the text of a tlog-policy file.

    Raises:
        MalformedDocumentError: the text is no policy.
    """
    return WitnessRule(parties=parties, quorum=quorum, policy=parse_policy(policy) if policy is not None else None)


def without(policy: WitnessPolicy, keys: Collection[VerifierKey]) -> WitnessPolicy:
    """The policy without the witnesses that have these keys; thresholds stay, so it never becomes easier to satisfy."""
    public = {key.public for key in keys}
    if not any(witness.key.public in public for witness in policy.witnesses):
        return policy
    witnesses = tuple(witness for witness in policy.witnesses if witness.key.public not in public)
    quorum = _reduced(policy.quorum, public) if policy.quorum is not None else None
    return replace(policy, witnesses=witnesses, quorum=quorum)


def _reduced(member: Witness | Group, public: Collection[bytes]) -> Witness | Group | None:
    """The member without those witnesses; None where nothing can satisfy it any more."""
    if isinstance(member, Witness):
        return None if member.key.public in public else member
    left = tuple(one for one in (_reduced(one, public) for one in member.members) if one is not None)
    return replace(member, members=left) if len(left) >= member.threshold else None
