"""When a register took a document: an honest one is never dated back, whatever broke on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from epix_node.permit.timing import IMPOSSIBLE, Timing

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
spans = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400))
skews = st.timedeltas(min_value=-timedelta(minutes=5), max_value=timedelta(minutes=5))


@given(
    waited=st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=23)), before=spans, down=spans, skew=skews
)
def test_an_honest_register_is_never_more_than_its_own_delay_late(
    waited: timedelta, before: timedelta, down: timedelta, skew: timedelta
):
    """Signed, taken `waited` later, last seen smaller some time before that, witnessed after any break-down."""
    taken = NOW + waited
    timing = Timing(
        signed_at=NOW,
        accepted_at=taken,
        grown_after=taken - before,
        witnessed_at=taken + down + skew if waited + down + skew >= -timedelta(minutes=5) else None,
    )
    assert timing.delay == waited


@given(late=st.timedeltas(min_value=timedelta(minutes=6), max_value=timedelta(days=400)))
def test_a_time_that_cannot_be_is_later_than_anything_allowed(late: timedelta):
    """An entry before its register had it, and a signature after its witnesses."""
    assert Timing(signed_at=NOW, accepted_at=NOW, grown_after=NOW + late).delay == IMPOSSIBLE
    assert Timing(signed_at=NOW + late, accepted_at=NOW + late, witnessed_at=NOW).delay == IMPOSSIBLE
    assert Timing(signed_at=NOW - late, accepted_at=NOW).delay == late
