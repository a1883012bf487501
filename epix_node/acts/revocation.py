"""Heed what the manifests say of revoked keys, also of the own ones: after every change of trust, and now and then.

Trust may change in another process, and a crash may come between the change and what follows from it. So nothing
depends on who calls this: it compares what is known with what was done, and where nothing is left to do it only looks.
"""

from __future__ import annotations

from datetime import datetime

from epix_node.acts.office import Office
from epix_node.reconcile.revocation import Settled, settle


def heed_revocations(office: Office, *, now: datetime) -> Settled:
    """Documents that were signed by a key after it was stolen count no more (protocol decision 7).

    The issuer signs its own ones again under its new key: ``publish`` with the same content, a withdrawal for the same
    reason, an event with the same id.
    """
    return settle(office.database, office.perspective(), now=now)
