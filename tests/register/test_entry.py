"""A leaf has one spelling, and its commitments are those of the protocol."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import MalformedDocumentError
from epix_node.register.entry import Leaf, chain_commitment, document_commitment, leaf_origin, parse_leaf

SALT = bytes(range(16))
LEAF = Leaf(
    at=datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC), c=b"\xaa" * 32, d=b"\xbb" * 32, environment="sandbox", party="XA"
)
LEAF_BYTES = (
    b'{"at":"2026-03-01T10:00:00Z","c":"' + b"aa" * 32 + b'","d":"' + b"bb" * 32 + b'","env":"sandbox","p":"XA","v":1}'
)


def test_a_leaf_is_a_known_answer():
    """Exactly the bytes that decision 4 prints."""
    assert LEAF.to_bytes() == LEAF_BYTES
    assert parse_leaf(LEAF_BYTES) == LEAF


leaves = st.builds(
    Leaf,
    at=st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    c=st.binary(min_size=32, max_size=32),
    d=st.binary(min_size=32, max_size=32),
    environment=st.sampled_from(["sandbox", "uat", "prod"]),
    party=st.text("ABCXYZ", min_size=2, max_size=2),
)


@given(leaves)
@settings(max_examples=80)
def test_a_leaf_survives_the_round_trip_and_is_canonical_json(leaf):
    """parse_leaf reads what to_bytes wrote, and a general RFC 8785 writer writes the same."""
    data = leaf.to_bytes()
    assert parse_leaf(data) == leaf
    assert leaf_origin(data) == (leaf.party, leaf.environment)
    members = {
        "v": 1,
        "p": leaf.party,
        "env": leaf.environment,
        "d": leaf.d.hex(),
        "c": leaf.c.hex(),
        "at": leaf.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert rfc8785.dumps(members) == data


def test_a_leaf_keeps_whole_seconds_in_utc():
    """A time with fractions in another zone becomes the time that everybody else will read."""
    at = datetime(2026, 3, 1, 15, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=5)))
    leaf = Leaf(at=at, c=LEAF.c, d=LEAF.d, environment="sandbox", party="XA")
    assert leaf == LEAF
    assert leaf.to_bytes() == LEAF_BYTES


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'{"at"', b'{ "at"', id="a space"),
        pytest.param(b"}", b"}\n", id="a newline at the end"),
        pytest.param(b'"v":1}', b'"v":1,"x":0}', id="a further member"),
        pytest.param(b'"v":1}', b'"v":1,"v":1}', id="a member twice"),
        pytest.param(b',"v":1}', b"}", id="no version"),
        pytest.param(b'"v":1}', b'"v":2}', id="another version"),
        pytest.param(b'"v":1}', b'"v":1.0}', id="a version with a fraction"),
        pytest.param(b'"v":1}', b'"v":true}', id="a version that is true"),
        pytest.param(b'"p":"XA"', b'"p":"xa"', id="a party in small letters"),
        pytest.param(b'"p":"XA"', b'"p":"XAA"', id="a party of three letters"),
        pytest.param(b'"p":"XA"', b'"p":"\\u0058A"', id="an escaped letter"),
        pytest.param(b'"p":"XA"', '"p":"ХА"'.encode(), id="a party in Cyrillic"),
        pytest.param(b'"sandbox"', b'"test"', id="an unknown environment"),
        pytest.param(b"aa", b"AA", id="hexadecimal digits in capitals"),
        pytest.param(b'"c":"aa', b'"c":"', id="a short commitment"),
        pytest.param(b"10:00:00Z", b"10:00:00.5Z", id="a fraction of a second"),
        pytest.param(b"10:00:00Z", b"10:00:00+00:00", id="an offset"),
        pytest.param(b"10:00:00Z", b"10:00:00", id="no zone"),
        pytest.param(b"10:00:00Z", b"10:00:60Z", id="a leap second"),
        pytest.param(b"10:00:00Z", b"24:00:00Z", id="the hour 24"),
        pytest.param(b"2026-03-01", b"2026-02-30", id="a day that does not exist"),
        pytest.param(b"2026-03-01", b"0000-03-01", id="the year 0"),
        pytest.param(b"2026-03-01", "２026-03-01".encode(), id="a wide digit"),
    ],
)
def test_any_other_spelling_is_refused(old, new):
    """Two spellings of one leaf would be two entries."""
    assert old in LEAF_BYTES
    with pytest.raises(MalformedDocumentError):
        parse_leaf(LEAF_BYTES.replace(old, new))
    with pytest.raises(MalformedDocumentError):
        leaf_origin(LEAF_BYTES.replace(old, new))


def test_members_in_another_order_are_refused():
    """Canonical JSON sorts them."""
    data = LEAF_BYTES.replace(b'"env":"sandbox","p":"XA"', b'"p":"XA","env":"sandbox"')
    with pytest.raises(MalformedDocumentError):
        parse_leaf(data)


@pytest.mark.parametrize("data", [b"", b"{}", b"null", b"[" * 2000, b"\xff", b"\xef\xbb\xbf" + LEAF_BYTES])
def test_what_is_no_leaf_is_refused(data):
    """Never another error."""
    with pytest.raises(MalformedDocumentError):
        parse_leaf(data)
    with pytest.raises(MalformedDocumentError):
        leaf_origin(data)


def test_an_entry_over_2048_bytes_is_too_large():
    """The limit is checked before anything is read."""
    with pytest.raises(MalformedDocumentError) as caught:
        parse_leaf(b" " * 2049)
    assert caught.value.code == "TOO_LARGE"


@pytest.mark.parametrize(
    "change",
    [
        {"at": datetime(2026, 3, 1, 10, 0, 0)},  # noqa: DTZ001
        {"c": bytes(31)},
        {"d": bytes(33)},
        {"environment": "SANDBOX"},
        {"party": "xa"},
        {"party": "X"},
        {"party": "XA\n"},
    ],
)
def test_an_impossible_leaf_is_not_made(change):
    """Our own mistakes show before anything is hashed."""
    members = {"at": LEAF.at, "c": LEAF.c, "d": LEAF.d, "environment": LEAF.environment, "party": LEAF.party}
    with pytest.raises(ValueError, match=r"leaf|commitments|environment|party"):
        Leaf(**(members | change))


def test_the_commitments_are_known_answers():
    """Made with sha256sum."""
    assert (
        document_commitment(SALT, b"<a/>").hex() == "f68165814f1d891d28a7c46e821115d6ee2a85d0c075f279fbc277aba91e1597"
    )
    assert chain_commitment(SALT, "XA", 0).hex() == "75b18ea2efa8ef7ead7c3adf25adc82a2fdc72ad0cd97960eeaa9be8267b9fd6"
    assert chain_commitment(SALT, "XA", 258).hex() == "18c3fb5752f5922fb55c3b92a5306003da2b2ee3800e754b7760e02cde4641fa"


@pytest.mark.parametrize("salt", [b"", bytes(15), bytes(17), b"AAECAwQFBgcICQoLDA0ODw"])
def test_a_salt_that_is_not_16_raw_bytes_is_refused(salt):
    """Its base64url text would make commitments that nobody else finds."""
    with pytest.raises(ValueError, match="salt of"):
        document_commitment(salt, b"<a/>")
    with pytest.raises(ValueError, match="salt of"):
        chain_commitment(salt, "XA", 0)


@pytest.mark.parametrize(("party", "index"), [("xa", 0), ("XAA", 0), ("ХА", 0), ("XA", -1), ("XA", 2**32)])
def test_a_chain_needs_a_party_and_an_index_of_32_bits(party, index):
    """Anything else is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"party|chain index"):
        chain_commitment(SALT, party, index)


def test_the_last_chain_index_is_accepted():
    """The limit itself is no overflow."""
    assert len(chain_commitment(SALT, "XA", 2**32 - 1)) == 32
