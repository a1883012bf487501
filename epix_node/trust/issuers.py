"""``issuers.json``: the Secretariat's list of which Party's node speaks for which code (decision 6).

A target of the top-level role, so that no Party can speak for another's permits by naming its code: a manifest that
names a code which this list does not give to its Party is refused whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import rfc8785
from pydantic import BaseModel, ConfigDict, ValidationError

from epix_node.errors import MalformedDocumentError, TrustError
from epix_node.trust.manifest import Code, Manifest, read_json
from epix_node.trust.role_metadata import MAX_ISSUERS_BYTES


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: Literal["epix-issuers/1"]
    env: Annotated[str, Literal["sandbox", "uat", "prod"]]
    issuers: dict[Code, Code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuers:
    """The Party of each code, in one environment."""

    environment: str
    parties: Mapping[str, str]

    @classmethod
    def parse(cls, data: bytes) -> Issuers:
        """The list in these bytes. Raises ``MalformedDocumentError`` where there is none."""
        try:
            file = _File.model_validate(read_json(data, "issuers.json", max_bytes=MAX_ISSUERS_BYTES))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise MalformedDocumentError(f"issuers.json: {where}: {first['msg']}") from error
        return cls(environment=file.env, parties=file.issuers)

    def to_json(self) -> bytes:
        """The file; equal lists give equal bytes."""
        return rfc8785.dumps({"spec": "epix-issuers/1", "env": self.environment, "issuers": dict(self.parties)}) + b"\n"

    def codes(self, party: str) -> frozenset[str]:
        """The codes that this Party's node speaks for."""
        return frozenset(code for code, speaker in self.parties.items() if speaker == party)

    def with_codes(self, party: str, codes: frozenset[str]) -> Issuers:
        """This list, in which the Party has these codes and no others."""
        others = {code: speaker for code, speaker in self.parties.items() if speaker != party}
        return Issuers(environment=self.environment, parties={**others, **dict.fromkeys(sorted(codes), party)})

    def require(self, manifest: Manifest) -> None:
        """Return where the manifest is of this environment and names its own Party's codes only.

        Raises:
            TrustError: code KEY_WRONG_PARTY.
        """
        if manifest.env != self.environment:
            raise TrustError(
                f"manifest of {manifest.party} is for {manifest.env}, the trust list for {self.environment}",
                code="KEY_WRONG_PARTY",
            )
        foreign = sorted(code for code in manifest.issues_for if self.parties.get(code) != manifest.party)
        if foreign:
            raise TrustError(
                f"manifest of {manifest.party} names {', '.join(foreign)}, which the Secretariat does not give to it",
                code="KEY_WRONG_PARTY",
            )
