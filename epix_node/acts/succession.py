"""The Party begins another register, since the one before can never go on (C.4 item 8 (c), ADR 30).

The own manifest says so (``identity.successor``); here the database follows it, when the node opens. All own documents
are entered again, in the order in which they were: so the new register alone has everything that the Party stands by,
for whoever missed some of it, and for whoever comes later. They stay what they are, and keep what is known of their
age.

    begin    what is held of the register before is set aside, and its documents wait for new numbers
    go_on    they have them, and the register signs
"""

from __future__ import annotations

from datetime import datetime

import structlog

from epix_node.acts.office import Office
from epix_node.acts.restoration import number
from epix_node.exchange.own import OwnRegister
from epix_node.register.standstill import Cause, Standstill, parse_standstill
from epix_node.store import documents, former, pending, register
from epix_node.store.database import Database, Session
from epix_node.store.last_signed import LastSigned
from epix_node.trust.manifest import LogEntry

log = structlog.get_logger("epix_node.succession")


def begin(database: Database, own: OwnRegister, entry: LogEntry, record: LastSigned) -> bool:
    """The database holds nothing of the register of now but its name, if it held one before it until now."""
    if database.read_now(_ended, own, entry) is None:
        return False
    is_signed = record.read(own.origin) is not None
    ended = database.write_now(_begin, own, entry, is_signed=is_signed)
    if ended is not None:
        log.warning("another register begins", ended=ended, register=own.origin)
    return ended is not None


def go_on(office: Office, *, now: datetime) -> int:
    """The documents of the register before have numbers in this one; returns how many had none. Costs one look else."""
    held = office.database.read_now(register.state, office.party)
    if held is None or held.halted is None or parse_standstill(held.halted).cause is not Cause.SUCCESSION:
        return 0
    return number(office, now=now)


def _ended(session: Session, own: OwnRegister, entry: LogEntry) -> str | None:
    """The origin of the register in the database, where that ended."""
    held = register.state(session, own.party)
    return held.origin if held is not None and held.origin in entry.origins[:-1] else None


def _begin(session: Session, own: OwnRegister, entry: LogEntry, *, is_signed: bool) -> str | None:
    ended = _ended(session, own, entry)
    held = register.state(session, own.party)
    if ended is None or held is None:
        return None
    digests = documents.numbered_from(session, own.party, 0)
    former.set_aside(session, own.party)
    pending.put_first(session, own.party, digests)
    why = Standstill(cause=Cause.SUCCESSION, seen=f"this register takes the place of {ended}")
    before = parse_standstill(held.halted) if held.halted is not None else None
    if is_signed:
        # The database is older than this register: what that had signed is asked of others, as after every restore.
        why = Standstill(cause=Cause.RECOVERY, seen=f"{own.origin} had signed entries that this database does not have")
    elif before is not None and before.cause is Cause.RESTORED:
        why = before
    register.halt(session, own.party, own.origin, why.text)
    return ended
