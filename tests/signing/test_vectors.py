"""Other people's hostile and odd signatures: none is taken, none breaks anything (ruby-saml, lsh123/xmlsec).

They stand as they are, and once more as the body of a document of ours that carries their first signature as its own.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

import pytest
from lxml import etree

from epix_node.errors import MalformedDocumentError
from epix_node.signing.profile import SIGNATURE
from epix_node.signing.verifier import verify

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"


def files(collection: str) -> list[Path]:
    directory = VECTORS / collection
    if not directory.is_dir():
        pytest.skip(f"{directory} is not there")
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.suffix != ".md")


def content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name.endswith("base64"):
        try:
            return base64.b64decode(data)
        except binascii.Error:
            return data
    return data


def as_our_document(data: bytes) -> bytes | None:
    """A document of XA around the vector, with the vector's first signature in our place; None if it has none."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError):
        return None
    signature = next(root.iter(SIGNATURE), None)
    if signature is None:
        return None
    document = etree.fromstring(
        b'<Document xmlns="urn:epix-node:document:1"><Header><Environment>sandbox</Environment><Party>XA</Party>'
        b"<Type>permit</Type></Header><Body/></Document>"
    )
    signature.tail = None
    document.append(signature)
    if root is not signature:
        document[1].append(root)
    return etree.tostring(document)


@pytest.mark.parametrize("collection", ["ruby-saml", "lsh123-xmlsec"])
def test_a_foreign_signature_is_never_valid_and_never_breaks_anything(collection, keys, at):
    """Each vector is refused as no document, and, dressed as one of ours, gets a verdict that is not VALID."""
    seen = 0
    for path in files(collection):
        for document in (content(path), as_our_document(content(path))):
            if document is None:
                continue
            seen += 1
            try:
                verdict = verify(document, keys, at=at, environment="sandbox")
            except MalformedDocumentError:
                continue
            assert not verdict.is_valid, path
            assert verdict.signed is None, path
    assert seen > 40
