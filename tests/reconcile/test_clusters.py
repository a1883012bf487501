"""Which events are about one consignment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.reconcile.clusters import apart, clusters, transport_document
from tests.reconcile.builders import confirmed, endorsed, presented

DAYS = timedelta(days=3)


def dates(events):
    """The clusters as sets of `party day`, in the order in which they come."""
    return [[f"{e.party} {e.body.date:%m-%d}" for e in c.events] for c in clusters(events, days=DAYS)]


SCENARIOS = {
    "one document is one consignment, however far apart": (
        [confirmed("03-20", document="020-12345675"), confirmed("05-20", document="020 1234 5675")],
        [["XB 03-20", "XB 05-20"]],
    ),
    "two documents are two, on one day too": (
        [confirmed("03-20", document="AWB1"), confirmed("03-20", document="AWB2")],
        [["XB 03-20"], ["XB 03-20"]],
    ),
    "continues joins two documents": (
        [
            confirmed("03-20", document="AWB1", event_id="first"),
            confirmed("04-20", document="AWB2", continues="first"),
        ],
        [["XB 03-20", "XB 04-20"]],
    ),
    "two continuations of an event that is not held join": (
        [confirmed("03-20", document="AWB1", continues="gone"), confirmed("04-20", continues="gone")],
        [["XB 03-20", "XB 04-20"]],
    ),
    "another Party's event id is another event": (
        [confirmed("03-20", event_id="1"), confirmed("04-20", by="XC", continues="1")],
        [["XB 03-20"], ["XC 04-20"]],
    ),
    "no document joins the nearest document": (
        [confirmed("03-20", document="AWB1"), confirmed("03-22"), confirmed("03-23", document="AWB2")],
        [["XB 03-20"], ["XB 03-22", "XB 03-23"]],
    ),
    "a tie goes to the earlier consignment": (
        [confirmed("03-24", document="AWB1"), confirmed("03-22"), confirmed("03-20", document="AWB2")],
        [["XB 03-20", "XB 03-22"], ["XB 03-24"]],
    ),
    "no document never ties two together": (
        [confirmed("03-20", document="AWB1"), confirmed("03-22", document="AWB2"), confirmed("03-21")],
        [["XB 03-20", "XB 03-21"], ["XB 03-22"]],
    ),
    "three days are near": (
        [confirmed("03-20", document="AWB1"), confirmed("03-23")],
        [["XB 03-20", "XB 03-23"]],
    ),
    "four days are not": ([confirmed("03-20", document="AWB1"), confirmed("03-24")], [["XB 03-20"], ["XB 03-24"]]),
    "what joined draws nothing along": (
        [confirmed("03-20", document="AWB1"), confirmed("03-23"), confirmed("03-25")],
        [["XB 03-20", "XB 03-23"], ["XB 03-25"]],
    ),
    "another office is not near": (
        [confirmed("03-20", document="AWB1"), confirmed("03-20", office="XB-2")],
        [["XB 03-20"], ["XB 03-20"]],
    ),
    "an office written in two ways is one": (
        [confirmed("03-20", office="zrh 1"), confirmed("03-22", office=" ZRH  1 ")],
        [["XB 03-20", "XB 03-22"]],
    ),
    "without any documents days in a row are one": (
        [confirmed("03-20"), confirmed("03-23"), confirmed("03-26")],
        [["XB 03-20", "XB 03-23", "XB 03-26"]],
    ),
    "a gap parts them": ([confirmed("03-20"), confirmed("03-24")], [["XB 03-20"], ["XB 03-24"]]),
    "continues bridges a gap": (
        [confirmed("03-20", event_id="held"), confirmed("06-20", continues="held"), confirmed("06-21")],
        [["XB 03-20", "XB 06-20", "XB 06-21"]],
    ),
    "endorsements and confirmations never join": (
        [endorsed("03-20", by="XB", document="AWB1"), confirmed("03-20", document="AWB1")],
        [["XB 03-20"], ["XB 03-20"]],
    ),
    "presentations are no consignments": ([presented("03-20")], []),
    "not available is no document": (
        [confirmed("03-20", document="N/A"), confirmed("05-20", document="n.a.")],
        [["XB 03-20"], ["XB 05-20"]],
    ),
}


@pytest.mark.parametrize(("events", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_events_cluster_by_document_then_by_office_and_days(events, expected):
    assert dates(events) == expected


def test_an_event_that_comes_twice_is_one():
    """A fact may be held as an event of the number and as a use of an import permit."""
    event = confirmed("03-20")
    assert dates([event, event]) == [["XB 03-20"]]


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        (" 020-1234 5675", "02012345675"),
        ("awb/x.1", "AWBX1"),
        ("AWB 020-12345675", "02012345675"),
        ("MAWB No. 020-1234 5675", "02012345675"),
        ("NO12345678901", "NO12345678901"),
        ("MAEU１２３", "MAEU123"),
        ("unknown", None),
        ("-", None),
        ("000", None),
        (None, None),
    ],
)
def test_a_transport_document_is_its_letters_and_digits(written, compared):
    assert transport_document(confirmed("03-20", document=written)) == compared


def test_the_distance_is_that_of_the_nearest_events_at_one_office():
    one, other = clusters(
        [
            confirmed("03-20", document="AWB1"),
            confirmed("03-21", document="AWB1", office="XB-2"),
            confirmed("03-24", document="AWB2"),
            confirmed("03-21", document="AWB2", office="XB-3"),
        ],
        days=DAYS,
    )
    assert apart(one, other) == timedelta(days=4)


_events = st.builds(
    lambda day, office, document, party, endorse: (endorsed if endorse else confirmed)(
        f"03-{day:02}", by=party, office=office, document=document
    ),
    st.integers(1, 14),
    st.sampled_from(["P", "Q"]),
    st.sampled_from([None, None, "D1", "D2", "D3"]),
    st.sampled_from(["XA", "XB"]),
    st.booleans(),
)


@given(st.lists(_events, max_size=9), st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_the_order_of_the_facts_decides_nothing(events, random):
    shuffled = random.sample(events, len(events))
    assert clusters(shuffled, days=DAYS) == clusters(events, days=DAYS)


@given(st.lists(_events, max_size=9))
@settings(max_examples=50, deadline=None)
def test_every_event_is_in_exactly_one_cluster_of_its_party_and_kind(events):
    found = clusters(events, days=DAYS)
    assert sorted(e.source.document for c in found for e in c.events) == sorted(e.source.document for e in events)
    assert all({(e.party, type(e.body)) for e in c.events} == {(c.party, type(c.events[0].body))} for c in found)
    documents = [{d for e in c.events if (d := transport_document(e))} for c in found]
    assert all(len(written) <= 1 for written in documents), "nothing but `continues` joins two documents"
