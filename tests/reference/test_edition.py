"""The edition that every answer shows, and the report of a load."""

from datetime import date, timedelta

from epix_node.reference.edition import Edition
from epix_node.reference.load_report import MAX_EXAMPLES, Tally

EDITION = Edition(data="quotas", as_of=date(2026, 1, 1), source="q.csv", sha256="00", loaded_at=None, rows=2)


def test_the_age_counts_from_the_day_whose_state_the_data_describe():
    assert EDITION.age(date(2026, 1, 31)) == timedelta(days=30)
    assert EDITION.to_json(date(2026, 1, 31)) == {
        "data": "quotas",
        "as_of": "2026-01-01",
        "age_days": 30,
        "source": "q.csv",
    }


def test_data_of_a_later_day_have_no_age():
    assert EDITION.age(date(2025, 1, 1)) == timedelta(0)


def test_not_every_row_that_was_not_understood_is_shown():
    tally = Tally()
    for row in range(2, 40):
        tally.refuse(row, f"reason {row}")
    assert len(tally.report(EDITION).examples) == MAX_EXAMPLES


def test_every_reason_is_counted_and_the_first_are_shown():
    tally = Tally()
    tally.take(5)
    for row in range(2, 40):
        tally.refuse(row, "no name")
    tally.note(41, "a reservation")
    report = tally.report(EDITION)
    assert (report.taken, report.refused) == (5, 38)
    assert dict(report.reasons) == {"no name": 38, "a reservation": 1}
    # A frequent reason does not crowd out a rare one.
    assert [example.row for example in report.examples] == [2, 3, 4, 5, 6, 41]
    assert report.to_json(date(2026, 1, 2))["examples"][0] == {"row": 2, "reason": "no name"}
