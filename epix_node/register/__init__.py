"""The transparency log: leaves, Merkle roots, signed checkpoints and entry bundles (protocol decision 4, 5; C.4).

Pure. Proofs, hash tiles and witnesses come with the register issue.
"""
