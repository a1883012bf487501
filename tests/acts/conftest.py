"""Offices of fictional countries on real SQLite with real signatures, joined by a wire without HTTP.

`World.meet()` lets every office take what the others' registers list for it: the same checks and the same recording as
a pull, without the network. Time stands still until `World.wait()`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from epix_node.acts import report, review
from epix_node.acts.extracts import publish_due
from epix_node.acts.look import status, verdict_on_claim, verdict_on_document
from epix_node.acts.office import Office
from epix_node.acts.publish import Published, publish
from epix_node.exchange import ingest, mirrored
from epix_node.exchange.own import OwnRegister
from epix_node.exchange.sequencer import Sequencer
from epix_node.permit.answer import Answer, Policy
from epix_node.permit.event import PermitRef
from epix_node.permit.event_json import confirmation_from_json, endorsement_from_json
from epix_node.permit.finding import Finding
from epix_node.permit.json import permit_from_json
from epix_node.permit.model import Permit
from epix_node.permit.number import normalised
from epix_node.reconcile.follow import revisit
from epix_node.reconcile.record import record_page
from epix_node.register.checkpoint import verify_checkpoint
from epix_node.register.cosignature import Cosigner
from epix_node.register.entry import parse_leaf
from epix_node.register.merkle import leaf_hash
from epix_node.register.note import NoteSigner
from epix_node.rules.ruleset import load_ruleset
from epix_node.signing.signer import FileSigner
from epix_node.store import documents, findings, peers, register
from epix_node.store.database import Session
from epix_node.store.last_signed import LastSigned
from epix_node.store.register import RegisterState
from epix_node.trust.certificate import issue_certificate
from epix_node.trust.keyring import Keyring
from epix_node.trust.keys import generate_ed25519_key, generate_permit_key
from epix_node.trust.manifest import (
    CoverageEntry,
    LogEntry,
    Manifest,
    PermitKeyEntry,
    TransportKeyEntry,
    WitnessEntry,
    parse_manifest,
)
from epix_node.trust.signed_version import SignedVersion
from epix_node.trust.trust_list import PartyTrust, TrustList
from tests.stores import open_store

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ALL_USES = (
    "permit",
    "withdrawal",
    "export-endorsement",
    "import-confirmation",
    "presentation",
    "correction",
    "alert",
    "permit-extract",
)
YEARS_20 = timedelta(days=7300)


@dataclasses.dataclass(frozen=True)
class Keys:
    """The key material of one Party."""

    party: str
    signer: FileSigner
    log: NoteSigner
    cosigner: Cosigner
    manifest: Manifest

    def register(self) -> OwnRegister:
        return OwnRegister(
            party=self.party,
            codes=frozenset(self.manifest.issues_for),
            environment="sandbox",
            signer=self.signer,
            log=self.log,
            cosigner=self.cosigner,
            keys=Keyring({self.party: self.manifest}),
            log_key=self.manifest.log_keys[0],
            cosigner_key=self.manifest.cosigner_keys[0],
        )


def make_keys(party: str, *codes: str) -> Keys:
    key = generate_permit_key()
    certificate = issue_certificate(key, party, not_before=START - timedelta(days=1), valid_for=YEARS_20)
    log = NoteSigner(f"{party.lower()}.example/sandbox/register/{party}", generate_ed25519_key())
    cosigner = Cosigner(f"{party.lower()}.example/sandbox/witness/{party}", generate_ed25519_key())
    ends = START + YEARS_20 - timedelta(days=2)
    manifest = Manifest(
        env="sandbox",
        party=party,
        issues_for=(party, *codes),
        base=(f"http://127.0.0.1:1/{party}/epix/v1/",),
        coverage=(CoverageEntry(types=("E", "R", "I", "O"), issued_from=START.date(), published_within_h=24),),
        log=LogEntry(origin=log.name, vkeys=(log.verifier_key.vkey,)),
        witness=WitnessEntry(name=cosigner.name, vkeys=(cosigner.verifier_key.vkey,)),
        permit_keys=(PermitKeyEntry.of(certificate, uses=ALL_USES, not_before=START, not_after=ends),),
        transport_keys=(TransportKeyEntry.of(generate_ed25519_key().public_key(), not_after=ends),),
    )
    return Keys(party, FileSigner(key, certificate), log, cosigner, manifest)


@pytest.fixture(scope="session")
def keys_of() -> Callable[[str], Keys]:
    made: dict[str, Keys] = {}

    def keys(party: str) -> Keys:
        if party not in made:
            made[party] = make_keys(party)
        return made[party]

    return keys


@dataclasses.dataclass
class World:
    """Some offices and the time."""

    offices: dict[str, Office]
    now: datetime = START
    policy: Policy = dataclasses.field(default_factory=Policy)

    def __getitem__(self, party: str) -> Office:
        return self.offices[party]

    def close(self) -> None:
        for office in self.offices.values():
            office.sequencer.record.close()
            office.database.close()

    def wait(self, **spans: float) -> None:
        self.now += timedelta(**spans)

    def publish(self, party: str, **members: Any) -> Published:
        return publish(self[party], permit_of(party, **members), now=self.now)

    def endorse(self, party: str, number: str, **members: Any) -> report.Reported:
        return report.report(self[party], endorsement_from_json(event_of(number, **members)), now=self.now)

    def confirm(self, party: str, number: str, **members: Any) -> report.Reported:
        body = {"outcome": "released", **event_of(number, **members)}
        return report.report(self[party], confirmation_from_json(body), now=self.now)

    def status(self, party: str, number: str, issuer: str = "XA", **more: Any) -> Answer:
        ref = PermitRef(issuer=issuer, number=normalised(number), **more)
        return status(self[party], self.policy, ref, purpose=None, now=self.now)

    def claim(self, party: str, number: str, issuer: str = "XA", **more: Any) -> Answer:
        arguments: dict[str, Any] = {"presented": None, "document_sha256": None, "purpose": None, **more}
        ref = PermitRef(issuer=issuer, number=normalised(number))
        return verdict_on_claim(self[party], self.policy, ref, now=self.now, **arguments)

    def verdict(self, party: str, xml: bytes) -> Answer:
        return verdict_on_document(self[party], self.policy, xml, purpose=None, now=self.now)

    def document(self, party: str, sha256: str) -> bytes:
        held = self[party].database.read_now(documents.find, sha256)
        assert held is not None
        return held.xml

    def findings(self, party: str) -> dict[str, Finding]:
        found, _ = self[party].database.read_now(findings.page, findings.FindingFilter(), cursor=None, limit=500)
        return {finding.id: finding for finding in found}

    def patterns(self, party: str) -> list[tuple[str, str, str]]:
        """(pattern, class, state) of every finding that an office shows, but for resolved ones."""
        return sorted(
            (f.pattern, f.class_.value, f.state.value)
            for f in self.findings(party).values()
            if f.state.value != "resolved"
        )

    def meet(self, *, rounds: int = 2) -> None:
        """Every office takes what is there for it, and sends what it owes; twice, so that answers arrive, too."""
        for _ in range(rounds):
            for reader in self.offices.values():
                publish_due(reader, now=self.now)
                for writer in self.offices.values():
                    if reader is not writer:
                        self.pull(reader, writer)
                reader.database.write_now(revisit, reader.perspective(), now=self.now)
                review.open_due(reader, now=self.now)
                publish_due(reader, now=self.now)

    def pull(self, reader: Office, writer: Office) -> None:
        state = writer.sequencer.publish(now=self.now)
        keyring = reader.keyring()
        log_key = keyring.log_key(writer.party)
        assert log_key is not None
        assert state.checkpoint is not None
        verified = verify_checkpoint(
            state.checkpoint,
            origin=writer.own.origin,
            log_key=log_key,
            cosigner_key=keyring.cosigner_key(writer.party),
        )
        held = reader.database.read_now(register.state, writer.party)
        edge = held.edge if held is not None else register.RightEdge.empty()
        entries = writer.database.read_now(register.leaves, writer.party, edge.size, verified.checkpoint.size)
        start = edge.size
        edge = edge.extended(leaf_hash(entry) for entry in entries)
        assert edge.root() == verified.checkpoint.root
        peer = reader.database.read_now(peers.state, writer.party)
        assert peer is not None
        listed, to = writer.database.read_now(
            documents.feed,
            writer.party,
            codes=reader.codes,
            start=peer.next_index,
            size=verified.checkpoint.size,
            limit=500,
        )
        asked = reader.database.read_now(documents.wanted, writer.party)
        granted = writer.database.read_now(documents.given, writer.party, sorted(asked), codes=reader.codes)

        def work(session: Session) -> None:
            register.append(session, writer.party, start, entries)
            register.put_state(
                session,
                RegisterState(
                    party=writer.party,
                    origin=writer.own.origin,
                    edge=edge,
                    checkpoint_size=edge.size,
                    checkpoint=verified.note,
                    cosigned_at=verified.cosigned_at,
                ),
            )
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
            page = []
            everything = [(d.sha256, d.register_index, d.xml) for d in listed]
            everything += [(sha256, asked[sha256], xml) for sha256, xml in granted.items()]
            for sha256, index, xml in everything:
                assert index is not None
                leaf = register.leaf(session, writer.party, index)
                assert leaf is not None
                checked = ingest.check(
                    ingest.Listed(sha256=sha256, index=index, leaf=parse_leaf(leaf), xml=xml),
                    party=writer.party,
                    environment="sandbox",
                    trust=keyring,
                    now=self.now,
                )
                page.append(checked)
            page = reader.examiner(now=self.now).examine(page)
            record_page(session, reader.perspective(), writer.party, page, now=self.now)
            peers.advance(session, writer.party, next_index=to)

        reader.database.write_now(work)


def open_world(directory: Path, keys: Iterable[Keys]) -> World:
    """Offices for these Parties, who trust one another; `World.close` closes their stores."""
    known = {one.party: one for one in keys}
    keyring = Keyring({party: one.manifest for party, one in known.items()})
    trust_list = trusting(keyring.manifests.values())
    offices = {}
    for party, own in known.items():
        database = open_store(directory / f"{party}.sqlite")
        for other in known:
            if other != party:
                database.write_now(peers.meet, other, now=START)
        register_of = own.register()
        offices[party] = Office(
            database=database,
            own=register_of,
            sequencer=Sequencer(database, LastSigned(database), register_of),
            ruleset=load_ruleset(),
            keyring=lambda: keyring,
            trust_list=lambda: trust_list,
            timezone=ZoneInfo("UTC"),
        )
    return World(offices)


def trusting(manifests: Iterable[Manifest], *, expires: datetime = START + YEARS_20) -> TrustList:
    """A trust list as a refresh leaves it, of these manifests, which nobody signed: how sure it is, is what matters."""
    versions = [SignedVersion(role=b"", manifest_file=m.numbered(1).to_json()) for m in manifests]
    entries = [PartyTrust.of(v, parse_manifest(v.manifest_file), expires=expires) for v in versions]
    parties = {entry.manifest.party: entry for entry in entries}
    return TrustList(environment="sandbox", roots=(), parties=parties, refreshed_at=START, expires=expires)


@pytest.fixture
def world(tmp_path: Path, keys_of: Callable[[str], Keys]) -> Iterator[World]:
    """XA, XB and XC, who trust one another."""
    made = open_world(tmp_path, map(keys_of, ("XA", "XB", "XC")))
    yield made
    made.close()


def permit_of(issuer: str = "XA", **members: Any) -> Permit:
    """A permit that no rule blocks; `lines` may be given short as ``{"quantity": "5"}``."""
    lines = members.pop("lines", [{}])
    body: dict[str, Any] = {
        "type": "E",
        "number": "26XA000001",
        "issuer": issuer,
        "issued_on": "2026-03-02",
        "valid_until": "2026-08-31",
        "purpose": "T",
        "exporter": {"name": "Hook Leather", "address": "7 Jetty Street", "country": issuer},
        "importer": {"name": "Tiger Lily Trading", "address": "1 Lagoon Road", "country": "XB"},
        "authority": {"name": f"Management Authority of {issuer}", "place": "Port", "signatory": "J. D."},
        # Whatever a re-export certificate or a replacement leaves out is justified (RXP-01, DOC-01).
        "special_conditions": "As explained in our file 7",
        **members,
    }
    blocks = "ABCDEFGH"
    body["lines"] = [
        {
            "block": blocks[i],
            "taxon": "Python regius",
            "appendix": "II",
            "sources": ["C"],
            "term": "SKI",
            "quantity": "10",
            "unit": "NAR",
            **line,
        }
        for i, line in enumerate(lines)
    ]
    return permit_from_json(body)


_ids = iter(range(1, 1_000_000))


def event_of(
    number: str, *, issuer: str = "XA", quantity: str = "10", unit: str = "NAR", **members: Any
) -> dict[str, Any]:
    """An event body about all of block A."""
    permit = {"issuer": issuer, "number": number, **members.pop("permit", {})}
    return {
        "event_id": f"EV-{next(_ids)}",
        "permit": permit,
        "office": "PORT-1",
        "date": "2026-03-02",
        "lines": [{"block": "A", "quantity": quantity, "unit": unit}],
        **members,
    }


def day(text: str) -> date:
    return date.fromisoformat(text)
