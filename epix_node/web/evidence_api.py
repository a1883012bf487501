"""The evidence bundle of a permit (contract 4): what proves it to whoever has no node and no network."""

from __future__ import annotations

from aiohttp import web

from epix_node.acts.evidence import gather
from epix_node.evidence.bundle import MEDIA_TYPE
from epix_node.store.clients import Client
from epix_node.web.access import OFFICES, Route
from epix_node.web.desk import DESK
from epix_node.web.permits_api import ONE, ref_of


async def show_evidence(request: web.Request, client: Client) -> web.StreamResponse:  # noqa: ARG001
    """The bundle; its ETag is its SHA-256, and stays while nothing new is known of the permit."""
    desk = request.app[DESK]
    ref = ref_of(request, segments=2)
    # In the lane of the acts: proofs are checked again before they are given away, which is CPU work.
    evidence = await desk.lane.run(gather, desk.office, desk.policy, ref)
    headers = {"ETag": f'"{evidence.sha256}"', "Cache-Control": "private, no-cache"}
    if any(tag.value in {"*", evidence.sha256} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{evidence.file_name}"'
    return web.Response(body=evidence.data, content_type=MEDIA_TYPE, headers=headers)


ROUTES = (Route(method="GET", path=f"{ONE}/evidence", handler=show_evidence, roles=OFFICES),)
