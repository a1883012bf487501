"""The daily scrub: everything that is held of registers is derived again in the background (C.4 item 8 (e))."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from epix_node.acts.office import Office
from epix_node.exchange.audit import audit_all
from epix_node.store import scrubs

SCRUB_EVERY = timedelta(hours=24)

log = structlog.get_logger("epix_node.scrub")


class Interrupted(Exception):
    """Raised by ``progress``: the node ends, and the scrub with it; the next one begins anew."""


def scrub(office: Office, *, now: datetime, progress: Callable[[int, int], None]) -> bool:
    """The registers were derived again, unless that was done in the last day or is being done; whether it was done now.

    What was found is kept, and told by ``doctor``, ``/readyz`` and ``/metrics``. ``progress`` is called after each
    piece; it may wait, so that others get their turn, and may raise ``Interrupted``.
    """
    newest = max((one.at for one in office.database.read_now(scrubs.newest)), default=None)
    if newest is not None and newest <= now < newest + SCRUB_EVERY:
        return False
    with office.database.once("scrub") as is_ours:
        if not is_ours:
            return False
        try:
            audits = audit_all(office.database, office.sequencer.record, office.party, now=now, progress=progress)
        except Interrupted:
            return False
    for audit in audits:
        if audit.problems:
            log.error("the register is not what its entries lead to", party=audit.party, problems=audit.problems[:5])
    log.info("registers derived again", registers=len(audits), entries=sum(audit.entries for audit in audits))
    return True
