"""The clock that the nodes of a demonstration share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from epix_node.errors import ConfigError, ConflictError
from epix_node.sandbox_clock import SharedClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_every_reader_sees_a_step_at_once(tmp_path):
    """Two clocks on one file are one clock."""
    here, there = SharedClock(tmp_path / "clock.txt"), SharedClock(tmp_path / "clock.txt")
    here.set(NOON)
    assert there() == NOON
    there.set(NOON + timedelta(microseconds=1))
    assert here() == NOON + timedelta(microseconds=1)


def test_it_does_not_go_back(tmp_path):
    """An earlier time is refused and the clock stays; the same time is fine."""
    clock = SharedClock(tmp_path / "clock.txt")
    clock.set(NOON)
    with pytest.raises(ConflictError) as caught:
        clock.set(NOON - timedelta(seconds=1))
    assert caught.value.code == "CLOCK_BACKWARDS"
    clock.set(NOON)
    assert clock() == NOON


@pytest.mark.parametrize("text", ["", "noon", "2026-03-01T12:00:00"])
def test_a_file_without_a_time_is_a_mistake_of_configuration(tmp_path, text):
    """A naive time is none."""
    (tmp_path / "clock.txt").write_text(text)
    with pytest.raises(ConfigError, match="holds no time"):
        SharedClock(tmp_path / "clock.txt")()


def test_a_missing_file_is_a_mistake_of_configuration(tmp_path):
    """The demonstration is over, or the path is wrong."""
    with pytest.raises(ConfigError, match="cannot be read"):
        SharedClock(tmp_path / "clock.txt")()
