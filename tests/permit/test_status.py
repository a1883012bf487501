"""The status of a permit from its facts, with flags and balances (contract 4, ``domain-rules.md`` 4.1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest

from epix_node.permit.facts import Case, PermitFact
from epix_node.permit.model import TradeParty
from epix_node.permit.status import Standing, standing
from tests.reconcile.builders import (
    IMPORT_REF,
    NUMBER,
    TIMBER,
    confirmed,
    day,
    endorsed,
    goods,
    import_permit,
    line,
    permit,
    presented,
    ref,
    withdrawn,
)

NOW = day("05-01")
LATER = day("12-01")
MULTI = {"multi_use": True}


def of(fact: PermitFact, *events, uses=()) -> Standing:
    return standing(fact, events, uses)


def words(seen: Standing, on: date = NOW) -> tuple[str, set[str]]:
    return seen.status_on(on).value, {flag.value for flag in seen.flags_on(on)}


def other(on, *lines, **members):
    """A confirmation by a Party that is not the destination."""
    return confirmed(on, *lines, **{"by": "XC", **members})


ANY_LINE = goods(taxon="Python regius", term="LIV")
HISTORIES = {
    # what: (permit, events, status on 1 May, flags)
    "nothing": (permit(), [], "VALID", set()),
    "only shown": (permit(), [presented("04-01")], "VALID", set()),
    "endorsed": (permit(), [endorsed("04-01")], "EXPORTED", set()),
    "endorsed for less": (permit(), [endorsed("04-01", goods("11.999999"))], "EXPORTED", {"REMAINDER_LAPSED"}),
    "endorsed for more": (permit(), [endorsed("04-01", goods("13"))], "EXPORTED", set()),
    "endorsed with empty lines": (
        permit(),
        [endorsed("04-01", goods("0"))],
        "EXPORTED",
        {"REMAINDER_LAPSED"},
    ),
    "endorsed in a unit that cannot be compared": (
        permit(line(unit="KGM")),
        [endorsed("04-01", goods("12", "NAR"))],
        "EXPORTED",
        set(),
    ),
    "endorsed in another unit of the class": (
        permit(line(quantity="0.5", unit="KGM")),
        [endorsed("04-01", goods("500", "GRM"))],
        "EXPORTED",
        set(),
    ),
    "endorsed under a block that is not there": (
        permit(),
        [endorsed("04-01", goods(block="Z"))],
        "EXPORTED",
        {"REMAINDER_LAPSED"},
    ),
    "endorsed elsewhere": (permit(), [endorsed("04-01", by="XC")], "VALID", {"ENDORSED_ELSEWHERE"}),
    "endorsed at home and elsewhere": (
        permit(),
        [endorsed("04-01"), endorsed("04-02", by="XC")],
        "EXPORTED",
        {"ENDORSED_ELSEWHERE"},
    ),
    "released": (permit(), [confirmed("04-01")], "USED", set()),
    "released in parts": (permit(), [confirmed("04-01", outcome="partly-released")], "USED", set()),
    "nothing was let in, and released": (permit(), [confirmed("04-01")], "USED", set()),
    "seized": (permit(), [confirmed("04-01", outcome="seized")], "USED", {"SEIZED"}),
    "destroyed": (permit(), [confirmed("04-01", outcome="destroyed")], "USED", set()),
    "refused": (permit(), [confirmed("04-01", outcome="refused")], "REFUSED", set()),
    "returned": (permit(), [confirmed("04-01", outcome="returned")], "REFUSED", {"RETURNED"}),
    "a line was seized": (permit(), [confirmed("04-01", goods(outcome="seized"))], "USED", {"SEIZED"}),
    "a line was returned": (permit(), [confirmed("04-01", goods(outcome="returned"))], "USED", {"RETURNED"}),
    "refused but for one line": (
        permit(),
        [confirmed("04-01", goods(outcome="released"), outcome="refused")],
        "REFUSED",
        set(),
    ),
    "refused, then released": (
        permit(),
        [confirmed("04-01", outcome="refused"), confirmed("04-02")],
        "REFUSED",
        set(),
    ),
    "endorsed and released": (permit(), [endorsed("04-01"), confirmed("04-02")], "USED", set()),
    "released elsewhere": (permit(), [other("04-01")], "VALID", {"CONFIRMED_ELSEWHERE"}),
    "seized elsewhere": (permit(), [other("04-01", outcome="seized")], "VALID", {"CONFIRMED_ELSEWHERE"}),
    "passed through a declared transit country": (
        permit(transit=("XC",)),
        [other("04-01")],
        "VALID",
        {"CONFIRMED_ELSEWHERE"},
    ),
    "released here and elsewhere": (permit(), [confirmed("04-01"), other("04-02")], "USED", {"CONFIRMED_ELSEWHERE"}),
    "released elsewhere as timber": (permit(), [other("04-01", basis=TIMBER)], "USED", set()),
    "nobody is the destination": (permit(importer=None, subtype="ifs"), [other("04-01")], "USED", set()),
    "withdrawn": (permit(withdrawn=withdrawn("04-01", "cancelled")), [], "REVOKED", {"CANCELLED"}),
    "lost": (permit(withdrawn=withdrawn("04-01", "lost")), [], "REVOKED", {"LOST"}),
    "stolen": (permit(withdrawn=withdrawn("04-01")), [], "REVOKED", {"STOLEN"}),
    "destroyed paper": (permit(withdrawn=withdrawn("04-01", "destroyed")), [], "REVOKED", {"DESTROYED"}),
    "withdrawn after use": (
        permit(withdrawn=withdrawn("04-10")),
        [confirmed("04-01", outcome="seized")],
        "REVOKED",
        {"STOLEN", "SEIZED"},
    ),
    "replaced": (permit(withdrawn=withdrawn("04-01", "replaced", successor="26XA9")), [], "REPLACED", set()),
    "what the permit says of itself": (
        permit(copy=True, retrospective=True, legacy=True, multi_use=True),
        [],
        "VALID",
        {"COPY", "RETROSPECTIVE", "LEGACY", "MULTI_USE"},
    ),
    "multi-use, endorsed": (permit(**MULTI), [endorsed("04-01", goods("1"))], "PARTLY_USED", {"MULTI_USE"}),
    "multi-use, endorsed where it left again": (
        permit(**MULTI),
        [endorsed("04-01", by="XC")],
        "PARTLY_USED",
        {"MULTI_USE", "ENDORSED_ELSEWHERE"},
    ),
    "multi-use, confirmed anywhere": (permit(**MULTI), [other("04-01")], "PARTLY_USED", {"MULTI_USE"}),
    "multi-use, refused, returned and seized": (
        permit(**MULTI),
        [
            confirmed("04-01", outcome="refused"),
            confirmed("04-02", outcome="returned"),
            other("04-03", outcome="seized"),
        ],
        "PARTLY_USED",
        {"MULTI_USE", "SEIZED", "RETURNED"},
    ),
    "not yet": (permit(valid_from=day("06-01")), [], "NOT_YET_VALID", set()),
    "endorsed before it was valid": (permit(valid_from=day("06-01")), [endorsed("04-01")], "EXPORTED", set()),
    "last day": (permit(valid_until=NOW), [], "VALID", set()),
    "expired unused": (permit(valid_until=day("04-30")), [], "EXPIRED", {"UNUSED"}),
    "expired, shown only": (permit(valid_until=day("04-30")), [presented("04-01")], "EXPIRED", {"UNUSED"}),
    "expired, endorsed elsewhere": (
        permit(valid_until=day("04-30")),
        [endorsed("04-01", by="XC")],
        "EXPIRED",
        {"ENDORSED_ELSEWHERE"},
    ),
    "expired under way": (permit(valid_until=day("04-30")), [endorsed("04-30")], "EXPIRED", {"EXPORTED_IN_TIME"}),
    "a day late is in time": (permit(valid_until=day("04-29")), [endorsed("04-30")], "EXPIRED", {"EXPORTED_IN_TIME"}),
    "two days late is not": (permit(valid_until=day("04-28")), [endorsed("04-30")], "EXPIRED", set()),
    "used, then expired": (permit(valid_until=day("04-30")), [endorsed("04-01"), confirmed("04-20")], "USED", None),
    "refused, then expired": (
        permit(valid_until=day("04-30")),
        [confirmed("04-20", outcome="refused")],
        "REFUSED",
        set(),
    ),
    "multi-use, expired": (
        permit(valid_until=day("04-30"), **MULTI),
        [other("04-20")],
        "EXPIRED",
        {"MULTI_USE"},
    ),
    "no last day": (permit(valid_until=None), [], "VALID", set()),
    "the last day of the calendar": (
        permit(valid_from=date.min, valid_until=date.max),
        [endorsed("9999-12-31")],
        "EXPORTED",
        set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fact", "events", "status", "flags"), HISTORIES.values(), ids=HISTORIES)
def test_each_history_has_one_status_in_any_order(fact, events, status, flags) -> None:
    """The order in which facts come decides nothing."""
    first = of(fact, *events)
    assert words(first)[0] == status
    if flags is not None:
        assert words(first)[1] == flags
    for order in permutations(events):
        assert of(fact, *order) == first


REMAINING = {
    # what: (permit, events, uses, [(endorsed, confirmed, remaining) by line])
    "untouched": (permit(), [], [], [("0", "0", "12")]),
    "endorsed for less": (permit(), [endorsed("04-01", goods("8"))], [], [("8", "0", "0")]),
    "one line of two endorsed": (
        permit(line("A"), line("B", "5")),
        [endorsed("04-01", goods("8"))],
        [],
        [("8", "0", "0"), ("0", "0", "0")],
    ),
    "used without an endorsement": (permit(), [confirmed("04-01", goods("8"))], [], [("0", "8", "0")]),
    "used, then withdrawn": (
        permit(withdrawn=withdrawn("04-10")),
        [confirmed("04-01", goods("8"))],
        [],
        [("0", "8", "0")],
    ),
    "refused goods did not arrive": (permit(), [confirmed("04-01", outcome="refused")], [], [("0", "0", "12")]),
    "the line's outcome decides": (
        permit(),
        [confirmed("04-01", goods("5"), goods("4", outcome="refused"), goods("3", outcome="seized"))],
        [],
        [("0", "8", "0")],
    ),
    "a line let in of a refused consignment": (
        permit(),
        [confirmed("04-01", goods("5", outcome="destroyed"), goods("4"), outcome="refused")],
        [],
        [("0", "5", "12")],
    ),
    "confirmed elsewhere counts nothing": (permit(), [other("04-01")], [], [("0", "0", "12")]),
    "more than permitted": (permit(), [confirmed("04-01", goods("100"))], [], [("0", "100", "0")]),
    "in another unit": (
        permit(line(quantity="2", unit="TON")),
        [confirmed("04-01", goods("1500", "KGM"), goods("250000", "GRM"))],
        [],
        [("0", "1.75", "0")],
    ),
    "in a unit that cannot be added": (permit(), [confirmed("04-01", goods("3", "KGM"))], [], [("0", "0", "0")]),
    "0.1 and 0.2": (
        permit(line(quantity="0.3", unit="KGM")),
        [endorsed("04-01", goods("0.1", "KGM")), endorsed("04-01", goods("0.2", "KGM"))],
        [],
        [("0.3", "0", "0")],
    ),
    "block null is on no line": (permit(), [confirmed("04-01", goods(block=None))], [], [("0", "0", "0")]),
    "an unknown block is on no line": (permit(), [confirmed("04-01", goods(block="B"))], [], [("0", "0", "0")]),
    "a small letter is the same block": (permit(), [confirmed("04-01", goods("3", block=" a"))], [], [("0", "3", "0")]),
    "box 11 cannot be read": (permit(line(quantity="a dozen")), [confirmed("04-01")], [], [("0", "0", None)]),
    "multi-use keeps what it permits": (
        permit(**MULTI),
        [endorsed("04-01", goods("12")), confirmed("04-02", goods("12"))],
        [],
        [("12", "12", "12")],
    ),
    "import permit, unused": (import_permit(), [], [], [("0", "0", "12")]),
    "import permit, used once": (
        import_permit(),
        [],
        [confirmed("04-01", goods("5", taxon="Python regius", term="LIV"), import_permit=IMPORT_REF)],
        [("0", "5", "0")],
    ),
    "import permit, refused": (
        import_permit(),
        [],
        [confirmed("04-01", ANY_LINE, outcome="refused", import_permit=IMPORT_REF)],
        [("0", "0", "12")],
    ),
    "import permit, for other goods": (
        import_permit(),
        [],
        [confirmed("04-01", goods("5", taxon="Boa constrictor"), import_permit=IMPORT_REF)],
        [("0", "0", "0")],
    ),
    "re-usable import permit": (
        import_permit(**MULTI),
        [],
        [
            confirmed("04-01", goods("5", taxon="python  REGIUS", term="LIV"), import_permit=IMPORT_REF),
            confirmed("04-02", goods("4", taxon="Python regius"), import_permit=IMPORT_REF),
        ],
        [("0", "9", "3")],
    ),
    "re-usable import permit, other Party": (
        import_permit(**MULTI),
        [],
        [other("04-01", goods("5", taxon="Python regius"), import_permit=IMPORT_REF)],
        [("0", "5", "7")],
    ),
    "two lines of an import permit for the same goods are filled one after the other": (
        import_permit(line("A", "5", sources=("W",)), line("B", "5", sources=("C",)), **MULTI),
        [],
        [confirmed("04-01", goods("7", taxon="Python regius", term="LIV"), import_permit=IMPORT_REF)],
        [("0", "5", "0"), ("0", "2", "3")],
    ),
    "goods that fit several lines of an import permit count against none": (
        import_permit(line("A", "5", term="LIV"), line("B", "5", term="SKI"), **MULTI),
        [],
        [confirmed("04-01", goods("7", taxon="Python regius"), import_permit=IMPORT_REF)],
        [("0", "0", "5"), ("0", "0", "5")],
    ),
    "the sum of quantities at the limit": (
        permit(line(quantity="4611686018427", unit="GRM")),
        [confirmed("04-01", *[goods("4611686018427", "GRM") for _ in range(5)])],
        [],
        [("0", "23058430092135", "0")],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fact", "events", "uses", "expected"), REMAINING.values(), ids=REMAINING)
def test_balances_say_what_was_endorsed_confirmed_and_remains(fact, events, uses, expected) -> None:
    balances = [(b.endorsed, b.confirmed, b.remaining) for b in of(fact, *events, uses=uses).lines]
    assert balances == expected


EXHAUSTED = {
    "to the last": (["12"], "USED"),
    "in parts": (["5", "7"], "USED"),
    "and more": (["5", "8"], "USED"),
    "but for the smallest part": (["11.999999"], "PARTLY_USED"),
}


@pytest.mark.parametrize(("amounts", "status"), EXHAUSTED.values(), ids=EXHAUSTED)
def test_a_reusable_import_permit_is_used_at_nothing_left(amounts, status) -> None:
    uses = [confirmed("04-01", goods(a, taxon="Python regius"), import_permit=IMPORT_REF) for a in amounts]
    assert words(of(import_permit(**MULTI), uses=uses))[0] == status


def test_a_reusable_import_permit_with_two_lines_of_the_same_goods_is_used_when_both_are() -> None:
    fact = import_permit(line("A", "5", sources=("W",)), line("B", "5", sources=("C",)), **MULTI)
    use = confirmed("04-01", goods("10", taxon="Python regius"), import_permit=IMPORT_REF)
    assert words(of(fact, uses=[use]))[0] == "USED"


def test_a_confirmation_that_is_about_a_permit_and_names_it_counts_once() -> None:
    fact = import_permit(**MULTI)
    both = confirmed("04-01", goods("5"), permit=IMPORT_REF, import_permit=IMPORT_REF)
    assert of(fact, both, uses=[both]).lines[0].confirmed == "5"


def test_only_an_import_permit_is_used_by_being_named_as_one() -> None:
    """Contract 4: a confirmation with `import_permit` uses that *type-I* document."""
    use = confirmed("04-01", permit=ref("26XA9"), import_permit=ref(kind=None))
    export, imports = permit(), permit(type="I", issuer="XA")
    only = Case(issuer="XA", number=NUMBER, permits=(export,), events=(), uses=(use,))
    assert only.uses_of(export) == ()
    both = Case(issuer="XA", number=NUMBER, permits=(export, imports), events=(), uses=(use,))
    assert (both.uses_of(export), both.uses_of(imports)) == ((), (use,))


UNION = frozenset({"XA", "XB"})
ENDORSERS = {
    # who endorsed: (Party, status, flags)
    "the issuer": ("XA", ("EXPORTED", set())),
    "another": ("XB", ("VALID", {"ENDORSED_ELSEWHERE"})),
}


@pytest.mark.parametrize(("party", "expected"), ENDORSERS.values(), ids=ENDORSERS)
def test_only_the_issuer_moves_goods_out(party, expected) -> None:
    """Another Party's endorsement is shown and moves nothing, the same at every node (domain-rules.md 0.9)."""
    assert words(of(permit(), endorsed("04-01", by=party))) == expected


