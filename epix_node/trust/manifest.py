"""A Party's manifest (C.1): where it is, what it promises, and all its public keys.

As ``epix-manifest/1`` it is the one target of the Party's role in the trust list, and ``seq`` is the version of the
role that lists it: one number, so that there is no second one to roll back. As ``epix-request/1`` it has no ``seq``
and nobody's signature. It has no secret in it. Whoever holds a ``Manifest`` knows that it is consistent in itself:
every ``kid`` is the SHA-256 of its certificate, every certificate names the Party, every key is used once.

Not here: whether it agrees with other manifests (``keyring.refuse_overlap``), with the Secretariat's list of codes
(``issuers``), or with the manifest before it (``succession``).
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import rfc8785
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictInt,
    ValidationError,
    model_validator,
)

from epix_node.clock import format_time, parse_time
from epix_node.errors import MalformedDocumentError
from epix_node.register.note import KeyKind, VerifierKey
from epix_node.trust.certificate import country_of, fingerprint, is_for_signatures
from epix_node.trust.coverage import Coverage, CoverageItem

MAX_MANIFEST_BYTES = 256 * 1024
"""Largest manifest taken (C.5)."""

MAX_SEQ = 2**53 - 1
"""Largest version that every reader of JSON takes exactly (RFC 8785)."""

_ED25519_BYTES = 32
_OPTIONAL = ("seq", "limits", "contacts")
"""Members that are left out where there is nothing to say."""


def _time(value: object) -> datetime:
    if isinstance(value, datetime):
        value = format_time(value)
    if not isinstance(value, str) or not value.endswith("Z"):
        raise ValueError("expected a time in UTC, such as 2026-03-01T10:00:00Z")
    return parse_time(value)


def _calendar_date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) != len("2026-01-01"):
        raise ValueError("expected a date, such as 2026-01-01")
    return date.fromisoformat(value)


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("the same entry twice")
    return values


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("expected an http or https URL of a host, without query, fragment and user")
    return value


def _vkey_of(kind: KeyKind) -> AfterValidator:
    """Accepts the vkey of a key of this kind, in the one spelling that ``VerifierKey`` has for it."""

    def check(value: str) -> str:
        try:
            key = VerifierKey.parse(value)
        except MalformedDocumentError as error:
            raise ValueError(str(error)) from error
        if key.kind is not kind:
            raise ValueError(f"a vkey of type {key.kind:#04x}, expected {kind:#04x}")
        return value

    return AfterValidator(check)


Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
DocumentUse = Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=40)]
"""A document type (contract 1). An unknown one is taken: newer nodes have more, and no document of ours matches it."""
Moment = Annotated[datetime, BeforeValidator(_time), PlainSerializer(format_time)]
CalendarDate = Annotated[date, BeforeValidator(_calendar_date), PlainSerializer(date.isoformat)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
KeyName = Annotated[str, Field(min_length=1, max_length=255)]
Contact = Annotated[str, Field(min_length=1, max_length=200)]
BaseUrl = Annotated[str, Field(max_length=2048), AfterValidator(_base_url)]


class _Member(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CoverageEntry(_Member):
    """Permits of these types, issued from this day on, are published within so many hours (``coverage``)."""

    types: Annotated[tuple[Literal["E", "R", "I", "O"], ...], Field(min_length=1), AfterValidator(_unique)]
    issued_from: CalendarDate | None
    published_within_h: Annotated[StrictInt, Field(ge=0, le=8784)]


LogKeys = Annotated[tuple[Annotated[str, _vkey_of(KeyKind.NOTE)], ...], Field(min_length=1), AfterValidator(_unique)]


class FormerLog(_Member):
    """A register that the Party wrote before and cannot go on with (C.4 item 8 (c)): how far it is known to have come.

    ``root`` is that of its first ``size`` entries, ``reason`` says in words why it ended.
    """

    origin: KeyName
    vkeys: LogKeys
    size: Annotated[StrictInt, Field(ge=0, le=MAX_SEQ)]
    root: Hex
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    ended: Moment


class LogEntry(_Member):
    """The register: its origin line, and the keys that sign its checkpoints under that name.

    ``successor_of`` is the origin of the register before it, ``former`` are all before it, the first one first: who was
    away while there were several can follow them one by one.
    """

    origin: KeyName
    vkeys: LogKeys
    successor_of: KeyName | None = None
    former: tuple[FormerLog, ...] = ()

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of all registers that the Party ever wrote, this one last."""
        return (*(one.origin for one in self.former), self.origin)


