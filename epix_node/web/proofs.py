"""Proofs that a customs officer holds a permit, and whether one is right (contract 4, "What customs see"). Pure.

A proof is compared with what is held under a number (``store.answers.Holding``); it never searches. Nothing here
knows about callers, limits or HTTP answers (``customs`` does).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from epix_node.document.salts import token_digest
from epix_node.errors import MalformedDocumentError
from epix_node.permit import json_fields
from epix_node.permit.event import PermitRef
from epix_node.permit.event_json import counted
from epix_node.permit.json_fields import Body, CalendarDate, RequiredText
from epix_node.permit.number import normalised
from epix_node.permit.strict_json import load_json
from epix_node.store.answers import Holding

HEADER = "EPIX-Proof"

MAX_HEADER_CHARACTERS = 4096
"""Longest header taken; a proof has a few hundred characters."""

MAX_TOKEN_CHARACTERS = 256
"""Longest token taken; one has 22."""

_KINDS = (
    {"token"},
    {"document_sha256"},
    {"security_stamp", "issued_on"},
    {"issued_on", "quantity", "unit"},
)


class ProofBody(Body):
    """The members of all kinds; exactly those of one kind are given."""

    token: Annotated[str, Field(min_length=1)] | None = None
    document_sha256: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")] | None = None
    security_stamp: RequiredText | None = None
    issued_on: CalendarDate | None = None
    quantity: RequiredText | None = None
    unit: RequiredText | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> ProofBody:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if given not in _KINDS:
            raise ValueError(
                "give token, or document_sha256, or security_stamp and issued_on, or issued_on, quantity and unit"
            )
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the caller knows, in the form in which it is compared. One kind is filled, the others are ``None``."""

    token_digest: str | None = None
    token: str | None = field(default=None, repr=False, compare=False)
    """Beside its digest, for asking the issuer where the permit is not held."""
    document: str | None = None
    stamp: str | None = None
    issued_on: date | None = None
    quantity: tuple[str, int] | None = None
    """Unit class and micro-units: 12 KGM is 12000 GRM."""


def proof_from_json(value: object) -> Proof:
    """The proof.

    Raises:
        MalformedDocumentError: it is of none of the four kinds, or a member is not what it should be.
    """
    if isinstance(value, dict) and value.keys() == {"token"} and (token := value["token"]) and isinstance(token, str):
        return _token_proof(token)  # as most proofs are
    try:
        body = ProofBody.model_validate(value)
    except ValidationError as error:
        raise json_fields.not_understood(error, what="proof") from error
    if body.token is not None:
        return _token_proof(body.token)
    if body.document_sha256 is not None:
        return Proof(document=body.document_sha256.lower())
    if body.security_stamp is not None:
        return Proof(stamp=normalised(body.security_stamp).replace(" ", ""), issued_on=body.issued_on)
    assert body.quantity is not None
    assert body.unit is not None
    try:
        quantity = counted(body.quantity, body.unit.upper())
    except ValueError as error:
        raise MalformedDocumentError(f"proof not understood: quantity: {error}") from error
    return Proof(issued_on=body.issued_on, quantity=(quantity.unit_class.value, quantity.micro))


def proof_from_header(text: str) -> Proof:
    """The proof in the header ``EPIX-Proof``: base64url of the JSON object, padded or not.

    Raises:
        MalformedDocumentError: it is none.
    """
    if len(text) > MAX_HEADER_CHARACTERS:
        raise MalformedDocumentError(f"{HEADER}: at most {MAX_HEADER_CHARACTERS} characters are taken")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedDocumentError(f"{HEADER}: expected base64url of a JSON object") from error
    return proof_from_json(load_json(data))


def fits(proof: Proof, holding: Holding) -> bool:
    """Whether the proof is right for this permit. Digests are compared in constant time."""
    if proof.token_digest is not None:
        # A permit without a token (legacy) is compared too, so that it takes as long.
        return hmac.compare_digest(proof.token_digest, holding.token_digest or "")
    if proof.document is not None:
        return hmac.compare_digest(proof.document, holding.document)
    if proof.issued_on != holding.issued_on:
        return False
    if proof.stamp is not None:
        return holding.stamp is not None and hmac.compare_digest(proof.stamp.encode(), holding.stamp.encode())
    return proof.quantity in holding.quantities


def proven(proof: Proof | None, held: Iterable[Holding], ref: PermitRef) -> tuple[Holding, ...]:
    """The permits that the caller may see: those that the proof fits, and those that need none any more.

    Type and date of issue choose only between several of these (contract 1), so what the caller did not prove leaves
    no trace in the answer.
    """
    seen = tuple(holding for holding in held if holding.is_free or (proof is not None and fits(proof, holding)))
    if len(seen) > 1 and ref.type is not None:
        seen = tuple(holding for holding in seen if holding.key.type == ref.type) or seen
    if len(seen) > 1 and ref.issued_on is not None:
        seen = tuple(holding for holding in seen if holding.key.year == ref.issued_on.year) or seen
    if len(seen) > 1 and ref.issued_on is not None:
        seen = tuple(holding for holding in seen if holding.issued_on == ref.issued_on) or seen
    return seen


def _token_proof(token: str) -> Proof:
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise MalformedDocumentError(f"proof not understood: token: at most {MAX_TOKEN_CHARACTERS} characters")
    try:
        return Proof(token_digest=token_digest(token), token=token)
    except UnicodeEncodeError as error:  # half a surrogate pair; the JSON reader refuses it before
        raise MalformedDocumentError("proof not understood: token") from error
