"""Country names as the sources of reference data write them, and their codes.

Quotas and suspensions are published with names, not codes. The names are ISO's short ones (``permit.codes``) and those
in ``reference/data/party_names.toml``. A name that is in neither is not guessed.
"""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib import resources

from epix_node.permit.codes import code_lists


def country_code(text: str) -> str | None:
    """The code of a country given by its code or its name; ``None`` where neither is known.

    ``NA`` is Namibia.
    """
    given = " ".join(text.split())
    if len(given) == 2 and given.upper() in code_lists().countries:
        return given.upper()
    return _names().get(_key(given))


@cache
def _names() -> dict[str, str]:
    names = {_key(name): code for code, name in code_lists().countries.items() if code in code_lists().traders}
    data = resources.files("epix_node.reference").joinpath("data", "party_names.toml").read_text(encoding="utf-8")
    return names | {_key(name): code for name, code in tomllib.loads(data)["names"].items()}


def _key(name: str) -> str:
    plain = "".join(part for part in unicodedata.normalize("NFKD", name) if not unicodedata.combining(part))
    return " ".join(plain.replace("\u2019", "'").casefold().split())
