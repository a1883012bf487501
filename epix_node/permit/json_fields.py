"""The kinds of value that the JSON bodies of contract 5 are made of, strictly typed.

White space around a text is not content and an empty text is no text: both become ``None`` here, once, so that
everything behind the boundary may compare with ``==``. A text that XML cannot carry is refused here too, since
every body ends up in a signed document.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from epix_node.errors import MalformedDocumentError
from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised
from epix_node.permit.text import clean

MAX_TEXT_CHARACTERS = 65_536
"""Longest text of one member: 256 KiB in UTF-8 at worst, the limit of a text node (protocol C.5)."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EVENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_ISSUER = re.compile(r"[A-Z]{2}", re.ASCII)


def calendar_date(text: str) -> date:
    """The date that ``YYYY-MM-DD`` writes (contract 1). Raises ``ValueError`` for every other form."""
    if _DATE.fullmatch(text) is None:
        raise ValueError("a date is written YYYY-MM-DD")
    return date.fromisoformat(text)


def permit_number(text: str) -> str:
    """The number normalised. Raises ``ValueError`` where nothing is left, or more than 70 characters (contract 1)."""
    number = normalised(text)
    if not 0 < len(number) <= MAX_NUMBER_CHARACTERS:
        raise ValueError(f"a permit number has 1 to {MAX_NUMBER_CHARACTERS} characters")
    return number


def event_id(text: str) -> str:
    """The text, which is an event id. Raises ``ValueError`` if it is none (contract 5)."""
    if _EVENT_ID.fullmatch(text) is None:
        raise ValueError("an event id is 1 to 64 characters of A-Z a-z 0-9 . _ : -")
    return text


def issuer_code(text: str) -> str:
    """The text, which has the form of an issuer's code. Raises ``ValueError`` if it has not (contract 1)."""
    if _ISSUER.fullmatch(text) is None:
        raise ValueError("an issuer is a code of two capital letters")
    return text


def _refused(reason: str) -> PydanticCustomError:
    return PydanticCustomError("epix", "{reason}", {"reason": reason})


def _cleaned(text: str) -> str | None:
    try:
        return clean(text)
    except MalformedDocumentError as error:
        raise _refused(str(error)) from error


def _required(text: str) -> str:
    cleaned = _cleaned(text)
    if cleaned is None:
        raise _refused("must not be empty")
    return cleaned


def _date(value: object) -> object:
    if not isinstance(value, str):
        raise _refused("Input should be a date written YYYY-MM-DD")
    try:
        return calendar_date(value)
    except ValueError as error:
        raise _refused("Input should be a date written YYYY-MM-DD") from error


def _normalised(text: str) -> str:
    try:
        return permit_number(_required(text))
    except ValueError as error:
        raise _refused(str(error)) from error


def _printed_number(text: str) -> str:
    _normalised(text)
    return _required(text)


def _event_id(text: str) -> str:
    try:
        return event_id(text)
    except ValueError as error:
        raise _refused(str(error)) from error


def _issuer(text: str) -> str:
    try:
        return issuer_code(_required(text))
    except ValueError as error:
        raise _refused(str(error)) from error


_BoundedText = Annotated[str, Field(max_length=MAX_TEXT_CHARACTERS)]

Text = Annotated[_BoundedText, AfterValidator(_cleaned)]
"""A text; ``None`` where it holds white space only. Written ``Text | None`` where the member may be absent."""

RequiredText = Annotated[_BoundedText, AfterValidator(_required), Field(min_length=1)]

CalendarDate = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]

PrintedNumber = Annotated[_BoundedText, AfterValidator(_printed_number), Field(min_length=1)]
"""A permit number as printed, which normalises to 1–70 characters."""

NormalisedNumber = Annotated[_BoundedText, AfterValidator(_normalised), Field(min_length=1)]
"""A permit number, normalised on the way in."""

EventId = Annotated[
    str,
    AfterValidator(_event_id),
    WithJsonSchema({"type": "string", "pattern": f"^{_EVENT_ID.pattern}$"}),
]

IssuerCode = Annotated[str, AfterValidator(_issuer), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]


class Body(BaseModel):
    """A JSON object whose members are all known and of exactly the type that the contract prints."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def not_understood(error: ValidationError, *, what: str) -> MalformedDocumentError:
    """The refusal that names each bad member by its path and never quotes a value."""
    faults = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        path = ".".join(str(step)[:60] for step in fault["loc"])
        faults.append(f"{path or what}: {_PLAIN.get(fault['type'], fault['msg'])}")
    return MalformedDocumentError(f"{what} not understood: " + "; ".join(faults))


_PLAIN = {
    "model_type": "Input should be a JSON object",
    "model_attributes_type": "Input should be a JSON object",
    "dict_type": "Input should be a JSON object",
    "list_type": "Input should be a JSON array",
    "string_type": "Input should be a string",
    "bool_type": "Input should be true or false",
    "extra_forbidden": "there is no such member",
    "missing": "is missing",
    "none_required": "must be null",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}


def without_nulls(value: Any) -> Any:
    """The JSON value without members that are null or empty: null and absent are the same (contract 5)."""
    if isinstance(value, dict):
        members = {name: without_nulls(member) for name, member in value.items()}
        return {name: member for name, member in members.items() if member not in (None, [], {})}
    if isinstance(value, (list, tuple)):
        return [without_nulls(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
