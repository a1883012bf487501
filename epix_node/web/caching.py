"""How long others may keep what this node gives them, and who has it already (C.2; RFC 9110 13.1.2)."""

from __future__ import annotations

from aiohttp import ETag, web

from epix_node.federation.messages import entity_tag

IMMUTABLE_FOR_PEERS = "private, max-age=31536000, immutable"
"""What never changes, and is not for everybody: a shared cache does not know who signed a request."""

BRIEFLY = "public, max-age=1"
"""C.2: at most 5 s. A new entry is to be seen within a second (decision 5)."""


def for_everybody(request: web.Request, body: bytes, content_type: str, *, charset: str | None = None) -> web.Response:
    """These bytes, or 304 to who has them."""
    tag = ETag(entity_tag(body))
    if is_known(request, tag):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type=content_type, charset=charset)
    response.etag = tag
    response.headers["Cache-Control"] = BRIEFLY
    return response


def is_known(request: web.Request, tag: ETag) -> bool:
    """Whether the caller has these bytes already."""
    known = request.if_none_match
    return known is not None and any(held.value in {tag.value, "*"} for held in known)
