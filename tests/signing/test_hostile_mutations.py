"""Thousands of changed documents: none says anything that was not signed, and libxmlsec agrees with what is taken.

A few hundred run always; `make hostile` runs 20,000, or as many as EPIX_MUTATIONS says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from cryptography import x509

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.document.writer import write_document
from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Line, Permit, TradeParty
from epix_node.signing.verdict import Verdict
from epix_node.signing.verifier import verify
from tests.signing.mutations import mutated

OFTEN = 400
HOSTILE = int(os.environ.get("EPIX_MUTATIONS", "20000"))

# Everything that C14N treats in a way of its own: default namespaces undone and declared again, prefixes that mean two
# things, xml: attributes, attributes to be sorted and normalised, line ends as references, text beyond ASCII.
ODD_BODY = (
    '<p:Permit xmlns:p="urn:test:permit" xmlns:q="urn:q" q:b="2" p:a="1" a="&#9;x &#10;&#13;&quot;&lt;" xml:lang="fr">'
    '<p:Number>26XA000123</p:Number><none xmlns=""><inner/></none><p:Name xml:space="preserve"> é &#13;\n&gt;&amp; '
    '\U0001f98e </p:Name><p:Line xmlns:p="urn:other"><p:Taxon/><again xmlns="urn:epix-node:document:1">x</again>'
    "</p:Line>mixed</p:Permit>"
)


@pytest.fixture(scope="module")
def documents(xa, unsigned: Callable[..., bytes], signed: bytes, at: datetime) -> list[bytes]:
    """What is changed: a small document, one full of oddities, and a permit as this program writes it."""
    header = Header(
        environment="sandbox",
        party="XA",
        type=DocumentType.PERMIT,
        issued=datetime(2026, 3, 1, 10, tzinfo=UTC),
        salt=bytes(16),
        permit_salt=bytes(range(16)),
        recipients=("XB",),
        permit_issuer="XA",
        permit_type="E",
        permit_number="26XA000123",
        permit_year=2026,
    )
    permit = Permit(
        type="E",
        number="26XA000123",
        issuer="XA",
        issued_on=date(2026, 3, 1),
        valid_until=date(2026, 8, 31),
        importer=TradeParty(name="Zoë & Söhne", country="XB"),
        multi_use=True,
        lines=(Line(block="A", taxon="Python regius", quantity="12", unit="NAR", sources=("C",)),),
    )
    real = xa.signer.sign(write_document(ExchangeDocument(header=header, body=permit)), at=at)
    return [signed, xa.signer.sign(unsigned(body=ODD_BODY), at=at), real]


def verdict_on(document: bytes, keys, at: datetime) -> Verdict | None:
    """None for what is no document at all; anything else that is raised fails the test."""
    try:
        return verify(document, keys, at=at, environment="sandbox")
    except MalformedDocumentError:
        return None


def taken(
    documents: list[bytes],
    numbers: range,
    *,
    keys,
    at: datetime,
    certificate: x509.Certificate,
    libxmlsec_accepts: Callable[[bytes, x509.Certificate], bool],
) -> int:
    """How many of these mutations are taken; each says what was signed, and libxmlsec takes it too."""
    genuine = [verdict_on(document, keys, at) for document in documents]
    found = 0
    for number in numbers:
        place = number % len(documents)
        document = mutated(documents[place], number)
        verdict = verdict_on(document, keys, at)
        if verdict is None or not verdict.is_valid:
            continue
        found += 1
        assert verdict == genuine[place], f"mutation {number} says something else"
        assert libxmlsec_accepts(document, certificate), f"libxmlsec refuses mutation {number}"
    return found


def test_what_is_changed_is_genuine(documents, keys, xa, at, libxmlsec_accepts):
    """Otherwise the mutations would show nothing."""
    for document in documents:
        verdict = verdict_on(document, keys, at)
        assert verdict is not None
        assert verdict.is_valid
        assert libxmlsec_accepts(document, xa.certificate)
    assert verdict.signed is not None
    assert read_document(verdict.signed).body.number == "26XA000123"


def test_hundreds_of_mutations_say_nothing_new(documents, keys, xa, at, libxmlsec_accepts):
    """A small part of what follows, in every run."""
    found = taken(
        documents,
        range(OFTEN),
        keys=keys,
        at=at,
        certificate=xa.certificate,
        libxmlsec_accepts=libxmlsec_accepts,
    )
    assert 0 < found < OFTEN // 2


@pytest.mark.hostile
def test_thousands_of_mutations_say_nothing_new(documents, keys, xa, at, libxmlsec_accepts):
    """Wherever our verifier takes what libxmlsec refuses, or reads what was not signed, it has a hole."""
    found = taken(
        documents,
        range(OFTEN, OFTEN + HOSTILE),
        keys=keys,
        at=at,
        certificate=xa.certificate,
        libxmlsec_accepts=libxmlsec_accepts,
    )
    assert found < HOSTILE // 2
