"""Bodies in and out of the national API: JSON read strictly, XML or JSON told apart, answers written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from epix_node.clock import parse_time
from epix_node.errors import MalformedDocumentError, NotFoundError
from epix_node.permit.json_fields import calendar_date, permit_number
from epix_node.store import cursors

JSON_TYPE = "application/json"

MAX_LIMIT = 500
"""Most items of one page (contract 4)."""

DEFAULT_LIMIT = 100


class Format(StrEnum):
    """What a body is written in."""

    JSON = "json"
    XML = "xml"


def json_reply(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """The value as JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type=JSON_TYPE, headers=headers)


def format_of(request: web.Request, body: bytes) -> Format:
    """What the content type says; where it says neither, what the first byte looks like.

    Clients that send a file without saying what it is are common, so other types decide nothing.
    """
    declared = request.content_type
    if declared == JSON_TYPE or declared.endswith("+json"):
        return Format.JSON
    if declared in {"application/xml", "text/xml"} or declared.endswith("+xml"):
        return Format.XML
    return Format.JSON if body.lstrip(b" \t\r\n")[:1] in {b"{", b"["} else Format.XML


def path_part(request: web.Request, position: int) -> str:
    """The segment of the path as it was sent, percent-decoded exactly once: ``%2F`` is a slash of the number.

    ``position`` counts from the end; the last segment is 1.

    Raises:
        NotFoundError: it is not UTF-8, so it names nothing.
    """
    raw = request.rel_url.raw_path.split("/")[-position]
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError as error:
        raise NotFoundError("the path is not UTF-8") from error


class Query:
    """The query of a request, member by member; what nobody asked for at the end is refused.

    A filter that is misspelt would silently filter nothing. All methods raise ``MalformedDocumentError`` naming the
    parameter.
    """

    def __init__(self, request: web.Request) -> None:
        self._given = dict(request.query)
        if len(self._given) != len(request.query):
            raise MalformedDocumentError("query: a parameter is given twice")

    def text(self, name: str) -> str | None:
        """The parameter as given; ``None`` where it is absent or empty."""
        text = self._given.pop(name, None) or None
        if text is not None and (len(text) > 500 or not _is_text(text)):
            raise _refused(name, "expected a short text")
        return text

    def one_of(self, name: str, choices: type[StrEnum]) -> str | None:
        """One of the words."""
        text = self.text(name)
        if text is not None and text not in {choice.value for choice in choices}:
            raise _refused(name, "expected one of " + ", ".join(choice.value for choice in choices))
        return text

    def number(self, name: str) -> str | None:
        """A permit number, normalised."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return permit_number(text)
        except ValueError as error:
            raise _refused(name, str(error)) from error

    def year(self, name: str) -> int | None:
        """A year of four digits."""
        text = self.text(name)
        if text is None:
            return None
        if len(text) != 4 or not (text.isascii() and text.isdigit()) or text == "0000":
            raise _refused(name, "expected a year such as 2026")
        return int(text)

    def day(self, name: str) -> date | None:
        """A calendar date."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return calendar_date(text)
        except ValueError as error:
            raise _refused(name, "expected a date written YYYY-MM-DD") from error

    def time(self, name: str) -> datetime | None:
        """A time with its offset."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return parse_time(text)
        except (ValueError, OverflowError) as error:
            raise _refused(name, "expected a time such as 2026-03-01T10:00:00Z") from error

    def limit(self) -> int:
        """How many items a page holds."""
        text = self.text("limit")
        if text is None:
            return DEFAULT_LIMIT
        if not (text.isascii() and text.isdigit()) or len(text) > 4 or not 1 <= int(text) <= MAX_LIMIT:
            raise _refused("limit", f"expected 1 to {MAX_LIMIT}")
        return int(text)

    def cursor(self, *, parts: int) -> str | None:
        """Where a page begins, as an earlier answer said it; a text of so many parts."""
        text = self.text("cursor")
        if text is not None and not all(_is_text(part) for part in cursors.decode(text, parts=parts)):
            raise _refused("cursor", "not one that this node made")
        return text

    def end(self) -> None:
        """Nothing else may be there."""
        if self._given:
            raise MalformedDocumentError(f"query: there is no parameter {min(self._given)[:60]!r}")


def _refused(name: str, expected: str) -> MalformedDocumentError:
    return MalformedDocumentError(f"query: {name}: {expected}")


def _is_text(text: str) -> bool:
    """Whether the text has no half characters, which a badly encoded query leaves behind."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
