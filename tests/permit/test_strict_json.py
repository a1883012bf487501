"""JSON from strangers: what is taken, what is refused, and how quickly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.json import load_json
from epix_node.permit.strict_json import MAX_JSON_BYTES, MAX_JSON_DEPTH


def test_plain_json_is_read() -> None:
    """All six kinds of value, and a surrogate pair that is one character."""
    text = '{"a": ["é", "\\ud83d\\udc0d", -3, true, false, null, {}], "[": "]"}'
    assert load_json(text.encode()) == {"a": ["é", "🐍", -3, True, False, None, {}], "[": "]"}


def test_a_number_with_a_fraction_is_never_a_float() -> None:
    """0.1 stays 0.1."""
    value = load_json(b"[0.1, 1e3]")
    assert value == [Decimal("0.1"), Decimal("1e3")]
    assert all(isinstance(item, Decimal) for item in value)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "NOT_UNDERSTOOD"),
        (b"{", "NOT_UNDERSTOOD"),
        (b"{} {}", "NOT_UNDERSTOOD"),
        (b"<a/>", "NOT_UNDERSTOOD"),
        (b'{"a": 1, "a": 1}', "NOT_UNDERSTOOD"),
        (b'[{"a": {"b": 1, "b": 2}}]', "NOT_UNDERSTOOD"),
        (b"[NaN]", "NOT_UNDERSTOOD"),
        (b"[Infinity]", "NOT_UNDERSTOOD"),
        (b"[-Infinity]", "NOT_UNDERSTOOD"),
        (b"[1e99999999999999999999]", "NOT_UNDERSTOOD"),
        (b"[" + b"9" * 5000 + b"]", "NOT_UNDERSTOOD"),
        (b'["\\ud800"]', "NOT_UNDERSTOOD"),
        (b'{"\\udc00": 1}', "NOT_UNDERSTOOD"),
        (b'\xef\xbb\xbf{"a": 1}', "NOT_UNDERSTOOD"),
        (b'["\xff"]', "NOT_UTF8"),
        ('{"a": "é"}'.encode("latin-1"), "NOT_UTF8"),
        ("{}".encode("utf-16"), "NOT_UTF8"),
        (b"[" * 200_000, "LIMIT_EXCEEDED"),
        (b'{"a":' * 200_000, "LIMIT_EXCEEDED"),
        (b" " * (MAX_JSON_BYTES + 1), "TOO_LARGE"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_plain_json_is_refused_with_its_code(data: bytes, code: str) -> None:
    """Never another exception, however deep or long."""
    with pytest.raises(MalformedDocumentError) as refused:
        load_json(data)
    assert refused.value.code == code


@pytest.mark.parametrize(("depth", "is_taken"), [(MAX_JSON_DEPTH, True), (MAX_JSON_DEPTH + 1, False)])
def test_the_depth_limit_is_inclusive(depth: int, *, is_taken: bool) -> None:
    """At the limit, and one beyond; brackets in strings do not count."""
    data = b"[" * depth + b'"' + b"[" * 1000 + b'\\"[["' + b"]" * depth
    if is_taken:
        load_json(data)
    else:
        with pytest.raises(MalformedDocumentError, match="deeper"):
            load_json(data)


def test_an_endless_string_of_escapes_is_refused_in_one_pass() -> None:
    """Two million escaped quotes and no end: linear, or this test would take hours."""
    with pytest.raises(MalformedDocumentError):
        load_json(b'"' + b'\\"' * 2_000_000)
