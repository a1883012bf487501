"""Innocent: what two sides count, name, date or report in two ways (``domain-rules.md`` 2.3)."""

from __future__ import annotations

from tests.reconcile.tales import BARK, Tale

# actual < permitted, or permit unused, is normal


def part_of_it_leaves(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", "60")
    tale.confirm("03-24", "60")


def a_permit_is_never_used(tale: Tale) -> None:
    tale.publish()


def the_importer_counts_what_the_exporter_never_endorsed(tale: Tale) -> None:
    tale.publish()
    tale.confirm("03-24", "45")


def next_to_nothing_arrives(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "1")


# one side reports permits issued, the other actual trade


def the_exporter_reports_the_permit_and_the_importer_what_came(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-10", "100", transport_document=None)
    tale.confirm("04-24", "37")


def the_importer_reports_the_permit_and_the_exporter_nothing(tale: Tale) -> None:
    tale.publish()
    tale.confirm("04-24", "100", transport_document=None)


# year-end and lag


def it_leaves_in_december_and_arrives_in_january(tale: Tale) -> None:
    tale.publish("12-01")
    tale.endorse("12-29")
    tale.confirm("2027-01-05")


def the_number_is_written_in_another_way(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", permit={"issuer": "XA", "number": f"No. {tale.number.lower()}", "type": "E"})
    tale.confirm("03-24", permit={"issuer": "XA", "number": f" {tale.number}  "})


def the_event_gives_the_year_of_arrival_as_that_of_the_permit(tale: Tale) -> None:
    tale.publish("12-01")
    tale.endorse("12-29")
    permit = {"issuer": "XA", "number": tale.number, "issued_on": "2027-01-05"}
    tale.confirm("2027-01-05", permit=permit)


def it_is_confirmed_three_months_late(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", told="06-24")


def it_leaves_on_the_last_day_by_sea(tale: Tale) -> None:
    tale.publish("03-10")
    tale.endorse("08-27", transport_document="MSCU 123")
    tale.confirm("11-30", transport_document="MSCU 123")


# different purpose or source


def the_importer_notes_another_source(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", source="W")


# different term or unit


def the_importer_counts_another_term(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", term="SKP")


def the_importer_weighs_what_the_exporter_counted(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "3500", "KGM")


def both_sides_use_other_units_than_the_permit(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", "900", "KGM")
    tale.confirm("03-24", "120", "MTK")


def kilograms_arrive_as_grams(tale: Tale) -> None:
    tale.publish(lines=[BARK])
    tale.endorse("03-20", "500", "KGM")
    tale.confirm("03-24", "500000", "GRM")


def one_part_is_counted_and_one_is_weighed(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "60")
    tale.confirm("03-25", "900", "KGM")


def the_unit_is_an_old_one(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "150", "BSK")


# partner not a Party, not federated, or has not reported


def the_destination_has_no_node(tale: Tale) -> None:
    tale.publish(importer={"name": "Far Trading", "address": "1 Far Road", "country": "XZ"})
    tale.endorse("03-20")


def the_issuer_has_no_node(tale: Tale) -> None:
    tale.new_number("XZ")
    tale.confirm("03-24", permit={"issuer": "XZ", "number": tale.number, "type": "E", "issued_on": "2026-03-10"})


def the_destination_never_tells(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")


# genus vs species naming


def found_as(tale: Tale, name: str, **lines: str) -> None:
    tale.publish(lines=[lines] if lines else [{}])
    quantity, unit = lines.get("quantity", "100"), lines.get("unit", "NAR")
    tale.endorse("03-20", quantity, unit)
    tale.confirm("03-24", quantity, unit, taxon=name)


def the_genus_with_spp(tale: Tale) -> None:
    found_as(tale, "Crocodylus spp.")


def the_genus_with_sp(tale: Tale) -> None:
    found_as(tale, "CROCODYLUS SP.")


def the_genus_alone(tale: Tale) -> None:
    found_as(tale, "crocodylus")


def the_family(tale: Tale) -> None:
    found_as(tale, "Crocodylidae spp.")


def a_common_name(tale: Tale) -> None:
    found_as(tale, "Nile crocodile")


def the_permit_has_the_genus_and_the_border_a_species(tale: Tale) -> None:
    tale.publish(lines=[{"taxon": "Crocodylus spp."}])
    tale.endorse("03-20")
    tale.confirm("03-24", taxon="Crocodylus niloticus")


def a_subspecies(tale: Tale) -> None:
    tale.publish(lines=[{"taxon": "Caiman crocodilus"}])
    tale.endorse("03-20")
    tale.confirm("03-24", taxon="Caiman crocodilus fuscus")


# synonyms, split listings, nomenclature change


def a_synonym(tale: Tale) -> None:
    found_as(tale, "Crocodilus vulgaris")


def a_newer_genus(tale: Tale) -> None:
    found_as(tale, "Malayopython reticulatus", taxon="Python reticulatus", sources=["W"])


def an_older_genus_of_a_tree(tale: Tale) -> None:
    found_as(tale, "Pygeum africanum", **BARK)


def a_species_that_was_split_off(tale: Tale) -> None:
    found_as(tale, "Crocodylus suchus")


def a_name_with_its_author(tale: Tale) -> None:
    found_as(tale, "Crocodylus niloticus Laurenti, 1768")


def a_name_in_no_book(tale: Tale) -> None:
    found_as(tale, "Crocodylus nyloticus")
