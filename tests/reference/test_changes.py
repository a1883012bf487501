"""From additions and deletions to what the listing was."""

from datetime import date

from epix_node.reference.loading.changes import ADDITION, DELETION, Change, follow
from epix_node.reference.population import UNCLEAR, WHOLE, Extent, Scope
from epix_node.reference.timeline import BEFORE_ALL, NOT_LISTED

SOUTH = frozenset({"BW", "ZA"})
NORTH_I = Scope(extent=Extent.EXCEPT, countries=SOUTH)
SOUTH_II = Scope(extent=Extent.ONLY, countries=SOUTH)


def add(day, appendix, scope=WHOLE, *, party=None, is_current=None):
    return Change(
        on=date.fromisoformat(day), kind=ADDITION, appendix=appendix, scope=scope, party=party, is_current=is_current
    )


def delete(day, appendix, *, party=None):
    return Change(on=date.fromisoformat(day), kind=DELETION, appendix=appendix, scope=WHOLE, party=party)


def states(*changes, is_complete=True):
    """Day → the Appendices from then on, with the Party of Appendix III; empty: nothing is known."""
    return {
        since.starts.isoformat(): {
            f"{entry.appendix}{' ' + entry.party if entry.party else ''}" for entry in since.entries
        }
        for since in follow(changes, is_complete=is_complete)
    }


NEVER = {BEFORE_ALL.isoformat(): {NOT_LISTED}}


def test_a_whole_listing_takes_the_place_of_all_that_was_before():
    assert states(add("1976-02-26", "III", party="GH"), add("1977-02-04", "II"), add("1990-01-18", "I")) == NEVER | {
        "1976-02-26": {"III GH"},
        "1977-02-04": {"II"},
        "1990-01-18": {"I"},
    }


def test_a_split_takes_the_place_of_the_whole():
    assert states(add("1990-01-18", "I"), add("1997-09-18", "I", NORTH_I), add("1997-09-18", "II", SOUTH_II)) == (
        NEVER | {"1990-01-18": {"I"}, "1997-09-18": {"I", "II"}}
    )


def test_one_half_amended_leaves_the_other_where_it_was():
    assert states(
        add("2017-01-02", "I", NORTH_I), add("2017-01-02", "II", SOUTH_II), add("2019-11-26", "II", SOUTH_II)
    ) == NEVER | {"2017-01-02": {"I", "II"}, "2019-11-26": {"I", "II"}}


def test_an_addition_that_is_not_understood_ends_nothing():
    assert states(add("1990-01-18", "I"), add("1997-09-18", "II", UNCLEAR))["1997-09-18"] == {"I", "II"}


def test_a_deletion_ends_the_listing_of_its_appendix():
    assert states(add("1977-02-04", "II"), delete("1987-10-22", "II")) == NEVER | {
        "1977-02-04": {"II"},
        "1987-10-22": {NOT_LISTED},
    }


def test_a_party_withdraws_its_own_appendix_iii_listing_only():
    assert states(
        add("1987-04-13", "III", party="HN"),
        add("1990-01-01", "III", party="GT"),
        delete("2000-01-01", "III", party="HN"),
    ) == NEVER | {"1987-04-13": {"III HN"}, "1990-01-01": {"III HN", "III GT"}, "2000-01-01": {"III GT"}}


def test_a_deletion_and_an_addition_of_one_day_are_a_transfer():
    assert states(add("1977-02-04", "II"), delete("1990-01-18", "II"), add("1990-01-18", "I"))["1990-01-18"] == {"I"}


def test_what_the_source_says_is_in_force_today_is():
    changes = (
        add("1990-01-18", "I", is_current=False),
        add("2017-01-02", "I", UNCLEAR, is_current=True),
        add("2019-11-26", "II", UNCLEAR, is_current=True),
    )
    assert states(*changes)["2019-11-26"] == {"I", "II"}


def test_a_history_that_ends_in_nothing_tells_nothing_of_today():
    assert states(add("1977-02-04", "II", is_current=False))["1977-02-04"] == set()


def test_of_an_incomplete_history_only_the_end_counts():
    changes = (add("2017-01-02", "I", NORTH_I, is_current=True), add("2019-11-26", "II", SOUTH_II, is_current=True))
    assert states(*changes, is_complete=False) == {"2019-11-26": {"I", "II"}}


def test_without_changes_there_is_no_history():
    assert states() == {}
