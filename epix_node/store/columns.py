"""What the columns of the tables are made of: aware times, exact bytes, 64-bit integers, partial indexes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, Table, inspect, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time as an integer of microseconds: exact, and sorts as time does."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 # sqlalchemy's signature
        """To microseconds; a naive time is a programming mistake."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # as above
        """To an aware time."""
        return None if value is None else from_micros(value)


def table(model: type[SQLModel]) -> Table:
    """The table behind a model, for statements that bypass the object layer: a tenth of its cost on hot paths."""
    found: Any = inspect(model).local_table
    assert isinstance(found, Table)
    return found


def where_given(name: str, *columns: str) -> Index:
    """An index over the rows whose last column is not null: most rows have none, and cost no index page then."""
    given = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, sqlite_where=given, postgresql_where=given)


def time(**options: Any) -> Any:
    """A column of aware UTC times."""
    return Field(sa_type=UtcTime, **options)


def octets(**options: Any) -> Any:
    """A column of exact bytes."""
    return Field(sa_type=LargeBinary, **options)


def big(**options: Any) -> Any:
    """A column of 64-bit integers."""
    return Field(sa_type=BigInteger, **options)
