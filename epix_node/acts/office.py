"""The office of the own Party: all that an act needs, and nothing of HTTP or jobs.

An act is an ordinary function. It reads, judges, signs outside any transaction, and then records in one write
transaction; what another writer did in between is checked again inside it. What it recorded is in a signed checkpoint
before it returns (contract 7), or the register is halted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from epix_node.acts.witnesses import WitnessRule
from epix_node.exchange.examination import Examiner
from epix_node.exchange.own import OwnRegister
from epix_node.exchange.sequencer import Sequencer
from epix_node.permit.answer import Freshness
from epix_node.permit.facts import Source
from epix_node.reconcile.perspective import Perspective
from epix_node.reference.catalogue import Catalogue, builtin
from epix_node.register.policy import WitnessPolicy
from epix_node.rules.ruleset import Ruleset
from epix_node.store import permits
from epix_node.store.database import Database, Session
from epix_node.trust.keyring import Keyring
from epix_node.trust.trust_list import TrustList

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """``keyring`` is a function since trust changes while the node runs; it includes the own manifest.

    So are ``trust_list``, on which the other manifests in it rest (None: this node stands alone), and ``catalogue``:
    reference data are loaded while it runs.
    """

    database: Database
    own: OwnRegister
    sequencer: Sequencer
    ruleset: Ruleset
    keyring: Callable[[], Keyring]
    timezone: ZoneInfo
    trust_list: Callable[[], TrustList | None] = lambda: None
    catalogue: Callable[[], Catalogue] = builtin
    customs_union: frozenset[str] = frozenset()
    witnesses: WitnessRule = field(default_factory=WitnessRule)
    sign_later: Callable[[datetime], object] | None = None
    """Told at what time something was entered, where whoever runs the act sees to the signed checkpoint, before anybody
    is answered: several acts then share one. None: each act waits for its own."""

    @property
    def party(self) -> str:
        """The own Party's code."""
        return self.own.party

    @property
    def codes(self) -> frozenset[str]:
        """The issuer codes that this node speaks for."""
        return self.own.codes

    def write(
        self, now: datetime, work: Callable[Concatenate[Session, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``work`` in a write transaction; what it entered into the register is then in a signed checkpoint.

        Or, with ``sign_later``, will be in one before the act is answered.

        Raises:
            StoreError: also where the transaction was committed and only the checkpoint failed. The same act again
                finds what it recorded, and ``covered`` sees to the checkpoint.
        """
        result = self.database.write_now(work, *args, **kwargs)
        if self.sign_later is not None:
            self.sign_later(now)
        else:
            self.sequencer.publish(now=now)
        return result

    def covered(self, source: Source, *, now: datetime) -> None:
        """An own document that was recorded before is in a signed checkpoint."""
        self.sequencer.cover(source.index, now=now)

    def perspective(self) -> Perspective:
        """From where this node looks at facts, with the peers as they are now."""
        return Perspective(
            party=self.own.party,
            codes=self.own.codes,
            ruleset=self.ruleset,
            keyring=self.keyring(),
            customs_union=self.customs_union,
        )

    def examiner(self, *, now: datetime) -> Examiner:
        """Who says what the rules say of permits from elsewhere, with the reference data as they are now."""
        return Examiner(
            ruleset=self.ruleset,
            catalogue=self.catalogue(),
            today=self.today(now),
            now=now,
            is_stamp_held=lambda permit: permits.is_stamp_held(self.database, permit.key, permit.security_stamp),
        )

    def trust_freshness(self, party: str | None, now: datetime) -> Freshness:
        """How sure this Party's keys are; of the own ones always (C.1: never a stop of issuing).

        Without a Party, or for one that the list does not have, how sure the list is that it has not: EXPIRED where
        there is no list.
        """
        if party == self.party:
            return Freshness.FRESH
        known = self.trust_list()
        if known is None:
            return Freshness.EXPIRED
        is_listed = party is not None and party in known.parties
        state = known.party_freshness(party or "", now) if is_listed else known.freshness(now)
        return Freshness(state.value)

    def witness_policy(self, party: str) -> WitnessPolicy:
        """Which cosignatures make the entries of this Party's register WITNESSED here, with the keys as they are now.

        Never satisfied where there are fewer witnesses than must cosign, or none: such a register stays LOGGED.
        """
        return self.witnesses.policy_about(party, self.keyring().manifests)

    def origin_of(self, party: str) -> str:
        """The origin line of a Party's register, or its code where no manifest of it is known."""
        return self.keyring().origin(party) or party

    def today(self, now: datetime) -> date:
        """The calendar day in the office's own zone (contract 1)."""
        return now.astimezone(self.timezone).date()
