"""Tens of thousands of changed documents: each is read or refused, judged, and what was read is written and read again.

Some hundred run always; `make hostile` runs 50,000, or as many as EPIX_DOCUMENTS says.
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.permit.csv.reader import CsvFault, CsvPermit, read_csv
from epix_node.permit.csv.template import template
from epix_node.permit.csv.writer import write_csv
from epix_node.permit.json import load_json, permit_from_json, permit_to_json
from epix_node.permit.model import Permit
from epix_node.permit.number import MAX_NUMBER_CHARACTERS, normalised
from epix_node.permit.xml.deviation import MAX_DEVIATIONS
from epix_node.permit.xml.reader import parse_message, read_root
from epix_node.permit.xml.soap import Enclosure, write_soap
from epix_node.permit.xml.strict import strict_deviations
from epix_node.permit.xml.writer import write_permit
from epix_node.reference.catalogue import builtin
from epix_node.rules.check import check
from epix_node.rules.ruleset import Stage
from epix_node.rules.subject import Circumstances
from tests.permit.mutations import mutated
from tests.permit.xml.permits import without_extension
from tests.permit.xml.samples import PERMIT_1, PERMIT_2, SAMPLES, cpu_seconds, envelope, response
from tests.rules.builders import EXAMPLE, RULESET, reexport
from tests.rules.shelves import catalogue

OFTEN = 600
HOSTILE = int(os.environ.get("EPIX_DOCUMENTS", "50000"))

MAX_GROWTH_KIB = 150 * 1024
"""Of the process over all documents: what one large document takes, and nothing that stays."""
MAX_CPU_SECONDS = 2
"""For one document of at most some hundred kilobytes."""
WRITTEN_BYTES = 16 * 1024 * 1024
"""Tags and an extension make what is written longer than what was read; documents of others may not be that long."""


@pytest.fixture(scope="module")
def documents() -> list[bytes]:
    """What is changed: the real fixture where it lies beside the checkout, and one of each form."""
    rich = reexport(line={"acquired_on": date(2020, 1, 2), "operation_number": "A-TH-501"})
    real = [path.read_bytes() for path in sorted(SAMPLES.glob("*.xml"))]
    return [
        *real,
        write_permit(EXAMPLE),
        write_permit(rich),
        write_soap(rich, attachments=[Enclosure(name="invoice.pdf", content=b"%PDF")]),
        PERMIT_1.strip().encode(),
        PERMIT_2.encode(),
        envelope(response(PERMIT_1.strip())).encode(),
        json.dumps(permit_to_json(EXAMPLE), indent=1).encode(),
        json.dumps(permit_to_json(rich)).encode(),
        template(),
        b"".join(write_csv([EXAMPLE, rich])),
    ]


def go_through(document: bytes, number: int) -> int:
    """How many permits were read; whatever is raised but a refusal fails the test, as does what is not the same."""
    permits = read(document)
    for permit in permits:
        judged(permit, number)
        written_and_read_again(permit)
    return len(permits)


def read(document: bytes) -> list[Permit]:
    """By the reader of the form that it had before it was changed."""
    try:
        if b"<" in document[:200]:
            root = parse_message(document)
            assert len(strict_deviations(root)) <= 4 * (MAX_DEVIATIONS + 1)
            reading = read_root(root)
            assert len(reading.deviations) <= MAX_DEVIATIONS + 1
            return [reading.permit]
        if document.lstrip().startswith(b"{"):
            return [permit_from_json(load_json(document))]
    except MalformedDocumentError as refusal:
        assert refusal.code  # noqa: PT017
        return []
    found = []
    try:
        for result in read_csv(io.BytesIO(document)):
            if isinstance(result, CsvPermit):
                found.append(result.permit)
            else:
                assert isinstance(result, CsvFault)
                assert result.reason
    except MalformedDocumentError as refusal:
        assert refusal.code  # noqa: PT017
    return found


def judged(permit: Permit, number: int) -> None:
    """At one of the stages, with the built-in data or with all data sets."""
    stage = Stage.ISSUE if number % 2 else Stage.RECEIPT
    circumstances = Circumstances(stage=stage, today=date(2026, 3, 2), entered_on=date(2026, 3, 1), stamp_taken=False)
    judgement = check(permit, RULESET, catalogue=catalogue() if number % 3 else builtin(), circumstances=circumstances)
    json.dumps(judgement.to_json())
    if not has_number(permit):
        # JSON and CSV do not take such a number, so nobody may hold a permit with it.
        assert any(finding.rule == "FLD-01" and finding.structural for finding in judgement.findings)


def has_number(permit: Permit) -> bool:
    """Whether its number is one that a permit can have (contract 1); XML that has another is read, and blocked."""
    return 0 < len(normalised(permit.number)) <= MAX_NUMBER_CHARACTERS


def written_and_read_again(permit: Permit) -> None:
    """In all forms; what toolkit XML has no place for is not there any more."""
    for written in (write_permit(permit), write_soap(permit)):
        root = parse_message(written, max_bytes=WRITTEN_BYTES)
        assert read_root(root).permit == without_extension(permit)
        strict_deviations(root)
    if not has_number(permit):
        return
    assert permit_from_json(load_json(json.dumps(permit_to_json(permit)).encode())) == permit
    (result,) = read_csv(io.BytesIO(b"".join(write_csv([permit]))))
    assert isinstance(result, CsvPermit), result
    assert result.permit == permit


def run(documents: list[bytes], numbers: range) -> tuple[int, float, int]:
    """How many permits were read, the most CPU-seconds that one document took, and how much memory grew, in KiB."""
    for document in documents:  # so that what is cached once does not count
        assert go_through(document, 0) + go_through(document, 1) >= 2
    gc.collect()
    before = resident_kib()
    found, slowest, growth = 0, 0.0, 0
    for number in numbers:
        begun = time.process_time()
        document = mutated(documents[number % len(documents)], number)
        try:
            found += go_through(document, number)
        except BaseException as error:
            error.add_note(f"mutation {number} of document {number % len(documents)}")
            raise
        slowest = max(slowest, time.process_time() - begun)
        if number % 100 == 0:
            growth = max(growth, resident_kib() - before)
    return found, slowest, growth


def resident_kib() -> int:
    """Memory of this process now; where the system does not tell, its peak."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * (resource.getpagesize() // 1024)
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_hundreds_of_changed_documents_are_read_or_refused(documents: list[bytes]) -> None:
    """A small part of what follows, in every run."""
    found, slowest, _ = run(documents, range(OFTEN))
    assert found > OFTEN // 4
    assert slowest < MAX_CPU_SECONDS


