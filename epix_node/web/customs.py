"""What customs see: the permits whose possession they prove, and no names (contract 4; ``domain-rules.md`` 4.5, T1).

A wrong proof and an unknown number run the same statements and get the same answer. A missing proof is not a wrong
one: it gets that answer too, and is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from epix_node.errors import AmbiguousNumberError
from epix_node.federation.stories import ask_issuer
from epix_node.permit.event import PermitRef
from epix_node.store import clients
from epix_node.store.answers import Holding
from epix_node.store.clients import Client
from epix_node.store.database import Session
from epix_node.web import proofs
from epix_node.web.desk import Desk
from epix_node.web.problems import Problem
from epix_node.web.proofs import Proof

MAX_WRONG_PROOFS_PER_NUMBER = 10
"""By one client, within an hour (contract 4)."""

MAX_WRONG_PROOFS = 60
"""By one client for all numbers together, within an hour (contract 4)."""

_NAMES = ("name", "address", "signatory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """The one permit that the caller may see, and how to ask for it so that no other is meant."""

    holding: Holding
    ref: PermitRef


def given_proof(request: web.Request, member: Mapping[str, Any] | None) -> Proof | None:
    """The proof in the body, else the one in the header, else none.

    Raises:
        MalformedDocumentError: it is no proof.
    """
    if member is not None:
        return proofs.proof_from_json(member)
    header = request.headers.get(proofs.HEADER)
    return proofs.proof_from_header(header) if header else None


async def admitted(
    desk: Desk, client: Client, ref: PermitRef, proof: Proof | None, *, now: datetime, limited: bool = True
) -> Admitted | None:
    """The permit that the caller proves to hold, ``None`` where the answer is NO_MATCH.

    With ``limited`` a caller who has shown too many wrong proofs is refused. Without, as for events, which are facts
    whoever tells them, that caller's proof is left aside.

    Raises:
        Problem: 429.
        AmbiguousNumberError: the proof fits several permits.
    """
    counted = desk.wrong_proofs(client.name, issuer=ref.issuer, number=ref.number, now=now)
    if proof is not None and _too_many(counted):
        if limited:
            raise too_many_wrong_proofs()
        proof = None  # not even looked at: otherwise events would be a way to go on guessing
    # Which statement is executed depends on the kind of proof, never on what is held.
    with_lines = proof is not None and proof.quantity is not None
    held = desk.reader.holdings(ref.issuer, ref.number, with_lines=with_lines)
    seen = proofs.proven(proof, held, ref)
    if not seen and proof is not None and proof.token is not None:
        # A permit of multiple use is in no feed (protocol decision 3). Asked whatever is held, so that nobody can tell.
        await ask_issuer(desk.node, ref, token=proof.token)
        held = desk.reader.holdings(ref.issuer, ref.number, with_lines=with_lines)
        seen = proofs.proven(proof, held, ref)
    if len(seen) > 1:
        raise AmbiguousNumberError(
            f"the proof fits {len(seen)} permits of {ref.issuer} numbered {ref.number}: give type and issued_on",
            candidates=tuple(holding.key.to_json() for holding in seen),
        )
    if seen:
        (holding,) = seen
        if len(held) > 1:
            # Beside others only its own type and date lead to it; alone, it is found whatever the caller gave, and a
            # difference is shown.
            ref = PermitRef(issuer=ref.issuer, number=ref.number, type=holding.key.type, issued_on=holding.issued_on)
        return Admitted(holding=holding, ref=ref)
    if proof is not None:
        counted = await count_wrong_proof(desk, client, ref, now=now)
        if limited and _too_many(counted):
            raise too_many_wrong_proofs()
    return None


def refuse_guessing(desk: Desk, client: Client, ref: PermitRef, *, now: datetime) -> None:
    """Return unless the client has shown too many wrong proofs within the hour.

    Raises:
        Problem: 429.
    """
    if _too_many(desk.wrong_proofs(client.name, issuer=ref.issuer, number=ref.number, now=now)):
        raise too_many_wrong_proofs()


async def count_wrong_proof(desk: Desk, client: Client, ref: PermitRef, *, now: datetime) -> tuple[int, int]:
    """One more by this client; returns how many there were within the hour, for this number and in all."""
    return await desk.node.database.write(_count, client.name, ref, now)


async def free_from_proof(desk: Desk, holding: Holding) -> None:
    """An event was recorded with a right proof: nobody at this node needs one for the permit any more."""
    if not holding.is_free:
        await desk.node.database.write(clients.free_from_proof, holding.key)


def too_many_wrong_proofs() -> Problem:
    """The refusal of a caller who keeps guessing."""
    return Problem(
        429,
        "TOO_MANY_WRONG_PROOFS",
        f"more than {MAX_WRONG_PROOFS_PER_NUMBER} wrong proofs for a number or {MAX_WRONG_PROOFS} in all in an hour",
        headers={"Retry-After": str(int(clients.PROOF_WINDOW.total_seconds()))},
    )


def _too_many(counted: tuple[int, int]) -> bool:
    here, in_all = counted
    return here > MAX_WRONG_PROOFS_PER_NUMBER or in_all > MAX_WRONG_PROOFS


def _count(session: Session, client: str, ref: PermitRef, now: datetime) -> tuple[int, int]:
    clients.count_wrong_proof(session, client, issuer=ref.issuer, number=ref.number, now=now)
    return clients.wrong_proofs(session, client, issuer=ref.issuer, number=ref.number, now=now)


def permit_without_names(permit: Mapping[str, Any]) -> dict[str, Any]:
    """Permit JSON with every name and address ``null``; countries and places stay."""
    return {
        name: {inner: None if inner in _NAMES else held for inner, held in value.items()}
        if name in {"exporter", "importer", "authority"} and isinstance(value, Mapping)
        else value
        for name, value in permit.items()
    }


def event_without_names(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event's JSON without the officer, and without what papers said of persons."""
    hidden = dict.fromkeys({"officer", "presented"} & event.keys())
    members = {**event, **hidden}
    if "differences" in event:
        members["differences"] = [difference_without_names(d, presented=True) for d in event["differences"]]
    return members


def difference_without_names(difference: Mapping[str, Any], *, presented: bool = False) -> dict[str, Any]:
    """A difference that says match or mismatch of names and addresses, and not what is registered.

    What the caller presented stays, unless it was somebody else who did (``presented``).
    """
    if difference["field"].rpartition(".")[2] not in _NAMES:
        return dict(difference)
    hidden = {"registered": None, "presented": None} if presented else {"registered": None}
    return {**difference, **hidden}


def answer_without_names(answer: dict[str, Any]) -> dict[str, Any]:
    """A status answer or verdict for customs."""
    if "differences" in answer:
        answer["differences"] = [difference_without_names(difference) for difference in answer["differences"]]
    return answer
