"""JSON from somebody we do not trust: bytes in, plain Python values out, or a refusal with a reason code.

What other parsers let pass and this one refuses: other encodings than UTF-8, a byte order mark, the same member
twice (two readers would see two different permits), NaN and Infinity, deep nesting, and half a surrogate pair.
A number with a fraction becomes a ``Decimal``, never a float; quantities are texts, so the strict bodies refuse both.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any, NoReturn

from epix_node.errors import MalformedDocumentError

MAX_JSON_BYTES = 4 * 1024 * 1024
"""Largest JSON text taken from anybody (protocol C.5)."""

MAX_JSON_DEPTH = 64
"""Deepest nesting of arrays and objects, as for XML (protocol C.5); a permit needs six."""

# Possessive, and an unfinished string runs to the end of the text: one pass whatever the sender wrote.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_ALL_BUT_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def load_json(data: bytes) -> object:
    """The value that the bytes write.

    Raises:
        MalformedDocumentError: ``TOO_LARGE``, ``NOT_UTF8``, ``LIMIT_EXCEEDED`` (depth), else ``NOT_UNDERSTOOD``.
    """
    if len(data) > MAX_JSON_BYTES:
        raise MalformedDocumentError(f"JSON of {len(data)} bytes, at most {MAX_JSON_BYTES} are read", code="TOO_LARGE")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocumentError("JSON must be UTF-8", code="NOT_UTF8") from error
    # Before parsing, since the parser recurses. Fewer brackets than levels allowed cannot nest too deep.
    if data.count(b"{") + data.count(b"[") > MAX_JSON_DEPTH and _depth(data) > MAX_JSON_DEPTH:
        raise MalformedDocumentError(f"JSON nested deeper than {MAX_JSON_DEPTH}", code="LIMIT_EXCEEDED")
    try:
        value: object = _DECODER.decode(text)
    except ValueError as error:  # JSONDecodeError, and an integer of more digits than Python converts
        # The parser's own sentence names a position and never quotes the text.
        where = f": {error.msg} at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise MalformedDocumentError(f"not JSON{where}") from error
    if _SURROGATE_ESCAPE.search(text):
        _refuse_half_characters(value)
    return value


def _depth(data: bytes) -> int:
    """How deep arrays and objects nest, strings left out. Meaningless, but harmless, for what is not JSON."""
    brackets = _STRING.sub(b"", data).translate(None, _ALL_BUT_BRACKETS)
    steps = memoryview(brackets.translate(_STEPS)).cast("b")
    return max(accumulate(steps), default=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedDocumentError("the same member stands twice in one JSON object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedDocumentError(f"{name} is not JSON")


def _exact_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise MalformedDocumentError("a number with an exponent that is out of range") from error


def _refuse_half_characters(value: object) -> None:
    """Half a surrogate pair is no character; it could neither be stored nor sent on."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedDocumentError("half a surrogate pair in a JSON string") from error


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_exact_decimal)
"""Made once: making it takes longer than reading a small body."""
