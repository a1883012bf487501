"""Answers that this node vouches for: signed with its transport key and bound to the question (C.5, ``;req``)."""

from __future__ import annotations

from aiohttp import hdrs, web

from epix_node.clock import utc_now
from epix_node.httpsig.response import Question, sign_response
from epix_node.permit.reasons import Reason
from epix_node.web.keys import NODE
from epix_node.web.peer_access import own_address
from epix_node.web.problems import Problem


def signed(request: web.Request, response: web.Response) -> web.Response:
    """The response with the fields that prove who gave it, and to which request.

    Raises:
        Problem: 400, the request carries a signature that nobody can read, so no answer can be bound to it.
    """
    node = request.app[NODE]
    assert isinstance(response.body, bytes)
    transport = node.keys.transport
    try:
        fields = sign_response(
            Question(method=request.method, url=own_address(node) + request.raw_path, headers=request.headers),
            status=response.status,
            content_type=response.headers[hdrs.CONTENT_TYPE],
            body=response.body,
            party=node.party,
            key_id=transport.kid,
            private_key=transport.key,
            now=utc_now(),  # transport freshness is about the machine's clock (contract 7)
        )
    except ValueError as error:
        raise Problem(400, Reason.SIGNATURE_INVALID, "the request carries a Signature that cannot be read") from error
    response.headers.update(fields)
    return response
