"""Publishing, looking at, withdrawing and replacing permits over HTTP."""

from __future__ import annotations

import hashlib

import pytest
from tests.web.conftest import Api, event_json, path_of, permit_json


async def test_a_permit_is_published_and_the_same_again_changes_nothing(api: Api):
    """201 with all members of the contract, then 200 with the same ones."""
    first = await api.post("/api/v1/permits", permit_json())
    assert first.status == 201
    assert set(first.body) == {"permit", "document", "register_index", "token", "findings"}
    assert first.body["permit"] == {"issuer": "XA", "type": "E", "number": "26XA000123", "year": 2026}
    again = await api.post("/api/v1/permits", permit_json(" No. 26xa000123"))
    assert (again.status, again.body) == (200, first.body)
