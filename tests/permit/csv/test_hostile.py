"""Whatever the bytes are, reading ends with permits, faults or the documented refusal, and in linear time."""

from __future__ import annotations

import io
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError
from epix_node.permit.csv.reader import CsvFault, CsvPermit, read_csv
from epix_node.permit.csv.template import template
from epix_node.permit.csv.writer import write_csv

PIECES = [
    b"\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b'"',
    b"'",
    b"=",
    b"\x00",
    b"\xff",
    b"[",
    b'["',
    b"E,1,XA",
    b"NA",
    b"2026-13-01",
]


def outcome(data: bytes) -> list[CsvPermit | CsvFault]:
    found: list[CsvPermit | CsvFault] = []
    try:
        for result in read_csv(io.BytesIO(data)):
            found.append(result)  # noqa: PERF402 - what came before a refusal counts
    except MalformedDocumentError:
        pass
    return found


def mutated(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(data) + 1)
        piece = chance.choice([*PIECES, bytes([chance.randrange(256)]), data[place : place + 40]])
        data = data[:place] + piece + data[place + chance.choice([0, 0, 1, 5]) :]
    return data


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(min_value=0, max_value=2**32))
def test_a_changed_file_is_read_or_refused(seed: int) -> None:
    """And what is read of it can be written, and is the same again."""
    for result in outcome(mutated(template(), random.Random(seed))):
        if isinstance(result, CsvPermit):
            (again,) = outcome(b"".join(write_csv([result.permit])))
            assert isinstance(again, CsvPermit)
            assert again.permit == result.permit
        else:
            assert result.reason
            assert result.code in {"NOT_UNDERSTOOD", "LIMIT_EXCEEDED"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=30).map(b"".join))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    outcome(data)
    outcome(b"type,number,issuer,marks,references\n" + data)


LONG = 60_000
SLOW = {
    "a number of leading words": [f"E,{'No.' * (LONG // 3)}1,XA,,"] * 20,
    "white space in a reference": [f"E,1,XA,,annex XA x{' ' * LONG}y"] * 20,
    "a list of nothing, repeated in other words": [
        f"E,1,XA,,{';' * LONG}annex XA 7",
        *["E,1,XA,,annex XA 7", "E,1,XA,,annex  XA 7"] * 400,
    ],
    "brackets": [f"E,1,XA,{'[' * LONG}]," for _ in range(20)],
    "apostrophes": [f"E,1,XA,{chr(39) * LONG}," for _ in range(20)],
    "cells beyond the headings": ["E,1,XA" + "," * LONG] * 20,
    "permits that come back": ["E,1,XA,,", "E,2,XA,,"] * 2000,
}


@pytest.mark.parametrize("lines", SLOW.values(), ids=SLOW.keys())
def test_no_row_costs_more_than_its_length(lines: list[str]) -> None:
    started = time.process_time()
    outcome("\n".join(["type,number,issuer,marks,references", *lines]).encode())
    assert time.process_time() - started < 2
