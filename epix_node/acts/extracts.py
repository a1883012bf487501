"""Tell the countries of origin, of last re-export and of transit of own permits (protocol decision 3).

What is due was marked in the transaction that changed the permit's facts (``reconcile.extracting``). Here it is
signed, and entered in another one, which looks again whether it is still what is to be said. So a crash only means that
the next round writes it, and two processes at once write it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from epix_node.acts.office import Office
from epix_node.document.header import DocumentType
from epix_node.exchange import audience
from epix_node.exchange.own import Prepared, prepare
from epix_node.permit.extract import PermitExtract
from epix_node.permit.facts import PermitFact
from epix_node.permit.number import NumberRef, PermitKey
from epix_node.reconcile.extracting import to_tell
from epix_node.reconcile.record import record_own
from epix_node.reconcile.surroundings import load_case
from epix_node.store import extracts
from epix_node.store.database import Session
from epix_node.trust.certificate import fingerprint

AT_ONCE = 32
"""Extracts entered in one transaction: some hundred milliseconds."""

log = structlog.get_logger("epix_node.acts")

Telling = tuple[PermitFact, PermitExtract]
"""A permit, and what is to be told of it."""


def publish_due(office: Office, *, now: datetime, progress: Callable[[], object] = lambda: None) -> int:
    """Everybody concerned can pull what is true now of the own permits; returns how many extracts were written.

    None is written where the own manifest does not let the key sign extracts: what is due waits until it does.
    """
    written = 0
    while due := office.database.read_now(extracts.due, limit=AT_ONCE):
        if not _may_sign(office):
            log.debug("extracts wait until the own manifest lets the key sign them", due=len(due))
            break
        telling = office.database.read_now(_telling, office, due)
        prepared = {key: None if told is None else _prepare(office, *told, now=now) for key, told in telling.items()}
        entered, cleared = office.database.write_now(_enter, office, prepared, now)
        written += entered
        progress()
        if not cleared:
            break  # all of them changed since we looked; the next round sees to it
    if written:
        office.sequencer.publish(now=now)  # one checkpoint for all of them
    return written


def _may_sign(office: Office) -> bool:
    """Whether others would take an extract by the key that signs now: ``uses`` of its entry in the own manifest."""
    key = office.own.keys.find(office.party, fingerprint(office.own.signer.certificate))
    return key is not None and DocumentType.EXTRACT.value in key.uses


def _telling(session: Session, office: Office, due: tuple[PermitKey, ...]) -> dict[PermitKey, Telling | None]:
    return {key: _to_tell(session, office, key) for key in due}


def _to_tell(session: Session, office: Office, key: PermitKey) -> Telling | None:
    perspective = office.perspective()
    case = load_case(session, perspective, key.issuer, key.number)
    for fact in case.permits:
        if fact.key == key:
            told = to_tell(session, perspective, case, fact)
            return None if told is None else (fact, told)
    return None


def _prepare(office: Office, fact: PermitFact, told: PermitExtract, *, now: datetime) -> Prepared:
    key = fact.key
    return prepare(
        office.own,
        told,
        type_=DocumentType.EXTRACT,
        subject=NumberRef(issuer=key.issuer, number=key.number, type=key.type, year=key.year),
        recipients=audience.of_extract(fact.permit, writer=office.codes),
        now=now,  # with a PermitSalt of its own: an extract is in no chain (decision 4)
    )


def _enter(
    session: Session, office: Office, prepared: Mapping[PermitKey, Prepared | None], now: datetime
) -> tuple[int, int]:
    """How many of them were entered, and how many are not due any more."""
    entered = cleared = 0
    for key, document in prepared.items():
        telling = _to_tell(session, office, key)
        if telling is None:
            extracts.clear_due(session, key)
            cleared += 1
        elif document is not None and document.document.body == telling[1]:
            record_own(session, office.perspective(), office.own, document, now=now)
            extracts.clear_due(session, key)
            entered += 1
            cleared += 1
    return entered, cleared
