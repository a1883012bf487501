"""The PKCS#11 token of the configuration, and which of its labels are this node's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from epix_node.errors import KeyMaterialError

if TYPE_CHECKING:
    from epix_node.trust.pkcs11 import TokenKey, TokenPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSettings:
    """The token of the configuration, and the label of this node's key there."""

    module: Path
    token: str
    key: str

    def places(self, ending: str) -> tuple[TokenPlace, ...]:
        """Where the key of the certificate with this ending may be."""
        labels = dict.fromkeys((f"{self.key}{ending}", self.key))
        return tuple(_pkcs11().TokenPlace(module=self.module, token=self.token, key=label) for label in labels)

    @staticmethod
    def find(place: TokenPlace, *, pin: bytes | None) -> TokenKey | None:
        """The key there, if it is."""
        found: TokenKey | None = _pkcs11().TokenKey.find(place, pin=pin)
        return found

    def generate(self, ending: str, *, pin: bytes | None) -> tuple[TokenKey, str]:
        """A new key in the token: under its label where that is free, else under the label with this ending."""
        *_, place = self.places(ending)
        if (taken := self.find(place, pin=pin)) is not None:
            taken.close()
            place = self.places(ending)[0]
        made: TokenKey = _pkcs11().TokenKey.generate(place, pin=pin)
        return made, str(place)


def _pkcs11() -> ModuleType:
    """The module that speaks to tokens. Its library is an extra, since most nodes have no token."""
    try:
        from epix_node.trust import pkcs11
    except ImportError as error:
        raise KeyMaterialError(
            "[keys] pkcs11_module is set, and this program is here without what speaks to tokens: install "
            "`epix-node[hsm]`"
        ) from error
    return pkcs11
