"""A policy says whose cosignatures are enough, and by when they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from epix_node.errors import MalformedDocumentError
from epix_node.register.cosignature import Cosignature, Cosigner
from epix_node.register.note import KeyKind, NoteSigner, VerifierKey
from epix_node.register.policy import MAX_LINES_OF_A_KIND, MAX_POLICY_BYTES, Group, WitnessPolicy, parse_policy

NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def seed(n: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(n.to_bytes(32, "big"))


def witness_key(n: int, name: str | None = None) -> VerifierKey:
    return Cosigner(name or f"w{n}.example", seed(n)).verifier_key


def log_key(n: int, name: str = "log.example") -> VerifierKey:
    return NoteSigner(name, seed(100 + n)).verifier_key


W1, W2, W3, W4, W5, W6 = (witness_key(n).vkey for n in range(1, 7))
LOG = log_key(1).vkey

# The example of C2SP tlog-policy, with keys filled in.
TWO_LEVELS = f"""log {LOG}

witness X1 {W1}
witness X2 {W2}
witness X3 {W3}
group X-witnesses 2 X1 X2 X3

witness Y1 {W4}
witness Y2 {W5}
witness Y3 {W6}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def at(minute: int, n: int) -> Cosignature:
    """A cosignature by witness n at this minute."""
    key = witness_key(n)
    moment = NOON + timedelta(minutes=minute)
    return Cosignature(name=key.name, key=key, at=moment, line=Cosigner(key.name, seed(n)).sign("x\n", at=moment))


@pytest.mark.parametrize(
    ("cosigned", "enough"),
    [
        ([1, 2, 4], True),
        ([2, 3, 6], True),
        ([1, 2, 3, 4, 5, 6], True),
        ([1, 2, 3], False),
        ([1, 4, 5, 6], False),
        ([], False),
        ([7, 8, 9], False),
        ([1, 7, 4], False),
    ],
)
def test_the_example_of_the_specification_counts_as_it_says(cosigned, enough):
    """Two of the X and one of the Y."""
    policy = parse_policy(TWO_LEVELS)
    assert policy.satisfied_by([witness_key(n) for n in cosigned]) is enough
    assert policy.keys == tuple(witness_key(n) for n in range(1, 7))
    assert [log.key for log in policy.logs] == [log_key(1)]


@pytest.mark.parametrize(
    ("cosignatures", "minute"),
    [
        ([at(5, 1), at(3, 2), at(9, 3), at(1, 4)], 5),  # X by its second at 5, Y at 1
        ([at(5, 1), at(3, 2), at(4, 3), at(8, 4), at(7, 6)], 7),  # X at 4, Y by its first at 7
        ([at(5, 1), at(3, 2)], None),
        ([], None),
    ],
)
def test_the_time_is_the_one_by_which_the_quorum_had_cosigned(cosignatures, minute):
    """Of a group the k-th earliest time of its members, and so upwards."""
    expected = None if minute is None else NOON + timedelta(minutes=minute)
    assert parse_policy(TWO_LEVELS).earliest_time(cosignatures) == expected
    assert parse_policy(TWO_LEVELS).earliest_time(reversed(cosignatures)) == expected


def test_of_two_times_of_one_witness_the_earlier_counts():
    """It had seen the checkpoint by then."""
    policy = parse_policy(f"witness w {W1}\nquorum w\n")
    assert policy.earliest_time([at(9, 1), at(4, 1), at(1, 2)]) == NOON + timedelta(minutes=4)


def test_any_two_of_three():
    """The default of the sandbox, made without a file."""
    policy = WitnessPolicy.any_of({f"w{n}": witness_key(n) for n in (1, 2, 3)}, 2)
    assert policy.satisfied_by([witness_key(1), witness_key(3)])
    assert not policy.satisfied_by([witness_key(1)])
    assert not policy.satisfied_by([witness_key(1), witness_key(1)])
    assert policy.earliest_time([at(3, 1), at(1, 2), at(2, 3)]) == NOON + timedelta(minutes=2)
    assert policy.keys == (witness_key(1), witness_key(2), witness_key(3))


