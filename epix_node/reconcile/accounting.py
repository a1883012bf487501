"""What two countries may expect to hear of each other under a permit, and by when (``domain-rules.md`` 2.2).

The issuer endorses what leaves and the destination confirms what arrives, and each tells the other, so both hold the
same reports of each other's and come to the same accounts. What third countries say is no part of them: not both hold
it. Refused and returned goods are a report like any other; whoever sends one is not silent.

Nothing is expected under permits of which silence would say nothing:

* a document of multiple use has no one journey, and one without a country of destination nobody who should speak;
* a destination that the issuer's own Party speaks for is no partner;
* a legacy document is older than what its issuer promises to publish, and a retrospective one older than its goods;
* after a withdrawal the goods may have travelled under another number, or not at all;
* where nothing moved, nothing is owed.
"""

from __future__ import annotations

from datetime import date

from epix_node.permit.event import Confirmation, Endorsement
from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.model import Permit, PermitType
from epix_node.reconcile.journey import later, longest_journey
from epix_node.reconcile.perspective import Perspective
from epix_node.store import accounts
from epix_node.store.accounts import Account, Owed
from epix_node.store.coverage import Direction
from epix_node.store.database import Session
from epix_node.trust.keyring import Keyring

_TYPES = frozenset({PermitType.EXPORT.value, PermitType.REEXPORT.value})


def keep_accounts(session: Session, perspective: Perspective, case: Case) -> None:
    """The accounts of these permits are what their facts say now: one statement for each of them that is watched."""
    held = [fact for fact in case.permits if is_watched(perspective, fact.permit)]
    known = [account for fact in held if (account := account_of(case, fact, perspective)) is not None]
    accounts.put(session, known)
    if len(known) < len(held) or any(is_watched(perspective, fact.permit) for fact in case.void):
        accounts.drop(session, case.issuer, case.number, but=[account.key for account in known])


def is_watched(perspective: Perspective, permit: Permit) -> bool:
    """Whether this node sees all that both sides tell of such permits, and silence about one could say anything."""
    if permit.type not in _TYPES or permit.multi_use or permit.legacy or permit.retrospective:
        return False
    return permit.destination is not None and is_between_partners(
        perspective.keyring, perspective.party, permit.issuer, permit.destination
    )


def is_between_partners(keyring: Keyring, party: str, issuer: str, destination: str) -> bool:
    """Whether the node of ``party`` speaks for one of the two countries, and another Party for the other, if any."""
    sides = (keyring.speaker_for(issuer), keyring.speaker_for(destination))
    return party in sides and sides[0] != sides[1]


def account_of(case: Case, fact: PermitFact, perspective: Perspective) -> Account | None:
    """The account of a permit that is watched; None where nothing moved under it, or it was withdrawn."""
    permit = fact.permit
    if permit.destination is None or fact.withdrawal is not None:
        return None
    parameters = perspective.ruleset.patterns
    own = case.events_of(fact)
    left = [e for e in own if isinstance(e.body, Endorsement) and e.acts_for(permit.issuer)]
    reported = [e.body.date for e in own if isinstance(e.body, Confirmation) and e.acts_for(permit.destination)]
    if left:
        # The endorsement that allows the latest arrival counts.
        expected = max(later(e.body.date, longest_journey(e, parameters)) for e in left)
        if permit.valid_until is not None:
            expected = max(expected, permit.valid_until)
    elif reported:
        expected = min(reported)
    else:
        return None
    return Account(
        key=fact.key,
        destination=permit.destination,
        due_on=later(expected, parameters.observability.grace),
        exported_on=max((e.body.date for e in left), default=None),
        confirmed_on=min(reported, default=None),
    )


def reports_of(account: Account, perspective: Perspective) -> tuple[Owed, ...]:
    """The reports that are owed under an account.

    A confirmation of what left, and an endorsement of what was reported, which is owed some time after that.
    """
    found: list[Owed] = []
    if account.exported_on is not None:
        came = account.confirmed_on is not None
        found.append(Owed(flow=account.flow(Direction.CONFIRM), due_on=account.due_on, came=came))
    if account.confirmed_on is not None:
        due_on: date = later(account.confirmed_on, perspective.ruleset.patterns.observability.grace)
        came = account.exported_on is not None
        found.append(Owed(flow=account.flow(Direction.ENDORSE), due_on=due_on, came=came))
    return tuple(found)
