"""Evidence bundles (C.7): one file that proves what is known of a permit, to somebody without a network or a node.

``archive`` is the ZIP file, ``bundle`` what its members mean, ``testimony`` whether one document in it is believed, and
``judgement`` what follows from all of them.

Not here: what a node puts into a bundle (``acts.evidence``), and how trust in a root comes about (``trust``).
"""