@pytest.mark.parametrize(
    ("keys", "threshold"),
    [
        pytest.param({}, 0, id="nobody"),
        pytest.param({"a": witness_key(1)}, 0, id="none of one"),
        pytest.param({"a": witness_key(1)}, 2, id="two of one"),
        pytest.param({"a": witness_key(1), "b": witness_key(1)}, 2, id="one key twice"),
        pytest.param({"a": witness_key(1), "b": witness_key(1, "other.example")}, 2, id="one key under two names"),
        pytest.param({"a": log_key(1)}, 1, id="the key of a log"),
    ],
)
def test_a_quorum_that_means_nothing_is_not_made(keys, threshold):
    """An empty one would be satisfied by everything."""
    with pytest.raises(ValueError, match=r"group|key|witness"):
        WitnessPolicy.any_of(keys, threshold)


def test_a_quorum_of_none_is_satisfied_by_nothing_unless_asked_for():
    """A node without witnesses has no witnessed checkpoints."""
    policy = parse_policy("quorum none\n")
    assert policy.quorum is None
    assert policy.keys == ()
    assert not policy.satisfied_by([])
    assert not policy.satisfied_by([witness_key(1)])
    assert policy.satisfied_by([], none_suffices=True)
    assert policy.earliest_time([at(0, 1)]) is None
    assert not parse_policy(f"witness w {W1}\nquorum w\n").satisfied_by([], none_suffices=True)


def test_a_policy_is_read_with_its_blanks_comments_urls_and_odd_names():
    """White space is space and tab; names are whatever stands between; the last newline may be missing."""
    policy = parse_policy(
        f"\n# comment\n\t # another\n\tlog \t{LOG}  https://log.example/ \n"
        f"witness all {W1}   https://w1.example/x?y=1#z\nwitness any {W2}\nwitness # {W3}\n"
        "group group 2 all any #\n\n  quorum\tgroup"
    )
    assert policy.logs[0].url == "https://log.example/"
    assert [(each.name, each.url) for each in policy.witnesses] == [
        ("all", "https://w1.example/x?y=1#z"),
        ("any", None),
        ("#", None),
    ]
    assert isinstance(policy.quorum, Group)
    assert (policy.quorum.name, policy.quorum.threshold) == ("group", 2)


