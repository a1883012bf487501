"""Status by key with many permits stored, beside a bare handler that reads the same JSON.

The rows are written by the store's own functions, as recording a permit writes them, without the signed documents:
a status answer never looks at those. Both servers are processes of their own and are asked in turn.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from datetime import datetime
from pathlib import Path

from epix_node.clock import utc_now
from epix_node.config import load_config
from epix_node.demo.country import choose_ports
from epix_node.permit.facts import PermitFact, Source
from epix_node.permit.json import permit_from_json
from epix_node.permit.status import standing
from epix_node.store import cases, permits
from epix_node.store.database import Database, Session
from tests.bench.exchange import permit
from tests.bench.figures import Figure, Reading
from tests.bench.servers import bare_server, node_server, requests
from tests.trusting import found_and_told

TARGET = 0.5
"""Of the bare handler, per CPU-second (issue "Two countries exchange a permit", Must show)."""

REPETITIONS = 3
_BATCH = 2000


def measure(*, quick: bool) -> list[Figure]:
    """Status by key as the authority asks it, and as customs do, with a proof."""
    stored, asked = (10_000, 2_000) if quick else (100_000, 10_000)
    with tempfile.TemporaryDirectory(prefix="epix-bench-") as directory:
        now = utc_now().replace(microsecond=0)
        node_port, bare_port = choose_ports(2, first=None)
        (country,) = found_and_told(Path(directory), ("XA",), (node_port,), now=now, clock=None)
        print(f"  storing {stored:,} permits …", flush=True)
        _fill(load_config(country.config, {}).store_url, stored, now)
        choose = random.Random(1)
        questions: list[dict[str, object]] = [
            {"issuer": "XA", "number": _number(now, choose.randrange(stored))} for _ in range(asked)
        ]
        plain = [json.dumps(question).encode() for question in questions]
        proof = {"issued_on": now.date().isoformat(), "quantity": "12", "unit": "NAR"}
        proved = [json.dumps({**question, "proof": proof}).encode() for question in questions]
        by_authority: list[Reading] = []
        by_customs: list[Reading] = []
        with node_server(country) as node, bare_server(bare_port) as bare:
            requests(bare, "none", "/api/v1/status", plain[:500], expected=200)
            requests(node, country.tokens["authority"], "/api/v1/status", plain[:500], expected=200)
            for _ in range(REPETITIONS):
                for role, bodies, readings in (
                    ("authority", plain, by_authority),
                    ("customs", proved, by_customs),
                ):
                    floor = requests(bare, "none", "/api/v1/status", bodies, expected=200)
                    spent = requests(node, country.tokens[role], "/api/v1/status", bodies, expected=200)
                    readings.append(Reading(ours=spent.cpu_each, bare=floor.cpu_each, wall=spent.wall / asked))
    return [
        Figure(name="status by key", bare_name="aiohttp, reads JSON", target=TARGET, readings=by_authority),
        Figure(name="… customs, with proof", bare_name="aiohttp, reads JSON", target=None, readings=by_customs),
    ]


def _number(now: datetime, n: int) -> str:
    return f"{now.year}XA{n:06}"


def _fill(url: str, stored: int, now: datetime) -> None:
    def batch(session: Session, first: int) -> None:
        facts = [_fact(n, now) for n in range(first, min(first + _BATCH, stored))]
        permits.add(session, [(fact, None, None) for fact in facts])
        cases.add_cards(session, [(fact, standing(fact, (), ())) for fact in facts])

    database = Database(url)
    try:
        for first in range(0, stored, _BATCH):
            database.write_now(batch, first)
    finally:
        database.close()


def _fact(n: int, now: datetime) -> PermitFact:
    body = permit_from_json(permit(_number(now, n), now))
    document = hashlib.sha256(body.number.encode()).hexdigest()
    return PermitFact(source=Source(document=document, type="permit", party="XA", index=n, at=now), permit=body)
