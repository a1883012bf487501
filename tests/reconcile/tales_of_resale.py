"""Innocent: what is sold on, worked up, sent back or had for years (``domain-rules.md`` 2.3)."""

from __future__ import annotations

from typing import Any

from tests.reconcile.tales import BARK, Tale

# re-exporter's stock from earlier years; manufacturing yield


def imported(tale: Tale, **lines: str) -> dict[str, str]:
    permit = tale.publish(lines=[lines])
    tale.endorse("03-20", lines.get("quantity", "100"), lines.get("unit", "NAR"))
    tale.confirm("03-24", lines.get("quantity", "100"), lines.get("unit", "NAR"))
    return permit


def sell_on(
    tale: Tale,
    on: str,
    origin: dict[str, str | None],
    air: str,
    *,
    outcome: str = "released",
    is_used: bool = True,
    **line: str,
) -> dict[str, str]:
    """XB sells what it imported, or what it says that it did, to XC."""
    line = {"quantity": "100", "unit": "NAR", **line}
    sold = tale.publish(
        on,
        issuer="XB",
        type="R",
        lines=[{**line, "origin": origin}],
        importer={"name": "Cape Fashion", "address": "9 Cape Road", "country": "XC"},
    )
    later = on[:3] + f"{int(on[3:]) + 4:02}"
    if is_used:
        goods = line["quantity"], line["unit"]
        tale.endorse(on, *goods, by="XB", permit=sold, transport_document=air)
        tale.confirm(later, *goods, by="XC", permit=sold, transport_document=air, outcome=outcome)
    return sold


def origin_of(permit: dict[str, str]) -> dict[str, str | None]:
    return {"country": permit["issuer"], "permit": permit["number"], "date": permit["issued_on"]}


def stock_of_earlier_years(tale: Tale) -> None:
    sell_on(tale, "05-02", {"country": "XA", "permit": "19XA 000777", "date": "2019-06-01"}, tale.air, quantity="5000")


def stock_without_any_permit(tale: Tale) -> None:
    sell_on(tale, "05-02", {"country": "XA", "permit": None, "date": None}, tale.air, quantity="5000")


def eight_tenths_are_sold_on(tale: Tale) -> None:
    permit = imported(tale)
    sell_on(tale, "05-02", origin_of(permit), tale.air, quantity="50")
    sell_on(tale, "06-02", origin_of(permit), tale.other_air, quantity="30")


def all_of_it_is_sold_on(tale: Tale) -> None:
    sell_on(tale, "05-02", origin_of(imported(tale)), tale.other_air, quantity="100")


def many_straps_are_made_of_each_skin(tale: Tale) -> None:
    sell_on(tale, "05-02", origin_of(imported(tale)), tale.other_air, quantity="900", term="LPS")


def bark_is_ground_to_powder(tale: Tale) -> None:
    sell_on(
        tale, "05-02", origin_of(imported(tale, **BARK)), tale.other_air, **{**BARK, "term": "POW", "quantity": "450"}
    )


def it_is_sold_on_before_the_importer_confirmed_it(tale: Tale) -> None:
    permit = tale.publish()
    tale.endorse("03-20")
    sell_on(tale, "05-02", origin_of(permit), tale.other_air, quantity="100")
    tale.confirm("03-24", told="07-24")


def sell_far(tale: Tale, on: str, origin: dict[str, str | None], **more: Any) -> dict[str, str]:
    """XC sells a hundred skins to XA, whatever it has them from."""
    sold = tale.publish(
        on,
        issuer="XC",
        type="R",
        lines=[{"origin": origin, **more}],
        importer={"name": "Home Leather", "address": "3 Hill Road", "country": "XA"},
    )
    air = f"{tale.air}9"
    tale.endorse(on, by="XC", permit=sold, transport_document=air)
    tale.confirm(on[:3] + f"{int(on[3:]) + 4:02}", by="XA", permit=sold, transport_document=air)
    return sold


def it_is_sold_on_from_country_to_country(tale: Tale) -> None:
    permit = imported(tale)
    sold = sell_on(tale, "05-02", origin_of(permit), tale.other_air)
    sell_far(tale, "06-02", origin_of(permit), last_reexport=origin_of(sold))


def a_certificate_names_the_first_permit_and_not_the_last(tale: Tale) -> None:
    permit = imported(tale)
    sell_on(tale, "05-02", origin_of(permit), tale.other_air)
    sell_far(tale, "06-02", origin_of(permit))


def a_resale_is_returned_and_sold_to_somebody_else(tale: Tale) -> None:
    permit = imported(tale)
    sell_on(tale, "05-02", origin_of(permit), tale.other_air, outcome="returned")
    sell_on(tale, "06-02", origin_of(permit), f"{tale.air}8")


def a_certificate_is_replaced_before_the_goods_leave(tale: Tale) -> None:
    permit = imported(tale)
    sold = sell_on(tale, "05-02", origin_of(permit), tale.other_air, is_used=False)
    tale.withdraw("05-03", "cancelled", number=sold["number"], by="XB")
    sell_on(tale, "06-02", origin_of(permit), f"{tale.air}8")


def certificates_are_not_all_used(tale: Tale) -> None:
    permit = imported(tale)
    sell_on(tale, "05-02", origin_of(permit), tale.other_air, is_used=False)
    sell_on(tale, "06-02", origin_of(permit), f"{tale.air}8")