class WitnessEntry(_Member):
    """The cosigner: its name and keys. It time-stamps the Party's own checkpoints too (decision 5)."""

    name: KeyName
    vkeys: Annotated[
        tuple[Annotated[str, _vkey_of(KeyKind.COSIGNATURE)], ...], Field(min_length=1), AfterValidator(_unique)
    ]


class PermitKeyEntry(_Member):
    """A permit signing certificate, what it may sign, and when."""

    kid: Hex
    cert: Annotated[str, Field(max_length=16 * 1024)]
    uses: Annotated[tuple[DocumentUse, ...], AfterValidator(_unique)]
    not_before: Moment
    not_after: Moment
    status: Literal["active", "retiring", "revoked"] = "active"
    invalid_since: Moment | None = None
    reason: Annotated[str, Field(max_length=500)] | None = None

    @classmethod
    def of(
        cls, certificate: x509.Certificate, *, uses: Iterable[str], not_before: datetime, not_after: datetime
    ) -> Self:
        """The active entry of this certificate."""
        der = certificate.public_bytes(Encoding.DER)
        return cls(
            kid=sha256(der).hexdigest(),
            cert=b64encode(der).decode("ascii"),
            uses=tuple(uses),
            not_before=not_before,
            not_after=not_after,
        )

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return x509.load_der_x509_certificate(_base64("cert", self.cert))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            problem = _problem_with(self.certificate)
        except (UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion) as error:
            raise ValueError("cert cannot be used") from error
        if problem is not None:
            raise ValueError(problem)
        if fingerprint(self.certificate) != self.kid:
            raise ValueError("kid is not the SHA-256 of cert")
        if self.not_after <= self.not_before:
            raise ValueError("not_after is not after not_before")
        if self.invalid_since is not None and (self.status != "revoked" or self.invalid_since < self.not_before):
            # Decision 7: revocation moves earlier, never before the key began.
            raise ValueError("invalid_since belongs to a revoked key and is not before its not_before")
        return self


def _problem_with(certificate: x509.Certificate) -> str | None:
    """Why this cannot be a permit signing certificate, or None."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        return "cert is not for a P-256 key"
    if not is_for_signatures(certificate):
        return "cert is not for digital signatures"
    return None


class TransportKeyEntry(_Member):
    """An Ed25519 key that signs this Party's requests (RFC 9421); ``kid`` is the ``keyid`` parameter."""

    kid: KeyName
    alg: Literal["ed25519"]
    pub: Annotated[str, Field(max_length=64)]
    not_after: Moment

    @classmethod
    def of(cls, public_key: Ed25519PublicKey, *, not_after: datetime) -> Self:
        """The entry of this key."""
        pub = b64encode(public_key.public_bytes_raw()).decode("ascii")
        return cls(kid=cls.kid_of(public_key), alg="ed25519", pub=pub, not_after=not_after)

    @staticmethod
    def kid_of(public_key: Ed25519PublicKey) -> str:
        """The id that ``of`` gives: the hex SHA-256 of the raw 32 bytes."""
        return sha256(public_key.public_bytes_raw()).hexdigest()

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key itself."""
        return Ed25519PublicKey.from_public_bytes(_base64("pub", self.pub))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(_base64("pub", self.pub)) != _ED25519_BYTES:
            raise ValueError(f"pub is not {_ED25519_BYTES} bytes")
        return self


class LimitsEntry(_Member):
    """What the Party's node takes: requests per second from one peer, and bytes of one document."""

    rps: Annotated[StrictInt, Field(ge=1, le=10_000)]
    max_xml: Annotated[StrictInt, Field(ge=1, le=16 * 1024 * 1024)]


