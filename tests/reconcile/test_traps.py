"""Innocent trade that looks like fraud accuses nobody, at no node, at no time (``domain-rules.md`` 2.3).

``TRAPS`` has every row of that table and the tales that play it. They are told as somebody would who has read the
table and the contract, and nothing of this program. The frauds beside them, told in the same world, are all found: who
finds nothing falls into no trap either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reconcile import tales_of_counting as counting
from tests.reconcile import tales_of_moving as moving
from tests.reconcile import tales_of_resale as resale
from tests.reconcile.tales import Telling, Told, tell
from tests.reconcile.tales_of_fraud import FRAUDS, fraud_01_of_an_import_permit
from tests.simulation.unsigned import unsigned_world

RULES = Path(__file__).parents[2].parent / "shared" / "design" / "domain-rules.md"

TRAPS: dict[str, tuple[Telling, ...]] = {
    "actual < permitted, or permit unused, is normal": (
        counting.part_of_it_leaves,
        counting.a_permit_is_never_used,
        counting.the_importer_counts_what_the_exporter_never_endorsed,
        counting.next_to_nothing_arrives,
    ),
    "one side reports permits issued, the other actual trade": (
        counting.the_exporter_reports_the_permit_and_the_importer_what_came,
        counting.the_importer_reports_the_permit_and_the_exporter_nothing,
    ),
    "year-end and lag: exported December, imported January": (
        counting.it_leaves_in_december_and_arrives_in_january,
        counting.the_number_is_written_in_another_way,
        counting.the_event_gives_the_year_of_arrival_as_that_of_the_permit,
        counting.it_is_confirmed_three_months_late,
        counting.it_leaves_on_the_last_day_by_sea,
    ),
    "different purpose or source stated by the two sides": (counting.the_importer_notes_another_source,),
    "different term or unit (BSK vs skins; meat kg vs bodies)": (
        counting.the_importer_counts_another_term,
        counting.the_importer_weighs_what_the_exporter_counted,
        counting.both_sides_use_other_units_than_the_permit,
        counting.kilograms_arrive_as_grams,
        counting.one_part_is_counted_and_one_is_weighed,
        counting.the_unit_is_an_old_one,
    ),
    "partner not a Party, not federated, or has not reported": (
        counting.the_destination_has_no_node,
        counting.the_issuer_has_no_node,
        counting.the_destination_never_tells,
    ),
    "genus vs species naming": (
        counting.the_genus_with_spp,
        counting.the_genus_with_sp,
        counting.the_genus_alone,
        counting.the_family,
        counting.a_common_name,
        counting.the_permit_has_the_genus_and_the_border_a_species,
        counting.a_subspecies,
    ),
    "synonyms, split listings, nomenclature change": (
        counting.a_synonym,
        counting.a_newer_genus,
        counting.an_older_genus_of_a_tree,
        counting.a_species_that_was_split_off,
        counting.a_name_with_its_author,
        counting.a_name_in_no_book,
    ),
    "duplicate transmission/retry of the same event": (
        moving.the_same_report_comes_again_after_minutes,
        moving.the_same_report_comes_again_after_weeks,
        moving.the_same_report_comes_again_under_another_id,
    ),
    "split arrival of one consignment (two flights, same AWB/B/L)": (
        moving.two_flights_under_one_waybill,
        moving.two_flights_a_week_apart_at_two_offices,
        moving.the_waybill_is_written_in_two_ways,
        moving.one_part_has_no_waybill,
        moving.no_part_has_a_waybill,
        moving.the_exporter_loads_in_two_parts,
        moving.the_parts_arrive_on_both_sides_of_new_year,
        moving.held_goods_are_released_weeks_later,
    ),
    "house vs master AWB, re-booking on another flight: export and import sides quote different transport documents": (
        moving.the_two_sides_quote_other_waybills,
        moving.it_is_booked_on_another_flight,
        moving.house_and_master_waybill_at_one_border_on_one_day,
    ),
    "multi-use documents; re-usable import permits": (
        moving.a_certificate_for_many_journeys,
        moving.a_reusable_import_permit,
    ),
    "legitimate replacement": (
        moving.a_permit_is_replaced_and_its_replacement_used,
        moving.a_permit_is_replaced_when_the_goods_are_under_way,
        moving.its_replacement_is_named_for_goods_that_had_left,
        moving.a_permit_is_cancelled_when_the_goods_have_left,
    ),
    "mortality, moisture loss, re-measurement of logs": (
        moving.some_die,
        moving.bark_dries,
        moving.bark_is_weighed_again,
        moving.logs_are_measured_again,
    ),
    "re-exporter's stock from earlier years; manufacturing yield (1 skin → n straps)": (
        resale.stock_of_earlier_years,
        resale.stock_without_any_permit,
        resale.eight_tenths_are_sold_on,
        resale.all_of_it_is_sold_on,
        resale.many_straps_are_made_of_each_skin,
        resale.bark_is_ground_to_powder,
        resale.it_is_sold_on_before_the_importer_confirmed_it,
        resale.it_is_sold_on_from_country_to_country,
        resale.a_certificate_names_the_first_permit_and_not_the_last,
        resale.a_resale_is_returned_and_sold_to_somebody_else,
        resale.a_certificate_is_replaced_before_the_goods_leave,
        resale.certificates_are_not_all_used,
    ),
    "seizures (source I) and returned shipments": (
        moving.it_is_seized,
        moving.seized_goods_are_sent_to_a_rescue_centre,
        moving.it_is_returned_and_confirmed_at_home,
        moving.it_is_returned_and_comes_again_under_a_new_permit,
        moving.half_of_it_is_refused,
    ),
    "officer typing error": (
        moving.one_zero_too_many_for_three_hours,
        moving.one_zero_too_many_for_six_days,
        moving.a_number_is_mistyped_for_a_day,
        moving.the_exporter_mistypes_and_mends,
    ),
}
"""Each row of the table of traps, and the tales that play it."""

NAMES = [telling.__name__ for tellings in TRAPS.values() for telling in tellings]

MENDED_LATE = frozenset({moving.one_zero_too_many_for_six_days.__name__})
"""An alert was open until the correction came, on the seventh day: cooling off takes one."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """All of them happened in one world of three countries."""
    with unsigned_world(tmp_path_factory.mktemp("tales"), ("XA", "XB", "XC")) as world:
        yield tell(world, [*(telling for tellings in TRAPS.values() for telling in tellings), *FRAUDS])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_innocent_is_accused(told: Told, name: str) -> None:
    """Nobody shows an alert about it: not its issuer, not its importer, not a country that it passed."""
    assert {party: alerts for party in told.shown if (alerts := told.alerts(name, party))} == {}
    ever = {key: told.ever[key] for key in told.ever if key[1] in told.tales[name].numbers}
    assert name in MENDED_LATE or not ever


@pytest.mark.parametrize("name", [telling.__name__ for telling in FRAUDS])
def test_what_looks_like_it_and_is_a_fraud_is_found(told: Told, name: str) -> None:
    """The issuer's node shows it, and so does that of a country that saw it."""
    pattern = f"FRD-{name.split('_')[1]}"
    issuer = "XB" if name == fraud_01_of_an_import_permit.__name__ else "XA"
    assert pattern in told.alerts(name, issuer)
    assert any(pattern in told.alerts(name, party) for party in told.shown if party != issuer) or "leaving" in name


def test_every_trap_of_the_domain_rules_is_played() -> None:
    """Row by row, so that nobody adds one that nothing plays."""
    if not RULES.exists():
        pytest.skip(f"{RULES} is not there")
    section = RULES.read_text(encoding="utf-8").partition("### 2.3")[2].partition("### 2.4")[0]
    rows = re.findall(r"^\| (.+?) \| .+? \| .+? \|$", section, re.MULTILINE)
    assert rows[0] == "trap"
    assert rows[1:] == list(TRAPS)
    assert all(TRAPS.values())
