"""HTTP message signatures (RFC 9421) between nodes: which node asks, and which one answered which question.

Both sides of both are here, so that what ``federation`` signs and what ``web`` checks, and the other way round, cannot
drift apart.
"""
