"""A register of many entries, some of them documents for another Party; made once and kept in the temporary directory.

The entries are those of a real node and under its signed checkpoint; but only the documents for the reader exist, since
nobody will ever ask for the others. They are signed on all cores.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from epix_node.clock import format_time, parse_time, utc_now
from epix_node.config import load_config
from epix_node.demo.country import Country, choose_ports
from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.document.salts import new_salt, new_token, token_digest
from epix_node.document.writer import write_document
from epix_node.identity.key_box import OwnKeys
from epix_node.node import Node, open_node
from epix_node.permit.facts import Source
from epix_node.permit.json import permit_from_json
from epix_node.permit.number import normalised
from epix_node.register.entry import Leaf, chain_commitment, document_commitment
from epix_node.register.merkle import RightEdge, leaf_hash
from epix_node.sandbox_clock import SharedClock
from epix_node.signing.signer import FileSigner
from epix_node.store import documents, register, schema
from epix_node.store.arrival import Arrival
from epix_node.store.database import Session
from tests.bench.exchange import permit
from tests.trusting import found_and_told

WRITER, READER = "XA", "XB"
_LEAVES_AT_ONCE = 4096
_SIGNED_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class LongRegister:
    """Two nodes at rest: one wrote, the other has not pulled yet. ``now`` is what their clock shows."""

    writer: Country
    reader: Country
    now: datetime
    leaves: int
    documents: int


@contextmanager
def long_register(*, leaves: int, addressed: int) -> Iterator[LongRegister]:
    """Such a pair, with a reader that knows nothing yet, whatever the run before it did."""
    home = Path(tempfile.gettempdir(), f"epix-bench-catchup-{os.getuid()}", f"{schema.HEAD}-{leaves}-{addressed}")
    if not (home / "ready.json").is_file() or not _ports_are_free(home):
        shutil.rmtree(home, ignore_errors=True)
        _make(home, leaves=leaves, addressed=addressed)
    about = json.loads((home / "ready.json").read_text("utf-8"))
    shutil.rmtree(home / READER)
    shutil.copytree(home / f"{READER}.fresh", home / READER)
    yield LongRegister(
        writer=_country(home, WRITER, about["urls"][WRITER]),
        reader=_country(home, READER, about["urls"][READER]),
        now=parse_time(about["now"]),
        leaves=leaves,
        documents=addressed,
    )


def _country(home: Path, party: str, url: str) -> Country:
    return Country(party=party, url=url, config=home / party / "config" / "epix-node.toml", tokens={})


def _ports_are_free(home: Path) -> bool:
    about = json.loads((home / "ready.json").read_text("utf-8"))
    try:
        for url in about["urls"].values():
            choose_ports(1, first=int(url.rpartition(":")[2]))
    except Exception:  # noqa: BLE001 # made again, then
        return False
    return True


def _make(home: Path, *, leaves: int, addressed: int) -> None:
    home.mkdir(parents=True, mode=0o700)
    now = utc_now().replace(microsecond=0)
    clock = SharedClock(home / "clock.txt")
    clock.set(now)
    countries = found_and_told(home, (WRITER, READER), choose_ports(2, first=None), now=now, clock=clock.path)
    writer = countries[0]
    print(f"  making a register of {leaves:,} entries with {addressed:,} documents, once …", flush=True)
    signed = _signed(writer.config, addressed, now=now)
    with open_node(load_config(writer.config, {})) as node:
        _enter(node, signed, leaves=leaves, now=now)
    shutil.copytree(home / READER, home / f"{READER}.fresh")
    about = {"now": format_time(now), "urls": {country.party: country.url for country in countries}}
    (home / "ready.json").write_text(json.dumps(about), encoding="utf-8")


def unsigned(number: str, now: datetime) -> bytes:
    """A permit of two lines for the reader, as an exchange document."""
    body = permit_from_json(permit(number, now))
    header = Header(
        environment="sandbox",
        party=WRITER,
        type=DocumentType.PERMIT,
        issued=now,
        salt=new_salt(),
        permit_salt=new_salt(),
        token_digest=token_digest(new_token()),
        recipients=(READER,),
        permit_issuer=WRITER,
        permit_type="E",
        permit_number=normalised(body.number),
        permit_year=now.year,
    )
    return write_document(ExchangeDocument(header=header, body=body))


def _signed(config: Path, number: int, *, now: datetime) -> list[bytes]:
    parts = [range(start, min(start + _SIGNED_AT_ONCE, number)) for start in range(0, number, _SIGNED_AT_ONCE)]
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("forkserver")) as pool:
        made = pool.map(_sign, [config] * len(parts), parts, [now] * len(parts))
        return [xml for part in made for xml in part]


def _sign(config: Path, numbers: Sequence[int], now: datetime) -> list[bytes]:
    keys = OwnKeys.load(load_config(config, {}))
    signer = FileSigner(keys.signing, keys.certificate)
    return [signer.sign(unsigned(f"{now.year}-CATCHUP-{n:06}", now), at=now) for n in numbers]


def _enter(node: Node, signed: Sequence[bytes], *, leaves: int, now: datetime) -> None:
    """Every so many entries one is a document; then all are under one checkpoint."""
    every = leaves // len(signed)
    for start in range(0, leaves, _LEAVES_AT_ONCE):
        node.database.write_now(_append, node, signed, range(start, min(start + _LEAVES_AT_ONCE, leaves)), every, now)
    state = node.office.sequencer.publish(now=now)
    assert state.checkpoint_size == leaves


def _append(session: Session, node: Node, signed: Sequence[bytes], indexes: range, every: int, now: datetime) -> None:
    arrivals: list[Arrival] = []
    added: list[bytes] = []
    for index in indexes:
        is_document = index % every == 0 and index // every < len(signed)
        if not is_document:
            secret = hashlib.sha256(f"{index}".encode()).digest()
            leaf = Leaf(at=now, c=secret, d=secret, environment="sandbox", party=WRITER)
        else:
            xml = signed[index // every]
            document = read_document(xml)
            header = document.header
            leaf = Leaf(
                at=now,
                c=chain_commitment(header.permit_salt, WRITER, 0),
                d=document_commitment(header.salt, xml),
                environment="sandbox",
                party=WRITER,
            )
            digest = hashlib.sha256(xml).hexdigest()
            source = Source(document=digest, type=header.type.value, party=WRITER, index=index, at=now)
            arrivals.append(Arrival(document=document, xml=xml, source=source, proven_at=now))
        added.append(leaf.to_bytes())
    grow(session, node, added)
    documents.add(session, arrivals, received_at=now)


def grow(session: Session, node: Node, added: Sequence[bytes]) -> None:
    """The register has these entries more, under no checkpoint yet."""
    held = register.state(session, node.party)
    edge = held.edge if held is not None else RightEdge.empty()
    register.append(session, node.party, edge.size, added)
    edge = edge.extended(leaf_hash(entry) for entry in added)
    register.put_edge(session, node.party, node.office.own.origin, edge)


def some_leaf(node: Node, number: int, now: datetime) -> bytes:
    """An entry of which nobody will see the document."""
    secret = hashlib.sha256(f"{number}".encode()).digest()
    return Leaf(at=now + timedelta(0), c=secret, d=secret, environment="sandbox", party=node.party).to_bytes()
