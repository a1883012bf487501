"""What signatures of requests and of answers share: the shape that the library reads, and how odd texts are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from epix_node.errors import TrustError

LABEL = "epix"
"""The name of our one signature in ``Signature`` and ``Signature-Input``."""

MAX_SKEW = timedelta(seconds=60)
"""Largest distance of ``created`` from the verifier's clock, to either side (decision 8)."""


@dataclass(frozen=True, slots=True)
class Request:
    """Method, encoded absolute URL and header fields."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """Status and header fields, and the request that it answers."""

    status_code: int
    headers: dict[str, str]
    request: Request


def combined(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    """Fields by lower-case name, repeated lines joined as RFC 9110 5.3 says: a second signature cannot hide."""
    fields: dict[str, str] = {}
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return fields


def moment(params: Mapping[str, Any], name: str) -> datetime:
    """The time of a parameter that holds whole seconds since 1970.

    Raises:
        TrustError: there is none, or it is no time.
    """
    seconds = params.get(name)
    if not isinstance(seconds, int):
        raise TrustError(f"the signature has no {name!r}")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:  # 15 digits reach beyond the year 9999
        raise TrustError(f"the signature has {name!r} at {seconds}, which is no time") from error


def shown(value: object) -> str:
    """A stranger's text for a message: quoted, escaped and short."""
    return f"{value!a:.80}"