class ContactsEntry(_Member):
    """Whom to call: about the node, and about a stolen key. Offices, not people."""

    noc: Contact | None = None
    csirt: Contact | None = None


class Manifest(_Member):
    """One Party: the codes that it speaks for, where it is, what it promises, and all its public keys."""

    spec: Literal["epix-request/1", "epix-manifest/1"] = "epix-request/1"
    env: Literal["sandbox", "uat", "prod"]
    party: Code
    seq: Annotated[StrictInt, Field(ge=1, le=MAX_SEQ)] | None = None
    issues_for: Annotated[tuple[Code, ...], Field(min_length=1), AfterValidator(_unique)]
    base: Annotated[tuple[BaseUrl, ...], Field(min_length=1), AfterValidator(_unique)]
    coverage: tuple[CoverageEntry, ...]
    log: LogEntry
    witness: WitnessEntry
    permit_keys: tuple[PermitKeyEntry, ...]
    transport_keys: tuple[TransportKeyEntry, ...]
    limits: LimitsEntry | None = None
    contacts: ContactsEntry | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.seq is None) != (self.spec == "epix-request/1"):
            raise ValueError("seq belongs to epix-manifest/1 and to nothing else")
        if self.party not in self.issues_for:
            raise ValueError("issues_for does not name the party itself")
        for index, key in enumerate(self.permit_keys):
            if country_of(key.certificate) != self.party:
                raise ValueError(f"permit_keys.{index}.cert does not name {self.party} as its country")
        if self.env != "sandbox" and any(url.startswith("http:") for url in self.base):
            raise ValueError(f"base has an http URL; {self.env} takes https only")  # contract 3
        if any(key.name != self.log.origin for key in self.log_keys):
            raise ValueError("log.vkeys are not named like log.origin")
        if self.log.successor_of != (self.log.former[-1].origin if self.log.former else None):
            raise ValueError("log.successor_of is not the last of log.former")
        if len(set(self.log.origins)) != len(self.log.origins):
            raise ValueError("log.former names a register twice")
        if any(key.name != one.origin for one in self.log.former for key in _parsed(one.vkeys)):
            raise ValueError("the vkeys of a former register are not named like it")
        if any(key.name != self.witness.name for key in self.cosigner_keys):
            raise ValueError("witness.vkeys are not named like witness.name")
        identities = self._identities()
        if len(identities) != len(set(identities)):
            raise ValueError("the same key twice; each is for one purpose")  # C.1: distinct from every other key
        named = [(key.name, key.key_id) for key in (*self.log_keys, *self.cosigner_keys)]
        if len(named) != len(set(named)):
            # Found in half a minute by trying; a line that carries both could not be verified, and spoils its note.
            raise ValueError("two vkeys with one name and key ID, which nobody can tell apart")
        return self

    @property
    def log_keys(self) -> tuple[VerifierKey, ...]:
        """The keys that sign checkpoints, the current one first."""
        return _parsed(self.log.vkeys)

    def log_keys_of(self, origin: str) -> tuple[VerifierKey, ...]:
        """The keys that sign, or signed, checkpoints of this register; none where the Party never wrote it."""
        logs = {one.origin: one.vkeys for one in self.log.former} | {self.log.origin: self.log.vkeys}
        return _parsed(logs.get(origin, ()))

    @property
    def cosigner_keys(self) -> tuple[VerifierKey, ...]:
        """The keys that cosign, the current one first."""
        return tuple(VerifierKey.parse(vkey) for vkey in self.witness.vkeys)

    def promised_coverage(self) -> Coverage:
        """``coverage`` as the rules use it."""
        return Coverage(
            items=tuple(
                CoverageItem(
                    types=frozenset(entry.types),
                    issued_from=entry.issued_from,
                    published_within=timedelta(hours=entry.published_within_h),
                )
                for entry in self.coverage
            )
        )

    def key_identities(self) -> frozenset[str]:
        """What must be this Party's alone: every public key, request key id, and the names of register and witness."""
        return frozenset(self._identities()) | {
            *(f"name {origin}" for origin in self.log.origins),
            f"name {self.witness.name}",
            *(f"kid {key.kid}" for key in self.transport_keys),
        }

    def _identities(self) -> list[str]:
        former = (key for one in self.log.former for key in _parsed(one.vkeys))
        ed25519 = [key.public for key in (*self.log_keys, *self.cosigner_keys, *former)]
        ed25519 += [key.public_key.public_bytes_raw() for key in self.transport_keys]
        certified = [
            key.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            for key in self.permit_keys
        ]
        return [f"key {sha256(key).hexdigest()}" for key in (*ed25519, *certified)]

    def to_json(self) -> bytes:
        """The file: equal manifests give equal bytes, and ``parse_manifest`` gives this manifest back."""
        return (json.dumps(self.members(), indent=2, ensure_ascii=False) + "\n").encode()

    def members(self) -> dict[str, Any]:
        """The members of the file, as JSON values."""
        members = self.model_dump(mode="json")
        members["log"] = {name: value for name, value in members["log"].items() if value}  # no former register
        return {name: value for name, value in members.items() if value is not None or name not in _OPTIONAL}

    def numbered(self, seq: int) -> Manifest:
        """This manifest as ``epix-manifest/1`` with this ``seq``."""
        return self.model_copy(update={"spec": "epix-manifest/1", "seq": seq})

    def fingerprint(self) -> str:
        """Hex SHA-256 of the manifest's RFC 8785 form; the layout of the file does not matter."""
        return sha256(rfc8785.dumps(self.members())).hexdigest()

    def key_fingerprints(self) -> Mapping[str, str]:
        """What two people read to each other: a name for each thing, and its SHA-256 in groups of four digits."""
        prints = {"manifest": self.fingerprint()}
        for number, key in enumerate(self.permit_keys, start=1):
            prints[f"permit certificate {number}"] = key.kid
        for number, vkey in enumerate(self.log_keys, start=1):
            prints[f"register key {number}"] = sha256(vkey.public).hexdigest()
        for number, vkey in enumerate(self.cosigner_keys, start=1):
            prints[f"witness key {number}"] = sha256(vkey.public).hexdigest()
        for number, transport in enumerate(self.transport_keys, start=1):
            prints[f"transport key {number}"] = sha256(transport.public_key.public_bytes_raw()).hexdigest()
        return {name: grouped(text) for name, text in prints.items()}