def test_the_party_that_speaks_for_a_territory_acts_for_it() -> None:
    """A permit for XQ, for which XB speaks, is used by the confirmation of XB."""
    fact = permit(importer=TradeParty(country="XQ"))
    event = replace(confirmed("04-01"), codes=frozenset({"XB", "XQ"}))
    assert words(of(fact, event)) == ("USED", set())
    assert words(of(fact, confirmed("04-01"))) == ("VALID", {"CONFIRMED_ELSEWHERE"})


TWO = (permit(type="E", valid_until=day("06-30")), permit(type="R", valid_from=day("06-01")))
MEANT = {
    # what: (event, index of the permit that is meant)
    "type": (confirmed("06-15", permit=ref(kind="R", issued_on=None)), 1),
    "in force on the day": (confirmed("05-15", permit=ref(kind=None, issued_on=None)), 0),
    "in force later": (confirmed("07-15", permit=ref(kind=None, issued_on=None)), 1),
    "both in force": (confirmed("06-15", permit=ref(kind=None, issued_on=None)), None),
    "neither in force": (confirmed("2027-06-15", permit=ref(kind=None, issued_on=None)), None),
    "a type that neither has": (confirmed("05-15", permit=ref(kind="O", issued_on=None)), 0),
    "a date that both have": (confirmed("05-15", permit=ref(kind=None)), 0),
}


@pytest.mark.parametrize(("event", "meant"), MEANT.values(), ids=MEANT)
def test_an_event_that_fits_several_permits_belongs_to_the_one_in_force_on_its_date(event, meant) -> None:
    for permits in permutations(TWO):
        case = Case(issuer="XA", number=NUMBER, permits=permits, events=(event,))
        assert [case.events_of(fact) == (event,) for fact in TWO] == [place == meant for place in range(2)]
        assert case.events_without_permit() == ((event,) if meant is None else ())


def test_a_year_and_then_a_date_of_issue_choose_between_permits_of_one_type() -> None:
    permits = (permit(issued_on=day("2025-03-01")), permit(issued_on=day("2026-03-01")))
    for year, wanted in (("2025", 0), ("2026", 1)):
        event = confirmed("05-15", permit=ref(issued_on=f"{year}-12-31"))
        case = Case(issuer="XA", number=NUMBER, permits=permits, events=(event,))
        assert case.events_of(permits[wanted]) == (event,)