@pytest.mark.hostile
def test_tens_of_thousands_of_changed_documents_are_read_or_refused(documents: list[bytes]) -> None:
    """Nothing but refusals is raised, no document takes long, and the process does not grow."""
    found, slowest, growth = run(documents, range(OFTEN, OFTEN + HOSTILE))
    assert found > HOSTILE // 4
    assert slowest < MAX_CPU_SECONDS
    assert growth < MAX_GROWTH_KIB


# -- twice as much takes twice as long ---------------------------------------------------------------------------------

ITEM = "IncludedSupplyChainConsignmentItem"
GOODS = "IncludedSupplyChainTradeLineItem"
MANY = 1_500


def _lines(count: int) -> bytes:
    return write_permit(replace(EXAMPLE, lines=EXAMPLE.lines * count))


def _in_item(parts: str) -> bytes:
    return PERMIT_2.replace("<ID>A</ID>", f"<ID>A</ID>{parts}").encode()


def _with_attributes(count: int) -> bytes:
    names = "".join(f" a{number}='?'" for number in range(200))
    return _in_item(f"<x{names}/>" * (count // 100))


def _deep(count: int) -> bytes:
    return _in_item(("<x>" * 50 + "</x>" * 50) * (count // 10))


def _json_lines(count: int) -> bytes:
    return json.dumps(permit_to_json(replace(EXAMPLE, lines=EXAMPLE.lines * count))).encode()


def _csv_lines(count: int) -> bytes:
    return b"".join(write_csv([replace(EXAMPLE, lines=EXAMPLE.lines * count)]))


def _csv_of(cell: str, count: int) -> bytes:
    return f'type,number,issuer,marks\r\nE,1,XA,"{cell * count}"\r\n'.encode()


GROWTH: dict[str, tuple[Callable[[int], bytes], int]] = {
    "lines": (_lines, MANY // 5),
    "lines that say nothing": (lambda count: _in_item(f"</{ITEM}><{ITEM}>" * count), MANY),
    "attributes": (_with_attributes, MANY),
    "text": (lambda count: _in_item(f"<{GOODS}><Information>{'x ' * count * 40}</Information></{GOODS}>"), MANY * 2),
    "text of a code": (lambda count: _in_item(f"<{GOODS}><TypeCode>{'I' * count * 10}</TypeCode></{GOODS}>"), MANY * 2),
    "depth": (_deep, MANY),
    "deviations": (lambda count: _in_item("<IssueDateTime>x</IssueDateTime><y/>" * count), MANY * 4),
    "marks": (
        lambda count: _in_item("<AssociatedReferencedDocument><ID>1</ID></AssociatedReferencedDocument>" * count),
        MANY,
    ),
    "lines in JSON": (_json_lines, MANY // 3),
    "rows of a permit in CSV": (_csv_lines, MANY // 3),
    "permits in CSV": (
        lambda count: b"type,number,issuer\r\n" + b"".join(b"E,%d,XA\r\n" % n for n in range(count)),
        MANY,
    ),
    "columns in CSV": (
        lambda count: b"type,number,issuer" + b"," * count * 20 + b"\r\nE,1,XA" + b"," * count * 20,
        MANY,
    ),
    "quotes in CSV": (lambda count: _csv_of('""', count), MANY * 20),
    "separators in a cell of CSV": (lambda count: _csv_of("a;", count), MANY * 20),
    "leading words in CSV": (
        lambda count: b"type,number,issuer\r\n" + b"E,%s1,XA\r\n" % (b"No." * 1_000) * (count // 10),
        MANY,
    ),
}
MAX_GROWTH = 2.6
"""Times as long for twice as much: twice, and some room for a machine that does other things."""


def growth(build: Callable[[int], bytes], count: int) -> float:
    """How much longer twice as much takes."""
    once, twice = (read_and_judge(build(many)) for many in (count, count * 2))
    return twice / once


def read_and_judge(document: bytes) -> float:
    """CPU-seconds for reading, the strict check and the rules."""

    def work() -> None:
        for permit in read(document):
            judged(permit, 1)

    return cpu_seconds(work)


@pytest.mark.hostile
@pytest.mark.parametrize(("build", "count"), GROWTH.values(), ids=GROWTH.keys())
def test_twice_as_much_takes_twice_as_long(build: Callable[[int], bytes], count: int) -> None:
    # What is measured may be disturbed, and only to be longer: the best of three counts.
    assert min(growth(build, count) for _ in range(3)) <= MAX_GROWTH
