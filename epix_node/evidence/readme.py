"""What stands in every bundle for whoever opens it with nothing but a ZIP program."""

from __future__ import annotations

README = """\
Evidence about one CITES permit
===============================

This file was made by a node of the federation for electronic CITES permits. It holds what somebody needs who wants to
check the permit without a network and without trusting whoever handed the file over:

  permit.xml          the permit, as its issuer signed it, byte for byte
  permit.tlog-proof   the proof that the permit is in its issuer's public register, and who else has seen it there
  events/             what happened to the permit, as the countries concerned signed it, each with its own proof
  trust/              whose keys count: the chain from the root of the federation down to the keys of each country
  verdict.json        what the node said of the permit when it made this file. Nobody signed that: check for yourself.

To check it, with the program epix-node on any machine:

  epix-node verify FILE.epix --offline --root root.json

root.json is the root of the federation's trust list. Get it from the Secretariat and compare its fingerprint with the
printed one. Never take it from this file: whoever forges a permit can forge a root.

What a good answer means: the permit was genuine, and what this file tells of it is true, at the time that the answer
names. What happened later, or what somebody left out, is not in here: a node answers for today.
"""
"""In plain English, in ASCII, so that every text viewer shows it."""
