"""FRD-18: goods moved under a document whose key had been revoked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from epix_node.reconcile.detectors import frd05, frd18
from tests.reconcile.builders import (
    IMPORT_REF,
    case,
    confirmed,
    endorsed,
    goods,
    import_case,
    import_permit,
    observation,
    permit,
    presented,
    ref,
    view,
)


def void(**members):
    return replace(permit(**members), is_void=True)


def found(*events, documents=None, counting=(), uses=()):
    held = replace(case(*events, *counting, uses=uses), void=documents or (void(),))
    return frd18.detect(held, view())


MOVED = {
    "left": [endorsed("03-20")],
    "arrived": [confirmed("03-20")],
    "seized": [confirmed("03-20", outcome="seized")],
    "shown, and then arrived": [presented("03-19"), confirmed("03-20")],
    "named without type and date": [confirmed("03-20", permit=ref(kind=None, issued_on=None))],
    "named with another type": [confirmed("03-20", permit=ref(kind="R"))],
}


@pytest.mark.parametrize("events", MOVED.values(), ids=MOVED)
def test_goods_that_moved_under_it_are_an_alert(events):
    (draft,) = found(*events)
    assert draft.class_ == "A"
    assert (draft.subject.type, draft.subject.year) == ("E", 2026)


NOT_MOVED = {
    "shown only": [presented("03-20")],
    "refused": [confirmed("03-20", outcome="refused")],
    "returned": [confirmed("03-20", outcome="returned")],
    "nothing was shipped": [endorsed("03-20", goods("0"))],
}


@pytest.mark.parametrize("events", NOT_MOVED.values(), ids=NOT_MOVED)
def test_what_was_shown_or_turned_away_is_for_review(events):
    (draft,) = found(*events)
    assert draft.class_ == "R"


def test_a_document_that_nobody_used_is_no_finding():
    """One theft may end thousands; whoever asks for one of them reads REVOKED_KEY."""
    assert found() == ()


def test_a_permit_that_counts_is_no_phantom():
    """Its key was replaced in time, or it is provably older than the theft: then it is not void."""
    assert frd18.detect(case(permit(), confirmed("03-20")), view()) == ()


def test_the_sentence_asks_the_issuer_and_the_evidence_is_the_document_and_what_moved():
    document, shown, came = void(), presented("03-19"), confirmed("03-20")
    (draft,) = found(shown, came, documents=(document,))
    assert draft.summary == (
        "Export permit XA 26XA000123 was signed with a key that was revoked as of a time before the document can be "
        "proven to have existed, so it does not count (Art. VI.3), but goods moved under it: confirmed by XB on "
        "2026-03-20; XA says whether it is its own, by issuing it again, and whoever has the goods holds them until "
        "then."
    )
    assert draft.evidence == (document.source, came.source)
    assert draft.parties == ("XA", "XB")


def test_goods_of_a_permit_that_counts_are_not_the_phantoms():
    """The same number with another type: each event means one of them."""
    counting = permit(type="R")
    assert found(confirmed("03-20", permit=ref(kind="R")), counting=(counting,)) == ()
    assert found(confirmed("03-20", permit=ref(kind="E")), counting=(counting,))
    assert found(confirmed("03-20", permit=ref(kind=None, issued_on=None)), counting=(counting,)) == ()


def test_goods_that_may_be_of_several_phantoms_are_told_of_each():
    documents = (void(), void(type="R"))
    drafts = found(confirmed("03-20", permit=ref(kind=None, issued_on=None)), documents=documents)
    assert [(draft.class_, draft.subject.type) for draft in drafts] == [("A", "E"), ("A", "R")]


def test_an_import_permit_that_a_confirmation_names_was_used_too():
    phantom = replace(import_permit(), is_void=True)
    use = confirmed("03-20", import_permit=IMPORT_REF)
    (draft,) = frd18.detect(replace(import_case(uses=[use]), void=(phantom,)), view())
    assert (draft.class_, draft.subject.issuer) == ("A", "XB")


def test_frd05_does_not_say_the_same_again():
    held = replace(case(confirmed("03-20")), void=(void(),))
    assert frd05.detect(held, view(observation=observation())) == ()
    assert frd05.detect(replace(held, void=()), view(observation=observation()))
