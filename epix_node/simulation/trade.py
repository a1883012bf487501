"""The honest year: permits are issued, used or not, and arrive, as their authorities and borders would write it down.

A ``Story`` is one permit and everything that happens to it. Frauds and traps change stories that were honest; so each
story ends in at most one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from epix_node.simulation.goods import GOODS, TROPHY, Goods
from epix_node.simulation.rates import Rates, happens

PARTIES = tuple(f"X{letter}" for letter in "ABCDEFGHIJLMNOPQRSTUWYZ")
"""The fictional countries (contract 1)."""

VALID_DAYS = 150
_FIRST_HOUR = timedelta(hours=7)
_WORKING_SECONDS = 10 * 3600
_AIR_DAYS = (1, 3)
_SEA_DAYS = (12, 45)
_TROPHY_SHARE = 150
_MANY = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What one authority or border office did: ``body`` is the JSON that its node is given (contract 4 and 5)."""

    at: datetime
    party: str
    does: str
    """``publish``, ``withdraw``, ``replace``, ``endorse``, ``confirm``, ``correct`` or ``verify``."""
    body: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Story:
    """One permit. Quantities are thousandths of the unit; days are None where the thing did not happen."""

    goods: Goods
    permit: dict[str, Any]
    permitted: int
    issued_on: date
    by_sea: bool
    destination: str
    waybill: str
    import_permit: dict[str, Any] | None = None
    beside: tuple[dict[str, Any], ...] = ()
    """Lines of other goods on the same permit; they travel whole, with the others."""
    exported_on: date | None = None
    exported: int = 0
    arrived_on: date | None = None
    arrived: int = 0
    acts: list[Act] = field(default_factory=list)
    is_told: bool = False
    """Whether a fraud or a trap took it already."""

    @property
    def issuer(self) -> str:
        """Who issued it."""
        return str(self.permit["issuer"])

    @property
    def number(self) -> str:
        """As printed."""
        return str(self.permit["number"])

    @property
    def valid_until(self) -> date:
        """Its last day."""
        return self.issued_on + timedelta(days=VALID_DAYS)

    @property
    def key(self) -> dict[str, Any]:
        """The permit key, as findings name it."""
        return {
            "issuer": self.issuer,
            "type": self.permit["type"],
            "number": self.number,
            "year": self.issued_on.year,
        }

    @property
    def ref(self) -> dict[str, Any]:
        """How events name it."""
        return {
            "issuer": self.issuer,
            "number": self.number,
            "type": self.permit["type"],
            "issued_on": str(self.issued_on),
        }


