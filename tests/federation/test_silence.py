"""Whom to leave alone: a failure lengthens the wait, an answer or a pull that succeeded ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from epix_node.federation.silence import Silence
from epix_node.store.peers import PeerState

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
SOON = NOW + timedelta(seconds=5)


def test_who_failed_is_left_alone_until_its_back_off_ends():
    """Others are asked meanwhile."""
    silence = Silence()
    assert silence.failed("XB", now=NOW)
    assert not silence.failed("XB", now=NOW)
    assert silence.due(("XB", "XC"), (), now=SOON) == ["XC"]
    assert silence.due(("XB", "XC"), (), now=NOW + timedelta(hours=1)) == ["XB", "XC"]


def test_who_answers_or_was_pulled_from_since_is_there_again():
    """An old success does not count, one after the failure does."""
    silence = Silence()
    silence.failed("XB", now=NOW)
    state = PeerState.new("XB")
    assert silence.due(("XB",), (replace(state, last_success=NOW - timedelta(minutes=1)),), now=SOON) == []
    assert silence.due(("XB",), (replace(state, last_success=NOW + timedelta(seconds=1)),), now=SOON) == ["XB"]
    silence.answered("XB")
    assert silence.due(("XB",), (), now=SOON) == ["XB"]