def _parsed(vkeys: Iterable[str]) -> tuple[VerifierKey, ...]:
    return tuple(VerifierKey.parse(vkey) for vkey in vkeys)


def grouped(digest: str) -> str:
    """A hex digest in groups of four digits, as people read it to each other."""
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in these bytes, consistent in itself.

    Raises:
        MalformedDocumentError: the bytes are not one; the message names the member. Code TOO_LARGE over 256 KiB.
    """
    return manifest_of(read_json(data, "manifest", max_bytes=MAX_MANIFEST_BYTES))


def manifest_of(value: object) -> Manifest:
    """The manifest with these members.

    Raises:
        MalformedDocumentError: there is none; the message names the member.
    """
    try:
        return Manifest.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "manifest"
        raise MalformedDocumentError(f"manifest: {where}: {first['msg']}") from error
    except RecursionError as error:
        raise MalformedDocumentError("manifest is nested too deeply") from error


def read_json(data: bytes, what: str, *, max_bytes: int) -> Any:
    """The JSON value in these bytes, in which no object has a member twice.

    Raises:
        MalformedDocumentError: there is none. Code TOO_LARGE over ``max_bytes``.
    """
    if len(data) > max_bytes:
        raise MalformedDocumentError(f"{what} of {len(data)} bytes: at most {max_bytes} are taken", code="TOO_LARGE")
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_no_member_twice)
    except (ValueError, RecursionError) as error:
        raise MalformedDocumentError(f"{what} is not JSON: {error}") from error


def _no_member_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("the same member twice in one object")
    return members


def _base64(member: str, text: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{member} is not base64") from error
    if b64encode(data).decode("ascii") != text:
        raise ValueError(f"{member} is not in canonical base64")
    return data
