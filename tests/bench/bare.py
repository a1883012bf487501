"""The bare libraries: what a document and a request cost without anything of ours.

Run as ``python -m tests.bench.bare PORT`` this is the bare server: an aiohttp handler that reads a JSON body.
"""

from __future__ import annotations

import sys
from datetime import datetime

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.xades.xades import XAdESDataObjectFormat, XAdESSignatureConfiguration, XAdESSigner, XAdESVerifier

from epix_node.signing.profile import CONTENT_MIME_TYPE


class BareSigner:
    """signxml's own XAdES signer with the settings of the profile (C.6).

    What it writes under exclusive C14N no verifier accepts; the work is the same but for six lines.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate
        self._signer = XAdESSigner(
            data_object_format=XAdESDataObjectFormat(Description="EPIX exchange document", MimeType=CONTENT_MIME_TYPE),
            method=SignatureConstructionMethod.enveloped,
            signature_algorithm=SignatureMethod.ECDSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )

    def sign(self, document: bytes) -> bytes:
        """The signed document."""
        root = etree.fromstring(document)
        signed = self._signer.sign(root, key=self._key, cert=[self._certificate], always_add_key_value=False)
        return etree.tostring(signed, encoding="UTF-8", xml_declaration=True)


class BareVerifier:
    """signxml's own XAdES verifier with the settings of the profile, for documents of one certificate."""

    def __init__(self, certificate: x509.Certificate, *, at: datetime) -> None:
        self._certificate = certificate
        self._config = XAdESSignatureConfiguration(
            location="./",
            expect_references=3,
            signature_methods=frozenset({SignatureMethod.ECDSA_SHA256}),
            digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
            default_reference_c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
            verification_time=at,
        )

    def verify(self, document: bytes) -> None:
        """Return where the signature is good; raises otherwise."""
        XAdESVerifier().verify(document, x509_cert=self._certificate, expect_config=self._config)


async def _answer(request: web.Request) -> web.Response:
    await request.json()
    return web.json_response({"status": "VALID"})


async def _ready(_: web.Request) -> web.Response:
    return web.json_response({})


def make_bare_app() -> web.Application:
    """One route that reads JSON and answers JSON."""
    app = web.Application()
    app.router.add_post("/api/v1/status", _answer)
    app.router.add_get("/readyz", _ready)
    return app


if __name__ == "__main__":
    web.run_app(make_bare_app(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=lambda _: None)
