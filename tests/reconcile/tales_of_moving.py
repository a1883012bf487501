"""Innocent: what comes twice, in parts, by another way, under another paper, or not quite (``domain-rules.md`` 2.3)."""

from __future__ import annotations

from tests.reconcile.tales import BARK, TIMBER, Tale

# duplicate transmission


def the_same_report_comes_again_after_minutes(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    event = tale.confirm("03-24")
    tale.again(event, 1)
    tale.again(event, 5)


def the_same_report_comes_again_after_weeks(tale: Tale) -> None:
    tale.publish()
    endorsed = tale.endorse("03-20")
    event = tale.confirm("03-24")
    tale.again(event, 24 * 20)
    tale.again(endorsed, 24 * 9)


def the_same_report_comes_again_under_another_id(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.endorse("03-20", told="03-21")
    tale.confirm("03-24")
    tale.confirm("03-24", told="03-29")


# split arrival of one consignment


def two_flights_under_one_waybill(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "60")
    tale.confirm("03-25", "40")


def two_flights_a_week_apart_at_two_offices(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "60")
    tale.confirm("03-31", "40", office="PORT-2")


def the_waybill_is_written_in_two_ways(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "60")
    tale.confirm("04-02", "40", transport_document=f"awb {tale.air.replace('-', ' ')}".removeprefix("awb "))


def one_part_has_no_waybill(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "60")
    tale.confirm("03-26", "40", transport_document=None)


def no_part_has_a_waybill(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", transport_document=None)
    for on, quantity in (("03-24", "30"), ("03-26", "30"), ("03-29", "40")):
        tale.confirm(on, quantity, transport_document=None)


def the_exporter_loads_in_two_parts(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", "60")
    tale.endorse("03-21", "40")
    tale.confirm("03-24", "100")


def the_parts_arrive_on_both_sides_of_new_year(tale: Tale) -> None:
    tale.publish("12-01")
    tale.endorse("12-28")
    tale.confirm("12-31", "60")
    tale.confirm("2027-01-02", "40")


def held_goods_are_released_weeks_later(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    first = tale.confirm("03-24", "60", outcome="partly-released")
    tale.confirm("04-15", "40", continues=first, transport_document=None)


# house vs master AWB, re-booking on another flight


def the_two_sides_quote_other_waybills(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", transport_document=tale.other_air)


def it_is_booked_on_another_flight(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20", "60")
    first = tale.confirm("03-24", "60")
    tale.endorse("03-22", "40")
    tale.confirm("03-29", "40", transport_document=tale.other_air, continues=first)


def house_and_master_waybill_at_one_border_on_one_day(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "60")
    tale.confirm("03-24", "40", transport_document=tale.other_air)


# multi-use documents; re-usable import permits


def a_certificate_for_many_journeys(tale: Tale) -> None:
    tale.publish(type="O", subtype="travelling-exhibition", multi_use=True, purpose="Q")
    for on, by, air in (("04-01", "XB", tale.air), ("05-01", "XC", tale.other_air), ("06-01", "XB", "020-00000011")):
        tale.endorse(on, transport_document=air)
        tale.confirm(on, by=by, transport_document=air)


def a_reusable_import_permit(tale: Tale) -> None:
    paper = tale.publish(
        "03-01",
        issuer="XB",
        type="I",
        multi_use=True,
        exporter={"name": "Hook Leather", "address": "7 Jetty Street", "country": "XA"},
        lines=[{"quantity": "900", "origin": {"country": "XA"}}],
    )
    used = {"issuer": "XB", "number": paper["number"]}
    for issued, left, came in (("03-10", "03-20", "03-24"), ("04-10", "04-20", "04-24"), ("05-10", "05-20", "05-24")):
        permit = tale.publish(issued)
        air = f"{tale.air}{issued[1]}"
        tale.endorse(left, permit=permit, transport_document=air)
        tale.confirm(came, permit=permit, import_permit=used, transport_document=air)


# legitimate replacement


def a_permit_is_replaced_and_its_replacement_used(tale: Tale) -> None:
    tale.publish()
    successor = tale.replace("03-15")
    tale.endorse("03-20", permit=successor)
    tale.confirm("03-24", permit=successor)


def its_replacement_is_named_for_goods_that_had_left(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    successor = tale.replace("03-26")
    tale.endorse("03-20", told="03-27", permit=successor)
    tale.confirm("03-30", permit=successor)


def a_permit_is_replaced_when_the_goods_are_under_way(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.replace("03-22")
    tale.confirm("03-30")


def a_permit_is_cancelled_when_the_goods_have_left(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.withdraw("03-21", "cancelled")
    tale.confirm("04-30")


# mortality, moisture loss, re-measurement of logs


def some_die(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "83")


def bark_dries(tale: Tale) -> None:
    tale.publish(lines=[BARK])
    tale.endorse("03-20", "500", "KGM")
    tale.confirm("05-24", "441.5", "KGM")


def bark_is_weighed_again(tale: Tale) -> None:
    tale.publish(lines=[BARK])
    tale.endorse("03-20", "500", "KGM")
    tale.confirm("05-24", "509", "KGM")


def logs_are_measured_again(tale: Tale) -> None:
    tale.publish(lines=[TIMBER])
    tale.endorse("03-20", "40", "MTQ")
    tale.confirm("05-24", "43.9", "MTQ")


# seizures (source I) and returned shipments


def it_is_seized(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", outcome="seized")


def seized_goods_are_sent_to_a_rescue_centre(tale: Tale) -> None:
    tale.publish(lines=[{"sources": ["I"]}], purpose="S")
    tale.endorse("03-20")
    tale.confirm("03-24", source="I")


def it_is_returned_and_confirmed_at_home(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", outcome="returned")
    tale.confirm("03-30", by="XA", transport_document=tale.other_air)


def it_is_returned_and_comes_again_under_a_new_permit(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", outcome="returned")
    again = tale.publish("04-10")
    tale.endorse("04-20", permit=again, transport_document=tale.other_air)
    tale.confirm("04-24", permit=again, transport_document=tale.other_air)


def half_of_it_is_refused(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.confirm("03-24", "50")
    tale.confirm("03-24", "50", outcome="refused")


# officer typing error


def one_zero_too_many_for_three_hours(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.correct(tale.confirm("03-24", "1000"), hours=3, quantity="100")


def one_zero_too_many_for_six_days(tale: Tale) -> None:
    tale.publish()
    tale.endorse("03-20")
    tale.correct(tale.confirm("03-25", "1000"), hours=6 * 24, quantity="100")


def a_number_is_mistyped_for_a_day(tale: Tale) -> None:
    permit = tale.publish()
    tale.endorse("03-20")
    wrong = {**permit, "number": f"{tale.number[:-1]}{(int(tale.number[-1]) + 1) % 10}"}
    tale.numbers.append(wrong["number"])
    tale.correct(tale.confirm("03-24", permit=wrong), hours=20, permit=permit)


def the_exporter_mistypes_and_mends(tale: Tale) -> None:
    tale.publish()
    tale.correct(tale.endorse("03-20", "1100"), hours=5, quantity="100")
    tale.confirm("03-24")
