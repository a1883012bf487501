"""FRD-07: several countries sent on goods that draw on one document, together more than ever left under it.

Each of them looks honest alone: none sent on more than the permit of origin let out. Only who hears of all the
certificates sees that the same goods were sold on twice, and that is the country of origin, by the extracts that the
others write for it (``domain-rules.md`` 0.11, 2.4, protocol decision 3). It tells the others by an alert.

A where what moved exceeds what left, R where it will, once the certificates that are still valid are used; likewise
where the sum rests on a conversion or a yield, or may be explained by what is out of this node's sight (``holdings``).

Guards. Those of FRD-06. Who alone sent on more than came to it is in that finding, and is not counted here. Goods that
came on under another holder's certificate are the same goods: they are not new where their next holder sends them on,
also where it left box 12a empty and named the permit of origin.

The subject is the document on which all of them draw.

Parameters: ``chains``, ``tolerance``.
"""

from __future__ import annotations

from epix_node.permit.facts import Case
from epix_node.permit.finding import FindingDraft
from epix_node.reconcile.holdings import overdrafts
from epix_node.reconcile.overdrawn import overdrawn
from epix_node.reconcile.view import View

PATTERN = "FRD-07"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each document of the case of which several holders together sent on more than had left."""
    if not view.drawn:
        return ()
    return tuple(
        overdrawn(PATTERN, case, fact, found, view)
        for fact in case.permits
        for found in overdrafts(case, fact, view)
        if len(found.holders) > 1
    )
