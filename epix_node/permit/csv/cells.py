"""What one cell holds: texts, dates, switches and lists, read and written so that nothing is lost.

A spreadsheet runs a cell that begins with ``=``, ``+``, ``-`` or ``@``. Such texts are written with an apostrophe
before them, and so are texts that begin with one; reading takes it away again. An apostrophe alone says "nothing,
and I mean it", where an empty cell would say "as usual".

A list is written with ``;`` between its items. Where an item holds what would be misread, the cell is a JSON array
instead: the plain form is used only if reading it gives the same list.
"""

from __future__ import annotations

import json
import re
from datetime import date

from pydantic import ValidationError

from epix_node.errors import MalformedDocumentError
from epix_node.permit.json import ReferenceBody
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS, calendar_date
from epix_node.permit.model import Reference, Relation
from epix_node.permit.strict_json import load_json
from epix_node.permit.text import clean

NOTHING = "'"
"""A cell that is empty on purpose."""

_DEFUSED = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", "'")  # some versions run the full-width ones too
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"", "false", "no", "0"})
_SPREADSHEET_DATE = re.compile(r"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_RELATIONS = frozenset(Relation)


class CellError(ValueError):
    """The cell does not hold what its column is for. ``code`` as in ``MalformedDocumentError``; quotes no contents."""

    def __init__(self, message: str, *, code: str = "NOT_UNDERSTOOD") -> None:
        super().__init__(message)
        self.code = code


def unguarded(cell: str) -> str:
    """The cell's text, without white space around it and without the apostrophe that defused it."""
    text = cell.strip()
    if text.startswith("'") and (text == NOTHING or text[1:].startswith(_DEFUSED)):
        return text[1:]
    return text


def guarded(text: str | None) -> str:
    """The text as a cell that no spreadsheet runs; nothing is an empty cell."""
    if text is None:
        return ""
    return f"'{text}" if text.startswith(_DEFUSED) else text


def text_in(text: str) -> str | None:
    """The text; ``None`` where there is none. Raises ``CellError``: too long, or not writable as XML."""
    if len(text) > MAX_TEXT_CHARACTERS:
        raise CellError(f"has more than {MAX_TEXT_CHARACTERS} characters", code="LIMIT_EXCEEDED")
    try:
        return clean(text)
    except MalformedDocumentError as error:
        raise CellError(str(error), code=error.code) from error


def date_in(text: str) -> date | None:
    """The date. Raises ``CellError`` for every form but YYYY-MM-DD, with an explanation for those of spreadsheets."""
    if not text:
        return None
    try:
        return calendar_date(text)
    except ValueError as error:
        if _SPREADSHEET_DATE.fullmatch(text):
            raise CellError(
                f"{text} may be read in two ways, or is no day: dates are written YYYY-MM-DD, such as 2026-03-01 "
                "(format the column as text, so that the spreadsheet leaves it alone)"
            ) from error
        raise CellError("is no date: dates are written YYYY-MM-DD, such as 2026-03-01") from error


def switch_in(text: str) -> bool:
    """Whether the cell says yes; an empty one says no. Raises ``CellError`` for other words."""
    word = text.casefold()
    if word not in _YES | _NO:
        raise CellError("is neither true nor false (nor yes, no, 1 or 0)")
    return word in _YES


def texts_in(text: str) -> tuple[str, ...]:
    """The items of a list, those that hold nothing left out. Raises ``CellError`` as ``text_in``."""
    array = _array(text) or []
    texts = [item for item in array if isinstance(item, str)]
    if not texts or len(texts) != len(array):
        texts = text.split(";")
    return tuple(item for given in texts if (item := text_in(given)))


def texts_cell(items: tuple[str, ...]) -> str:
    """The list as a text; ``texts_in`` reads it back."""
    plain = "; ".join(items)
    return plain if texts_in(plain) == items else json.dumps(items, ensure_ascii=False)


def references_in(text: str) -> tuple[Reference, ...]:
    """The documents named. Raises ``CellError`` for what is neither the plain form nor JSON as in contract 5."""
    array = _array(text)
    if array is not None:
        return tuple(_reference_of(item) for item in array)
    return tuple(_plain_reference(item.strip()) for item in text.split(";") if item.strip())


def references_cell(references: tuple[Reference, ...]) -> str:
    """The documents as a text; ``references_in`` reads it back."""
    plain = "; ".join(
        " ".join(
            part
            for part in (given.relation, given.issuer, given.number, given.date.isoformat() if given.date else None)
            if part
        )
        for given in references
    )
    try:
        if references_in(plain) == references:
            return plain
    except CellError:
        pass  # something that the plain form cannot say
    members = [
        {"relation": str(r.relation), "issuer": r.issuer, "number": r.number, "date": r.date and r.date.isoformat()}
        for r in references
    ]
    return json.dumps(members, ensure_ascii=False)


def _array(text: str) -> list[object] | None:
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        value = load_json(text.encode("utf-8"))
    except MalformedDocumentError:
        return None  # somebody's text in brackets
    return value if isinstance(value, list) else None


def _reference_of(value: object) -> Reference:
    try:
        body = ReferenceBody.model_validate(value)
    except ValidationError as error:
        raise CellError("holds a JSON array that is no list of references") from error
    return Reference(relation=body.relation or "", issuer=body.issuer, number=body.number, date=body.date)


def _plain_reference(text: str) -> Reference:
    """``import-permit XB 26XB000777 2026-02-20``; the number may hold spaces, and the date may be missing."""
    words = text.split(None, 2)
    if len(words) < 3 or words[0] not in _RELATIONS or _COUNTRY.fullmatch(words[1]) is None:
        raise CellError(
            "is no list of documents: each is import-permit, export-permit or annex, a country, a number and perhaps a "
            "date, such as import-permit XB 26XB000777 2026-02-20"
        )
    number, day = words[2], None
    *before, last = number.rsplit(None, 1)
    if before and (_DATE.fullmatch(last) or _SPREADSHEET_DATE.fullmatch(last)):
        number, day = before[0], date_in(last)
    return Reference(relation=Relation(words[0]), issuer=words[1], number=text_in(number), date=day)
