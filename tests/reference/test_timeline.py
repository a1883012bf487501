"""What a listing was on a day, and whom it covers."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.reference.edition import Edition
from epix_node.reference.population import UNCLEAR, WHOLE, Extent, Scope
from epix_node.reference.timeline import BEFORE_ALL, NOT_LISTED, Entry, Segment, Timeline, resolve

EDITION = Edition(data="species", as_of=date(2020, 1, 1), source="list.csv", sha256="00", loaded_at=None, rows=1)

APPENDIX_I, APPENDIX_II = Entry(appendix="I", scope=WHOLE), Entry(appendix="II", scope=WHOLE)
UNLISTED = Entry(appendix=NOT_LISTED, scope=WHOLE)


def only(*countries, parts=()):
    return Scope(extent=Extent.ONLY, countries=frozenset(countries), parts=frozenset(parts))


def all_but(*countries):
    return Scope(extent=Extent.EXCEPT, countries=frozenset(countries))


def since(day, *entries, is_dated=True):
    return Segment(starts=day, is_dated=is_dated, entries=entries, edition=EDITION)


HISTORY = (
    since(BEFORE_ALL, UNLISTED),
    since(date(1977, 2, 4), APPENDIX_II),
    since(date(1990, 1, 18), APPENDIX_I),
    since(date(2020, 1, 1), APPENDIX_I, is_dated=False),
)


@pytest.mark.parametrize(
    ("day", "appendices", "begun"),
    [
        (date(1977, 2, 3), set(), None),
        (date(1977, 2, 4), {"II"}, date(1977, 2, 4)),
        (date(1990, 1, 17), {"II"}, date(1977, 2, 4)),
        (date(1990, 1, 18), {"I"}, date(1990, 1, 18)),
        (date(2026, 1, 1), {"I"}, date(1990, 1, 18)),
    ],
)
def test_a_listing_holds_from_its_day_until_the_next_change(day, appendices, begun):
    timeline = Timeline(HISTORY)
    segment = timeline.on(day)
    assert segment.appendices == appendices
    assert timeline.since(segment) == begun


def test_before_a_snapshot_nothing_is_known():
    timeline = Timeline([since(date(2020, 1, 1), APPENDIX_II, is_dated=False)])
    assert timeline.on(date(2019, 12, 31)) is None
    assert timeline.since(timeline.on(date(2020, 1, 1))) is None
    assert timeline.first_listed() is None


def test_a_snapshot_that_disagrees_with_the_history_has_an_unknown_beginning():
    timeline = Timeline([since(date(1977, 2, 4), APPENDIX_II), since(date(2020, 1, 1), APPENDIX_I, is_dated=False)])
    assert timeline.since(timeline.on(date(2020, 1, 1))) is None


def test_a_change_after_a_snapshot_counts_from_its_day():
    timeline = Timeline([since(date(2020, 1, 1), APPENDIX_II, is_dated=False), since(date(2023, 2, 23), APPENDIX_I)])
    assert timeline.on(date(2023, 2, 22)).appendices == {"II"}
    assert timeline.on(date(2023, 2, 23)).appendices == {"I"}


def test_a_history_whose_end_is_untold_knows_nothing_after_it():
    timeline = Timeline([since(date(1977, 2, 4), APPENDIX_II), since(date(1990, 1, 18))])
    assert timeline.on(date(1980, 1, 1)).appendices == {"II"}
    assert timeline.on(date(2000, 1, 1)) is None


def test_the_first_listing_is_told_only_by_a_whole_history():
    assert Timeline(HISTORY).first_listed() == date(1977, 2, 4)
    assert Timeline(HISTORY[1:]).first_listed() is None


@given(
    starts=st.lists(st.dates(date(1975, 1, 1), date(2030, 1, 1)), unique=True, min_size=1, max_size=6),
    day=st.dates(date(1974, 1, 1), date(2031, 1, 1)),
)
@settings(max_examples=100, deadline=None)
def test_between_changes_nothing_changes(starts, day):
    timeline = Timeline([since(start, APPENDIX_I if start.day % 2 else APPENDIX_II) for start in starts])
    begun = max((start for start in starts if start <= day), default=None)
    assert timeline.on(day) == (timeline.on(begun) if begun else None)
    if begun and day - begun > timedelta(0):
        assert timeline.on(day - timedelta(days=1)) == timeline.on(day)


ELEPHANT = (Entry(appendix="I", scope=all_but("BW", "ZA")), Entry(appendix="II", scope=only("BW", "ZA")))
PRONGHORN = (Entry(appendix="I", scope=only("MX")), Entry(appendix=NOT_LISTED, scope=UNCLEAR))
VICUNA = (
    Entry(appendix="I", scope=Scope(extent=Extent.EXCEPT, countries=frozenset({"AR"}), parts=frozenset({"AR"}))),
    Entry(appendix="II", scope=only("AR", parts=["AR"])),
)
ROSEROOT = (Entry(appendix="II", scope=UNCLEAR), Entry(appendix=NOT_LISTED, scope=UNCLEAR))
RHINOCEROS = (
    Entry(appendix="I", scope=all_but("ZA")),
    Entry(appendix="II", scope=Scope(extent=Extent.ONLY, countries=frozenset({"ZA"}), is_conditional=True)),
)
HALF_TOLD = (Entry(appendix="I", scope=all_but("BW")),)


@pytest.mark.parametrize(
    ("entries", "population", "appendices", "may_be_unlisted"),
    [
        (ELEPHANT, "ZA", {"II"}, False),
        (ELEPHANT, "KE", {"I"}, False),
        (ELEPHANT, None, {"I", "II"}, False),
        (ELEPHANT, "XA", {"I", "II"}, False),
        (PRONGHORN, "MX", {"I"}, False),
        (PRONGHORN, "CA", set(), False),
        (PRONGHORN, None, {"I"}, True),
        (VICUNA, "AR", {"I", "II"}, False),
        (VICUNA, "PE", {"I"}, False),
        (RHINOCEROS, "ZA", {"I", "II"}, False),
        (RHINOCEROS, "KE", {"I"}, False),
        (ROSEROOT, "RU", {"II"}, True),
        ((UNLISTED,), "RU", set(), False),
        ((APPENDIX_II,), None, {"II"}, False),
    ],
)
def test_a_population_has_every_appendix_that_may_apply(entries, population, appendices, may_be_unlisted):
    resolved = resolve(entries, population)
    assert {entry.appendix for entry in resolved.entries} == appendices
    assert resolved.may_be_unlisted is may_be_unlisted
    assert not resolved.is_open


def test_an_exception_that_is_said_to_be_nowhere_may_be_anywhere():
    assert resolve(HALF_TOLD, "BW").is_open
    assert not resolve(HALF_TOLD, "KE").is_open
