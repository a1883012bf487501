"""Offices without signatures and without a network, for years that are too long to be signed.

Everything else is real: the acts, the audience rules, the registers with their leaves and checkpoints, the recording
and the reconciliation, each Party with a store of its own. A document is never written as XML: whoever is to have it is
given it as it was made, in the order of the register.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from unittest.mock import patch

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from epix_node.acts import review
from epix_node.acts.extracts import publish_due
from epix_node.acts.office import Office
from epix_node.document.model import ExchangeDocument
from epix_node.exchange import mirrored
from epix_node.exchange.ingest import Refused
from epix_node.permit.facts import Source
from epix_node.reconcile.record import record_page
from epix_node.register.entry import parse_leaf
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.signing.verdict import SignatureState, Verdict
from epix_node.store import documents, peers, register
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session
from epix_node.store.register import RegisterState
from tests.acts.conftest import World, make_keys, open_world

PAGE = 500


@dataclass(frozen=True)
class UnsignedSigner:
    """Leaves what it is given as it is."""

    certificate: x509.Certificate

    def sign(self, document: bytes, *, at: datetime) -> bytes:
        return document


@dataclass
class UnsignedWorld(World):
    """As ``World``, with documents that stay in memory."""

    written: dict[str, tuple[ExchangeDocument, bytes, str]] = field(default_factory=dict)
    """Documents by the digest of what stands for their bytes."""

    def meet(self, *, rounds: int = 1) -> None:
        """Every office takes what is there for it, looks again at what time moves, and sends what it owes."""
        for _ in range(rounds):
            for office in self.offices.values():
                publish_due(office, now=self.now)
            states = {party: office.sequencer.publish(now=self.now) for party, office in self.offices.items()}
            for reader in self.offices.values():
                for writer in self.offices.values():
                    if reader is not writer:
                        self._take(reader, writer, states[writer.party])
            for office in self.offices.values():
                review.open_due(office, now=self.now)
                publish_due(office, now=self.now)

    def _take(self, reader: Office, writer: Office, state: RegisterState) -> None:
        """As ``World.pull``, without verifying what nobody signed."""
        size = state.checkpoint_size
        held = reader.database.read_now(register.state, writer.party)
        edge = held.edge if held is not None else RightEdge.empty()
        entries = writer.database.read_now(register.leaves, writer.party, edge.size, size)
        start = edge.size
        edge = edge.extended(leaf_hash(entry) for entry in entries)
        asked = reader.database.read_now(documents.wanted, writer.party)
        granted = writer.database.read_now(documents.given, writer.party, sorted(asked), codes=reader.codes)
        peer = reader.database.read_now(peers.state, writer.party)
        assert peer is not None
        listed, to = [(sha256, asked[sha256]) for sha256 in granted], peer.next_index
        while to < size:
            page, to = writer.database.read_now(
                documents.feed, writer.party, codes=reader.codes, start=to, size=size, limit=PAGE
            )
            listed += [(one.sha256, one.register_index) for one in page]

        def work(session: Session) -> None:
            register.put_state(session, replace(state, edge=edge, checkpoint_size=edge.size, halted=None))
            if not entries and not listed:
                return
            register.append(session, writer.party, start, entries)
            register.prove(session, writer.party, edge.size, at=self.now)
            mirrored.grown(
                session,
                writer.party,
                codes=writer.codes,
                start=held.checkpoint_size if held is not None else 0,
                end=edge.size,
                still_smaller_at=held.cosigned_at if held is not None else None,
                now=self.now,
            )
            self._record(session, reader, writer, listed)
            peers.advance(session, writer.party, next_index=to)

        reader.database.write_now(work)

    def _record(
        self, session: Session, reader: Office, writer: Office, listed: Sequence[tuple[str, int | None]]
    ) -> None:
        page: list[Arrival | Refused] = []
        for sha256, index in listed:
            assert index is not None
            leaf = register.leaf(session, writer.party, index)
            assert leaf is not None
            document, stands_for, signed_by = self.written[sha256]
            kind = document.header.type.value
            source = Source(document=sha256, type=kind, party=writer.party, index=index, at=parse_leaf(leaf).at)
            page.append(Arrival(document=document, xml=stands_for, source=source, signed_by=signed_by))
        record_page(session, reader.perspective(), writer.party, page, now=self.now)


@contextmanager
def unsigned_world(directory: Path, parties: tuple[str, ...]) -> Iterator[UnsignedWorld]:
    """Offices of these Parties, who believe one another; their stores are closed at the end."""
    serial = count()
    made: dict[bytes, ExchangeDocument] = {}
    world = UnsignedWorld({})

    def write(document: ExchangeDocument) -> bytes:
        stands_for = b"document %d" % next(serial)
        made[stands_for] = document
        return stands_for

    def verify(stands_for: bytes, _keys: object, *, at: datetime, environment: str) -> Verdict:
        document = made.pop(stands_for)
        signed_by = keys[document.header.party]
        world.written[hashlib.sha256(stands_for).hexdigest()] = document, stands_for, signed_by
        return Verdict(
            signature=SignatureState.VALID,
            signed=stands_for,
            party=document.header.party,
            certificate_sha256=signed_by,
        )

    keys: dict[str, str] = {}
    for party, office in open_world(directory, map(make_keys, parties)).offices.items():
        certificate = office.own.signer.certificate
        keys[party] = certificate.fingerprint(hashes.SHA256()).hex()
        own = replace(office.own, signer=UnsignedSigner(certificate))
        world.offices[party] = replace(office, own=own, sign_later=lambda now: None)
    try:
        with (
            patch("epix_node.exchange.own.write_document", write),
            patch("epix_node.exchange.own.verify", verify),
        ):
            yield world
    finally:
        world.close()
