"""Publish and ingest, beside bare signxml on the same document.

Two nodes run as ``epix-node serve``. Permits of two lines are posted to one of them; what its process uses for each
is compared with a bare sign and a bare verify. A tick then lets the other pull them over HTTP, verify and store them;
what that process uses for each is compared with a bare verify.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from epix_node.clock import utc_now
from epix_node.config import load_config
from epix_node.demo.country import choose_ports
from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.document.salts import new_salt, new_token, token_digest
from epix_node.document.writer import write_document
from epix_node.identity.key_box import OwnKeys
from epix_node.permit.json import permit_from_json
from epix_node.permit.number import normalised
from epix_node.sandbox_clock import SharedClock
from epix_node.signing.signer import FileSigner
from tests.bench.bare import BareSigner, BareVerifier
from tests.bench.figures import Figure, Reading
from tests.bench.servers import Server, node_server, requests
from tests.trusting import found_and_told

PUBLISH_TARGET = 0.5
"""Of a bare sign and verify (issue "Two countries exchange a permit", Must show)."""

INGEST_TARGET = 0.6
"""Of a bare verify (there)."""

REPETITIONS = 3


def measure(*, quick: bool) -> list[Figure]:
    """Publish and ingest, each three times."""
    number = 60 if quick else 300
    with tempfile.TemporaryDirectory(prefix="epix-bench-") as directory:
        now = utc_now().replace(microsecond=0)
        clock = SharedClock(Path(directory) / "clock.txt")
        clock.set(now)
        countries = found_and_told(
            Path(directory), ("XA", "XB"), choose_ports(2, first=None), now=now, clock=clock.path
        )
        writer, reader = countries
        keys = OwnKeys.load(load_config(writer.config, {}))
        document = _document(now)
        signed = FileSigner(keys.signing, keys.certificate).sign(document, at=now)
        bare_signer = BareSigner(keys.signing, keys.certificate)
        bare_verifier = BareVerifier(keys.certificate, at=now)

        publishing: list[Reading] = []
        ingesting: list[Reading] = []
        with node_server(writer) as source, node_server(reader) as puller:
            bodies = _bodies(now, "WARM", 30)
            requests(source, writer.tokens["authority"], "/api/v1/permits", bodies, expected=201)
            _pull(puller, reader.tokens["authority"], 30)
            for repetition in range(REPETITIONS):
                sign = _cpu_each(lambda: bare_signer.sign(document), number)
                verify = _cpu_each(lambda: bare_verifier.verify(signed), number)
                bodies = _bodies(now, f"R{repetition}", number)
                published = requests(source, writer.tokens["authority"], "/api/v1/permits", bodies, expected=201)
                cpu, wall = _pull(puller, reader.tokens["authority"], number)
                publishing.append(Reading(ours=published.cpu_each, bare=sign + verify, wall=published.wall / number))
                ingesting.append(Reading(ours=cpu, bare=verify, wall=wall))
    return [
        Figure(name="publish over HTTP", bare_name="signxml sign + verify", target=PUBLISH_TARGET, readings=publishing),
        Figure(name="ingest over HTTP", bare_name="signxml verify", target=INGEST_TARGET, readings=ingesting),
    ]


def permit(number: str, now: datetime) -> dict[str, Any]:
    """A permit of two lines, from XA to XB."""
    line = {"appendix": "II", "sources": ["C"], "unit": "NAR", "origin": {"country": "XA"}}
    return {
        "type": "E",
        "number": number,
        "issuer": "XA",
        "issued_on": now.date().isoformat(),
        "valid_from": now.date().isoformat(),
        "valid_until": (now.date() + timedelta(days=150)).isoformat(),
        "purpose": "T",
        "exporter": {"name": "Hook Leather", "address": "7 Jetty Street, Port", "country": "XA"},
        "importer": {"name": "Tiger Lily Trading", "address": "1 Lagoon Road, Haven", "country": "XB"},
        "authority": {"name": "Management Authority of XA", "place": "Port", "signatory": "J. D."},
        "special_conditions": "Transport by the guidelines of CITES",
        "lines": [
            {**line, "block": "A", "taxon": "Python regius", "term": "LIV", "quantity": "12"},
            {**line, "block": "B", "taxon": "Caiman crocodilus", "term": "SKI", "quantity": "250"},
        ],
    }


def _bodies(now: datetime, series: str, number: int) -> list[bytes]:
    return [json.dumps(permit(f"{now.year}-{series}-{n:06}", now)).encode() for n in range(number)]


def _document(now: datetime) -> bytes:
    """The same permit as an unsigned exchange document."""
    body = permit_from_json(permit(f"{now.year}-BARE", now))
    header = Header(
        environment="sandbox",
        party="XA",
        type=DocumentType.PERMIT,
        issued=now,
        salt=new_salt(),
        permit_salt=new_salt(),
        token_digest=token_digest(new_token()),
        recipients=("XB",),
        permit_issuer="XA",
        permit_type="E",
        permit_number=normalised(body.number),
        permit_year=now.year,
    )
    return write_document(ExchangeDocument(header=header, body=body))


def _cpu_each(work: Callable[[], object], number: int) -> float:
    """CPU-seconds of this process for one piece of work."""
    began = time.process_time()
    for _ in range(number):
        work()
    return (time.process_time() - began) / number


def _pull(puller: Server, token: str, expected: int) -> tuple[float, float]:
    """CPU-seconds and wall seconds of the pulling node for each document of one round."""
    cpu, began = puller.cpu(), time.perf_counter()
    requests(puller, token, "/sandbox/v1/tick", [b"{}"], expected=200)
    return (puller.cpu() - cpu) / expected, (time.perf_counter() - began) / expected
