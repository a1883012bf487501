"""The texts that members of an exchange document hold, each with the one way to write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum

from epix_node.clock import format_time, parse_time
from epix_node.document.header import EVERYBODY
from epix_node.document.salts import decode_salt, encode_salt
from epix_node.document.shape import Leaf
from epix_node.errors import MalformedDocumentError
from epix_node.permit.json_fields import MAX_TEXT_CHARACTERS, calendar_date, event_id, issuer_code, permit_number
from epix_node.permit.text import clean

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_MAX_TREE_SIZE = 2**63 - 1
"""As ``register.merkle``: what a signed 64-bit column holds."""
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,6})?", re.ASCII)
_YEAR = re.compile(r"[0-9]{4}", re.ASCII)


def _only(form: re.Pattern[str], text: str) -> str:
    if form.fullmatch(text) is None:
        raise ValueError("not in the form required")
    return text


def _time(text: str) -> datetime:
    return parse_time(_only(_TIME, text))


def _utc(moment: datetime) -> str:
    if moment.utcoffset() != UTC.utcoffset(None):
        raise ValueError("times in documents are in UTC")
    return format_time(moment)


def _digest(text: str) -> str:
    return _only(_DIGEST, text)


def _number(text: str) -> str:
    if permit_number(text) != text:
        raise ValueError("the number is not normalised")
    return text


def _text(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(f"a text has at most {MAX_TEXT_CHARACTERS} characters")
    try:
        is_clean = clean(text) == text
    except MalformedDocumentError as error:
        raise ValueError(str(error)) from error
    if not is_clean:
        raise ValueError("there is white space around the text")
    return text


def _amount(text: str) -> str:
    return _only(_AMOUNT, text)


def _index(text: str) -> int:
    index = int(_only(_WHOLE_NUMBER, text))
    if index >= _MAX_TREE_SIZE:
        raise ValueError("an index that no register reaches")
    return index


def _recipient(text: str) -> str:
    return text if text == EVERYBODY else issuer_code(text)


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("neither true nor false")
    return text == "true"


def _flag_text(flag: bool) -> str:  # noqa: FBT001  # a value, not a switch
    return "true" if flag else "false"


def codes(kind: type[StrEnum]) -> Leaf:
    """One word of a closed list."""
    return Leaf(to_text=lambda code: str(kind(code)), from_text=kind)


def words(*known: str) -> Leaf:
    """One word of a closed list that is no type of its own."""

    def known_word(text: str) -> str:
        if text not in known:
            raise ValueError("not in the list")
        return text

    return Leaf(to_text=known_word, from_text=known_word)


TEXT = Leaf(to_text=_text, from_text=_text)
"""A member of contract 5 in the one form that JSON has for it: events are kept as JSON and read again from it."""
ANY_TEXT = Leaf()
"""A remark, or what this program put together out of texts; kept as it stands."""
TEXT_OR_EMPTY = Leaf(may_be_empty=True)
DATE = Leaf(to_text=date.isoformat, from_text=calendar_date)
DATE_TEXT = Leaf(to_text=lambda text: calendar_date(text).isoformat(), from_text=lambda t: calendar_date(t).isoformat())
"""A date in a body that stays JSON (``presented``)."""
TIME = Leaf(to_text=_utc, from_text=_time)
FLAG = Leaf(to_text=_flag_text, from_text=_flag)
INDEX = Leaf(from_text=_index)
"""Of an entry in a register."""
AMOUNT = Leaf(to_text=_amount, from_text=_amount)
"""What was counted of a line so far, as a sum is written (``permit.quantity.in_unit``)."""
YEAR = Leaf(to_text=lambda year: f"{year:04d}", from_text=lambda text: int(_only(_YEAR, text)))
SALT = Leaf(to_text=encode_salt, from_text=decode_salt)
DIGEST = Leaf(to_text=_digest, from_text=_digest)
CODE = Leaf(to_text=issuer_code, from_text=issuer_code)
"""A country or territory, or ``EU``."""
RECIPIENT = Leaf(to_text=_recipient, from_text=_recipient)
NUMBER = Leaf(to_text=_number, from_text=_number)
EVENT_ID = Leaf(to_text=event_id, from_text=event_id)
