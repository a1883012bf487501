"""When a register may sign: the table of what is known and what follows (C.4 item 8 (c))."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.register.standstill import (
    Cause,
    Held,
    Shown,
    Standstill,
    Step,
    decide,
    parse_standstill,
)

SURE = Held(entries=10, signed=10, is_in_doubt=False)
DOUBTFUL = Held(entries=10, signed=10, is_in_doubt=True)
UNSIGNED = Held(entries=12, signed=10, is_in_doubt=True)
EMPTY = Held(entries=0, signed=0, is_in_doubt=True)


def shown(size: int, *, agrees: bool | None = True, source: str = "XB") -> Shown:
    return Shown(source=source, size=size, agrees=agrees)


@pytest.mark.parametrize(
    ("held", "claims", "is_quorum", "step"),
    [
        (SURE, [], False, Step.SIGN),
        (SURE, [], True, Step.SIGN),
        (SURE, [shown(10), shown(3)], False, Step.SIGN),
        (SURE, [shown(10), shown(20, agrees=None)], True, Step.REBUILD),
        (SURE, [shown(20, agrees=None)], False, Step.REBUILD),
        (SURE, [shown(7, agrees=False)], True, Step.STOP),
        (SURE, [shown(7, agrees=False), shown(20, agrees=None)], True, Step.STOP),
        (DOUBTFUL, [], False, Step.WAIT),
        (DOUBTFUL, [shown(10)], False, Step.WAIT),
        (DOUBTFUL, [shown(10)], True, Step.SIGN),
        (DOUBTFUL, [], True, Step.SIGN),
        (DOUBTFUL, [shown(20, agrees=None)], False, Step.REBUILD),
        (DOUBTFUL, [shown(10, agrees=False)], False, Step.STOP),
        (UNSIGNED, [shown(11, agrees=False)], True, Step.REBUILD),
        (UNSIGNED, [shown(10, agrees=False)], True, Step.STOP),
        (UNSIGNED, [shown(12)], True, Step.SIGN),
        (EMPTY, [], True, Step.SIGN),
        (EMPTY, [], False, Step.WAIT),
        (EMPTY, [shown(1, agrees=None)], False, Step.REBUILD),
    ],
)
def test_what_follows_from_what_is_known(held: Held, claims: list[Shown], *, is_quorum: bool, step: Step) -> None:
    """Silence stops nobody who is sure; what was signed is never contradicted; what nobody signed yields."""
    assert decide(held, claims, is_quorum=is_quorum).step is step


def test_the_largest_checkpoint_is_what_is_rebuilt_to() -> None:
    """Whatever the order of the answers."""
    claims = [shown(20, agrees=None), shown(30, agrees=None, source="XC"), shown(25, agrees=None)]
    assert decide(SURE, claims, is_quorum=True).because == claims[1]


@given(
    entries=st.integers(0, 50),
    signed=st.integers(0, 50),
    is_in_doubt=st.booleans(),
    claims=st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=5),
    is_quorum=st.booleans(),
)
@settings(max_examples=100)
def test_signing_needs_agreement(
    *, entries: int, signed: int, is_in_doubt: bool, claims: list[tuple[int, bool]], is_quorum: bool
) -> None:
    """Whatever is shown: nothing is signed beside a checkpoint of ours that the entries do not explain."""
    held = Held(entries=entries, signed=min(entries, signed), is_in_doubt=is_in_doubt)
    given_ = [shown(size, agrees=agrees if size <= entries else None) for size, agrees in claims]
    decision = decide(held, given_, is_quorum=is_quorum)
    if decision.step is Step.SIGN:
        assert all(one.agrees for one in given_)
        assert is_quorum or not is_in_doubt
    else:
        assert decision.step is Step.WAIT or decision.because in given_


@pytest.mark.parametrize("cause", list(Cause))
def test_a_reason_is_read_back_as_it_was_written(cause: Cause) -> None:
    """And has words for whoever runs the node."""
    why = Standstill(cause=cause, seen="XB shows: 3")
    assert parse_standstill(why.text) == why
    assert why.advice
    assert "XB shows: 3" in why.told


def test_any_other_reason_is_one_to_recover_from() -> None:
    """What an earlier program wrote must not read as leave to sign."""
    assert parse_standstill("something").cause is Cause.RECOVERY
    assert parse_standstill("GONE: x").seen == "GONE: x"
