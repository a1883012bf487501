"""The transparency log: leaves, Merkle trees and proofs, tiles, checkpoints, witnesses (decisions 4, 5, 10; C.3, C.4).

Pure: nothing here reads a file, a clock, a database or a socket. Each module stands beside one text that it implements:

    merkle, proof     RFC 6962 section 2.1
    tiles, bundle     c2sp.org/tlog-tiles
    note              c2sp.org/signed-note
    checkpoint        c2sp.org/tlog-checkpoint
    cosignature       c2sp.org/tlog-cosignature
    witness           c2sp.org/tlog-witness
    policy            c2sp.org/tlog-policy
    tlog_proof        c2sp.org/tlog-proof
    entry, evidence   federation profile, C.3 and C.4 item 10
"""
