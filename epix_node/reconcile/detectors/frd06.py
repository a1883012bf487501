"""FRD-06: a country sent on more than had come to it, under certificates that draw on one document.

Goods that nobody can account for become respectable by a re-export certificate that names an honest permit of origin.
One such permit can cover for many loads, in many small certificates, as long as nobody adds them up. The country of
origin learns of them by extracts, and the country that issued them holds them: both add up (``domain-rules.md`` 0.11,
2.4).

A where what moved exceeds the most that can have come. R where

* it exceeds what the holder's own border counted: a report may be missing, or came late;
* it will exceed what came once the certificates that are still valid are used;
* the sum rests on a conversion or a yield, on goods that may be of another stock, or may be explained by what is out of
  this node's sight.

How every doubt counts for the holder is told in ``holdings``, and what cannot be compared in ``goods``.

Guards. Several holders are FRD-07, and nobody is named in both (0.17). A certificate that draws on another certificate
counts there and not at the origin, so an honest chain is never summed twice. A document of multiple use, an import
permit, one of several that a number may mean, and one that is not held here have no balance. The deficit must exceed a
share of what came, the tolerance of the class of units, and a least amount.

The subject is the document on which is drawn, of whatever country: the holder is in the sentence.

Parameters: ``chains``, ``tolerance``.
"""

from __future__ import annotations

from epix_node.permit.facts import Case
from epix_node.permit.finding import FindingDraft
from epix_node.reconcile.holdings import overdrafts
from epix_node.reconcile.overdrawn import overdrawn
from epix_node.reconcile.view import View

PATTERN = "FRD-06"


def detect(case: Case, view: View) -> tuple[FindingDraft, ...]:
    """A finding for each holder that sent on more than came to it under a document of the case."""
    if not view.drawn:
        return ()
    return tuple(
        overdrawn(PATTERN, case, fact, found, view)
        for fact in case.permits
        for found in overdrafts(case, fact, view)
        if len(found.holders) == 1
    )
