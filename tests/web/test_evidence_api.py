"""The evidence bundle over HTTP."""

from __future__ import annotations

import hashlib

from epix_node.evidence.bundle import Bundle
from tests.web.conftest import Api, path_of


async def test_the_bundle_is_a_file_with_a_name(api: Api):
    """`application/zip`, the ETag its SHA-256, and the exact document inside."""
    published = await api.publish("26/XA.1")
    reply = await api.get(f"{path_of('26/XA.1')}/evidence")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/zip"
    assert reply.headers["Content-Disposition"] == 'attachment; filename="XA-26-XA.1.epix"'
    assert reply.headers["ETag"] == f'"{hashlib.sha256(reply.raw).hexdigest()}"'
    bundle = Bundle.parse(reply.raw)
    assert hashlib.sha256(bundle.permit.xml).hexdigest() == published.body["document"]
    assert bundle.permit.proof is not None
    assert bundle.permit.proof.index == published.body["register_index"]


async def test_the_same_bundle_is_not_sent_twice(api: Api):
    """304 while nothing new is known; a withdrawal makes another one."""
    await api.publish()
    first = await api.get(f"{path_of('26XA000123')}/evidence")
    again = await api.get(f"{path_of('26XA000123')}/evidence", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")
    await api.post(f"{path_of('26XA000123')}/withdrawal", {"reason": "lost"})
    other = await api.get(f"{path_of('26XA000123')}/evidence", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status == 200
    assert len(Bundle.parse(other.raw).events) == 1


async def test_offices_may_have_it_and_customs_may_not(api: Api):
    """It holds names and addresses, and every salt."""
    await api.publish()
    assert (await api.as_("auditor").get(f"{path_of('26XA000123')}/evidence")).status == 200
    assert (await api.as_("customs").get(f"{path_of('26XA000123')}/evidence")).status == 403


async def test_unknown_and_ambiguous_numbers_answer_as_for_the_document(api: Api):
    """404; 409 with the candidates, which type and year narrow; 400 for what is not asked for like this."""
    path = f"{path_of('26XA000123')}/evidence"
    assert (await api.get(path)).status == 404
    await api.publish()
    await api.publish(type="O", subtype="other")
    assert (await api.get(path)).code == "AMBIGUOUS_NUMBER"
    assert (await api.get(f"{path}?type=E")).status == 200
    assert (await api.get(f"{path}?colour=red")).status == 400
