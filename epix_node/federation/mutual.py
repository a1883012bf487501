"""What this Party and another one tell each other of their trade, and whether their silence would be evidence.

Both interfaces that show a peer, HTTP and the command line, say the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from epix_node.acts.office import Office
from epix_node.reconcile.observability import observed
from epix_node.store import coverage
from epix_node.store.database import Session


def observability(session: Session, office: Office, party: str, *, now: datetime) -> list[dict[str, Any]]:
    """Each pair of an issuer and a destination for which the two Parties speak, in order; as ``peers show`` prints it.

    ``confirm`` is what the destination owes the issuer, ``endorse`` the other way. Pairs between which nothing moved
    yet are not there.
    """
    perspective = office.perspective()
    codes = office.codes | perspective.keyring.codes_of(party)
    flows = coverage.observed(session)
    pairs = sorted({(flow.issuer, flow.destination) for flow in flows if {flow.issuer, flow.destination} <= codes})
    listed: list[dict[str, Any]] = []
    for issuer, destination in pairs:
        seen = observed(session, perspective, issuer, destination, now=now)
        listed.append(
            {
                "issuer": issuer,
                "destination": destination,
                "confirm": {
                    "expected": seen.expected,
                    "met": seen.met,
                    "lower_bound": str(seen.lower_bound),
                    "observable": seen.confirm,
                },
                "endorse": {
                    "expected": seen.endorse_expected,
                    "met": seen.endorse_met,
                    "lower_bound": str(seen.endorse_lower_bound),
                    "observable": seen.endorse,
                },
            }
        )
    return listed