class Trade:
    """Draws everything from one seeded source, in one order, so that the same seed gives the same year."""

    def __init__(self, *, seed: int, parties: int, start: date, rates: Rates, after: int = 0) -> None:
        if not 2 <= parties < len(PARTIES):
            raise ValueError(f"{parties} parties: expected 2 to {len(PARTIES) - 1}")
        self.random = Random(seed)  # noqa: S311 # invented trade, no secrets
        self.rates = rates
        self.start = start
        self.parties = PARTIES[:parties]
        self.silent = PARTIES[parties]
        """A country that has no node: nobody hears from it."""
        self.seldom = self.parties[-1] if parties > _MANY else None
        """The country that tells of few of its imports, where there are enough others."""
        self.stories: list[Story] = []
        self._serials: dict[tuple[str, str], int] = {}
        self._after = after

    def story(self) -> Story:
        """A permit that is issued some day of the year and, mostly, used as it should be."""
        random = self.random
        issuer, destination = random.sample(self.parties, 2)
        goods = TROPHY if happens(random, _TROPHY_SHARE) else random.choice(GOODS)
        issued_on = self.start + timedelta(days=random.randrange(365))
        beside = self._goods_beside(goods) if happens(random, self.rates.several_lines) else ()
        story = self.permit_for(issuer, destination, goods, goods.quantity(random), issued_on=issued_on, beside=beside)
        if not happens(random, self.rates.unused):
            self.export(story)
            if destination != self.seldom or not happens(random, self.rates.unreported):
                self.arrive(story)
        return story

    def permit_for(
        self,
        issuer: str,
        destination: str,
        goods: Goods,
        permitted: int,
        *,
        issued_on: date,
        origin: Story | None = None,
        beside: tuple[Goods, ...] = (),
        **members: Any,
    ) -> Story:
        """A permit that its authority publishes; with ``origin``, a certificate for goods that came under that one.

        ``beside`` are goods of further lines. What the goods of the certificate are made of stays untold.
        """
        random = self.random
        by_sea = goods.may_go_by_sea and happens(random, self.rates.by_sea)
        import_permit = None
        if goods.appendix == "I":
            import_permit = self._import_permit(issuer, destination, goods, permitted, issued_on=issued_on)
        permit = {
            "type": "E" if origin is None else "R",
            "number": self._number(issuer, issued_on.year),
            "issuer": issuer,
            "issued_on": str(issued_on),
            "valid_from": str(issued_on),
            "valid_until": str(issued_on + timedelta(days=VALID_DAYS)),
            "purpose": goods.purpose,
            "exporter": self._trader(issuer, "Export"),
            "importer": self._trader(destination, "Import"),
            "transit": [],
            "authority": {"name": f"CITES Management Authority of {issuer}", "place": "Harbour City"},
            "special_conditions": _conditions(goods),
            "references": [_reference(import_permit)] if import_permit is not None else [],
            "lines": [
                _line(goods, permitted, issuer, origin),
                *(_line(other, other.quantity(random), issuer, None, block="BC"[i]) for i, other in enumerate(beside)),
            ],
            **members,
        }
        story = Story(
            goods=goods,
            permit=permit,
            permitted=permitted,
            issued_on=issued_on,
            by_sea=by_sea,
            destination=destination,
            waybill=self.waybill(),
            import_permit=import_permit,
            beside=tuple(permit["lines"][1:]),
        )
        if import_permit is not None:
            self.act(story, destination, "publish", {"permit": import_permit}, on=issued_on - timedelta(days=7))
        self.act(story, issuer, "publish", {"permit": permit}, on=issued_on)
        self.stories.append(story)
        return story

    def export(self, story: Story, *, on: date | None = None, quantity: int | None = None) -> None:
        """Goods leave under the permit, all of them or less, and the issuer's border endorses what left."""
        if quantity is None:
            quantity = story.permitted
            if happens(self.random, self.rates.partly_used):
                steps = story.permitted // story.goods.step
                quantity = self.random.randint(max(1, steps // 4), steps) * story.goods.step
        story.exported_on = on or story.issued_on + timedelta(days=self.random.randint(3, 70))
        story.exported = quantity
        self.event(story, story.issuer, "endorse", on=story.exported_on, quantity=quantity, is_all=True)

    def arrive(self, story: Story) -> None:
        """What left arrives at the destination, whose border confirms it, now and then late."""
        assert story.exported_on is not None
        days = self.random.randint(*(_SEA_DAYS if story.by_sea else _AIR_DAYS))
        story.arrived_on = story.exported_on + timedelta(days=days)
        story.arrived = story.exported
        late = timedelta(days=self.random.randint(61, 90)) if happens(self.random, self.rates.late) else timedelta(0)
        self.event(
            story,
            story.destination,
            "confirm",
            on=story.arrived_on,
            told_on=story.arrived_on + late,
            quantity=story.arrived,
            is_all=True,
        )

    def travel_on(
        self,
        story: Story,
        holder: str,
        quantity: int,
        *,
        on: date,
        to: str | None = None,
        goods: Goods | None = None,
        **members: Any,
    ) -> Story:
        """Goods that came under the permit, or what was made of them, leave ``holder`` again and arrive."""
        destination = to or self.another(holder, story.issuer)
        certificate = self.permit_for(
            holder, destination, goods or story.goods, quantity, issued_on=on, origin=story, **members
        )
        self.export(certificate, quantity=quantity)
        self.arrive(certificate)
        certificate.is_told = True
        return certificate

    def reusable_import_permit(self, story: Story) -> dict[str, Any]:
        """One for many imports of such goods from there; returns how events name it."""
        paper = self._import_permit(
            story.issuer, story.destination, story.goods, story.permitted * 10, issued_on=story.issued_on
        )
        paper |= {"multi_use": True, "valid_until": str(story.issued_on + timedelta(days=350))}
        self.act(story, story.destination, "publish", {"permit": paper}, on=story.issued_on - timedelta(days=7))
        return {"issuer": paper["issuer"], "number": paper["number"]}

    def event(
        self,
        story: Story,
        party: str,
        does: str,
        *,
        on: date,
        quantity: int,
        told_on: date | None = None,
        is_all: bool = False,
        **members: Any,
    ) -> dict[str, Any]:
        """An endorsement or a confirmation of so much of the first line, or of the others too; returns its body."""
        body: dict[str, Any] = {
            "event_id": self.event_id(party),
            "permit": story.ref,
            "office": f"{party}-1",
            "date": str(on),
            "transport_document": story.waybill,
            "lines": [
                {"block": "A", "quantity": text_of(quantity), "unit": story.goods.unit},
                *({name: line[name] for name in ("block", "quantity", "unit")} for line in story.beside if is_all),
            ],
        }
        if does == "confirm":
            body["outcome"] = "released"
            if story.import_permit is not None:
                body["import_permit"] = {
                    "issuer": story.import_permit["issuer"],
                    "number": story.import_permit["number"],
                }
        body |= members
        self.act(story, party, does, body, on=told_on or on)
        return body

    def act(self, story: Story, party: str, does: str, body: dict[str, Any], *, on: date) -> Act:
        """Somebody does something in working hours of that day."""
        moment = datetime(on.year, on.month, on.day, tzinfo=UTC) + _FIRST_HOUR
        done = Act(
            at=moment + timedelta(seconds=self.random.randrange(_WORKING_SECONDS)), party=party, does=does, body=body
        )
        if does == "publish":  # a paper is written before anything happens to it, on the same day, too
            done = Act(at=moment - timedelta(hours=1), party=party, does=does, body=body)
        story.acts.append(done)
        return done

    def another(self, *but: str) -> str:
        """Some other country that has a node."""
        others = [party for party in self.parties if party not in but]
        return self.random.choice(others or [party for party in self.parties if party != but[0]])

    def event_id(self, party: str) -> str:
        """The next of this Party."""
        return f"{party}-{self._next(party, 'event'):06}"

    def waybill(self) -> str:
        """The next transport document of the world."""
        return f"AWB-{self._next('', 'waybill'):08}"

    def forged_number(self, issuer: str, year: int) -> str:
        """A number that looks like one of this issuer's and is far from all that it ever gave."""
        return _printed(issuer, year, 700_000 + self._next(issuer, "forged") * 1_111)

    def _number(self, issuer: str, year: int) -> str:
        return _printed(issuer, year, self._next(issuer, "permit"))

    def _next(self, party: str, series: str) -> int:
        self._serials[party, series] = self._serials.get((party, series), self._after) + 1
        return self._serials[party, series]

    def _goods_beside(self, goods: Goods) -> tuple[Goods, ...]:
        """One or two other kinds that may be on the same permit."""
        fitting = [g for g in GOODS if g.purpose == goods.purpose and (g.term == "LIV") == (goods.term == "LIV")]
        others = [g for g in fitting if g.taxon != goods.taxon]
        return tuple(self.random.sample(others, min(len(others), self.random.randint(1, 2))))

    def _trader(self, country: str, trade: str) -> dict[str, str]:
        house = self.random.randint(1, 40)
        return {
            "name": f"{trade} House {house} of {country}",
            "address": f"{house} Quay, {country}",
            "country": country,
        }

    def _import_permit(
        self, exporter: str, importer: str, goods: Goods, quantity: int, *, issued_on: date
    ) -> dict[str, Any]:
        day = issued_on - timedelta(days=7)
        return {
            "type": "I",
            "number": self._number(importer, day.year),
            "issuer": importer,
            "issued_on": str(day),
            "valid_from": str(day),
            "valid_until": str(day + timedelta(days=330)),
            "purpose": goods.purpose,
            "exporter": self._trader(exporter, "Export"),
            "importer": self._trader(importer, "Import"),
            "authority": {"name": f"CITES Management Authority of {importer}", "place": "Harbour City"},
            "special_conditions": _conditions(goods),
            "lines": [_line(goods, quantity, exporter, None)],
        }


def text_of(thousandths: int) -> str:
    """A quantity as it is written: no more decimals than it has."""
    whole, rest = divmod(thousandths, 1_000)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)


def _printed(issuer: str, year: int, serial: int) -> str:
    """Some countries print their code and the year, others a bare serial, which several countries then share."""
    match PARTIES.index(issuer) % 3:
        case 0:
            return f"{year % 100}{issuer}{serial:06}"
        case 1:
            return f"{serial:06}/{year % 100}"
        case _:
            return f"{issuer}-{year}-{serial:06}"


def _line(goods: Goods, quantity: int, country: str, origin: Story | None, *, block: str = "A") -> dict[str, Any]:
    boxes: dict[str, Any] = {"origin": {"country": country, "permit": None, "date": None}}
    if origin is not None:
        document = {"country": origin.issuer, "permit": origin.number, "date": str(origin.issued_on)}
        boxes = {"origin": document}
        if origin.permit["type"] == "R":
            boxes = {"origin": origin.permit["lines"][0]["origin"], "last_reexport": document}
    return {
        "block": block,
        "taxon": goods.taxon,
        "appendix": goods.appendix,
        "sources": [goods.source],
        "term": goods.term,
        "description": "as invoiced",
        "quantity": text_of(quantity),
        "unit": goods.unit,
        **boxes,
    }


def _reference(import_permit: dict[str, Any]) -> dict[str, Any]:
    return {
        "relation": "import-permit",
        "issuer": import_permit["issuer"],
        "number": import_permit["number"],
        "date": import_permit["issued_on"],
    }


def _conditions(goods: Goods) -> str | None:
    return "Transport by the IATA Live Animals Regulations." if goods.term == "LIV" else None
