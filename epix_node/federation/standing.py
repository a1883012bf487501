"""The other Parties as this node stands to them now: whether they are to be trusted, and how pulling goes (contract 4).

Both interfaces that list peers, HTTP and the command line, say the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from epix_node.acts.office import Office
from epix_node.clock import format_time
from epix_node.federation.backoff import Alarm, alarm_of
from epix_node.store import peers, register
from epix_node.store.database import Session
from epix_node.store.peers import PeerState
from epix_node.store.register import RegisterState


class PullState(StrEnum):
    """How pulling from a peer stands."""

    NEW = "NEW"
    """Nothing was pulled yet, and nothing went wrong."""
    OK = "OK"
    FAILING = "FAILING"
    """The newest attempts failed; ``backoff_until`` says when the next one comes."""
    FROZEN = "FROZEN"
    """Its register contradicted itself: nothing more is taken until people have looked at it."""


class PeerTrust(StrEnum):
    """How sure a Party's keys are."""

    FRESH = "FRESH"
    STALE = "STALE"
    EXPIRED = "EXPIRED"
    REMOVED = "REMOVED"
    """It is not in the trust list any more: nothing is pulled from it, and what it signs now counts for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerStanding:
    """One other Party."""

    state: PeerState
    register: RegisterState | None
    trust: PeerTrust
    now: datetime

    @property
    def party(self) -> str:
        """Its code."""
        return self.state.party

    @property
    def pull_state(self) -> PullState:
        """How pulling from it stands."""
        if self.state.frozen is not None:
            return PullState.FROZEN
        if self.state.failures:
            return PullState.FAILING
        return PullState.OK if self.state.last_success is not None else PullState.NEW

    @property
    def alarm(self) -> Alarm | None:
        """What people should make of its silence."""
        return alarm_of(self.state.silent_since, failures=self.state.failures, now=self.now)

    def to_json(self) -> dict[str, Any]:
        """As contract 4 prints it, with ``alarm``: WARN or PAGE for a peer that fails for 15 minutes or a day, or null.

        ``lag``: entries of its newest checkpoint whose documents were not asked for yet; null before there is one.
        """
        state = self.state
        return {
            "party": state.party,
            "state": self.pull_state.value,
            "last_success": _time(state.last_success),
            "lag": max(0, self.register.checkpoint_size - state.next_index) if self.register else None,
            "cursor": state.next_index,
            "backoff_until": _time(state.backoff_until),
            "trust": self.trust.value,
            "alarm": self.alarm.value if self.alarm is not None else None,
        }


def standings(session: Session, office: Office, *, now: datetime) -> list[PeerStanding]:
    """All Parties in the trust list, and those that were pulled from before they were removed; by code."""
    held = {state.party: state for state in peers.states(session)}
    listed = set(office.keyring().parties) - {office.party}
    return [
        PeerStanding(
            state=held.get(party) or PeerState.new(party),
            register=register.state(session, party),
            trust=PeerTrust(office.trust_freshness(party, now).value) if party in listed else PeerTrust.REMOVED,
            now=now,
        )
        for party in sorted(listed | held.keys())
    ]


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment is not None else None
