"""Real trade records as permits: through every reader, the rules and every writer; ``make bench`` takes all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from epix_node.reference.catalogue import builtin
from tests.bench import shipments
from tests.bench.records import Outcome, Witness, examine

pytestmark = pytest.mark.skipif(
    not shipments.is_there(), reason="needs ../shared/data/trade-shipments, which lies beside the project's checkout"
)

EVERY = 50


@pytest.fixture(scope="module")
def outcome() -> Iterator[Outcome]:
    """Some hundred rows, and those few that are odd: of Appendix I, without a country, or a source of animals."""
    records = shipments.read_records()
    odd = [
        record
        for record in records
        if record.fields["Appendix"] == "I" or record.fields["Exporter"] == "XX" or record.fields["Source"] == "R"
    ]
    return examine([*records[::EVERY], *(record for record in odd if (record.place - 1) % EVERY)], {"": builtin()})


def test_what_is_written_is_read_again_the_same(outcome: Outcome) -> None:
    """As JSON, as toolkit v2 that the schema has no objection to, and as CSV."""
    assert outcome.documents > 500
    assert outcome.changed == []


def test_no_permit_is_blocked_without_a_defect_of_its_row(outcome: Outcome) -> None:
    """The defect is looked for without the rules."""
    witness = Witness()
    assert {group.rule for group in outcome.blocks} >= {"APP-02", "FLD-04", "SRC-01"}
    for group, found in outcome.blocks.items():
        for record, finding in found:
            assert witness.defect(record, group.document, finding), (record.place, finding)
