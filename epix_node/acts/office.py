"""The office of the own Party: all that an act needs, and nothing of HTTP or jobs.

An act is an ordinary function. It reads, judges, signs outside any transaction, and then records in one write
transaction; what another writer did in between is checked again inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from epix_node.exchange.own import OwnRegister
from epix_node.reconcile.record import Perspective
from epix_node.rules.ruleset import Ruleset
from epix_node.store.database import Database
from epix_node.trust.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """``keyring`` is a function since peers come and go while the node runs; it includes the own manifest."""

    database: Database
    own: OwnRegister
    ruleset: Ruleset
    keyring: Callable[[], Keyring]
    timezone: ZoneInfo
    customs_union: frozenset[str] = frozenset()

    @property
    def party(self) -> str:
        """The own Party's code."""
        return self.own.party

    @property
    def codes(self) -> frozenset[str]:
        """The issuer codes that this node speaks for."""
        return self.own.codes

    def perspective(self) -> Perspective:
        """From where this node looks at facts, with the peers as they are now."""
        return Perspective(
            party=self.own.party,
            codes=self.own.codes,
            ruleset=self.ruleset,
            keyring=self.keyring(),
            customs_union=self.customs_union,
        )

    def origin_of(self, party: str) -> str:
        """The origin line of a Party's register, or its code where no manifest of it is known."""
        return self.keyring().origin(party) or party

    def today(self, now: datetime) -> date:
        """The calendar day in the office's own zone (contract 1)."""
        return now.astimezone(self.timezone).date()
