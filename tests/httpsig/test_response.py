"""Signed answers: they hold for one question, one Party and one content."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from epix_node.errors import TrustError
from epix_node.httpsig.request import sign_request
from epix_node.httpsig.response import Question, sign_response, verify_response

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
ASKING = Ed25519PrivateKey.from_private_bytes(b"A" * 32)
ANSWERING = Ed25519PrivateKey.from_private_bytes(b"B" * 32)
URL = "https://xb.example/epix/v1/feed?from=0&limit=500"
BODY = b'{"entries": []}'
JSON = "application/json; charset=utf-8"


def asked(url: str = URL, *, method: str = "GET", body: bytes | None = None, now: datetime = NOW) -> Question:
    headers = sign_request(method=method, url=url, body=body, party="XA", key_id="xa-1", private_key=ASKING, now=now)
    return Question(method=method, url=url, headers=headers)


def answered(question: Question, *, status=200, content_type=JSON, body=BODY, party="XB", key=ANSWERING, now=NOW):
    return sign_response(
        question,
        status=status,
        content_type=content_type,
        body=body,
        party=party,
        key_id="xb-1",
        private_key=key,
        now=now,
    ) | {"Content-Type": content_type}


def find_key(key_id: str):
    return ANSWERING.public_key() if key_id == "xb-1" else None


def check(question: Question, headers, *, status=200, body=BODY, party="XB", now=NOW, find_key=find_key) -> None:
    verify_response(question, status=status, headers=headers, body=body, party=party, find_key=find_key, now=now)


def refusal(question: Question, headers, **answer) -> str:
    with pytest.raises(TrustError) as refused:
        check(question, headers, **answer)
    return refused.value.code


@pytest.mark.parametrize(
    "question",
    [asked(), asked(method="POST", body=b"{}"), Question(method="GET", url=URL, headers={})],
    ids=["signed", "with a body", "unsigned"],
)
def test_what_was_answered_to_a_question_is_accepted(question):
    """Signed questions and unsigned ones alike."""
    check(question, answered(question))


def test_an_answer_without_a_signature_is_refused():
    """Whoever stands between could have given it."""
    question = asked()
    assert refusal(question, {"Content-Type": JSON, "Epix-Party": "XB"}) == "ANSWER_UNSIGNED"


def test_an_answer_to_the_same_question_at_another_time_does_not_fit():
    """The question's signature has a fresh nonce or time under it, and the answer covers that signature."""
    old, new = asked(), asked(now=NOW + timedelta(seconds=1))
    assert refusal(new, answered(old)) == "SIGNATURE_INVALID"


def test_an_answer_to_another_question_does_not_fit():
    """Of the same peer, a moment before."""
    assert refusal(asked(), answered(asked(URL + "0"))) == "SIGNATURE_INVALID"


def test_an_answer_to_an_unsigned_question_is_not_taken_for_one_to_a_signed_one():
    """It covers less."""
    assert refusal(asked(), answered(Question(method="GET", url=URL, headers={}))) == "SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "change",
    [
        {"status": 404},
        {"body": b'{"entries": [1]}'},
        {"body": b""},
        {"party": "XC"},
    ],
    ids=["status", "content", "no content", "another Party"],
)
def test_every_part_of_an_answer_counts(change):
    """What was changed on the way is refused."""
    question = asked()
    assert refusal(question, answered(question), **change) == "SIGNATURE_INVALID"


def test_the_content_type_counts():
    """JSON that is said to be something else is another answer."""
    question = asked()
    assert refusal(question, answered(question) | {"Content-Type": "text/html"}) == "SIGNATURE_INVALID"


def test_only_keys_of_the_asked_party_count():
    """A key that nobody knows, and the right name with another key."""
    question = asked()
    assert refusal(question, answered(question), find_key=lambda _: None) == "KEY_UNKNOWN"
    assert refusal(question, answered(question, key=ASKING)) == "SIGNATURE_INVALID"


def test_a_request_signature_is_not_taken_for_an_answer():
    """Another tag, and other components."""
    question = asked()
    reflected = dict(question.headers) | {"Content-Type": JSON, "Epix-Party": "XB"}
    assert refusal(question, reflected) == "SIGNATURE_INVALID"


@pytest.mark.parametrize(("late", "code"), [(60, None), (61, "CLOCK_SKEW"), (-61, "CLOCK_SKEW")])
def test_an_answer_to_an_unsigned_question_must_be_fresh(late, code):
    """Nothing else binds it to its moment; an answer to a signed question needs no clock."""
    unsigned, signed = Question(method="GET", url=URL, headers={}), asked()
    now = NOW + timedelta(seconds=late)
    if code is None:
        check(unsigned, answered(unsigned), now=now)
    else:
        assert refusal(unsigned, answered(unsigned), now=now) == code
    check(signed, answered(signed), now=now)


def test_a_second_signature_beside_ours_is_refused():
    """A verifier that picks one of two can be led to pick the wrong one."""
    question = asked()
    headers = answered(question)
    for name in ("Signature", "Signature-Input"):
        headers[name] = f"{headers[name]}, {headers[name].replace('epix=', 'other=', 1)}"
    assert refusal(question, headers) == "SIGNATURE_INVALID"


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(["Signature", "Signature-Input", "Content-Digest", "Epix-Party"]), st.text()))
def test_hostile_fields_give_a_refusal_and_nothing_else(odd):
    """Whatever a stranger writes into the fields."""
    question = asked()
    genuine = answered(question)
    try:
        check(question, genuine | odd)
    except TrustError:
        return
    assert {**genuine, **odd} == genuine


def test_a_question_whose_signature_is_no_dictionary_cannot_be_answered():
    """The answering side says so before it signs."""
    question = replace(asked(), headers={"Signature": "((("})
    with pytest.raises(ValueError, match="cannot be signed"):
        answered(question)
