"""Documents changed at random before they are signed: refused, or read as something that can be kept.

Permits and events are kept as JSON; whatever the strict reader lets through must come back from it unchanged.
`make hostile` runs more of it.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from epix_node.document.model import ExchangeDocument
from epix_node.document.reader import read_document
from epix_node.document.writer import write_document
from epix_node.errors import MalformedDocumentError
from epix_node.permit.event import Confirmation
from epix_node.permit.event_json import confirmation_from_json, event_to_json
from epix_node.permit.json import permit_from_json, permit_to_json
from epix_node.permit.model import Permit
from tests.document.test_reader import CONFIRMED, PUBLISHED
from tests.signing.mutations import mutated

GENUINE = (CONFIRMED, PUBLISHED)


def kept(document: ExchangeDocument) -> ExchangeDocument:
    """The document as it is after a stay in the store."""
    body = document.body
    if isinstance(body, Permit):
        again = permit_from_json(json.loads(json.dumps(permit_to_json(body))))
        return replace(document, body=replace(again, legacy=body.legacy))
    assert isinstance(body, Confirmation)
    return replace(document, body=confirmation_from_json(json.loads(json.dumps(event_to_json(body)))))


def taken(numbers: range) -> int:
    """How many of these mutations are read."""
    found = 0
    for number in numbers:
        try:
            document = read_document(mutated(write_document(GENUINE[number % len(GENUINE)]), number))
        except MalformedDocumentError:
            continue
        found += 1
        assert kept(document) == document, number
        assert read_document(write_document(document)) == document, number
    return found


def test_what_is_read_can_be_kept() -> None:
    """A few hundred in every run."""
    assert taken(range(600)) > 20


@pytest.mark.hostile
def test_much_that_is_read_can_be_kept() -> None:
    """Many more."""
    assert taken(range(600, 20_600)) > 600
