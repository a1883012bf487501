"""Thousands of changed documents: none says anything that was not signed, and libxmlsec agrees with what is taken.

A few hundred run always; `make hostile` runs 20,000 of each document, or as many as EPIX_MUTATIONS says, and a
quarter as many that the owner of the key signed once more.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial

import pytest
import xmlsec
from lxml import etree

from epix_node.document.header import DocumentType, Header
from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.document.writer import write_document
from epix_node.errors import MalformedDocumentError
from epix_node.permit.model import Line, Permit, TradeParty
from tests.signing.mutations import mutated
from tests.signing.opinion import Opinions, opinions

OFTEN = 150
HOSTILE = int(os.environ.get("EPIX_MUTATIONS", "20000"))
NAMES = ("a small document", "a document full of oddities", "a permit")
Judge = Callable[[bytes], Opinions]

# Everything that C14N treats in a way of its own: default namespaces undone and declared again, prefixes that mean two
# things, xml: attributes, attributes to be sorted and normalised, line ends as references, text beyond ASCII.
ODD_BODY = (
    '<p:Permit xmlns:p="urn:test:permit" xmlns:q="urn:q" q:b="2" p:a="1" a="&#9;x &#10;&#13;&quot;&lt;" xml:lang="fr">'
    '<p:Number>26XA000123</p:Number><none xmlns=""><inner/></none><p:Name xml:space="preserve"> é &#13;\n&gt;&amp; '
    '\U0001f98e </p:Name><p:Line xmlns:p="urn:other"><p:Taxon/><again xmlns="urn:epix-node:document:1">x</again>'
    "</p:Line>mixed</p:Permit>"
)


@pytest.fixture(scope="module")
def documents(xa, unsigned: Callable[..., bytes], signed: bytes, at: datetime) -> dict[str, bytes]:
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
    return dict(zip(NAMES, (signed, xa.signer.sign(unsigned(body=ODD_BODY), at=at), real), strict=True))


@pytest.fixture(scope="module")
def judge(keys, xa, at) -> Judge:
    """Both verifiers on one document; that they disagree without a reason, or raise anything, fails the test."""
    return partial(opinions, keys=keys, at=at, certificate=xa.certificate)


def taken(document: bytes, numbers: range, judge: Judge) -> int:
    """How many of these mutations are taken, and each of them says what was signed."""
    genuine = judge(document)
    found = 0
    for number in numbers:
        try:
            given = judge(mutated(document, number))
        except Exception as error:
            raise AssertionError(f"mutation {number}") from error
        if given.answer == "VALID":
            found += 1
            assert given.verdict == genuine.verdict, f"mutation {number} says something else"
        else:
            assert given.signed is None, f"mutation {number} is refused and may be read"
    return found


def test_what_is_changed_is_genuine(documents, judge):
    """Otherwise the mutations would show nothing."""
    given = {name: judge(document) for name, document in documents.items()}
    assert {each.answer for each in given.values()} == {"VALID"}
    signed = given["a permit"].signed
    assert signed is not None
    assert read_document(signed).body.number == "26XA000123"


@pytest.mark.parametrize("name", NAMES)
def test_hundreds_of_mutations_say_nothing_new(name, documents, judge):
    """A small part of what follows, in every run."""
    assert 0 < taken(documents[name], range(OFTEN), judge) < OFTEN // 2


def taken_of_the_owner(document: bytes, numbers: range, judge: Judge, resign: Callable[[bytes], bytes]) -> int:
    """How many of these mutations are taken where XA itself signs them; what is read is what libxmlsec was shown."""
    found = 0
    for number in numbers:
        try:
            signed = resign(mutated(document, number))
        except (etree.XMLSyntaxError, xmlsec.Error, AssertionError, StopIteration, TypeError, ValueError):
            continue  # nothing that can be signed any more
        try:
            given = judge(signed)
        except Exception as error:
            raise AssertionError(f"mutation {number}") from error
        if given.signed is None:
            assert given.answer != "VALID", number
            continue
        found += 1
        assert given.signed == content_of(signed), f"mutation {number} says something else"
        with suppress(MalformedDocumentError):
            read_document(given.signed)
    return found


def content_of(document: bytes) -> bytes:
    """The canonical document without its signature, by lxml alone."""
    root = etree.fromstring(document)
    signature = root[-1]
    assert not (signature.tail or "").strip()
    root[-2].tail = (root[-2].tail or "") + (signature.tail or "")
    signature.tail = None
    root.remove(signature)
    return etree.tostring(root, method="c14n", exclusive=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_owner_of_a_key_cannot_sign_what_breaks_us(name, documents, judge, resign):
    """A dishonest Party signs whatever it likes, rightly: a verdict, and what is read is what it signed."""
    assert 0 < taken_of_the_owner(documents[name], range(OFTEN), judge, resign) < OFTEN


@pytest.mark.hostile
@pytest.mark.parametrize("name", NAMES)
def test_the_owner_of_a_key_cannot_sign_what_breaks_us_in_thousands(name, documents, judge, resign):
    """Every signature here is right, so that each refusal needs a reason that has a name."""
    assert taken_of_the_owner(documents[name], range(OFTEN, OFTEN + HOSTILE // 4), judge, resign) < HOSTILE // 4


@pytest.mark.hostile
@pytest.mark.parametrize("name", NAMES)
def test_thousands_of_mutations_say_nothing_new(name, documents, judge):
    """Wherever our verifier takes what libxmlsec refuses, or reads what was not signed, it has a hole."""
    assert taken(documents[name], range(OFTEN, OFTEN + HOSTILE), judge) < HOSTILE // 2
