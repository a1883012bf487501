"""The frauds, as somebody else would play them: the pattern of each is in its name (``domain-rules.md`` 2.4)."""

from __future__ import annotations

from tests.reconcile.tales import BARK, Tale, Telling
from tests.reconcile.tales_of_counting import found_as
from tests.reconcile.tales_of_resale import imported, origin_of, sell_far, sell_on


def fraud_01_at_two_countries(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "50")
    tale.confirm("03-24", "50", by="XC")


def fraud_01_at_one_country_weeks_later(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "50")
    tale.confirm("04-20", "50", transport_document=tale.other_air)


def fraud_01_at_another_office_on_the_same_day(tale: Tale) -> None:
    tale.publish()
    tale.confirm("03-24", "50")
    tale.confirm("03-24", "50", office="PORT-2", transport_document=tale.other_air)


def fraud_01_without_any_waybill(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", transport_document=None)
    tale.confirm("03-24", "50", transport_document=None)
    tale.confirm("04-24", "50", transport_document=None)


def fraud_01_in_another_unit(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24")
    tale.confirm("04-24", "900", "KGM", transport_document=tale.other_air)


def fraud_01_leaving_twice(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", "50")
    tale.endorse("04-20", "50", transport_document=tale.other_air)


def fraud_01_of_an_import_permit(tale: Tale) -> None:
    paper = tale.publish(
        "03-01",
        issuer="XB",
        type="I",
        exporter={"name": "Hook Leather", "address": "7 Jetty Street", "country": "XA"},
        lines=[{"quantity": "200", "origin": {"country": "XA"}}],
    )
    used = {"issuer": "XB", "number": paper["number"]}
    for issued, left, came in (("03-10", "03-20", "03-24"), ("04-10", "04-20", "04-24")):
        permit = tale.publish(issued)
        air = f"{tale.air}{issued[1]}"
        tale.endorse(left, permit=permit, transport_document=air)
        tale.confirm(came, permit=permit, import_permit=used, transport_document=air)


def fraud_02_ten_times_the_quantity(tale: Tale) -> None:
    tale.publish()
    tale.show("03-24", {"lines": [{"block": "A", "quantity": "1000", "unit": "NAR"}]})


def fraud_02_another_unit(tale: Tale) -> None:
    tale.publish(lines=[{**BARK, "unit": "GRM"}])
    tale.show("03-24", {"lines": [{"block": "A", "quantity": "500", "unit": "KGM"}]})


def fraud_02_a_later_last_day(tale: Tale) -> None:
    tale.publish()
    tale.show("03-24", {"valid_until": "2026-12-31"})


def fraud_02_in_a_confirmation(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", presented={"lines": [{"block": "A", "taxon": "Crocodylus porosus"}]})


def fraud_03_stolen_and_used(tale: Tale) -> None:
    tale.publish()
    tale.withdraw("03-15", "stolen")
    tale.confirm("03-24")


def fraud_03_cancelled_and_endorsed(tale: Tale) -> None:
    tale.publish()
    tale.withdraw("03-15", "cancelled")
    tale.endorse("03-24")


def fraud_03_replaced_and_both_used(tale: Tale) -> None:
    tale.publish()
    successor = tale.replace("03-15")
    tale.endorse("03-20", permit=successor)
    tale.confirm("03-24", permit=successor)
    tale.confirm("05-24", transport_document=tale.other_air)


def fraud_04_by_one_piece(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "101")


def fraud_04_ten_times(tale: Tale) -> None:
    tale.publish()
    tale.confirm("03-24", "1000")


def fraud_04_leaving(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", "120")


def fraud_04_more_than_left(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", "40")
    tale.confirm("03-24", "60")


def fraud_04_in_grams(tale: Tale) -> None:
    tale.publish(lines=[BARK])
    tale.endorse("03-20", "500", "KGM")
    tale.confirm("03-24", "520000", "GRM")


def fraud_04_on_no_line(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "30", block=None, taxon="Crocodylus niloticus")


def fraud_05_far_from_every_number(tale: Tale) -> None:
    tale.new_number("XA")
    tale.confirm("03-24", permit={"issuer": "XA", "number": tale.number, "type": "E", "issued_on": "2026-03-10"})


def fraud_05_near_to_a_used_permit(tale: Tale) -> None:
    permit = tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24")
    near = {**permit, "number": f"{tale.number}7"}
    tale.numbers.append(near["number"])
    tale.confirm("04-24", permit=near, transport_document=tale.other_air)


def fraud_05_near_to_an_unused_permit(tale: Tale) -> None:
    permit = tale.publish()
    near = {**permit, "number": f"{tale.number}7"}
    tale.numbers.append(near["number"])
    tale.confirm("04-24", permit=near)


def fraud_05_confirmed_where_the_permit_never_went(tale: Tale) -> None:
    tale.new_number("XA")
    permit = {"issuer": "XA", "number": tale.number, "type": "E", "issued_on": "2026-03-10"}
    tale.confirm("03-24", by="XC", permit=permit)


def fraud_06_half_as_much_again(tale: Tale) -> None:
    permit = imported(tale)
    sell_on(tale, "05-02", origin_of(permit), tale.air, quantity="90")
    sell_on(tale, "06-02", origin_of(permit), tale.other_air, quantity="60")


def fraud_06_without_endorsements(tale: Tale) -> None:
    permit = imported(tale)
    sell_on(tale, "05-02", origin_of(permit), tale.air, quantity="90")
    sell_on(tale, "06-02", origin_of(permit), tale.other_air, quantity="60")
    tale.acts = [act for act in tale.acts if not (act.does == "endorse" and act.party == "XB")]


def fraud_07_two_countries_sell_the_same(tale: Tale) -> None:
    permit = imported(tale)
    sell_on(tale, "05-02", origin_of(permit), tale.other_air)
    sell_far(tale, "04-02", origin_of(permit))


def fraud_09_another_species(tale: Tale) -> None:
    found_as(tale, "Crocodylus porosus")


def fraud_09_found_and_seized(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", outcome="seized", taxon="Alligator mississippiensis")


def fraud_09_on_no_line(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "10", block=None, taxon="Python reticulatus")


def fraud_11_for_goods_that_had_left(tale: Tale) -> None:
    tale.publish("03-20")
    tale.endorse("03-12", told="03-21")
    tale.confirm("03-24")


def fraud_12_in_a_third_country(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", by="XC")


def fraud_12_after_the_destination_refused_it(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", outcome="refused")
    tale.confirm("04-10", by="XC", transport_document=tale.other_air)


def fraud_14_leaving_too_late(tale: Tale) -> None:
    tale.publish("03-10")
    tale.endorse("09-20")
    tale.confirm("09-24")


def fraud_14_arriving_without_having_left(tale: Tale) -> None:
    tale.publish("03-10")
    tale.confirm("09-24")


FRAUDS: tuple[Telling, ...] = tuple(told for name, told in sorted(globals().items()) if name.startswith("fraud_"))
"""All of them."""