def test_non_ascii_names_are_told_apart():
    """The Kelvin sign is no K, and a no-break space parts nothing."""
    policy = parse_policy(f"witness K {W1}\nwitness \u212a {W2}\nwitness a\u00a0b {W3}\nquorum \u212a\n")
    assert policy.satisfied_by([witness_key(2)])
    assert not policy.satisfied_by([witness_key(1), witness_key(3)])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(f"witness w {W1}\n", id="no quorum"),
        pytest.param(f"witness w {W1}\nquorum w\nquorum w\n", id="two quorums"),
        pytest.param("quorum none\nquorum none\n", id="two quorums of none"),
        pytest.param("quorum\n", id="a quorum without a name"),
        pytest.param("quorum none none\n", id="a quorum of two names"),
        pytest.param("quorum w\n", id="an unknown quorum"),
        pytest.param(f"quorum w\nwitness w {W1}\n", id="a quorum before its witness"),
        pytest.param("quibble w\nquorum none\n", id="an unknown keyword"),
        pytest.param("QUORUM none\n", id="a keyword in capitals"),
        pytest.param("quorum none\r\n", id="a carriage return"),
        pytest.param("quorum none\n\x01", id="a control character"),
        pytest.param("quorum none\n#\x7f\n", id="a delete character"),
        pytest.param(f"witness w {W1} https://w.example/ # comment\nquorum w\n", id="a comment behind a line"),
        pytest.param("log\nquorum none\n", id="a log without a key"),
        pytest.param("log garbage\nquorum none\n", id="a log with garbage for a key"),
        pytest.param(f"log {W1}\nquorum none\n", id="a log with the key of a witness"),
        pytest.param(f"log {LOG}\nlog {LOG} https://x.example/\nquorum none\n", id="a log twice"),
        pytest.param(
            f"log {LOG}\nlog {log_key(1, 'other.example').vkey}\nquorum none\n", id="a log twice under two names"
        ),
        pytest.param("witness w\nquorum none\n", id="a witness without a key"),
        pytest.param(f"witness w {LOG}\nquorum w\n", id="a witness with the key of a log"),
        pytest.param(f"witness none {W1}\nquorum none\n", id="a witness called none"),
        pytest.param(f"witness w {W1}\nwitness w {W2}\nquorum w\n", id="two witnesses of one name"),
        pytest.param(f"witness v {W1}\nwitness w {W1}\nquorum w\n", id="a witness twice"),
        pytest.param(
            f"witness v {W1}\nwitness w {witness_key(1, 'other.example').vkey}\nquorum w\n",
            id="a witness twice under two names",
        ),
        pytest.param(f"witness w {W1}\ngroup w any w\nquorum w\n", id="a group with the name of a witness"),
        pytest.param(f"witness w {W1}\ngroup none any w\nquorum none\n", id="a group called none"),
        pytest.param(f"witness w {W1}\ngroup g any\nquorum g\n", id="a group of nobody"),
        pytest.param(f"witness w {W1}\ngroup g 0 w\nquorum g\n", id="none of one"),
        pytest.param(f"witness w {W1}\ngroup g 2 w\nquorum g\n", id="two of one"),
        pytest.param(f"witness w {W1}\ngroup g -1 w\nquorum g\n", id="less than none"),
        pytest.param(f"witness w {W1}\ngroup g +1 w\nquorum g\n", id="a sign"),
        pytest.param(f"witness w {W1}\ngroup g 01 w\nquorum g\n", id="a leading zero"),
        pytest.param(f"witness w {W1}\ngroup g １ w\nquorum g\n", id="a wide digit"),
        pytest.param(f"witness w {W1}\ngroup g {'9' * 5000} w\nquorum g\n", id="an endless number"),
        pytest.param(f"witness w {W1}\ngroup g any v\nquorum g\n", id="an unknown member"),
        pytest.param(f"witness w {W1}\ngroup g any none w\nquorum g\n", id="none as a member"),
        pytest.param(f"witness w {W1}\ngroup g any g w\nquorum g\n", id="a group in itself"),
        pytest.param(f"group g any w\nwitness w {W1}\nquorum g\n", id="a member after the group"),
        pytest.param(f"witness w {W1}\ngroup g all w w\nquorum g\n", id="a member twice"),
        pytest.param(
            f"witness v {W1}\nwitness w {W2}\ngroup g any v w\ngroup h any v\nquorum g\n", id="a member in two groups"
        ),
        pytest.param("#" * (MAX_POLICY_BYTES + 1), id="too long"),
        pytest.param(
            "".join(f"witness w{n} {witness_key(1000 + n).vkey}\n" for n in range(MAX_LINES_OF_A_KIND + 1))
            + "quorum none\n",
            id="too many witnesses",
        ),
    ],
)
def test_anything_else_is_no_policy(text):
    """Each of the rules of the specification, and our limits."""
    with pytest.raises(MalformedDocumentError, match="witness policy"):
        parse_policy(text)


def test_as_many_witnesses_as_the_limit_allows_are_read():
    """The specification asks for 32."""
    keys = [witness_key(1000 + n) for n in range(MAX_LINES_OF_A_KIND)]
    lines = "".join(f"witness w{n} {key.vkey}\n" for n, key in enumerate(keys))
    names = " ".join(f"w{n}" for n in range(MAX_LINES_OF_A_KIND))
    policy = parse_policy(f"{lines}group g all {names}\nquorum g\n")
    assert policy.satisfied_by(keys)
    assert not policy.satisfied_by(keys[1:])
    assert all(key.kind is KeyKind.COSIGNATURE for key in policy.keys)
