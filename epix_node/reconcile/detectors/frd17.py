"""FRD-17: more left a country in a year than its annual quota allows.

A permit for goods under an export quota states it in box 11a (Res. Conf. 14.7, Res. Conf. 12.3). Here what *left* is
added up, not what was permitted: permits are often used in part or not at all (``domain-rules.md`` 2.3). R from
``quota_warning_percent`` of the quota on, as an early warning, and R above it; never A, since unused quota may be
carried over to the next year, and only the country knows what it granted to whom.

The finding is about a sum and not about a permit. Its key is the exporting country, the taxon, the term, the source,
the class of units and the year of issue (``permit.sums``); ``permits`` and evidence are those under which most left.
Every node adds up the documents that it holds: the exporting country's all, an importing country's its own imports.

Guards, by ``rules.shares`` and ``store.sums``: only export permits whose line states a quota in its own class of units
and above 0; no re-exports, confiscated or pre-Convention goods, no documents of multiple use; what the country itself
endorsed, however often others endorse it; no endorsement taken back; of a permit and the one that replaces it only the
latter, where both were used. Synonyms that the release knows are one taxon. Where permits of the year state different
figures the largest counts: a quota may be raised, and who copied the old one has not exceeded it.

Parameters: ``quota_warning_percent``.
"""

from __future__ import annotations

from collections.abc import Sequence

from epix_node.permit.finding import FindingClass, FindingDraft
from epix_node.permit.quantity import in_unit
from epix_node.permit.sums import QUOTA, Total, Weight
from epix_node.reconcile.sentence import of_sum
from epix_node.rules.ruleset import SumParameters

PATTERN = QUOTA


def exceeded(
    total: Total, weights: Sequence[Weight], parameters: SumParameters, *, ruleset_id: str
) -> FindingDraft | None:
    """The finding about a sum that is near to its quota or above it."""
    quota = total.quota
    if quota is None or not weights or total.micro * 100 < quota * parameters.quota_warning_percent:
        return None
    taxon, term, source, _ = total.key.parts
    country, unit = total.key.issuer, total.unit
    is_above = total.micro > quota
    values = {
        "rule": "Res. Conf. 14.7, box 11a",
        "taxon": taxon,
        "term": term,
        "source": source,
        "issued_in": str(total.key.year),
        "left": f"{in_unit(total.micro, unit)} {unit}",
        "quota": f"{in_unit(quota, unit)} {unit}",
        "percent": str(total.micro * 100 // quota),
        "used_permits": str(total.permits),
    }
    if is_above:
        values["above"] = f"{in_unit(total.micro - quota, unit)} {unit}"
    summary = (
        f"{values['left']} of {taxon} (term {term}, source {source}) left {country} under {values['used_permits']} "
        f"export permits issued in {values['issued_in']}: {values['percent']} % of the annual quota of "
        f"{values['quota']} that they state ({values['rule']})"
    )
    summary += (
        f", {values['above']} above it; ask {country} whether quota was carried over or raised before more is let in."
        if is_above
        else f"; before more is permitted or let in, ask {country} what is left of it."
    )
    return of_sum(
        total.key, class_=FindingClass.REVIEW, summary=summary, weights=weights, values=values, ruleset_id=ruleset_id
    )
